// Package metrics shows what is sent and taken in as numbers for a machine that watches, in the text format of
// Prometheus.
//
// What must stay true: a label holds a network, a lane, a state or a kind of fault and nothing else: no
// number of a chat, a member or an announcement, no name and no text.
package metrics

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/outbox"
)

// Store is asked at each scrape for what only the database knows.
type Store interface {
	// Backlog says what waits, lane by lane.
	Backlog(ctx context.Context, now time.Time) ([]outbox.Backlog, error)
	// Underway counts the announcements that are not over.
	Underway(ctx context.Context) (broadcast.Underway, error)
	// Paused says since when reminders and news are held; zero when they are not.
	Paused(ctx context.Context) (since time.Time, restored bool, err error)
}

// Metrics counts what happens while it runs. Counters begin at zero with each start, as Prometheus expects.
type Metrics struct {
	registry  *prometheus.Registry
	log       *slog.Logger
	sent      *prometheus.CounterVec
	failed    *prometheus.CounterVec
	retried   *prometheus.CounterVec
	unknown   *prometheus.CounterVec
	throttled *prometheus.CounterVec
	sending   *prometheus.HistogramVec
	turns     *prometheus.HistogramVec
}

// lanes are all that a delivery may leave in.
var lanes = []outbox.Lane{outbox.Alert, outbox.Reply, outbox.Reminder, outbox.News}

// New makes the metrics of one process that serves the networks given.
func New(store Store, networks []channel.Network, version string, now func() time.Time, log *slog.Logger) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "chasqui", Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "chasqui", Name: name, Help: help, Buckets: buckets}, labels)
	}
	m := &Metrics{
		registry:  prometheus.NewRegistry(),
		log:       log,
		sent:      counter("deliveries_sent_total", "Deliveries that the network took.", "network", "lane"),
		failed:    counter("deliveries_failed_total", "Deliveries that failed for good when they were tried, by the kind of fault.", "network", "lane", "fault"),
		retried:   counter("deliveries_retried_total", "Tries that were put back into the queue, by the kind of fault.", "network", "lane", "fault"),
		unknown:   counter("deliveries_unknown_total", "Deliveries that were cut while they left: nobody knows whether they arrived.", "network", "lane"),
		throttled: counter("throttled_total", "Tries that were asked to wait: 429 of a network.", "network"),
		sending:   histogram("send_seconds", "How long one try to send took.", []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 100}, "network", "lane"),
		turns:     histogram("turn_seconds", "How long a message in took until its answer was committed.", []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}, "network", "result"),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "chasqui", Name: "build_info", Help: "Always 1; its labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()}})
	build.Set(1)
	m.registry.MustRegister(m.sent, m.failed, m.retried, m.unknown, m.throttled, m.sending, m.turns, build, newKept(store, now),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.begin(networks)
	return m
}

// begin makes the series that are to be expected, at zero: what appears only with its first event cannot be seen to rise.
func (m *Metrics) begin(networks []channel.Network) {
	for _, n := range networks {
		m.throttled.WithLabelValues(string(n))
		m.turns.WithLabelValues(string(n), answered)
		m.turns.WithLabelValues(string(n), broke)
		for _, lane := range lanes {
			m.sent.WithLabelValues(string(n), lane.String())
			m.unknown.WithLabelValues(string(n), lane.String())
			m.sending.WithLabelValues(string(n), lane.String())
			for _, f := range []channel.Fault{channel.Gone, channel.Rejected, channel.Temporary} {
				m.failed.WithLabelValues(string(n), lane.String(), string(f))
			}
			for _, f := range []channel.Fault{channel.Temporary, channel.Throttled, channel.Off, channel.Ambiguous} {
				m.retried.WithLabelValues(string(n), lane.String(), string(f))
			}
		}
	}
}

// Tried is for the outbox of a network: it counts what each try came to.
func (m *Metrics) Tried(n channel.Network) outbox.Observe {
	return func(d outbox.Delivery, r outbox.Result, took time.Duration) {
		network, lane := string(n), d.Lane.String()
		m.sending.WithLabelValues(network, lane).Observe(took.Seconds())
		if r.Fault == channel.Throttled {
			m.throttled.WithLabelValues(network).Inc()
		}
		switch r.State {
		case outbox.Sent:
			m.sent.WithLabelValues(network, lane).Inc()
		case outbox.Unknown:
			m.unknown.WithLabelValues(network, lane).Inc()
		case outbox.Queued:
			m.retried.WithLabelValues(network, lane, string(r.Fault)).Inc()
		case outbox.Failed:
			m.failed.WithLabelValues(network, lane, string(r.Fault)).Inc()
		}
	}
}

// The results of a turn.
const (
	answered = "done"
	broke    = "error"
)

// Turn is for the bot: it counts what came in.
func (m *Metrics) Turn(n channel.Network, took time.Duration, err error) {
	result := answered
	if err != nil {
		result = broke
	}
	m.turns.WithLabelValues(string(n), result).Observe(took.Seconds())
}

// Handler answers a scrape. What cannot be read is left out and said in the log: the rest is needed most then.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, ErrorLog: complaint{m.log}})
}

type complaint struct{ log *slog.Logger }

func (c complaint) Println(v ...any) {
	c.log.Warn("a scrape is incomplete", "error", fmt.Sprint(v...))
}
