package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/i18n"
	"chasqui/outbox"
	"chasqui/store"
)

// nowhere is a network that takes everything at once.
type nowhere struct {
	n    atomic.Int64
	want int64
	done chan struct{}
}

func (x *nowhere) Send(context.Context, channel.Outgoing) (string, error) {
	if x.n.Add(1) == x.want {
		close(x.done)
	}
	return "1", nil
}

// counted counts the transactions.
type counted struct {
	*store.Store
	n, claimed int
	spent      time.Duration
}

func (c *counted) Advance(ctx context.Context, a outbox.Account, now time.Time, results []outbox.Result, k outbox.Claim) ([]outbox.Delivery, time.Time, error) {
	t := time.Now()
	claimed, next, err := c.Store.Advance(ctx, a, now, results, k)
	c.spent += time.Since(t)
	c.n++
	c.claimed += len(claimed)
	return claimed, next, err
}

func spent() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func crowd(b testing.TB, file string, n int) {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for _, q := range []string{
		`INSERT INTO member (name, language, consent, created_at, updated_at) WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM i WHERE n < $1)
			SELECT 'P' || n, CASE n % 3 WHEN 0 THEN 'es' ELSE 'fr' END, 'enrolled', 1, 1 FROM i`,
		`INSERT INTO address (member_id, network, chat, preferred, created_at) SELECT id, 'telegram', 1000000000 + id, 1, 1 FROM member WHERE $1 > 0`,
	} {
		if _, err := db.Exec(q, n); err != nil {
			b.Fatal(err)
		}
	}
}

func begin(b testing.TB, s *store.Store, class broadcast.Class, to string) {
	a := broadcast.Announcement{Class: class, Audience: to, Texts: map[i18n.Lang]string{i18n.French: "bonjour", i18n.Spanish: "hola"},
		Nonce: "n", NonceUntil: time.Now().Add(time.Hour), StartAt: time.Now()}
	var id int64
	for _, verb := range []broadcast.Verb{broadcast.Save, broadcast.Ask, broadcast.Approve} {
		c := broadcast.Change{Verb: verb, ID: id, Announcement: a, Actor: "operator"}
		var err error
		if id, err = s.Announce(b.Context(), time.Now(), c); err != nil {
			b.Fatal(err)
		}
	}
	approved, _, err := s.Announcement(b.Context(), id)
	if err != nil {
		b.Fatal(err)
	}
	t := time.Now()
	if ok, err := s.Start(b.Context(), approved, time.Now()); !ok || err != nil {
		b.Fatal(ok, err)
	}
	b.Logf("start took %v", time.Since(t))
}

func BenchmarkDrain(b *testing.B) {
	for _, people := range []int{20000, 100000} {
		b.Run(fmt.Sprint(people), func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				file := filepath.Join(b.TempDir(), "chasqui.db")
				s, err := store.Open(b.Context(), file, time.Now())
				if err != nil {
					b.Fatal(err)
				}
				crowd(b, file, people)
				begin(b, s, broadcast.News, "all")
				x := &nowhere{want: int64(people), done: make(chan struct{})}
				c := &counted{Store: s}
				box := outbox.New(c, x, outbox.Account{Network: channel.Telegram}, outbox.Options{}, slog.New(slog.DiscardHandler), time.Now)
				ctx, cancel := context.WithCancel(b.Context())
				end := make(chan error, 1)
				b.StartTimer()
				t, cpu := time.Now(), spent()
				go func() { end <- box.Run(ctx) }()
				<-x.done
				cancel()
				if err := <-end; err != nil {
					b.Fatal(err)
				}
				b.ReportMetric((spent()-cpu).Seconds()/float64(people)*1e6, "cpu-us")
				b.ReportMetric(float64(people)/time.Since(t).Seconds(), "deliveries/s")
				b.Logf("%d transactions, %.1f a transaction, %v in them", c.n, float64(people)/float64(c.n), c.spent)
				b.StopTimer()
				s.Close()
			}
		})
	}
}
