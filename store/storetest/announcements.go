package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"chasqui/bot"
	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/i18n"
	"chasqui/outbox"
)

// Announcements is what a store does for announcements.
type Announcements interface {
	broadcast.RunnerStore
	Announcement(ctx context.Context, id int64) (broadcast.Announcement, bool, error)
	Announce(ctx context.Context, now time.Time, changes ...broadcast.Change) (id int64, err error)
	Preview(ctx context.Context, a broadcast.Announcement) (broadcast.Preview, error)
	NamesBehind(ctx context.Context, id int64, state outbox.State, after int64, n int) ([]broadcast.Recipient, error)
	NotMade(ctx context.Context, id int64, skip, n int) ([]broadcast.Recipient, error)
	PreviewNames(ctx context.Context, a broadcast.Announcement, why broadcast.Reason, skip, n int) ([]broadcast.Candidate, error)
	TimeLeft(ctx context.Context, st broadcast.Standing, now time.Time) (time.Duration, error)
	Backlog(ctx context.Context, now time.Time) ([]outbox.Backlog, error)
	Overdue(ctx context.Context, before time.Time, lowest outbox.Lane) ([]outbox.Overdue, error)
	Underway(ctx context.Context) (broadcast.Underway, error)
	Recount(ctx context.Context) (wrong []int64, err error)
	LinkRoom(ctx context.Context, slug string, room channel.Address, actor string, now time.Time) error
	SeenInRoom(ctx context.Context, m channel.Message, left bool, now time.Time) error
}

// people enrols n people with an address each, and returns them.
func (w *world) people(n int) []string {
	w.Helper()
	var who []string
	for i := range n {
		id := "p" + strconv.Itoa(1000+i)
		w.agreed(id)
		who = append(who, id)
	}
	return who
}

func news(class broadcast.Class, audience string) broadcast.Announcement {
	return broadcast.Announcement{Class: class, Audience: audience,
		Texts: map[i18n.Lang]string{i18n.French: "bonjour", i18n.Spanish: "hola"}}
}

// approve keeps an announcement, confirms and starts it.
func (w *world) approve(a broadcast.Announcement) int64 {
	w.Helper()
	ok := broadcast.Announcement{Nonce: "n", NonceUntil: w.now.Add(time.Minute), StartAt: w.now}
	id, err := w.Announce(w.Context(), w.now,
		broadcast.Change{Verb: broadcast.Save, Announcement: a, Actor: "operator"},
		broadcast.Change{Verb: broadcast.Ask, Announcement: ok, Actor: "operator"},
		broadcast.Change{Verb: broadcast.Approve, Announcement: ok, Actor: "operator"})
	w.check(err)
	return id
}

func (w *world) start(a broadcast.Announcement) int64 {
	w.Helper()
	id := w.approve(a)
	approved, _, err := w.Announcement(w.Context(), id)
	w.check(err)
	started, err := w.Start(w.Context(), approved, w.now)
	w.check(err)
	if !started {
		w.Fatal("the announcement did not start")
	}
	return id
}

func (w *world) do(verb broadcast.Verb, id int64) error {
	_, err := w.Announce(w.Context(), w.now, broadcast.Change{Verb: verb, ID: id, Actor: "operator"})
	return err
}

// deliver claims and records as sent until nothing is left, and returns the chats in order.
func (w *world) deliver(atOnce int) (chats []string) {
	w.Helper()
	var results []outbox.Result
	for range 10_000 {
		claimed, next, err := w.Advance(w.Context(), account, w.now, results, outbox.Claim{Want: atOnce, Lowest: outbox.News})
		w.check(err)
		if len(claimed) == 0 && len(results) == 0 && !next.Equal(w.now) {
			return chats
		}
		results = nil
		for _, d := range claimed {
			chats = append(chats, d.To.ID)
			results = append(results, outbox.Result{ID: d.ID, State: outbox.Sent, ProviderID: "x" + d.To.ID})
		}
	}
	w.Fatal("it never ends")
	return nil
}

