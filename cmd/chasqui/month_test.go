package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chasqui/agenda"
	"chasqui/bot"
	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/i18n"
	"chasqui/outbox"
	"chasqui/store"
)

// month is a community of 394 through a simulated month: the real store, schedules, announcements and outbox, with
// a clock of its own and a network that fails as networks do.
type month struct {
	t      *testing.T
	store  *store.Store
	box    *outbox.Outbox
	keeper *agenda.Timekeeper
	runner *broadcast.Runner
	home   *time.Location
	begin  time.Time
	now    time.Time
	chance *rand.Rand

	members []community.Member
	blocked map[string]bool
	// got is what arrived, by chat and text, and when; doubt is how much may have arrived or not.
	got     map[string]map[string]time.Time
	doubt   map[string]int
	arrived int
}

// Send implements outbox.Sender.
func (w *month) Send(_ context.Context, out channel.Outgoing) (string, error) {
	who := out.To.ID
	fault := func(f channel.Fault) error { return &channel.SendError{Fault: f, Err: errors.New("simulated")} }
	switch {
	case w.blocked[who]:
		return "", fault(channel.Gone)
	case w.chance.IntN(100) < 3:
		return "", fault(channel.Temporary)
	case w.chance.IntN(200) == 0:
		w.doubt[who]++
		return "", fault(channel.Ambiguous)
	}
	if w.got[who] == nil {
		w.got[who] = map[string]time.Time{}
	}
	if at, twice := w.got[who][out.Content.Text]; twice {
		w.t.Errorf("%s got the same at %s and at %s: %q", who, at, w.now, firstLine(out.Content.Text))
	}
	w.got[who][out.Content.Text] = w.now
	w.arrived++
	return fmt.Sprint(w.arrived), nil
}

func firstLine(s string) string { line, _, _ := strings.Cut(s, "\n"); return line }

func (w *month) check(err error) {
	if err != nil {
		w.t.Helper()
		w.t.Fatal(err)
	}
}

func newMonth(t *testing.T) *month {
	w := &month{t: t, chance: rand.New(rand.NewPCG(394, 2026)), blocked: map[string]bool{}, got: map[string]map[string]time.Time{}, doubt: map[string]int{}}
	var err error
	w.home, err = time.LoadLocation("America/Lima")
	w.check(err)
	// Europe/Paris changes its clocks on 28 March 2027, in the middle of it.
	w.begin = time.Date(2027, 3, 20, 7, 0, 0, 0, w.home)
	w.now = w.begin
	w.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "chasqui.db"), w.now)
	w.check(err)
	t.Cleanup(func() { w.check(w.store.Close()) })
	texts, err := i18n.Load()
	w.check(err)
	quiet, clock := slog.New(slog.DiscardHandler), func() time.Time { return w.now }
	w.box = outbox.New(w.store, w, outbox.Account{Network: channel.Telegram}, outbox.Options{Zone: w.home}, quiet, clock)
	w.keeper = &agenda.Timekeeper{Store: w.store, Voice: agenda.Voice{Texts: texts, Home: w.home}, Log: quiet, Wake: func() {}}
	w.runner = broadcast.NewRunner(w.store, texts, w.home, clock, func(channel.Network) {}, quiet)
	return w
}

// enrol imports 374 volunteers in 17 departments and 20 of reciprocity in France, as the report of 2025 counts them.
func (w *month) enrol() {
	date := func(days int) string { return w.begin.AddDate(0, 0, days).Format("2006-01-02") }
	rows := []string{"name,telegram,language,kind,scheme,region,arrival,end,visa_end"}
	for i := range 394 {
		kind, region, language := "volunteer", community.Regions[i%17].Name, []string{"fr", "fr", "es", "en"}[i%4]
		scheme := []string{"VSI", "SCI", "HD", "chantier"}[w.chance.IntN(4)]
		if i >= 374 {
			kind, region, language, scheme = "reciprocity", "France", "es", []string{"SCI", "VSI"}[i%2]
		}
		arrival := w.chance.IntN(200) - 180
		end := max(arrival+30, w.chance.IntN(260)-40)
		rows = append(rows, fmt.Sprintf("Member %d,%d,%s,%s,%s,%s,%s,%s,%s", i, 1000+i, language, kind, scheme, region, date(arrival), date(end), date(end+w.chance.IntN(40))))
	}
	roster, err := community.ReadRoster([]byte(strings.Join(rows, "\n")+"\n"), false)
	w.check(err)
	_, written, err := w.store.Import(w.t.Context(), roster.Rows, true, w.now)
	w.check(err)
	if !written {
		w.t.Fatal("the roster was refused")
	}
	for i := range 394 {
		id := fmt.Sprint(1000 + i)
		w.turn(id, fmt.Sprint("hello", i), func(before bot.Before) bot.Outcome {
			m := before.Member
			if i%40 == 0 {
				m.StoppedAt = w.now
			}
			w.members = append(w.members, m)
			return bot.Outcome{Member: &m}
		})
		w.blocked[id] = i%50 == 7
	}
}

