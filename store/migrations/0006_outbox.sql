-- Deliveries: what leaves by the ten thousand keeps fewer indexes and counters up to date.

-- What is open is few, and is asked after all the time: its index answers alone.
DROP INDEX delivery_sending;
DROP INDEX delivery_open;
CREATE INDEX delivery_open ON delivery(network, chat, lane, state, announcement_id) WHERE state IN ('queued', 'sending');

-- A delivery that arrives is in no state for which staff look by name often: it stands in one index that
-- never changes, and the states that somebody acts on have theirs.
DROP INDEX delivery_state_of;
CREATE INDEX delivery_in_announcement ON delivery(announcement_id) WHERE announcement_id IS NOT NULL;
CREATE INDEX delivery_amiss ON delivery(announcement_id, state)
	WHERE announcement_id IS NOT NULL AND state IN ('queued', 'failed', 'stopped', 'expired', 'unknown');

-- What is asked after by person, by ticket or by doubt must not read two million others.
DROP INDEX delivery_announced_to;
CREATE INDEX delivery_of_member ON delivery(member_id, announcement_id) WHERE member_id IS NOT NULL;
CREATE INDEX delivery_of_ticket ON delivery(ticket_id) WHERE ticket_id IS NOT NULL;
CREATE INDEX delivery_unknown ON delivery(announcement_id) WHERE state = 'unknown';

-- Only what belongs to no announcement is removed by age.
DROP INDEX delivery_done;
CREATE INDEX delivery_done ON delivery(done_at) WHERE done_at IS NOT NULL AND announcement_id IS NULL;

-- As before, but in one trigger and without what is in flight: a claim would be counted only to be counted
-- back at once, and whoever asks counts the few that are open instead. One final state is recorded once; a sent
-- delivery may still be reported delivered and read, an unknown one may be decided, and a person may have a failed
-- one of an announcement tried again. What was never claimed was never sent.
DROP TRIGGER delivery_is_final;
DROP TRIGGER tally_made;
DROP TRIGGER tally_moved;
DROP TRIGGER tally_removed;
DELETE FROM tally WHERE state = 'sending';
CREATE TRIGGER tally_made AFTER INSERT ON delivery WHEN NEW.state <> 'sending' AND NEW.announcement_id IS NOT NULL
BEGIN
	INSERT INTO tally (announcement_id, network, state, n) VALUES (NEW.announcement_id, NEW.network, NEW.state, 1)
	ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER delivery_moves AFTER UPDATE OF state ON delivery WHEN NEW.state <> OLD.state
BEGIN
	SELECT RAISE(ABORT, 'a final delivery does not change') WHERE OLD.state <> 'sending' AND (
		OLD.state IN ('stopped', 'expired', 'read')
		OR (OLD.state = 'failed' AND NOT (NEW.state = 'queued' AND OLD.announcement_id IS NOT NULL))
		OR (OLD.state = 'sent' AND NEW.state NOT IN ('delivered', 'read'))
		OR (OLD.state = 'delivered' AND NEW.state <> 'read')
		OR (OLD.state = 'unknown' AND NEW.state NOT IN ('queued', 'sent', 'failed'))
		OR (OLD.state = 'queued' AND NEW.state IN ('sent', 'delivered', 'read', 'unknown')));
	UPDATE tally SET n = n - 1
	WHERE OLD.state <> 'sending' AND announcement_id = OLD.announcement_id AND network = OLD.network AND state = OLD.state;
	INSERT INTO tally (announcement_id, network, state, n)
	SELECT NEW.announcement_id, NEW.network, NEW.state, 1 WHERE NEW.state <> 'sending' AND NEW.announcement_id IS NOT NULL
	ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER tally_removed AFTER DELETE ON delivery WHEN OLD.state <> 'sending' AND OLD.announcement_id IS NOT NULL
BEGIN
	UPDATE tally SET n = n - 1 WHERE announcement_id = OLD.announcement_id AND network = OLD.network AND state = OLD.state;
END;