func (w *world) standing(id int64) broadcast.Standing {
	w.Helper()
	st, ok, err := w.Standing(w.Context(), id)
	w.check(err)
	if !ok {
		w.Fatalf("announcement %d is gone", id)
	}
	wrong, err := w.Recount(w.Context())
	w.check(err)
	if len(wrong) > 0 {
		w.Errorf("the counts of announcements %v are wrong", wrong)
	}
	return st
}

func announcing(w *world) {
	who := w.people(7)
	id := w.start(news(broadcast.News, "all"))
	if st := w.standing(id); st.In(outbox.Queued) != 7 || st.Total != 7 {
		w.Errorf("before anything leaves: %+v", st.Networks)
	}
	if finished, err := w.Finish(w.Context(), id, nil, w.now); finished || err != nil {
		w.Errorf("finished before anything left, %v", err)
	}
	got := w.deliver(3)
	slices.Sort(got)
	if !slices.Equal(got, who) {
		w.Errorf("reached %v, want %v", got, who)
	}
	say := []outbox.Draft{draft("p1000", "done", outbox.Reply)}
	for i, want := range []bool{true, false} {
		finished, err := w.Finish(w.Context(), id, say, w.now)
		w.check(err)
		if finished != want {
			w.Errorf("finish %d: %v", i+1, finished)
		}
	}
	if again, err := w.Start(w.Context(), w.standing(id).Announcement, w.now); again || err != nil {
		w.Errorf("a finished announcement started again, %v", err)
	}
	w.expect("said at the end", w.deliver(3), "p1000")
	if st := w.standing(id); st.State != broadcast.Done || st.In(outbox.Sent) != 7 || st.Open() != 0 {
		w.Errorf("in the end: %s %+v", st.State, st.Networks)
	}
	names, err := w.NamesBehind(w.Context(), id, outbox.Sent, 0, 100)
	w.check(err)
	if len(names) != 7 || names[0].MemberID != w.turn("p1000", "").Member.ID {
		w.Errorf("names %+v", names)
	}
}

// audiences holds the SQL of random rules against a naive reading of the same rules.
func audiences(w *world) {
	chance := rand.New(rand.NewPCG(3, 4))
	regions, kinds, schemes := []string{"cusco", "puno", "lima", ""}, []community.Kind{community.Volunteer, community.Host, community.Reciprocity}, []string{"VSI", "SCI", ""}
	var members []community.Member
	for i := range 40 {
		m := w.meet("p" + strconv.Itoa(i))
		m.Consent, m.Region, m.Kind, m.Scheme = community.Given, regions[chance.IntN(4)], kinds[chance.IntN(3)], schemes[chance.IntN(3)]
		o := bot.Outcome{Member: &m}
		if chance.IntN(2) == 0 {
			o.Join = []string{"visas"}
			m.Profile = "in visas" // where the naive reading finds it
		}
		w.commit(w.turn("p"+strconv.Itoa(i), "x"), o)
		members = append(members, m)
	}
	fits := func(t community.Term, m community.Member) bool {
		switch t.Kind {
		case community.Everybody:
			return true
		case community.InGroup:
			return t.Value == "visas" && m.Profile == "in visas"
		case community.InRegion:
			return m.Region == t.Value
		case community.OfKind:
			return string(m.Kind) == t.Value
		case community.OfScheme:
			return m.Scheme == t.Value
		}
		return strconv.FormatInt(m.ID, 10) == t.Value
	}
	atoms := []string{"all", "group:visas", "region:cusco", "region:puno", "kind:volunteer", "kind:host", "scheme:VSI", "member:3", "member:17"}
	for range 150 {
		rule := atoms[chance.IntN(len(atoms))]
		for range chance.IntN(4) {
			rule += []string{"+", ",", ",-"}[chance.IntN(3)] + atoms[chance.IntN(len(atoms))]
		}
		a, err := community.ParseAudience(rule)
		w.check(err)
		want := 0
		for _, m := range members {
			in := slices.ContainsFunc(a.AnyOf, func(terms []community.Term) bool {
				return !slices.ContainsFunc(terms, func(t community.Term) bool { return !fits(t, m) })
			})
			if in && !slices.ContainsFunc(a.Not, func(t community.Term) bool { return fits(t, m) }) {
				want++
			}
		}
		p, err := w.Preview(w.Context(), news(broadcast.News, rule))
		w.check(err)
		if p.Matching != want || p.Private != want {
			w.Errorf("%s: %d fit and %d get it, want %d", rule, p.Matching, p.Private, want)
		}
	}
	if _, err := w.Preview(w.Context(), news(broadcast.News, "group:nowhere")); err == nil {
		w.Error("a group that does not exist is an audience")
	}
}

