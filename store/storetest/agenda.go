package storetest

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"chasqui/agenda"
	"chasqui/bot"
	"chasqui/community"
	"chasqui/i18n"
	"chasqui/outbox"
)

// plain says texts by their keys and values: what the stories check is who is told what, not how.
type plain struct{}

func (plain) T(_ i18n.Lang, key string, args ...any) string {
	return fmt.Sprint(append([]any{key, " "}, args...)...)
}

func lima() *time.Location {
	zone, err := time.LoadLocation("America/Lima")
	if err != nil {
		panic(err) // the tests embed every zone
	}
	return zone
}

func (w *world) keeper() *agenda.Timekeeper {
	return &agenda.Timekeeper{Store: w.Store, Voice: agenda.Voice{Texts: plain{}, Home: lima()}, Log: slog.New(slog.DiscardHandler), Wake: func() {}}
}

func (w *world) tick() {
	w.Helper()
	w.check(w.keeper().Tick(w.Context(), w.now))
}

// publish lets ana publish an event and returns its first occurrence.
func (w *world) publish(e agenda.Event) agenda.Occurrence {
	w.Helper()
	if w.turn("ana", "").Member.ID == 0 {
		w.check(w.AddStaff(w.Context(), at("ana"), community.Admin, w.now))
	}
	if e.Titles == nil {
		e.Titles = map[i18n.Lang]string{i18n.French: "Goûter", i18n.Spanish: "Lonche"}
	}
	if e.Zone == "" {
		e.Zone = "America/Lima"
	}
	e.Audience = "all"
	var made agenda.Occurrence
	say := func(_ agenda.Event, o agenda.Occurrence) []outbox.Draft { made = o; return nil }
	w.commit(w.turn("ana", "draft"), bot.Outcome{Agenda: []agenda.Change{agenda.SaveDraft{Event: e}}})
	w.commit(w.turn("ana", "publish"), bot.Outcome{Agenda: []agenda.Change{agenda.Publish{Say: say}}})
	if made.ID == 0 {
		w.Fatal("nothing was published")
	}
	return made
}

// answer lets somebody answer and returns what became of it; who moves up is told «up».
func (w *world) answer(who string, o agenda.Occurrence, a agenda.Answer) agenda.Answer {
	w.Helper()
	var card agenda.Card
	w.commit(w.turn(who, string(a)), bot.Outcome{Agenda: []agenda.Change{agenda.Reply{OccurrenceID: o.ID, Answer: a, Say: func(now agenda.Card, up []agenda.Person) []outbox.Draft {
		card = now
		return w.keeper().Voice.UpDrafts(now, up, w.now)
	}}}})
	return card.Mine
}

// told claims everything that leaves now and returns «who: key» of each.
func (w *world) told() []string {
	w.Helper()
	var out []string
	for {
		_, claimed := w.claim(100)
		if len(claimed) == 0 {
			return out
		}
		for _, d := range claimed {
			key, _, _ := strings.Cut(strings.TrimPrefix(d.Content.Text, "*"), " ")
			out = append(out, d.To.ID+": "+key)
			w.record(outbox.Result{ID: d.ID, State: outbox.Sent, ProviderID: fmt.Sprint(d.ID)})
		}
	}
}

func (w *world) clock(wall string) {
	w.Helper()
	parsed, err := agenda.ParseWall(wall)
	w.check(err)
	w.now = parsed.In(lima())
}

