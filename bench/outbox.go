package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/outbox"
)

// OutboxFigures are what one run measured.
type OutboxFigures struct {
	Store      string  `json:"store"`
	Deliveries int     `json:"deliveries"`
	FanOut     float64 `json:"fanout_per_s"`
	Drain      float64 `json:"drain_per_s"`
	AlertP50   float64 `json:"alert_p50_ms"`
	AlertP99   float64 `json:"alert_p99_ms"`
	RSS        float64 `json:"rss_mb"`
}

const (
	// alertRate is the pace at which alerts are measured: what Telegram's bots are given by default.
	alertRate = 25
	// Alerts come at uneven intervals, so that they do not fall in step with the tokens.
	alerts           = 200
	alertMin         = 60 * time.Millisecond
	alertSpread      = 50 * time.Millisecond
	mostDraining     = 15 * time.Second
	mostToFanOut     = 20_000
	inOneTransaction = 256
)

// MeasureOutbox measures in a directory: how many deliveries a second an announcement is fanned out into, how many
// leave, and how long alerts take behind a backlog. With a rate, what leaves is paced by it.
func MeasureOutbox(ctx context.Context, dir string, deliveries int, rate float64) (OutboxFigures, error) {
	f := OutboxFigures{Store: "sqlite", Deliveries: deliveries}
	var err error
	if f.FanOut, err = measureFanOut(ctx, dir, min(deliveries, mostToFanOut)); err != nil {
		return f, fmt.Errorf("measure the fan-out: %w", err)
	}
	w, err := NewWorld(ctx, dir, deliveries)
	if err != nil {
		return f, err
	}
	if f.Drain, err = w.Drain(ctx, deliveries, outbox.Options{Rate: rate}, nowhere{}, mostDraining); err != nil {
		return f, errors.Join(fmt.Errorf("measure the drain: %w", err), w.Close())
	}
	if rate == 0 {
		rate = alertRate
	}
	if f.AlertP50, f.AlertP99, err = w.Alerts(ctx, outbox.Options{Rate: rate}, alerts); err != nil {
		return f, errors.Join(fmt.Errorf("measure alerts: %w", err), w.Close())
	}
	f.RSS = float64(RSS()) / (1 << 20)
	return f, w.Close()
}

// measureFanOut makes the deliveries of an announcement and sends none.
func measureFanOut(ctx context.Context, dir string, people int) (perSecond float64, err error) {
	w, err := NewWorld(ctx, dir, people)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if _, _, err := w.Announce(ctx, broadcast.News); err != nil {
		return 0, err
	}
	began := time.Now()
	for made := 0; made < people; {
		claimed, _, err := w.Store.Advance(ctx, account, time.Now(), nil, outbox.Claim{Want: inOneTransaction, Lowest: outbox.News})
		if err != nil {
			return 0, err
		}
		if len(claimed) == 0 {
			return 0, fmt.Errorf("only %d of %d were made", made, people)
		}
		made += len(claimed)
	}
	return float64(people) / time.Since(began).Seconds(), nil
}

// nowhere is a network that takes everything at once.
type nowhere struct{}

// Send implements outbox.Sender.
func (nowhere) Send(context.Context, channel.Outgoing) (string, error) { return "1", nil }

// counting counts what a sender took, and says when it was all.
type counting struct {
	outbox.Sender
	left atomic.Int64
	all  chan struct{}
}

// Send implements outbox.Sender.
func (c *counting) Send(ctx context.Context, out channel.Outgoing) (string, error) {
	id, err := c.Sender.Send(ctx, out)
	if c.left.Add(-1) == 0 {
		close(c.all)
	}
	return id, err
}

// Drain announces to everybody and says how many of the n deliveries left a second until the last one was recorded,
// or until most had passed.
func (w *World) Drain(ctx context.Context, n int, o outbox.Options, to outbox.Sender, most time.Duration) (perSecond float64, err error) {
	if _, _, err := w.Announce(ctx, broadcast.News); err != nil {
		return 0, err
	}
	c := &counting{Sender: to, all: make(chan struct{})}
	c.left.Store(int64(n))
	began := time.Now()
	_, stop := w.run(ctx, c, o)
	select {
	case <-c.all:
	case <-time.After(most):
	case <-ctx.Done():
	}
	if err := stop(); err != nil {
		return 0, err
	}
	return float64(int64(n)-c.left.Load()) / time.Since(began).Seconds(), ctx.Err()
}

// pager hears alerts arrive.
type pager struct{ heard chan time.Time }

// Send implements outbox.Sender.
func (p pager) Send(_ context.Context, out channel.Outgoing) (string, error) {
	if strings.HasPrefix(out.To.ID, "alert") {
		p.heard <- time.Now()
	}
	return "1", nil
}

// Alerts announces news to everybody and, while it leaves, queues n alerts: it says how long after they were
// handed to the store they left, in milliseconds.
func (w *World) Alerts(ctx context.Context, o outbox.Options, n int) (p50, p99 float64, err error) {
	if _, _, err := w.Announce(ctx, broadcast.News); err != nil {
		return 0, 0, err
	}
	p := pager{heard: make(chan time.Time, 1)}
	box, stop := w.run(ctx, p, o)
	defer func() { err = errors.Join(err, stop()) }()
	chance := rand.New(rand.NewPCG(1, 2))
	var waits []time.Duration
	for i := range n {
		select {
		case <-time.After(alertMin + time.Duration(chance.Int64N(int64(alertSpread)))):
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		}
		alert := outbox.Draft{Lane: outbox.Alert, To: channel.Address{Network: channel.Telegram, ID: fmt.Sprint("alert ", i)}, Content: channel.Content{Text: "alerte"}}
		began := time.Now()
		if err := w.Store.Enqueue(ctx, []outbox.Draft{alert}, began); err != nil {
			return 0, 0, err
		}
		box.Wake()
		select {
		case at := <-p.heard:
			waits = append(waits, at.Sub(began))
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		case <-time.After(time.Minute):
			return 0, 0, errors.New("an alert did not leave within a minute")
		}
	}
	slices.Sort(waits)
	in := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return in(waits[len(waits)/2]), in(waits[len(waits)*99/100]), nil
}
