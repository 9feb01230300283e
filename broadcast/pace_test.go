package broadcast_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/i18n"
	"chasqui/outbox"
)

var start = time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)

// going is an announcement on its way: so many are left on each network.
func going(open map[channel.Network]int) broadcast.Standing {
	st := broadcast.Standing{Networks: map[channel.Network]broadcast.Counts{}}
	st.ID, st.State, st.Class = 12, broadcast.Sending, broadcast.News
	for n, left := range open {
		st.Networks[n] = broadcast.Counts{outbox.Queued: left}
		st.Total += left
	}
	return st
}

func TestTheTimeLeftIsSaidOnlyWhenThereIsEnoughToGoBy(t *testing.T) {
	type on = map[channel.Network]int
	const telegram, whatsapp = channel.Telegram, channel.WhatsApp
	paused := going(on{telegram: 100})
	paused.PausedAt = start
	done := going(on{telegram: 100})
	done.State = broadcast.Done
	for name, c := range map[string]struct {
		st    broadcast.Standing
		ended on
		over  time.Duration
		want  time.Duration
	}{
		"a steady pace":                      {going(on{telegram: 600}), on{telegram: 60}, time.Minute, 10 * time.Minute},
		"too short to know":                  {going(on{telegram: 600}), on{telegram: 60}, 29 * time.Second, 0},
		"too few to know":                    {going(on{telegram: 600}), on{telegram: 9}, time.Minute, 0},
		"nothing ended":                      {going(on{telegram: 600}), nil, time.Hour, 0},
		"the slower network decides":         {going(on{telegram: 60, whatsapp: 100}), on{telegram: 600, whatsapp: 10}, time.Minute, 10 * time.Minute},
		"one network has not shown its pace": {going(on{telegram: 60, whatsapp: 100}), on{telegram: 600}, time.Minute, 0},
		"one network is done already":        {going(on{telegram: 0, whatsapp: 20}), on{whatsapp: 20}, time.Minute, time.Minute},
		"paused":                             {paused, on{telegram: 60}, time.Minute, 0},
		"done":                               {done, on{telegram: 60}, time.Minute, 0},
		"more came back than ended":          {going(on{telegram: 600}), on{telegram: -5}, time.Minute, 0},
	} {
		if got := broadcast.TimeLeft(c.st, c.ended, c.over); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestTheCardSaysTheTimeLeftInWords(t *testing.T) {
	texts, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	for l, want := range map[i18n.Lang]map[time.Duration]string{
		i18n.French:  {20 * time.Second: "Encore une minute au plus", 11*time.Minute + 1: "Encore 12 min environ", 5*time.Hour + 1: "Encore 6 h environ"},
		i18n.Spanish: {time.Minute: "Falta un minuto como máximo", 99 * time.Minute: "Faltan unos 99 min", 100 * time.Minute: "Faltan unas 2 h"},
		i18n.English: {time.Second: "A minute left at most", 2 * time.Minute: "About 2 min left", 3 * time.Hour: "About 3 h left"},
	} {
		for left, words := range want {
			st := going(map[channel.Network]int{channel.Telegram: 10})
			st.Left = left
			card := broadcast.Card(texts, l, time.UTC, st)
			if !strings.Contains(card.Text, "\n"+words+"\n") {
				t.Errorf("%v in %s: %s", left, l, card.Text)
			}
		}
	}
	if card := broadcast.Card(texts, i18n.French, time.UTC, going(map[channel.Network]int{channel.Telegram: 10})); strings.Contains(card.Text, "Encore") {
		t.Errorf("it guesses: %s", card.Text)
	}
}

// road is a store with one announcement on its way, and keeps what was shown of it.
type road struct {
	broadcast.RunnerStore
	st     broadcast.Standing
	paused time.Time
	shown  []string
}

func (r *road) OpenAnnouncements(context.Context) ([]broadcast.Announcement, error) {
	return []broadcast.Announcement{r.st.Announcement}, nil
}

func (r *road) Standing(context.Context, int64) (broadcast.Standing, bool, error) {
	return r.st, true, nil
}

func (r *road) Paused(context.Context) (time.Time, bool, error) { return r.paused, false, nil }

func (r *road) Enqueue(_ context.Context, drafts []outbox.Draft, _ time.Time) error {
	for _, d := range drafts {
		r.shown = append(r.shown, d.Content.Text)
	}
	return nil
}

// A Runner learns the pace as it goes: it says nothing at first, nothing while it is held, and begins anew
// after that and after a retry.
func TestTheRunnerLearnsThePace(t *testing.T) {
	texts, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	now := start
	r := &road{st: going(map[channel.Network]int{channel.Telegram: 1200})}
	r.st.Shown, r.st.ShownMessage, r.st.ShownLanguage = channel.Address{Network: channel.Telegram, ID: "1"}, "5", i18n.English
	runner := broadcast.NewRunner(r, texts, time.UTC, func() time.Time { return now }, func(channel.Network) {}, slog.New(slog.DiscardHandler))
	counts := r.st.Networks[channel.Telegram]
	// pass lets seconds go by, in each of which so many leave, and returns what is shown last.
	pass := func(seconds, each int) string {
		for range seconds {
			now = now.Add(time.Second)
			counts[outbox.Queued] -= each
			counts[outbox.Sent] += each
			if err := runner.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return r.shown[len(r.shown)-1]
	}
	says := func(what, text, words string) {
		t.Helper()
		if words == "" && strings.Contains(text, " left") || !strings.Contains(text, words) {
			t.Errorf("%s: %s", what, text)
		}
	}
	says("after twenty seconds", pass(20, 2), "")
	says("after forty", pass(20, 2), "About 10 min left")
	says("half as fast for six minutes", pass(360, 1), "About 13 min left")
	r.st.PausedAt = now
	says("paused", pass(10, 0), "")
	r.st.PausedAt = time.Time{}
	says("just resumed", pass(20, 2), "")
	says("resumed for a while", pass(20, 2), "About 6 min left")
	r.paused = now
	says("everything is held", pass(10, 0), "")
	r.paused = time.Time{}
	says("released", pass(20, 1), "")
	says("released for a while", pass(20, 1), "About 11 min left")
	counts[outbox.Queued] += 100
	counts[outbox.Sent] -= 100
	says("what failed is tried again", pass(20, 1), "")
	says("nothing moves any more", pass(400, 0), "")
}
