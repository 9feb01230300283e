package storetest

import (
	"time"

	"chasqui/bot"
	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/outbox"
)

func lanes(w *world) {
	drafts := []outbox.Draft{draft("a", "news", outbox.News), draft("b", "reminder", outbox.Reminder), draft("c", "reply", outbox.Reply), draft("d", "alert", outbox.Alert)}
	for i := range drafts {
		drafts[i].MemberID = w.agreed(drafts[i].To.ID).ID
	}
	w.check(w.Enqueue(w.Context(), drafts, w.now))
	texts, _ := w.claim(10)
	w.expect("order", texts, "alert", "reply", "reminder", "news")
}

func chatOrder(w *world) {
	w.meet("a")
	w.check(w.Enqueue(w.Context(), []outbox.Draft{draft("a", "one", outbox.Reply), draft("a", "two", outbox.Reply)}, w.now))
	texts, first := w.claim(10)
	w.expect("in flight", texts, "one")
	w.record(outbox.Result{ID: first[0].ID, State: outbox.Queued, Due: w.now.Add(time.Minute), Fault: channel.Temporary, Reason: "offline"})
	texts, _ = w.claim(10)
	w.expect("while the first waits for its retry", texts)
	w.check(w.Enqueue(w.Context(), []outbox.Draft{draft("a", "alert", outbox.Alert)}, w.now))
	texts, alert := w.claim(10)
	w.expect("an alert overtakes", texts, "alert")
	w.now = w.now.Add(2 * time.Minute)
	w.record(outbox.Result{ID: alert[0].ID, State: outbox.Sent, ProviderID: "9"})
	texts, again := w.claim(10)
	w.expect("after a minute", texts, "one")
	if again[0].Attempt != 2 || again[0].Key != first[0].Key {
		w.Errorf("the second try is %+v", again[0])
	}
}

func consent(w *world) {
	m := w.agreed("a")
	news := draft("a", "news", outbox.News)
	news.MemberID = m.ID
	alert := draft("a", "alert", outbox.Alert)
	alert.MemberID = m.ID
	w.check(w.Enqueue(w.Context(), []outbox.Draft{news, alert}, w.now))
	m.StoppedAt = w.now
	w.commit(w.turn("a", "/stop"), bot.Outcome{Member: &m})
	texts, claimed := w.claim(10)
	w.expect("after stop", texts, "alert")
	w.record(outbox.Result{ID: claimed[0].ID, State: outbox.Sent, ProviderID: "1"})
	texts, _ = w.claim(10)
	w.expect("news after stop", texts)
	f, err := w.Figures(w.Context(), w.now)
	w.check(err)
	if f.Queued != 0 || f.Stopped != 1 {
		w.Errorf("figures %+v", f)
	}
}

func expiry(w *world) {
	w.meet("a")
	d := draft("a", "old", outbox.Alert)
	d.Expires = w.now.Add(time.Minute)
	later := draft("b", "later", outbox.Reply)
	later.Due = w.now.Add(time.Hour)
	w.check(w.Enqueue(w.Context(), []outbox.Draft{d, later}, w.now))
	w.now = w.now.Add(2 * time.Minute)
	_, next, err := w.Advance(w.Context(), account, w.now, nil, outbox.Claim{Want: 5, Lowest: outbox.News})
	w.check(err)
	if !next.Equal(later.Due) {
		w.Errorf("next is %v, want %v", next, later.Due)
	}
	f, err := w.Figures(w.Context(), w.now)
	w.check(err)
	if f.Queued != 1 {
		w.Errorf("%d are queued", f.Queued)
	}
}

func finality(w *world) {
	w.check(w.Enqueue(w.Context(), []outbox.Draft{draft("a", "x", outbox.Reply)}, w.now))
	_, claimed := w.claim(1)
	w.record(outbox.Result{ID: claimed[0].ID, State: outbox.Sent, ProviderID: "1"})
	w.record(outbox.Result{ID: claimed[0].ID, State: outbox.Queued, Due: w.now})
	texts, _ := w.claim(5)
	w.expect("a sent delivery that is recorded again", texts)
}