func frozen(w *world) {
	w.people(2)
	id := w.start(news(broadcast.News, "all"))
	w.agreed("late")
	changed := news(broadcast.News, "all")
	changed.ID, changed.Texts[i18n.French] = id, "autre chose"
	if _, err := w.Announce(w.Context(), w.now, broadcast.Change{Verb: broadcast.Save, ID: id, Announcement: changed, Actor: "operator"}); !errors.Is(err, bot.ErrStale) {
		w.Errorf("what has started was changed: %v", err)
	}
	texts, claimed := w.claim(5)
	w.expect("who came too late gets nothing", texts, "bonjour\n\n— — —\n\nhola", "bonjour\n\n— — —\n\nhola")
	if len(claimed) != 2 || claimed[0].AnnouncementID != id || claimed[0].Attempt != 1 {
		w.Errorf("claimed %+v", claimed)
	}
}

func stopsInBetween(w *world) {
	w.people(3)
	id := w.start(news(broadcast.News, "all"))
	t := w.turn("p1001", "/stop")
	t.Member.StoppedAt = w.now
	w.commit(t, bot.Outcome{Member: &t.Member})
	w.expect("reached", w.deliver(1), "p1000", "p1002")
	if st := w.standing(id); st.In(outbox.Stopped) != 1 || st.In(outbox.Sent) != 2 {
		w.Errorf("counts %+v", st.Networks)
	}
	alert := news(broadcast.Alert, "all")
	alert.ValidFor = time.Hour
	id = w.start(alert)
	w.expect("an alert reaches who said stop", w.deliver(5), "p1000", "p1001", "p1002")
	forgotten, err := w.Announce(w.Context(), w.now, broadcast.Change{Verb: broadcast.Save, Announcement: news(broadcast.News, "all"), Actor: "operator"})
	w.check(err)
	w.now = w.now.Add(60 * 24 * time.Hour)
	w.check(w.Prune(w.Context(), w.now))
	if _, found, err := w.Announcement(w.Context(), forgotten); found || err != nil {
		w.Errorf("a draft of two months ago is still there, %v", err)
	}
	if st := w.standing(id); st.In(outbox.Sent) != 3 {
		w.Errorf("after two months nobody knows any more who got the alert: %+v", st.Networks)
	}
}

func announcementInDoubt(w *world) {
	w.people(5)
	id := w.start(news(broadcast.News, "all"))
	w.claim(2)
	requeued, unknown, err := w.Recover(w.Context(), account, w.now)
	w.check(err)
	if requeued != 0 || unknown != 2 {
		w.Errorf("%d requeued, %d unknown", requeued, unknown)
	}
	w.expect("the others", w.deliver(2), "p1002", "p1003", "p1004")
	if st := w.standing(id); st.In(outbox.Unknown) != 2 || st.Undecided != 2 {
		w.Errorf("counts %+v, %d undecided", st.Networks, st.Undecided)
	}
	finished, err := w.Finish(w.Context(), id, nil, w.now)
	w.check(err)
	if !finished {
		w.Error("an announcement with unknown deliveries is not done")
	}
	w.check(w.do(broadcast.SendUnknown, id))
	if st := w.standing(id); st.State != broadcast.Sending {
		w.Errorf("it is %s", st.State)
	}
	w.claim(2)
	_, _, err = w.Recover(w.Context(), account, w.now)
	w.check(err)
	w.check(w.do(broadcast.LeaveUnknown, id))
	if st := w.standing(id); st.In(outbox.Unknown) != 2 || st.Undecided != 0 {
		w.Errorf("left alone: %+v, %d undecided", st.Networks, st.Undecided)
	}
	if err := w.do(broadcast.LeaveUnknown, id); !errors.Is(err, bot.ErrStale) {
		w.Errorf("decided twice: %v", err)
	}
}