func seats(w *world) {
	o := w.publish(agenda.Event{Start: "2026-12-05 16:00", Seats: 1})
	for who, want := range map[string]agenda.Answer{"a": agenda.Yes} {
		if got := w.answer(who, o, agenda.Yes); got != want {
			w.Fatalf("%s: %s", who, got)
		}
	}
	if b, c := w.answer("b", o, agenda.Yes), w.answer("c", o, agenda.Yes); b != agenda.Waiting || c != agenda.Waiting {
		w.Fatalf("b %s, c %s", b, c)
	}
	// The same tap again changes nothing, not even a place in the list.
	if got := w.answer("b", o, agenda.Yes); got != agenda.Waiting {
		w.Errorf("b is %s after a second tap", got)
	}
	w.expect("before a seat is free", w.told())
	w.answer("a", o, agenda.No)
	w.expect("when a seat is free", w.told(), "b: event.up")
	if card, _, _ := w.Card(w.Context(), w.turn("c", "").Member.ID, o.ID); card.Coming != 1 || card.Mine != agenda.Waiting || card.Rank != 1 {
		w.Errorf("c sees %d coming, is %s at %d", card.Coming, card.Mine, card.Rank)
	}
	// Somebody is erased: the next tick finds the seat.
	w.check(w.Erase(w.Context(), w.turn("b", "").Member.ID, "operator", w.now))
	w.tick()
	w.tick()
	w.expect("after an erasure", w.told(), "c: event.up")
	w.answer("d", o, agenda.Yes)
	w.answer("e", o, agenda.Yes)
	alter := func(seats int) {
		w.commit(w.turn("ana", "seats"), bot.Outcome{Agenda: []agenda.Change{agenda.Alter{OccurrenceID: o.ID,
			To: func(o agenda.Occurrence) agenda.Occurrence { o.Seats = seats; return o },
			Say: func(_, after agenda.Card, _, up []agenda.Person) []outbox.Draft {
				return w.keeper().Voice.UpDrafts(after, up, w.now)
			}}}})
	}
	alter(2)
	w.expect("with a seat more", w.told(), "d: event.up")
	alter(1)
	if got := w.answer("d", o, agenda.Yes); got != agenda.Yes {
		w.Errorf("d is %s after the seats became fewer", got)
	}
	w.answer("c", o, agenda.No)
	w.expect("a seat that is no more goes to nobody", w.told())
	alter(0)
	w.expect("without a limit everybody comes", w.told(), "e: event.up")
}

func crowd(w *world) {
	o := w.publish(agenda.Event{Start: "2026-12-05 16:00", Seats: 3})
	const many = 24
	var turns []bot.Turn
	for i := range many {
		w.meet(fmt.Sprint("p", i))
		turns = append(turns, w.turn(fmt.Sprint("p", i), "yes"))
	}
	var got [many]agenda.Answer
	var errs [many]error
	var group sync.WaitGroup
	for i, t := range turns {
		group.Go(func() {
			_, errs[i] = w.Commit(w.Context(), t, bot.Outcome{Member: &t.Member, Agenda: []agenda.Change{agenda.Reply{OccurrenceID: o.ID, Answer: agenda.Yes,
				Say: func(now agenda.Card, _ []agenda.Person) []outbox.Draft { got[i] = now.Mine; return nil }}}})
		})
	}
	group.Wait()
	count := map[agenda.Answer]int{}
	for i := range many {
		w.check(errs[i])
		count[got[i]]++
	}
	if count[agenda.Yes] != 3 || count[agenda.Waiting] != many-3 {
		w.Errorf("answers %v", count)
	}
}

func remindOnce(w *world) {
	w.clock("2026-11-20 10:00")
	o := w.publish(agenda.Event{Start: "2026-12-05 16:00"})
	w.answer("a", o, agenda.Yes)
	w.answer("b", o, agenda.Maybe)
	w.answer("c", o, agenda.No)
	for _, step := range []struct {
		wall string
		want []string
	}{
		{"2026-11-28 15:59", nil},
		{"2026-11-28 16:00", []string{"ana: event.remind", "a: event.remind", "b: event.remind"}},
		{"2026-11-28 16:01", nil},
		{"2026-11-27 16:00", nil}, // the clock went back
		{"2026-11-28 16:00", nil},
		{"2026-12-05 03:59", []string{"ana: event.remind", "a: event.remind", "b: event.remind"}}, // twelve hours late
		{"2026-12-05 15:49", []string{"ana: event.remind", "a: event.remind", "b: event.remind"}},
		{"2026-12-05 16:30", nil},
	} {
		w.clock(step.wall)
		var group sync.WaitGroup
		var errs [2]error
		for i := range errs {
			group.Go(func() { errs[i] = w.keeper().Tick(w.Context(), w.now) })
		}
		group.Wait()
		w.check(errs[0])
		w.check(errs[1])
		w.check(w.Store.Close())
		w.Store = w.open(w.T, w.dir)
		w.tick()
		w.expect("at "+step.wall, w.told(), step.want...)
	}
}

