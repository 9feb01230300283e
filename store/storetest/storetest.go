// Package storetest is the suite that every store passes: what the domain relies on, told as stories.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"chasqui/agenda"
	"chasqui/bot"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/desk"
	"chasqui/i18n"
	"chasqui/outbox"
)

// Store is all that a store does for the domain.
type Store interface {
	bot.Store
	bot.Releases
	outbox.Store
	agenda.Store
	Enqueue(ctx context.Context, drafts []outbox.Draft, now time.Time) error
	AddStaff(ctx context.Context, a channel.Address, role community.Role, now time.Time) error
	AddInvite(ctx context.Context, codeHash string, role community.Role, now, expires time.Time) error
	Member(ctx context.Context, id int64) (community.Member, error)
	Erase(ctx context.Context, memberID int64, actor string, now time.Time) error
	Feed(ctx context.Context, secretHash string, from, until time.Time) (community.Member, []agenda.Card, bool, error)
	Prune(ctx context.Context, now time.Time) error
	Announcements
	AddLinkCode(ctx context.Context, memberID int64, codeHash string, now, expires time.Time) error
	Close() error
}

// Open opens the store in dir; opening the same dir again finds what was committed.
type Open func(t *testing.T, dir string) Store

// Run plays every story on fresh stores.
func Run(t *testing.T, open Open) {
	for name, story := range map[string]func(*world){
		"a turn is committed once":                        once,
		"a turn is all or nothing":                        whole,
		"a stale ticket is not moved":                     stale,
		"a chat has one ticket and it only rises":         tickets,
		"an invitation is used once":                      invitation,
		"five wrong codes lock an address":                wrongCodes,
		"lanes leave in their order":                      lanes,
		"a chat is served in order, one at a time":        chatOrder,
		"consent is asked at the last moment":             consent,
		"what is over is not sent":                        expiry,
		"a final state stays":                             finality,
		"a crash requeues replies and doubts the rest":    recovery,
		"an outage before a crash costs no answer":        outage,
		"a pause holds news and lets replies go":          pausing,
		"who is gone gets nothing unasked":                gone,
		"a moved room is followed":                        moved,
		"erasing leaves nothing of a person":              erasing,
		"old lines and turns are pruned, others stay":     pruning,
		"a reply under a notice finds its ticket":         quoting,
		"an abandoned ticket is released exactly once":    releasing,
		"a code links two addresses once":                 linkCode,
		"a phone links only what is certain":              linkPhone,
		"one member keeps what two had":                   merging,
		"who was merged meanwhile is thought of again":    mergedMeanwhile,
		"the slower of two accounts takes no stop back":   slower,
		"the last seat goes to one and the next in line":  seats,
		"a crowd never takes more seats than there are":   crowd,
		"a reminder leaves once whatever the clock does":  remindOnce,
		"who comes is reminded unless they said stop":     remindConsent,
		"a reminder too late is skipped and told":         remindLate,
		"a moved occurrence is reminded of anew":          moving,
		"reminders keep the clock when it changes":        clockChanges,
		"a week without running tells what it missed":     weekDown,
		"a calendar feed opens to its secret alone":       feeds,
		"erasing leaves no answer and no deadline":        erasingAgenda,
		"occurrences are made ahead, each once":           recurring,
		"deadlines follow dates and stop when done":       deadlines,
		"what was committed is there after opening again": reopening,
		"an announcement reaches each once":               announcing,
		"an audience is what its rule says":               audiences,
		"what an announcement says is frozen":             frozen,
		"who stops in between gets nothing":               stopsInBetween,
		"a crash leaves what was in flight in doubt":      announcementInDoubt,
		"an announcement is paused and resumed":           pausedAnnouncement,
		"a cancelled announcement goes no further":        cancelledAnnouncement,
		"an alert leaves before news on its way":          alertBeforeNews,
		"who reads a room gets no private message":        roomReaders,
		"an announcement is taken back":                   takenBack,
		"a confirmation is used once and soon":            confirmation,
		"who was erased is counted and not written to":    erasedInBetween,
		"a cause reaches a chat once":                     causes,
		"what waits is counted lane by lane":              backlog,
		"what should have left is overdue":                overdue,
		"the time left follows what left lately":          timeLeft,
		"names stand behind every number of a preview":    previewNames,
		"names stand behind every number":                 namesBehind,
		"a chat that is held waits, others do not":        heldChats,
		"who refuses is counted from a resume on":         refusals,
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{T: t, open: open, dir: filepath.Join(t.TempDir(), "data"), now: time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)}
			w.Store = open(t, w.dir)
			t.Cleanup(func() { w.check(w.Store.Close()) })
			story(w)
		})
	}
}

