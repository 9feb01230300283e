package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chasqui/channel"
	"chasqui/outbox"
)

// TestWhatIsOldGoesInSmallStepsAndTheFileShrinks fills thirty thousand replies, lets them grow old and prunes them. While
// that goes on replies are queued, and none waits for all of it.
func TestWhatIsOldGoesInSmallStepsAndTheFileShrinks(t *testing.T) {
	now := time.Date(2026, 12, 1, 15, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "chasqui.db")
	s, err := Open(t.Context(), path, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	const many = 30_000
	_, err = s.write.ExecContext(t.Context(), `INSERT INTO delivery (key, lane, network, chat, body, state, due_at, created_at, done_at)
		WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < $1)
		SELECT 'k' || n, 1, 'telegram', n, '{"text":"' || hex(zeroblob(200)) || '"}', 'sent', 1, 1, $2 FROM i`, many, now.UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	if _, err := s.write.ExecContext(t.Context(), `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	full := size()
	now = now.Add(40 * 24 * time.Hour)
	done := make(chan error, 1)
	go func() { done <- s.Prune(t.Context(), now) }()
	queued := 0
	for running := true; running; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		default:
			if err := s.Enqueue(t.Context(), []outbox.Draft{{Lane: outbox.Reply, To: channel.Address{Network: channel.Telegram, ID: fmt.Sprint("q", queued)}}}, now); err != nil {
				t.Fatal(err)
			}
			queued++
		}
	}
	if queued < 10 {
		t.Errorf("only %d were queued while old ones went", queued)
	}
	f, err := s.Figures(t.Context(), now)
	if err != nil || f.Queued != queued {
		t.Errorf("%d queued, want %d, %v", f.Queued, queued, err)
	}
	var left int
	if err := s.read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM delivery WHERE state = 'sent'`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d old ones are left, %v", left, err)
	}
	if now := size(); now > full/2 {
		t.Errorf("the file has %d bytes, %d before", now, full)
	}
}

// TestNothingThatHappensOftenReadsAWholeTable asks SQLite how it would go about the sentences that are said while an
// announcement leaves or a page is looked at: none may read all deliveries.
func TestNothingThatHappensOftenReadsAWholeTable(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "chasqui.db"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	often := map[string]string{
		"claimable": claimable, "recipientsAt": recipientsAt, "insertClaimed": insertClaimed, "recordSent": recordSent, "recordResult": recordResult,
		"fanning": fanning, "onTheirWay": onTheirWay, "earliestDue": earliestDue, "counted": counted, "recoverable": recoverable, "uncertain": uncertain, "planAnew": planAnew,
		"takenBack": takenBack, "namesBehind": namesBehind, "refusedLately": refusedLately, "figures": figureQueries, "stopErased": stopErased, "blankErased": blankErased,
		"cancel": `UPDATE delivery SET state = 'stopped' WHERE announcement_id = $1 AND state = 'queued'`,
		"faults": `SELECT fault, COUNT(*) FROM delivery WHERE announcement_id = $1 AND state = 'failed' GROUP BY fault`,
		"doubts": `SELECT COUNT(*) FROM delivery WHERE announcement_id = $1 AND state = 'unknown' AND reason <> $2`,
		"member": `UPDATE delivery SET member_id = NULL WHERE member_id = $1`,
		"ticket": `UPDATE delivery SET ticket_id = NULL WHERE ticket_id = $1`,
	}
	for _, o := range old {
		often[o.statement] = o.statement
	}
	for name, statement := range often {
		args := make([]any, 12)
		for i := range args {
			args[i] = "1"
		}
		rows, err := s.read.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, args[:strings.Count(statement, "$")]...)
		for n := range args {
			if err == nil {
				break
			}
			rows, err = s.read.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, args[:n]...)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		steps := 0
		for ; rows.Next(); steps++ {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			for _, table := range []string{"delivery", "d", "e", "turn", "line"} {
				if step == "SCAN "+table {
					t.Errorf("%s reads all of %s", name, table)
				}
			}
		}
		if err := rows.Err(); err != nil || steps == 0 {
			t.Errorf("%s: %d steps, %v", name, steps, err)
		}
	}
}