func remindConsent(w *world) {
	w.clock("2026-11-20 10:00")
	o := w.publish(agenda.Event{Start: "2026-12-05 16:00"})
	for _, who := range []string{"never", "refused", "stopped"} {
		m := w.meet(who)
		w.answer(who, o, agenda.Yes)
		switch who {
		case "refused":
			m.Consent = community.Refused
		case "stopped":
			m.StoppedAt = w.now
		}
		w.commit(w.turn(who, "x"), bot.Outcome{Member: &m})
	}
	w.clock("2026-11-28 16:00")
	w.tick()
	w.expect("who comes asked for it", w.told(), "ana: event.remind", "never: event.remind", "refused: event.remind")
}

func remindLate(w *world) {
	w.clock("2026-11-20 10:00")
	o := w.publish(agenda.Event{Start: "2026-12-05 16:00"})
	w.answer("a", o, agenda.Yes)
	w.clock("2026-12-06 10:00") // a week and more without a tick
	w.tick()
	w.expect("after it all", w.told(), "ana: event.missed.late")
	w.tick()
	w.expect("told once", w.told())
	if len(agenda.ReminderKinds) != 3 {
		w.Error("the story is about three kinds")
	}
}

func moving(w *world) {
	w.clock("2026-11-20 10:00")
	o := w.publish(agenda.Event{Start: "2026-12-05 16:00", End: "2026-12-05 18:00"})
	w.answer("a", o, agenda.Yes)
	w.clock("2026-11-28 16:00")
	w.tick()
	w.expect("for the first date", w.told(), "ana: event.remind", "a: event.remind")
	var concerned int
	move := func(to agenda.Wall) {
		alter := agenda.Alter{OccurrenceID: o.ID, To: func(o agenda.Occurrence) agenda.Occurrence {
			o.Start, o.End, o.State = to, to.Add(2*time.Hour), agenda.Moved
			return o
		}, Say: func(_, after agenda.Card, people, _ []agenda.Person) []outbox.Draft {
			concerned = len(people)
			return nil
		}}
		w.commit(w.turn("ana", "move"), bot.Outcome{Agenda: []agenda.Change{alter}})
	}
	move("2026-12-12 10:00")
	if concerned != 1 {
		w.Errorf("%d concerned", concerned)
	}
	w.clock("2026-12-04 16:00")
	w.tick()
	w.expect("the old date reminds of nothing", w.told())
	w.clock("2026-12-05 10:00")
	w.tick()
	w.expect("the new date reminds anew", w.told(), "ana: event.remind", "a: event.remind")
	move("2026-12-05 16:00")
	w.clock("2026-12-05 15:00")
	w.tick()
	w.expect("back on the old date only what had not left", w.told(), "ana: event.remind", "a: event.remind")
	cancel := agenda.CancelAll{EventID: o.EventID, Say: func(e agenda.Event, people []agenda.Person) []outbox.Draft { concerned = len(people); return nil }}
	move("2026-12-20 10:00")
	w.commit(w.turn("ana", "cancel"), bot.Outcome{Agenda: []agenda.Change{cancel}})
	w.clock("2026-12-13 10:00")
	w.tick()
	w.expect("what is cancelled reminds of nothing", w.told())
}

func recurring(w *world) {
	w.clock("2026-11-20 10:00")
	w.publish(agenda.Event{Start: "2026-11-26 19:00", Zone: "Europe/Paris", Rule: agenda.Weekly})
	count := func() int {
		found, err := w.Upcoming(w.Context(), 0, w.now, w.now.AddDate(1, 0, 0))
		w.check(err)
		return len(found)
	}
	first := count()
	w.tick()
	w.tick()
	if again := count(); first != 13 || again != first {
		w.Errorf("%d occurrences, then %d: ninety days hold thirteen", first, again)
	}
	w.now = w.now.AddDate(0, 0, 7)
	w.tick()
	if n := count(); n != 13 {
		w.Errorf("%d a week later: one is over and one is new", n)
	}
}

