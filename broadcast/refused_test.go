package broadcast_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/i18n"
	"chasqui/outbox"
	"chasqui/store"
)

// TestAnAnnouncementThatManyRefuseIsPausedOnce sends to sixty people who blocked the bot, one in three first and then
// everybody: nothing happens before a third is exceeded and twenty refused; then it is paused, staff are told
// once, and after they let it go on it takes twenty more to pause it again.
func TestAnAnnouncementThatManyRefuseIsPausedOnce(t *testing.T) {
	now := time.Date(2026, 12, 1, 15, 0, 0, 0, time.UTC)
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "chasqui.db"), now)
	check(t, err)
	t.Cleanup(func() { s.Close() })
	var csv strings.Builder
	csv.WriteString("name,telegram\n")
	for i := range 120 {
		fmt.Fprintf(&csv, "P%d,%d\n", i, 1000+i)
	}
	roster, err := community.ReadRoster([]byte(csv.String()), false)
	check(t, err)
	_, _, err = s.Import(t.Context(), roster.Rows, true, now)
	check(t, err)
	ana := channel.Address{Network: channel.Telegram, ID: "1"}
	check(t, s.AddStaff(t.Context(), ana, community.Publisher, now))
	texts, err := i18n.Load()
	check(t, err)
	runner := broadcast.NewRunner(s, texts, time.UTC, func() time.Time { return now }, func(channel.Network) {}, slog.New(slog.DiscardHandler))
	a := broadcast.Announcement{Class: broadcast.News, Audience: "all", Texts: map[i18n.Lang]string{i18n.French: "bonjour", i18n.Spanish: "hola"},
		Nonce: "n", NonceUntil: now.Add(time.Hour), StartAt: now}
	for _, verb := range []broadcast.Verb{broadcast.Save, broadcast.Ask, broadcast.Approve} {
		_, err := s.Announce(t.Context(), now, broadcast.Change{Verb: verb, ID: 1, Announcement: a, Actor: "operator"})
		check(t, err)
	}
	check(t, runner.Step(t.Context()))
	told := 0
	send := func(n int, refuses func(i int) bool) {
		t.Helper()
		var results []outbox.Result
		for i := 0; i <= n; i++ {
			want := 1
			if i == n {
				want = 0
			}
			claimed, _, err := s.Advance(t.Context(), outbox.Account{Network: channel.Telegram}, now, results, outbox.Claim{Want: want, Lowest: outbox.News})
			check(t, err)
			results = nil
			for _, d := range claimed {
				r := outbox.Result{ID: d.ID, State: outbox.Sent, ProviderID: "1"}
				switch {
				case d.To == ana && strings.Contains(d.Content.Text, "en pause"):
					told++
				case refuses(i):
					r = outbox.Result{ID: d.ID, State: outbox.Failed, Fault: channel.Gone, Reason: "blocked"}
				}
				results = append(results, r)
			}
		}
		check(t, runner.Step(t.Context()))
	}
	paused := func() bool {
		t.Helper()
		a, _, err := s.Announcement(t.Context(), 1)
		check(t, err)
		return !a.PausedAt.IsZero()
	}
	send(60, func(i int) bool { return i%3 == 0 })
	if paused() {
		t.Error("it is paused although only one in three refused")
	}
	send(5, func(int) bool { return true })
	if !paused() {
		t.Error("it goes on although 25 of 65 refused")
	}
	send(3, func(int) bool { return true })
	if told != 1 {
		t.Errorf("staff were told %d times", told)
	}
	now = now.Add(time.Minute)
	_, err = s.Announce(t.Context(), now, broadcast.Change{Verb: broadcast.Resume, ID: 1, Actor: "operator"})
	check(t, err)
	send(19, func(int) bool { return true })
	if paused() {
		t.Error("what staff had seen pauses it again")
	}
	send(1, func(int) bool { return true })
	if !paused() {
		t.Error("twenty more did not pause it again")
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