// world is one story's store and clock.
type world struct {
	*testing.T
	Store
	open Open
	dir  string
	now  time.Time
	ids  int
}

func (w *world) check(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

func at(id string) channel.Address { return channel.Address{Network: channel.Telegram, ID: id} }

var account = outbox.Account{Network: channel.Telegram}

// turn begins a turn of somebody.
func (w *world) turn(who, text string) bot.Turn {
	w.Helper()
	w.ids++
	m := channel.Message{Kind: channel.Text, ID: fmt.Sprintf("m%d", w.ids), Chat: at(who), From: channel.Sender{ID: who, Name: who}, Text: text, At: w.now, Addressed: true}
	before, err := w.Begin(w.Context(), m, w.now)
	w.check(err)
	return bot.Turn{Message: m, Before: before, Now: w.now, Language: i18n.French}
}

// commit commits an outcome and fails unless it was committed.
func (w *world) commit(t bot.Turn, o bot.Outcome) {
	w.Helper()
	if o.Member == nil && !o.Erase {
		o.Member = &t.Member
	}
	committed, err := w.Commit(w.Context(), t, o)
	w.check(err)
	if !committed {
		w.Fatal("the turn was not committed")
	}
}

// meet makes a member of somebody and returns their turn's member.
func (w *world) meet(who string) community.Member {
	w.Helper()
	w.commit(w.turn(who, "hello"), bot.Outcome{})
	return w.turn(who, "").Member
}

// agreed is somebody who may be written to.
func (w *world) agreed(who string) community.Member {
	w.Helper()
	m := w.meet(who)
	m.Consent = community.Given
	w.commit(w.turn(who, "yes"), bot.Outcome{Member: &m})
	return m
}

func draft(who, text string, lane outbox.Lane) outbox.Draft {
	return outbox.Draft{Lane: lane, To: at(who), Content: channel.Content{Text: text}}
}

// claim claims up to n deliveries and returns their texts.
func (w *world) claim(n int) (texts []string, claimed []outbox.Delivery) {
	w.Helper()
	claimed, _, err := w.Advance(w.Context(), account, w.now, nil, outbox.Claim{Want: n, Lowest: outbox.News})
	w.check(err)
	for _, d := range claimed {
		texts = append(texts, d.Content.Text)
	}
	return texts, claimed
}

func (w *world) record(r ...outbox.Result) {
	w.Helper()
	_, _, err := w.Advance(w.Context(), account, w.now, r, outbox.Claim{})
	w.check(err)
}

func (w *world) expect(what string, got []string, want ...string) {
	w.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.Errorf("%s: %q, want %q", what, got, want)
	}
}

func once(w *world) {
	t := w.turn("ana", "hello")
	w.commit(t, bot.Outcome{Send: []outbox.Draft{draft("ana", "hi", outbox.Reply)}})
	committed, err := w.Commit(w.Context(), t, bot.Outcome{Member: &t.Member, Send: []outbox.Draft{draft("ana", "hi", outbox.Reply)}})
	w.check(err)
	if committed {
		w.Error("the same message was committed twice")
	}
	before, err := w.Begin(w.Context(), t.Message, w.now)
	w.check(err)
	if !before.Seen {
		w.Error("a repeated message is not recognised")
	}
	texts, _ := w.claim(10)
	w.expect("replies", texts, "hi")
}

func whole(w *world) {
	t := w.turn("ana", "hello")
	broken := bot.Outcome{Member: &t.Member, Send: []outbox.Draft{draft("ana", "hi", outbox.Reply)}, Join: []string{"no-such-group"}}
	if committed, err := w.Commit(w.Context(), t, broken); err == nil || committed {
		w.Fatalf("an outcome that cannot be was committed: %v", err)
	}
	if again := w.turn("ana", "hello"); again.Member.ID != 0 || again.Seen {
		w.Error("half of a refused turn is left")
	}
	texts, _ := w.claim(10)
	w.expect("replies", texts)
}

func (w *world) ticket(who string) desk.Ticket {
	w.Helper()
	t := w.turn(who, "").Ticket
	if t == nil {
		w.Fatalf("%s has no ticket", who)
	}
	return *t
}

