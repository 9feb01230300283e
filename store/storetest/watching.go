package storetest

import (
	"slices"
	"time"

	"chasqui/bot"
	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/outbox"
)

// backlog: what waits is counted with what is not made yet; what is paused waits for nobody.
func backlog(w *world) {
	w.people(5)
	began := w.now
	id := w.start(news(broadcast.News, "all"))
	w.check(w.Enqueue(w.Context(), []outbox.Draft{draft("p1000", "hello", outbox.Reply), {Lane: outbox.Reply, To: at("elsewhere"), Due: w.now.Add(time.Hour)}}, w.now.Add(time.Minute)))
	w.now = w.now.Add(2 * time.Minute)
	lanes := func() map[outbox.Lane]outbox.Backlog {
		all, err := w.Backlog(w.Context(), w.now)
		w.check(err)
		by := map[outbox.Lane]outbox.Backlog{}
		for _, b := range all {
			if b.Network != channel.Telegram {
				w.Errorf("something waits on %s", b.Network)
			}
			by[b.Lane] = b
		}
		return by
	}
	got := lanes()
	if n := got[outbox.News]; n.Queued != 5 || !n.Since.Equal(began) {
		w.Errorf("news %+v", n)
	}
	if r := got[outbox.Reply]; r.Queued != 2 || !r.Since.Equal(began.Add(time.Minute)) {
		w.Errorf("replies %+v", r)
	}
	w.check(w.do(broadcast.Pause, id))
	if n := lanes()[outbox.News]; n.Queued != 5 || !n.Since.IsZero() {
		w.Errorf("paused news %+v", n)
	}
	under, err := w.Underway(w.Context())
	w.check(err)
	if under != (broadcast.Underway{Paused: 1}) {
		w.Errorf("underway %+v", under)
	}
	w.check(w.do(broadcast.Resume, id))
	w.deliver(3)
	if got := lanes(); got[outbox.News].Queued != 0 || got[outbox.Reply].Queued != 1 || !got[outbox.Reply].Since.IsZero() {
		w.Errorf("only what is due in an hour waits, and for nobody: %+v", got)
	}
}

// overdue: due for an hour and not taken up, or tried again for an hour; not what is paused.
func overdue(w *world) {
	w.people(2)
	room := news(broadcast.News, "group:annonces")
	w.check(w.LinkRoom(w.Context(), "annonces", at("-100"), "operator", w.now))
	id := w.start(room)
	w.check(w.Enqueue(w.Context(), []outbox.Draft{draft("p1000", "one", outbox.Reply)}, w.now))
	expect := func(what string, lowest outbox.Lane, want ...outbox.Overdue) {
		w.Helper()
		got, err := w.Overdue(w.Context(), w.now.Add(-time.Hour), lowest)
		w.check(err)
		if !slices.Equal(got, want) {
			w.Errorf("%s: %+v", what, got)
		}
	}
	expect("at once", outbox.News)
	w.now = w.now.Add(time.Hour)
	expect("an hour later", outbox.News, outbox.Overdue{Network: channel.Telegram, Waiting: 2})
	expect("of the replies", outbox.Reply, outbox.Overdue{Network: channel.Telegram, Waiting: 1})
	w.check(w.do(broadcast.Pause, id))
	_, claimed := w.claim(5)
	w.record(outbox.Result{ID: claimed[0].ID, State: outbox.Queued, Due: w.now.Add(time.Minute), Fault: channel.Temporary})
	expect("paused, and tried again", outbox.News, outbox.Overdue{Network: channel.Telegram, Retried: 1})
}

// timeLeft: by what ended since the last change, nothing while anything holds it.
func timeLeft(w *world) {
	w.people(60)
	id := w.start(news(broadcast.News, "all"))
	left := func() time.Duration {
		d, err := w.TimeLeft(w.Context(), w.standing(id), w.now)
		w.check(err)
		return d
	}
	send := func(n int) {
		_, claimed := w.claim(n)
		var results []outbox.Result
		for _, d := range claimed {
			results = append(results, outbox.Result{ID: d.ID, State: outbox.Sent})
		}
		w.record(results...)
	}
	w.now = w.now.Add(time.Minute)
	send(9)
	if d := left(); d != 0 {
		w.Errorf("nine are enough to say %v", d)
	}
	send(11)
	if d := left(); d != 2*time.Minute {
		w.Errorf("twenty a minute, forty left: %v", d)
	}
	w.check(w.do(broadcast.Pause, id))
	if d := left(); d != 0 {
		w.Errorf("while it is paused: %v", d)
	}
	w.now = w.now.Add(4 * time.Minute)
	w.check(w.do(broadcast.Resume, id))
	w.now = w.now.Add(40 * time.Second)
	send(10)
	if d := left(); d != 2*time.Minute {
		w.Errorf("ten in forty seconds since it was resumed, thirty left: %v", d)
	}
	w.commit(w.turn("p1000", "/pause"), bot.Outcome{Pause: true})
	if d := left(); d != 0 {
		w.Errorf("while everything is held: %v", d)
	}
	w.commit(w.turn("p1000", "/resume"), bot.Outcome{Resume: true})
	w.now = w.now.Add(6 * time.Minute)
	if d := left(); d != 0 {
		w.Errorf("after six minutes in which nothing left: %v", d)
	}
}