// turn commits what somebody's tap changes.
func (w *month) turn(chat, id string, think func(bot.Before) bot.Outcome) {
	w.t.Helper()
	at := channel.Address{Network: channel.Telegram, ID: chat}
	m := channel.Message{Kind: channel.Press, ID: id, Chat: at, From: channel.Sender{ID: chat}, At: w.now}
	before, err := w.store.Begin(w.t.Context(), m, w.now)
	w.check(err)
	o := think(before)
	if o.Member == nil {
		o.Member = &before.Member
	}
	_, err = w.store.Commit(w.t.Context(), bot.Turn{Message: m, Before: before, Now: w.now, Language: before.Member.Language}, o)
	w.check(err)
}

// plan imports the sample calendar's monthly café in France and a training of 30 seats, to which 60 say yes.
func (w *month) plan() {
	sample, err := os.ReadFile("../../agenda/sample/cafe-virtuel.csv")
	w.check(err)
	sample = append(sample, "2027-03-31,,10:00,12:00,America/Lima,Formation sécurité,Capacitación de seguridad,,Lima,,30,kind:volunteer,\n"...)
	rows, _, err := agenda.ReadSheet(sample, w.home)
	w.check(err)
	_, written, err := w.store.ImportEvents(w.t.Context(), rows, true, w.now)
	w.check(err)
	if !written {
		w.t.Fatal("the calendar was refused")
	}
	silent := func(agenda.Card, []agenda.Person) []outbox.Draft { return nil }
	coming, err := w.store.Upcoming(w.t.Context(), w.members[0].ID, w.now, w.now.AddDate(0, 1, 0))
	w.check(err)
	for _, c := range coming {
		from, to := 0, 60
		if c.Rule != "" {
			from, to = 374, 394
		}
		for i := from; i < to; i++ {
			w.turn(fmt.Sprint(1000+i), fmt.Sprint("yes", c.Occurrence.ID, i), func(bot.Before) bot.Outcome {
				return bot.Outcome{Agenda: []agenda.Change{agenda.Reply{OccurrenceID: c.Occurrence.ID, Answer: agenda.Yes, Say: silent}}}
			})
		}
	}
}

// announce schedules one for nine o'clock on a day of the month, and returns its number.
func (w *month) announce(day int, audience string) int64 {
	w.t.Helper()
	at := time.Date(2027, 3, day, 9, 0, 0, 0, w.home)
	a := broadcast.Announcement{Class: broadcast.News, Audience: audience, Nonce: "n", NonceUntil: w.now.Add(time.Hour), Zone: w.home.String(),
		Texts: map[i18n.Lang]string{i18n.French: fmt.Sprint("Nouvelles du ", day), i18n.Spanish: fmt.Sprint("Noticias del ", day)}, StartAt: at, StartLocal: at.Format("2006-01-02 15:04")}
	id, err := w.store.Announce(w.t.Context(), w.now, broadcast.Change{Verb: broadcast.Save, Announcement: a}, broadcast.Change{Verb: broadcast.Ask, Announcement: a},
		broadcast.Change{Verb: broadcast.Approve, Announcement: a})
	w.check(err)
	return id
}

// run lets time pass in steps of ten minutes. Now and then the process dies and starts again; for eight hours
// of one day it does not run at all.
func (w *month) run(down time.Time) {
	ctx := w.t.Context()
	for end := w.begin.AddDate(0, 0, 30); w.now.Before(end); w.now = w.now.Add(10 * time.Minute) {
		if !w.now.Before(down) && w.now.Before(down.Add(8*time.Hour)) {
			continue
		}
		if w.chance.IntN(200) == 0 {
			_, _, err := w.store.Recover(ctx, outbox.Account{Network: channel.Telegram}, w.now)
			w.check(err)
		}
		w.check(w.keeper.Tick(ctx, w.now))
		w.check(w.runner.Step(ctx))
		w.check(w.box.Drain(ctx))
		w.check(w.runner.Step(ctx))
	}
	w.check(w.box.Drain(ctx))
}

func TestAMonthOfTheCommunity(t *testing.T) {
	began := time.Now()
	w := newMonth(t)
	w.check(w.store.AddStaff(t.Context(), channel.Address{Network: channel.Telegram, ID: "9"}, community.Publisher, w.now))
	w.enrol()
	w.plan()
	down := time.Date(2027, 3, 26, 6, 0, 0, 0, w.home)
	everybody, late, volunteers := w.announce(22, "all"), w.announce(26, "all"), w.announce(30, "kind:volunteer,-scheme:HD")
	w.run(down)
	w.judgeAnnouncements(everybody, late, volunteers)
	w.judgeReminders()
	w.judgeDeadlines()
	f, err := w.store.Figures(t.Context(), w.now)
	w.check(err)
	if f.Queued != 0 {
		t.Errorf("%d are still queued", f.Queued)
	}
	wrong, err := w.store.Recount(t.Context())
	w.check(err)
	if len(wrong) > 0 {
		t.Errorf("the counts of announcements %v are wrong", wrong)
	}
	t.Logf("a month of 394 people: %d messages arrived, %d are of unknown fate, in %v", w.arrived, f.Unknown, time.Since(began).Round(time.Millisecond))
}