func stale(w *world) {
	w.meet("leo")
	w.commit(w.turn("leo", "human"), bot.Outcome{Open: &bot.TicketOpening{Reason: desk.Asked}})
	ana := w.meet("ana")
	k := w.ticket("leo")
	take := bot.Outcome{Move: &bot.TicketMove{ID: k.ID, From: desk.Waiting, To: desk.Held, Holder: ana.ID}}
	w.commit(w.turn("ana", "take"), take)
	t := w.turn("ben", "take")
	take.Member = &t.Member
	if _, err := w.Commit(w.Context(), t, take); !errors.Is(err, bot.ErrStale) {
		w.Errorf("a ticket was taken twice: %v", err)
	}
	if w.turn("ben", "").Member.ID != 0 {
		w.Error("a stale turn left something behind")
	}
	if got := w.ticket("leo"); got.State != desk.Held || got.HolderID != ana.ID {
		w.Errorf("the ticket is %+v", got)
	}
}

func tickets(w *world) {
	w.meet("leo")
	for _, o := range []bot.TicketOpening{
		{Reason: desk.Unanswered}, {Reason: desk.Danger, Danger: "robbery", Urgent: true}, {Reason: desk.Asked}, {Reason: desk.Unanswered},
	} {
		w.commit(w.turn("leo", "x"), bot.Outcome{Open: &o, Send: []outbox.Draft{{Lane: outbox.Reply, To: at("ana"), TicketID: bot.ThisTicket,
			Content: channel.Content{Text: "ticket " + bot.TicketMark, Buttons: [][]channel.Button{{{Label: "take", Data: "t:" + bot.TicketMark}}}}}}})
	}
	open, err := w.OpenTickets(w.Context())
	w.check(err)
	if len(open) != 1 || open[0].Reason != desk.Danger || !open[0].Urgent || open[0].Danger != "robbery" {
		w.Fatalf("open: %+v", open)
	}
	_, claimed := w.claim(1)
	if c := claimed[0]; c.TicketID != open[0].ID || c.Content.Text != fmt.Sprint("ticket ", open[0].ID) || c.Content.Buttons[0][0].Data != fmt.Sprint("t:", open[0].ID) {
		w.Errorf("the notice is %+v", c)
	}
}

func invitation(w *world) {
	w.check(w.AddInvite(w.Context(), "hash", community.Admin, w.now, w.now.Add(time.Hour)))
	redeem := &bot.Redemption{CodeHash: "hash", Role: community.Admin}
	w.commit(w.turn("ana", "code"), bot.Outcome{Redeem: redeem})
	if got := w.turn("ana", "").Role; got != community.Admin {
		w.Errorf("role %q", got)
	}
	t := w.turn("eve", "code")
	if _, err := w.Commit(w.Context(), t, bot.Outcome{Member: &t.Member, Redeem: redeem}); !errors.Is(err, bot.ErrStale) {
		w.Errorf("a code was used twice: %v", err)
	}
	if _, ok, err := w.Invite(w.Context(), "hash", w.now); ok || err != nil {
		w.Errorf("a used invitation is offered: %v", err)
	}
	w.check(w.AddInvite(w.Context(), "late", community.Agent, w.now, w.now.Add(time.Hour)))
	if _, ok, _ := w.Invite(w.Context(), "late", w.now.Add(2*time.Hour)); ok {
		w.Error("an expired invitation is offered")
	}
}

func wrongCodes(w *world) {
	w.meet("eve")
	for range 5 {
		if w.turn("eve", "").LockedOut {
			w.Fatal("locked too early")
		}
		w.commit(w.turn("eve", "/staff x"), bot.Outcome{WrongCode: true})
	}
	if !w.turn("eve", "").LockedOut {
		w.Error("five wrong codes do not lock")
	}
	w.now = w.now.Add(25 * time.Hour)
	if w.turn("eve", "").LockedOut {
		w.Error("a day later it is still locked")
	}
}