// previewNames: the pages together are the number, each person once.
func previewNames(w *world) {
	w.people(7)
	t := w.turn("p1001", "/stop")
	t.Member.StoppedAt = w.now
	w.commit(t, bot.Outcome{Member: &t.Member})
	w.meet("stranger")
	a := news(broadcast.News, "all")
	p, err := w.Preview(w.Context(), a)
	w.check(err)
	numbers := map[broadcast.Reason]int{"": p.Reached()}
	for _, e := range p.Excluded {
		numbers[e.Why] = e.N
	}
	if numbers[""] != 6 || numbers[broadcast.SaidStop] != 1 || len(numbers) != 3 {
		w.Errorf("the preview says %v", numbers)
	}
	seen := map[int64]bool{}
	for why, n := range numbers {
		got := 0
		for skip := 0; ; skip += 4 {
			page, err := w.PreviewNames(w.Context(), a, why, skip, 4)
			w.check(err)
			for _, c := range page {
				if seen[c.MemberID] {
					w.Errorf("%q: member %d again", why, c.MemberID)
				}
				seen[c.MemberID] = true
			}
			got += len(page)
			if len(page) < 4 {
				break
			}
		}
		if got != n {
			w.Errorf("%d names behind %d %q", got, n, why)
		}
	}
}

// namesBehind: for every number that staff see there are as many names, or it says that they were erased.
func namesBehind(w *world) {
	w.people(9)
	id := w.start(news(broadcast.News, "all"))
	w.check(w.Erase(w.Context(), w.turn("p1000", "").Member.ID, "operator", w.now))
	_, claimed := w.claim(4)
	w.record(
		outbox.Result{ID: claimed[0].ID, State: outbox.Sent, ProviderID: "1"},
		outbox.Result{ID: claimed[1].ID, State: outbox.Failed, Fault: channel.Rejected, Reason: "refused"},
		outbox.Result{ID: claimed[2].ID, State: outbox.Unknown, Fault: channel.Ambiguous, Reason: "cut"})
	check := func(what string) {
		w.Helper()
		st := w.standing(id)
		for _, state := range []outbox.State{outbox.Sent, outbox.Failed, outbox.Stopped, outbox.Expired, outbox.Unknown, broadcast.Waiting} {
			names, err := w.NamesBehind(w.Context(), id, state, 0, 100)
			w.check(err)
			if st.Unmade() == state {
				rest, err := w.NotMade(w.Context(), id, 0, 100)
				w.check(err)
				names = append(names, rest...)
			}
			n := len(names)
			if state == outbox.Stopped {
				n += st.Erased
			}
			if n != st.In(state) {
				w.Errorf("%s: %d names behind %d %s", what, n, st.In(state), state)
			}
			for _, r := range names {
				if why := r.WhyKey(); (why == "") != (state == outbox.Sent || r.State == outbox.Queued || r.State == outbox.Sending) {
					w.Errorf("%s: %+v is explained by %q", what, r, why)
				}
			}
		}
	}
	check("on its way")
	if st := w.standing(id); st.Erased != 1 || st.In(outbox.Sending) != 1 {
		w.Errorf("%d erased, %+v", st.Erased, st.Networks)
	}
	w.check(w.do(broadcast.LeaveUnknown, id))
	names, err := w.NamesBehind(w.Context(), id, outbox.Unknown, 0, 10)
	w.check(err)
	if len(names) != 1 || names[0].WhyKey() != "announce.behind.left" {
		w.Errorf("left as it is: %+v", names)
	}
	w.check(w.do(broadcast.Cancel, id))
	check("cancelled")
	if u, err := w.Underway(w.Context()); err != nil || u != (broadcast.Underway{}) {
		w.Errorf("underway %+v, %v", u, err)
	}
}
