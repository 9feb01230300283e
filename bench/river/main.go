// Command river does on River, with the same SQLite, what chasqui bench outbox does: bench/run compares the two.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"golang.org/x/time/rate"
	_ "modernc.org/sqlite"
)

// delivery is one message to one chat.
type delivery struct {
	Chat int  `json:"chat"`
	Loud bool `json:"loud"`
}

// Kind implements river.JobArgs.
func (delivery) Kind() string { return "delivery" }

// sender takes everything at once, after a token when there is a limiter.
type sender struct {
	river.WorkerDefaults[delivery]
	limiter *rate.Limiter
	left    atomic.Int64
	all     chan struct{}
	heard   chan time.Time
}

// Work implements river.Worker.
func (s *sender) Work(ctx context.Context, job *river.Job[delivery]) error {
	if s.limiter != nil {
		if err := s.limiter.Wait(ctx); err != nil {
			return err
		}
	}
	if job.Args.Loud {
		s.heard <- time.Now()
	}
	if s.left.Add(-1) == 0 {
		close(s.all)
	}
	return nil
}

type figures struct {
	Engine     string  `json:"engine"`
	Deliveries int     `json:"deliveries"`
	FanOut     float64 `json:"fanout_per_s"`
	Drain      float64 `json:"drain_per_s"`
	CPU        float64 `json:"cpu_s_per_10k"`
	AlertP50   float64 `json:"alert_p50_ms"`
	AlertP99   float64 `json:"alert_p99_ms"`
}

func main() {
	n := flag.Int("deliveries", 20_000, "how many jobs")
	alerts := flag.Int("alerts", 50, "how many alerts are measured behind a backlog; 0 measures none")
	flag.Parse()
	dir, err := os.MkdirTemp("", "river-bench")
	if err == nil {
		defer os.RemoveAll(dir)
		err = measure(context.Background(), dir, *n, *alerts)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "river:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, dir string, n, alerts int) error {
	f := figures{Engine: "river/sqlite", Deliveries: n}
	s := &sender{all: make(chan struct{}), heard: make(chan time.Time, 1)}
	s.left.Store(int64(n))
	client, db, err := open(ctx, filepath.Join(dir, "drain.db"), s, 1000)
	if err != nil {
		return err
	}
	cpu, began := spent(), time.Now()
	if err := insert(ctx, client, n); err != nil {
		return err
	}
	f.FanOut = float64(n) / time.Since(began).Seconds()
	began = time.Now()
	if err := client.Start(ctx); err != nil {
		return err
	}
	<-s.all
	if err := client.Stop(ctx); err != nil {
		return err
	}
	f.Drain = float64(n) / time.Since(began).Seconds()
	f.CPU = (spent() - cpu).Seconds() / float64(n) * 10_000
	if err := db.Close(); err != nil {
		return err
	}
	if alerts > 0 {
		if f.AlertP50, f.AlertP99, err = page(ctx, filepath.Join(dir, "alerts.db"), n, alerts); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

// open makes a client with so many workers; it is tuned as far as its settings go: a cooldown of 10 ms.
func open(ctx context.Context, file string, s *sender, workers int) (*river.Client[*sql.Tx], *sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(1)
	driver := riversqlite.New(db)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, nil, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, nil, err
	}
	all := river.NewWorkers()
	river.AddWorker(all, s)
	client, err := river.NewClient(driver, &river.Config{Logger: slog.New(slog.DiscardHandler), Workers: all, FetchCooldown: 10 * time.Millisecond,
		FetchPollInterval: 50 * time.Millisecond, Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}}})
	return client, db, err
}

func insert(ctx context.Context, client *river.Client[*sql.Tx], n int) error {
	for at := 0; at < n; at += 1000 {
		var jobs []river.InsertManyParams
		for i := at; i < min(n, at+1000); i++ {
			jobs = append(jobs, river.InsertManyParams{Args: delivery{Chat: i}, InsertOpts: &river.InsertOpts{Priority: 4}})
		}
		if _, err := client.InsertMany(ctx, jobs); err != nil {
			return err
		}
	}
	return nil
}

// page measures alerts behind n deliveries that leave at 25 a second, with sixteen workers: fewer claim less ahead.
func page(ctx context.Context, file string, n, alerts int) (p50, p99 float64, err error) {
	s := &sender{limiter: rate.NewLimiter(25, 2), all: make(chan struct{}), heard: make(chan time.Time, 1)}
	s.left.Store(1 << 60)
	client, db, err := open(ctx, file, s, 16)
	if err != nil {
		return 0, 0, err
	}
	defer db.Close()
	if err := insert(ctx, client, n); err != nil {
		return 0, 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := client.Start(ctx); err != nil {
		return 0, 0, err
	}
	chance := rand.New(rand.NewPCG(1, 2))
	var waits []time.Duration
	for range alerts {
		time.Sleep(60*time.Millisecond + time.Duration(chance.Int64N(int64(50*time.Millisecond))))
		began := time.Now()
		if _, err := client.Insert(ctx, delivery{Loud: true}, &river.InsertOpts{Priority: 1}); err != nil {
			return 0, 0, err
		}
		waits = append(waits, (<-s.heard).Sub(began))
	}
	slices.Sort(waits)
	in := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	stop, done := context.WithTimeout(context.Background(), 5*time.Second)
	defer done()
	_ = client.StopAndCancel(stop) // what is left is of no interest
	return in(waits[len(waits)/2]), in(waits[len(waits)*99/100]), nil
}

func spent() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
