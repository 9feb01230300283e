package storetest

import (
	"errors"
	"slices"
	"time"

	"chasqui/bot"
	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/outbox"
)

func takenBack(w *world) {
	w.people(4)
	id := w.start(news(broadcast.News, "all"))
	_, claimed := w.claim(2)
	w.record(outbox.Result{ID: claimed[0].ID, State: outbox.Sent, ProviderID: "77"})
	w.check(w.do(broadcast.Retract, id))
	content := func(v broadcast.Variant) channel.Content { return channel.Content{Text: "taken back " + string(v)} }
	back := func() bool {
		a, _, err := w.Announcement(w.Context(), id)
		w.check(err)
		done, err := w.Retract(w.Context(), a, 10, content, w.now)
		w.check(err)
		return done
	}
	if back() {
		w.Error("all is taken back while one is in flight")
	}
	w.record(outbox.Result{ID: claimed[1].ID, State: outbox.Sent, ProviderID: "78"})
	if !back() {
		w.Error("it is not over")
	}
	_, edits := w.claim(10)
	if len(edits) != 2 || edits[0].Content.Edit != "77" || edits[1].Content.Edit != "78" || !edits[0].Content.Withdraw || edits[0].Content.Text != "taken back both" {
		w.Errorf("edits %+v", edits)
	}
	if err := w.do(broadcast.Retract, id); !errors.Is(err, bot.ErrStale) {
		w.Errorf("taken back twice: %v", err)
	}
	if st := w.standing(id); st.State != broadcast.Cancelled || st.In(outbox.Sent) != 2 || st.In(outbox.Stopped) != 2 {
		w.Errorf("counts %s %+v", st.State, st.Networks)
	}
}

func confirmation(w *world) {
	w.people(1)
	ask := broadcast.Announcement{Nonce: "secret", NonceUntil: w.now.Add(time.Minute), StartAt: w.now.Add(broadcast.UndoFor)}
	draft := broadcast.Change{Verb: broadcast.Save, Announcement: news(broadcast.News, "all"), Actor: "member 1"}
	id, err := w.Announce(w.Context(), w.now, draft, broadcast.Change{Verb: broadcast.Ask, Announcement: ask, Actor: "member 1"})
	w.check(err)
	approve := func(nonce string) error {
		a := ask
		a.Nonce = nonce
		_, err := w.Announce(w.Context(), w.now, broadcast.Change{Verb: broadcast.Approve, ID: id, Announcement: a, Actor: "member 1"})
		return err
	}
	for _, nonce := range []string{"", "other"} {
		if err := approve(nonce); !errors.Is(err, bot.ErrStale) {
			w.Errorf("confirmed with %q: %v", nonce, err)
		}
	}
	draft.Announcement.ID = id
	_, err = w.Announce(w.Context(), w.now, draft)
	w.check(err)
	if err := approve("secret"); !errors.Is(err, bot.ErrStale) {
		w.Errorf("what was changed after the question was confirmed: %v", err)
	}
	_, err = w.Announce(w.Context(), w.now, broadcast.Change{Verb: broadcast.Ask, ID: id, Announcement: ask, Actor: "member 1"})
	w.check(err)
	w.check(approve("secret"))
	if err := approve("secret"); !errors.Is(err, bot.ErrStale) {
		w.Errorf("confirmed twice: %v", err)
	}
	w.check(w.do(broadcast.Undo, id))
	w.now = w.now.Add(time.Hour)
	if err := approve("secret"); !errors.Is(err, bot.ErrStale) {
		w.Errorf("confirmed after the time was over: %v", err)
	}
}

func erasedInBetween(w *world) {
	w.people(3)
	id := w.start(news(broadcast.News, "all"))
	w.claim(1)
	for _, who := range []string{"p1000", "p1001"} {
		w.check(w.Erase(w.Context(), w.turn(who, "").Member.ID, "operator", w.now))
	}
	w.expect("the rest", w.deliver(5), "p1002")
	if st := w.standing(id); st.Total != 3 || st.In(outbox.Stopped) != 1 || st.In(outbox.Sending) != 1 {
		w.Errorf("counts %+v", st.Networks)
	}
}

func causes(w *world) {
	d := draft("a", "remember", outbox.Reply)
	d.Cause = "event 1 2026-12-05 1d"
	other := draft("b", "remember", outbox.Reply)
	other.Cause = d.Cause
	for range 2 {
		w.check(w.Enqueue(w.Context(), []outbox.Draft{d, other}, w.now))
	}
	got := w.deliver(5)
	slices.Sort(got)
	w.expect("once to each", got, "a", "b")
}

func refusals(w *world) {
	w.people(6)
	w.check(w.AddStaff(w.Context(), at("p1000"), community.Publisher, w.now))
	w.check(w.AddStaff(w.Context(), at("p1001"), community.Agent, w.now))
	publishers, err := w.Publishers(w.Context())
	w.check(err)
	if len(publishers) != 1 || publishers[0].To != at("p1000") {
		w.Errorf("told: %+v", publishers)
	}
	id := w.start(news(broadcast.News, "all"))
	lately := func(sends, refused int) {
		w.Helper()
		s, r, err := w.RefusedLately(w.Context(), id, 4)
		w.check(err)
		if s != sends || r != refused {
			w.Errorf("%d of %d refused, want %d of %d", r, s, refused, sends)
		}
	}
	w.now = w.now.Add(time.Second)
	for range 2 {
		_, claimed := w.claim(1)
		w.record(outbox.Result{ID: claimed[0].ID, State: outbox.Failed, Fault: channel.Gone, Reason: "blocked"})
	}
	_, claimed := w.claim(1)
	lately(2, 2)
	w.record(outbox.Result{ID: claimed[0].ID, State: outbox.Sent, ProviderID: "1"})
	lately(3, 2)
	say := []outbox.Draft{draft("p1000", "paused", outbox.Reply)}
	for i, want := range []bool{true, false} {
		halted, err := w.Halt(w.Context(), id, say, w.now)
		w.check(err)
		if halted != want {
			w.Errorf("halt %d: %v", i+1, halted)
		}
	}
	w.expect("while it is paused", w.deliver(9), "p1000")
	w.now = w.now.Add(time.Hour)
	w.check(w.do(broadcast.Resume, id))
	lately(0, 0)
	_, claimed = w.claim(1)
	w.record(outbox.Result{ID: claimed[0].ID, State: outbox.Failed, Fault: channel.Gone, Reason: "blocked"})
	lately(1, 1)
}