func recovery(w *world) {
	m := w.agreed("b")
	news := draft("b", "news", outbox.News)
	news.MemberID = m.ID
	w.check(w.Enqueue(w.Context(), []outbox.Draft{draft("a", "reply", outbox.Reply), news}, w.now))
	w.claim(5)
	for want := range 2 {
		requeued, unknown, err := w.Recover(w.Context(), account, w.now)
		w.check(err)
		if requeued != 1-want || unknown != 1 {
			w.Errorf("crash %d: %d requeued, %d unknown", want+1, requeued, unknown)
		}
		texts, _ := w.claim(5)
		if want == 0 {
			w.expect("after the first crash", texts, "reply")
		} else {
			w.expect("after the second", texts)
		}
	}
	f, err := w.Figures(w.Context(), w.now)
	w.check(err)
	if f.Unknown != 2 {
		w.Errorf("%d unknown", f.Unknown)
	}
}

func outage(w *world) {
	w.check(w.Enqueue(w.Context(), []outbox.Draft{draft("a", "reply", outbox.Reply)}, w.now))
	for range 3 {
		_, claimed := w.claim(1)
		w.record(outbox.Result{ID: claimed[0].ID, State: outbox.Queued, Due: w.now, Fault: channel.Temporary, Reason: "offline"})
	}
	w.claim(1)
	requeued, _, err := w.Recover(w.Context(), account, w.now)
	w.check(err)
	if requeued != 1 {
		w.Error("a reply that had only met an outage is not tried again after a crash")
	}
	_, claimed := w.claim(1)
	if len(claimed) != 1 || claimed[0].Unsure != 1 || claimed[0].Attempt != 5 {
		w.Errorf("claimed %+v", claimed)
	}
}

func pausing(w *world) {
	m := w.agreed("b")
	news := draft("b", "news", outbox.News)
	news.MemberID = m.ID
	w.commit(w.turn("b", "/pause"), bot.Outcome{Pause: true})
	w.check(w.Enqueue(w.Context(), []outbox.Draft{news, draft("a", "reply", outbox.Reply)}, w.now))
	texts, _ := w.claim(5)
	w.expect("paused", texts, "reply")
	w.commit(w.turn("b", "/resume"), bot.Outcome{Resume: true})
	texts, _ = w.claim(5)
	w.expect("resumed", texts, "news")
}

func gone(w *world) {
	m := w.agreed("a")
	w.check(w.Enqueue(w.Context(), []outbox.Draft{draft("a", "reply", outbox.Reply)}, w.now))
	_, claimed := w.claim(1)
	w.record(outbox.Result{ID: claimed[0].ID, State: outbox.Failed, Fault: channel.Gone, Reason: "blocked"})
	news := draft("a", "news", outbox.News)
	news.MemberID = m.ID
	w.check(w.Enqueue(w.Context(), []outbox.Draft{news}, w.now))
	texts, _ := w.claim(5)
	w.expect("to who blocked the bot", texts)
	w.commit(w.turn("a", "hello again"), bot.Outcome{})
	w.check(w.Enqueue(w.Context(), []outbox.Draft{news}, w.now))
	texts, _ = w.claim(5)
	w.expect("to who came back", texts, "news")
}

func moved(w *world) {
	w.check(w.Enqueue(w.Context(), []outbox.Draft{draft("-1", "one", outbox.Reply), draft("-1", "two", outbox.Reply)}, w.now))
	_, claimed := w.claim(1)
	w.record(outbox.Result{ID: claimed[0].ID, State: outbox.Queued, Due: w.now, Fault: channel.MovedAway, MovedTo: "-2"})
	for _, want := range []string{"one", "two"} {
		texts, claimed := w.claim(5)
		w.expect("after the move", texts, want)
		if claimed[0].To.ID != "-2" {
			w.Errorf("sent to %s", claimed[0].To.ID)
		}
		w.record(outbox.Result{ID: claimed[0].ID, State: outbox.Sent, ProviderID: "1"})
	}
}

func heldChats(w *world) {
	w.people(2)
	w.check(w.Enqueue(w.Context(), []outbox.Draft{draft("a", "one", outbox.Reply), draft("b", "two", outbox.Reply)}, w.now))
	w.start(news(broadcast.News, "all"))
	held := outbox.Claim{Want: 9, Lowest: outbox.News, Held: []string{"a", "p1001"}}
	claimed, _, err := w.Advance(w.Context(), account, w.now, nil, held)
	w.check(err)
	var chats []string
	for _, d := range claimed {
		chats = append(chats, d.To.ID)
	}
	w.expect("while two chats are held", chats, "b", "p1000")
	w.expect("when they open", w.deliver(9), "a", "p1001")
}
