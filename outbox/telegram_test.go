package outbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"chasqui/channel"
	"chasqui/channel/telegram"
	"chasqui/channel/telegramtest"
	"chasqui/outbox"
	"chasqui/store"
)

// TestTelegramHasNothingToRefuse sends to many people, one room and one who talks a lot through the emulated server,
// which refuses what exceeds the documented limits: each message is one call, so none was refused.
func TestTelegramHasNothingToRefuse(t *testing.T) { throughTelegram(t) }

// BenchmarkTelegramRate says how much of the rate that was asked for, 25 a second, is used.
func BenchmarkTelegramRate(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(throughTelegram(b), "msg/s")
	}
}

func throughTelegram(t testing.TB) (perSecondSent float64) {
	const perSecond, people, toRoom, toOne = 25, 290, 4, 12
	server := telegramtest.ForTest(t)
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "chasqui.db"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	var drafts []outbox.Draft
	add := func(lane outbox.Lane, chat string) {
		drafts = append(drafts, outbox.Draft{Lane: lane, To: channel.Address{Network: channel.Telegram, ID: chat}, Content: channel.Content{Text: "x"}})
	}
	for i := range people {
		server.User(int64(1000+i), "P", "fr").Opened()
		add(outbox.News, fmt.Sprint(1000+i))
	}
	server.User(7, "Ana", "fr").Opened()
	server.Room(-100, "Annonces")
	for range toRoom {
		add(outbox.News, "-100")
	}
	for range toOne {
		add(outbox.Reply, "7")
	}
	if err := s.Enqueue(t.Context(), drafts, time.Now()); err != nil {
		t.Fatal(err)
	}
	tele := telegram.New(telegram.Settings{Token: telegramtest.Token, API: server.URL()}, slog.New(slog.DiscardHandler))
	box := outbox.New(s, tele, outbox.Account{Network: channel.Telegram}, outbox.Options{Rate: perSecond, IsRoom: telegram.IsRoom,
		Chat: outbox.Pace{Burst: 5, Every: time.Second}, Room: outbox.Pace{Burst: 5, Every: 4 * time.Second}}, slog.New(slog.DiscardHandler), time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- box.Run(ctx) }()
	deadline := time.After(60 * time.Second)
	for open := len(drafts); open > 0; {
		f, err := s.Figures(t.Context(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if open = f.Queued; open == 0 {
			break
		}
		select {
		case <-deadline:
			t.Fatalf("%d have not left after a minute", open)
		case <-time.After(50 * time.Millisecond):
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	calls := server.Calls("sendMessage")
	if len(calls) != len(drafts) {
		t.Errorf("%d calls for %d messages: some were refused", len(calls), len(drafts))
	}
	return float64(len(calls)-1) / calls[len(calls)-1].At.Sub(calls[0].At).Seconds()
}