func (w *month) judgeAnnouncements(everybody, late, volunteers int64) {
	for id, audience := range map[int64]func(community.Member) bool{
		everybody:  func(community.Member) bool { return true },
		volunteers: func(m community.Member) bool { return m.Kind == community.Volunteer && m.Scheme != "HD" },
	} {
		want, reached := 0, 0
		for i, m := range w.members {
			if !m.Stopped() && audience(m) {
				want++
			}
			for text := range w.got[fmt.Sprint(1000+i)] {
				if strings.HasPrefix(text, "N") && strings.HasSuffix(text, map[int64]string{everybody: " 22", volunteers: " 30"}[id]) {
					reached++
				}
			}
		}
		st, ok, err := w.store.Standing(w.t.Context(), id)
		w.check(err)
		if !ok || st.State != broadcast.Done || st.Arrived() != reached || st.Arrived()+st.In(outbox.Failed)+st.In(outbox.Unknown)+st.In(outbox.Stopped) != st.Total || st.Total < want-len(w.blocked) {
			w.t.Errorf("announcement %d: %s, %d reached, %d of %d agreed: %+v", id, st.State, reached, st.Total, want, st.Networks)
		}
	}
	st, _, err := w.store.Standing(w.t.Context(), late)
	w.check(err)
	if st.State != broadcast.Late || st.Total != 0 {
		w.t.Errorf("what was due while nothing ran is %s", st.State)
	}
	if !slices.ContainsFunc(slices.Collect(maps.Keys(w.got["9"])), func(text string) bool { return strings.Contains(text, "Elle devait partir le 26/03/2027 09:00") }) {
		w.t.Errorf("the publisher was not asked about it: %v", w.got["9"])
	}
}

// judgeReminders: nobody is reminded of a training after it began, and who stopped is not reminded at all.
func (w *month) judgeReminders() {
	start := time.Date(2027, 3, 31, 10, 0, 0, 0, w.home)
	reminders, guests := 0, 0
	for i, m := range w.members {
		mine := 0
		for text, at := range w.got[fmt.Sprint(1000+i)] {
			if !strings.Contains(text, "Formation sécurité") && !strings.Contains(text, "Capacitación de seguridad") {
				continue
			}
			if mine++; at.After(start) || m.Stopped() {
				w.t.Errorf("member %d was reminded at %s", i, at)
			}
		}
		reminders += mine
		if mine > 0 {
			guests++
		}
		if mine > 3 {
			w.t.Errorf("member %d was reminded %d times", i, mine)
		}
	}
	// Thirty seats, three reminders; some of those who said yes first had stopped or blocked the bot.
	if guests > 30 || guests < 25 || reminders < 3*25-5 || reminders > 90 {
		w.t.Errorf("%d reminders to %d people", reminders, guests)
	}
	cafe := map[string]int{}
	for i := 374; i < 394; i++ {
		for text, at := range w.got[fmt.Sprint(1000+i)] {
			if strings.Contains(text, "Café virtual de los voluntarios") {
				cafe[at.In(w.home).Format("02/01 15:04")]++
				if !strings.Contains(text, "19:00–20:00 (hora de París)") {
					w.t.Errorf("a reminder of the café says %q", text)
				}
			}
		}
	}
	if len(cafe) < 3 {
		w.t.Errorf("the café's reminders left at %v", cafe)
	}
}

// judgeDeadlines counts the deadlines of missions' ends against a naive reading of the same dates.
func (w *month) judgeDeadlines() {
	end := w.begin.AddDate(0, 0, 30)
	for i, m := range w.members {
		chat := fmt.Sprint(1000 + i)
		if w.blocked[chat] || m.Stopped() || m.End == "" {
			continue
		}
		zone := m.Zone(w.home)
		day, err := time.ParseInLocation("2006-01-02", string(m.End), zone)
		w.check(err)
		want, missed := 0, 0
		var next time.Time
		for _, offset := range []int{-60, -30, -7} {
			due := time.Date(day.Year(), day.Month(), day.Day()+offset, 9, 0, 0, 0, zone)
			if due.Before(w.begin) {
				missed++
				continue
			}
			if next.IsZero() {
				next = due
			}
			if due.Before(end) {
				want++
			}
		}
		caughtUp := w.begin
		if zone == w.home {
			caughtUp = w.begin.Add(2 * time.Hour) // seven o'clock is night, nine is morning
		}
		if missed > 0 && community.DateAt(w.begin, zone) <= m.End && (next.IsZero() || next.Sub(caughtUp) >= 48*time.Hour) {
			want++ // the latest one that was missed is caught up
		}
		got := 0
		for text := range w.got[chat] {
			if slices.ContainsFunc([]string{"Ta mission finit", "Tu misión termina", "Your mission ends"}, func(s string) bool { return strings.Contains(text, s) }) {
				got++
			}
		}
		if got > want || got+w.doubt[chat] < want {
			w.t.Errorf("member %d, who leaves on %s, was told %d times, want %d (%d in doubt)", i, m.End, got, want, w.doubt[chat])
		}
	}
}