func deadlines(w *world) {
	w.clock("2026-11-24 10:00")
	m := w.agreed("theo")
	m.Kind, m.Scheme, m.Region, m.Arrival = community.Volunteer, "HD", "cusco", "2026-11-20"
	w.commit(w.turn("theo", "profile"), bot.Outcome{Member: &m})
	w.tick()
	w.tick()
	w.expect("the latest one missed, once", w.told(), "theo: deadline.text.register")
	w.clock("2026-11-30 09:00")
	w.tick()
	w.expect("ten days after", w.told(), "theo: deadline.text.register")
	anchor := agenda.Anchor("ninety", m)
	if anchor != "2027-02-17" {
		w.Fatalf("the ninetieth day is %s", anchor)
	}
	w.clock("2027-01-27 09:00")
	w.tick()
	w.expect("twenty-one days before the ninetieth", w.told(), "theo: deadline.text.ninety")
	settle := func(done bool) {
		w.commit(w.turn("theo", "tap"), bot.Outcome{Agenda: []agenda.Change{agenda.Settle{Kind: "ninety", Anchor: anchor, Done: done}}})
		w.tick()
	}
	settle(true)
	settle(false)
	settle(true)
	w.clock("2027-02-07 09:00")
	w.tick()
	w.expect("what is done", w.told())
	settle(false)
	w.expect("undone, what was missed and lies ahead is caught up", w.told(), "theo: deadline.text.ninety")
	w.clock("2027-02-14 09:00")
	m.Arrival = "2026-11-25"
	w.commit(w.turn("theo", "profile"), bot.Outcome{Member: &m})
	w.tick()
	w.expect("with another date the count is another", w.told(), "theo: deadline.text.ninety")
	w.clock("2027-03-14 09:00")
	w.check(w.AddStaff(w.Context(), at("ana"), community.Admin, w.now))
	w.tick()
	w.expect("three days before went by while nothing ran", w.told(), "ana: deadline.missed")
}

// clockChanges goes through each event's last week minute by minute near what is due, and back.
func clockChanges(w *world) {
	for i, c := range []struct {
		zone, start string
		// due are the instants, by UTC, of the three reminders.
		due [3]string
	}{
		{"America/Lima", "2026-12-05 16:00", [3]string{"2026-11-28T21:00:00Z", "2026-12-04T21:00:00Z", "2026-12-05T20:00:00Z"}},
		// Paris goes back on 25 October 2026: a week and a day before, it is an hour nearer to UTC.
		{"Europe/Paris", "2026-10-25 18:00", [3]string{"2026-10-18T16:00:00Z", "2026-10-24T16:00:00Z", "2026-10-25T16:00:00Z"}},
		// Half past two comes twice that night; the first one counts.
		{"Europe/Paris", "2026-10-25 02:30", [3]string{"2026-10-18T00:30:00Z", "2026-10-24T00:30:00Z", "2026-10-24T23:30:00Z"}},
		// It goes forward on 28 March 2027: what is a day before an hour that there was not is at that hour all the same.
		{"Europe/Paris", "2027-03-28 02:30", [3]string{"2027-03-21T01:30:00Z", "2027-03-27T01:30:00Z", "2027-03-28T00:00:00Z"}},
		{"Europe/Paris", "2027-03-29 02:30", [3]string{"2027-03-22T01:30:00Z", "2027-03-28T01:00:00Z", "2027-03-28T23:30:00Z"}},
		// A leap day, and the day after it.
		{"America/Lima", "2028-02-29 09:00", [3]string{"2028-02-22T14:00:00Z", "2028-02-28T14:00:00Z", "2028-02-29T13:00:00Z"}},
		{"America/Lima", "2028-03-01 09:00", [3]string{"2028-02-23T14:00:00Z", "2028-02-29T14:00:00Z", "2028-03-01T13:00:00Z"}},
	} {
		start, err := agenda.ParseWall(c.start)
		w.check(err)
		first, err := time.Parse(time.RFC3339, c.due[0])
		w.check(err)
		w.now = first.AddDate(0, 0, -2)
		o := w.publish(agenda.Event{Start: start, Zone: c.zone, Titles: map[i18n.Lang]string{i18n.French: fmt.Sprint(i), i18n.Spanish: fmt.Sprint(i)}})
		w.answer("a", o, agenda.Yes)
		for _, text := range c.due {
			due, err := time.Parse(time.RFC3339, text)
			w.check(err)
			for _, step := range []struct {
				after time.Duration
				want  []string
			}{
				{-time.Minute, nil}, {0, []string{"ana: event.remind", "a: event.remind"}}, {time.Minute, nil},
				{-2 * time.Hour, nil}, {0, nil}, {5 * time.Minute, nil},
			} {
				w.now = due.Add(step.after)
				w.tick()
				w.expect(fmt.Sprintf("%s in %s, %v after %s", c.start, c.zone, step.after, text), w.told(), step.want...)
			}
		}
	}
}