func erasing(w *world) {
	m := w.meet("leo")
	w.commit(w.turn("leo", "secret words"), bot.Outcome{
		Said: []bot.Said{{Who: desk.ByMember, Text: "secret words"}}, Open: &bot.TicketOpening{Reason: desk.Asked},
		Conversation: &bot.Conversation{Question: "consent", Expires: w.now.Add(time.Hour)}, Join: []string{community.Announcements},
		Requests: []desk.Request{{Requester: "autre", Object: "x", Mode: "Telegram", Situation: "autre", Service: "conseil", Decision: "handover"}},
		Send:     []outbox.Draft{draft("leo", "to leo", outbox.Reply), {Lane: outbox.Reply, To: at("ana"), TicketID: bot.ThisTicket, Content: channel.Content{Text: "leo wrote secret words"}}},
	})
	w.check(w.Erase(w.Context(), m.ID, "operator", w.now))
	if _, err := w.Record(w.Context(), m.ID); err == nil {
		w.Error("there is still a record")
	}
	t := w.turn("leo", "who am I")
	if t.Member.ID != 0 || t.Conversation.Question != "" || t.Ticket != nil || len(t.Groups) != 0 || t.Replies != 0 {
		w.Errorf("left: %+v", t.Before)
	}
	texts, _ := w.claim(5)
	w.expect("deliveries", texts)
	f, err := w.Figures(w.Context(), w.now)
	w.check(err)
	if f.Requests != 1 {
		w.Errorf("the ledger has %d lines: counts stay", f.Requests)
	}
	if err := w.Erase(w.Context(), m.ID, "operator", w.now); err == nil {
		w.Error("somebody was erased twice")
	}
}

func pruning(w *world) {
	m := w.meet("leo")
	w.commit(w.turn("leo", "old"), bot.Outcome{Said: []bot.Said{{Who: desk.ByMember, Text: "old"}}})
	w.now = w.now.Add(40 * 24 * time.Hour)
	fresh := w.turn("leo", "new")
	w.commit(fresh, bot.Outcome{Said: []bot.Said{{Who: desk.ByMember, Text: "new"}}})
	w.check(w.Prune(w.Context(), w.now))
	lines, err := w.Lines(w.Context(), m.ID, 10)
	w.check(err)
	if len(lines) != 1 || lines[0].Text != "new" {
		w.Errorf("lines %+v", lines)
	}
	if before, err := w.Begin(w.Context(), fresh.Message, w.now); err != nil || !before.Seen {
		w.Errorf("a fresh turn was forgotten: %v", err)
	}
}

func quoting(w *world) {
	w.check(w.AddStaff(w.Context(), at("ana"), community.Admin, w.now))
	w.meet("leo")
	w.commit(w.turn("leo", "human"), bot.Outcome{Open: &bot.TicketOpening{Reason: desk.Asked}, Send: []outbox.Draft{{Lane: outbox.Reply, To: at("ana"), TicketID: bot.ThisTicket, Content: channel.Content{Text: "notice"}}}})
	_, claimed := w.claim(1)
	w.record(outbox.Result{ID: claimed[0].ID, State: outbox.Sent, ProviderID: "55"})
	for who, found := range map[string]bool{"ana": true, "leo": false} {
		m := channel.Message{Kind: channel.Text, ID: "q" + who, Chat: at(who), From: channel.Sender{ID: who}, ReplyTo: "55"}
		b, err := w.Begin(w.Context(), m, w.now)
		w.check(err)
		if (b.Quoted != nil) != found {
			w.Errorf("%s quotes %+v", who, b.Quoted)
		}
	}
}

func releasing(w *world) {
	ana := w.meet("ana")
	w.meet("leo")
	w.commit(w.turn("leo", "human"), bot.Outcome{Open: &bot.TicketOpening{Reason: desk.Asked}})
	k := w.ticket("leo")
	w.commit(w.turn("ana", "take"), bot.Outcome{Move: &bot.TicketMove{ID: k.ID, From: desk.Waiting, To: desk.Held, Holder: ana.ID}})
	w.now = w.now.Add(25 * time.Hour)
	old, err := w.Abandoned(w.Context(), w.now.Add(-24*time.Hour))
	w.check(err)
	if len(old) != 1 {
		w.Fatalf("%d abandoned", len(old))
	}
	say := []outbox.Draft{draft("leo", "released", outbox.Reply)}
	for i, want := range []bool{true, false} {
		released, err := w.Release(w.Context(), old[0], say, w.now)
		w.check(err)
		if released != want {
			w.Errorf("release %d: %v", i+1, released)
		}
	}
	texts, _ := w.claim(5)
	w.expect("said", texts, "released")
}

func reopening(w *world) {
	w.commit(w.turn("ana", "hello"), bot.Outcome{Send: []outbox.Draft{draft("ana", "hi", outbox.Reply)}})
	w.check(w.Store.Close())
	w.Store = w.open(w.T, w.dir)
	if w.turn("ana", "").Member.Name != "" && w.turn("ana", "").Member.ID == 0 {
		w.Error("the member is gone")
	}
	texts, _ := w.claim(5)
	w.expect("deliveries", texts, "hi")
}