func pausedAnnouncement(w *world) {
	w.people(4)
	id := w.start(news(broadcast.News, "all"))
	_, claimed := w.claim(1)
	w.record(outbox.Result{ID: claimed[0].ID, State: outbox.Queued, Due: w.now, Fault: channel.Temporary})
	w.check(w.do(broadcast.Pause, id))
	w.expect("while it is paused", w.deliver(3))
	other := w.start(news(broadcast.News, "member:"+fmt.Sprint(w.turn("p1000", "").Member.ID)))
	w.expect("another one is not held up", w.deliver(3), "p1000")
	w.check(w.do(broadcast.Resume, id))
	got := w.deliver(3)
	slices.Sort(got)
	w.expect("resumed", got, "p1000", "p1001", "p1002", "p1003")
	if st := w.standing(other); st.In(outbox.Sent) != 1 {
		w.Errorf("the other: %+v", st.Networks)
	}
}

func cancelledAnnouncement(w *world) {
	w.people(6)
	id := w.start(news(broadcast.News, "all"))
	_, claimed := w.claim(2)
	w.record(outbox.Result{ID: claimed[0].ID, State: outbox.Queued, Due: w.now, Fault: channel.Temporary})
	w.check(w.do(broadcast.Cancel, id))
	w.record(outbox.Result{ID: claimed[1].ID, State: outbox.Sent, ProviderID: "1"})
	w.expect("after the cancellation", w.deliver(5))
	st := w.standing(id)
	if st.In(outbox.Sent) != 1 || st.In(outbox.Stopped) != 5 || st.Total != 6 {
		w.Errorf("counts %+v", st.Networks)
	}
	left, err := w.NotMade(w.Context(), id, 1, 10)
	w.check(err)
	if len(left) != 3 || left[0].MemberID != w.turn("p1003", "").Member.ID {
		w.Errorf("never made: %+v", left)
	}
	if err := w.do(broadcast.Resume, id); !errors.Is(err, bot.ErrStale) {
		w.Errorf("a cancelled one goes on: %v", err)
	}
}

func alertBeforeNews(w *world) {
	w.people(3)
	w.start(news(broadcast.News, "all"))
	w.claim(1)
	alert := news(broadcast.Alert, "all")
	alert.ValidFor = time.Hour
	id := w.start(alert)
	_, claimed := w.claim(2)
	for _, d := range claimed {
		if d.AnnouncementID != id || d.Lane != outbox.Alert {
			w.Errorf("claimed %+v", d)
		}
	}
	w.now = w.now.Add(2 * time.Hour)
	_, _, err := w.Recover(w.Context(), account, w.now)
	w.check(err)
	w.deliver(3)
	if st := w.standing(id); st.In(outbox.Expired) != 3 {
		w.Errorf("after its time: %+v", st.Networks)
	}
}

func roomReaders(w *world) {
	who := w.people(4)
	room := channel.Address{Network: channel.Telegram, ID: "-100"}
	w.check(w.LinkRoom(w.Context(), community.Announcements, room, "operator", w.now))
	for _, p := range append(who[:2:2], "stranger") {
		m := channel.Message{Chat: room, Room: true, From: channel.Sender{ID: p}}
		w.check(w.SeenInRoom(w.Context(), m, false, w.now))
		w.check(w.SeenInRoom(w.Context(), m, false, w.now))
	}
	w.check(w.SeenInRoom(w.Context(), channel.Message{Chat: room, From: channel.Sender{ID: who[1]}}, true, w.now))
	p, err := w.Preview(w.Context(), news(broadcast.News, "all"))
	w.check(err)
	if p.Reading != 1 || p.Private != 3 || len(p.Rooms) != 1 || p.Rooms[0].Readers != 1 {
		w.Errorf("preview %+v", p)
	}
	w.start(news(broadcast.News, "all"))
	w.expect("reached", w.deliver(9), "-100", who[1], who[2], who[3])
	p, err = w.Preview(w.Context(), news(broadcast.News, "all,-kind:host"))
	w.check(err)
	if p.Private != 4 || len(p.Rooms) != 0 {
		w.Errorf("with an exclusion nothing is posted for all to read: %+v", p)
	}
}