func weekDown(w *world) {
	w.clock("2026-11-20 10:00")
	o := w.publish(agenda.Event{Start: "2026-12-05 16:00"})
	later := w.publish(agenda.Event{Start: "2026-12-14 16:00", Titles: map[i18n.Lang]string{i18n.French: "JIV", i18n.Spanish: "DIV"}})
	w.answer("a", o, agenda.Yes)
	w.answer("a", later, agenda.Yes)
	m := w.agreed("theo")
	m.Kind, m.Scheme, m.Region, m.End = community.Volunteer, "VSI", "cusco", "2027-01-01"
	w.commit(w.turn("theo", "profile"), bot.Outcome{Member: &m})
	w.tick()
	w.expect("what was missed before and lies ahead", w.told(), "theo: deadline.text.mission_end")
	w.clock("2026-12-09 10:00")
	w.tick()
	// The seven days of the second event are two days late at most; of the first everything is over, and the
	// thirty days of a mission's end are a week late.
	w.expect("after a week and more", w.told(), "ana: event.missed.late", "ana: event.remind", "a: event.remind", "ana: deadline.missed")
	w.now = w.now.AddDate(-1, 0, 0)
	w.tick()
	w.expect("with the clock a year back", w.told())
}

func feeds(w *world) {
	o := w.publish(agenda.Event{Start: "2026-12-05 16:00"})
	w.meet("a")
	subscribe := func(hash string) {
		w.commit(w.turn("a", "feed"), bot.Outcome{Agenda: []agenda.Change{agenda.Subscribe{SecretHash: hash}}})
	}
	open := func(hash string) bool {
		_, cards, ok, err := w.Feed(w.Context(), hash, w.now, w.now.AddDate(1, 0, 0))
		w.check(err)
		if ok && (len(cards) != 1 || cards[0].Occurrence.ID != o.ID) {
			w.Errorf("the feed holds %v", cards)
		}
		return ok
	}
	subscribe("one")
	if !open("one") || open("two") || open("") {
		w.Error("a feed does not open to its secret alone")
	}
	subscribe("two")
	if open("one") || !open("two") {
		w.Error("a new secret does not replace the old one")
	}
	subscribe("")
	if open("two") || open("") {
		w.Error("a feed that was ended still opens")
	}
}

func erasingAgenda(w *world) {
	o := w.publish(agenda.Event{Start: "2026-12-05 16:00"})
	m := w.agreed("leo")
	m.Kind, m.End = community.Volunteer, "2027-06-30"
	w.commit(w.turn("leo", "profile"), bot.Outcome{Member: &m})
	w.answer("leo", o, agenda.Yes)
	w.commit(w.turn("leo", "x"), bot.Outcome{Agenda: []agenda.Change{agenda.Subscribe{SecretHash: "h"}, agenda.Settle{Kind: "mission_end", Anchor: m.End, Done: true}}})
	w.tick()
	record, err := w.Record(w.Context(), m.ID)
	w.check(err)
	for _, kept := range []string{`"answer": "yes"`, `"kind": "mission_end"`, `"calendar": [`, `"state": "claimed"`} {
		if !strings.Contains(string(record), kept) {
			w.Errorf("the record does not say %s: %s", kept, record)
		}
	}
	w.check(w.Erase(w.Context(), m.ID, "operator", w.now))
	guests, err := w.Guests(w.Context(), o.ID)
	w.check(err)
	if len(guests) != 1 || guests[0].Answer != "" {
		w.Errorf("left: %+v", guests)
	}
	if _, _, ok, err := w.Feed(w.Context(), "h", w.now, w.now); ok || err != nil {
		w.Errorf("the feed of an erased member opens: %v", err)
	}
}
