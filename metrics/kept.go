package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// scrapeWithin bounds what a scrape may ask of the database.
const scrapeWithin = 2 * time.Second

// kept shows what the database holds at the moment of the scrape.
type kept struct {
	store                                             Store
	now                                               func() time.Time
	queued, waiting, announcements, undecided, paused *prometheus.Desc
}

func newKept(store Store, now func() time.Time) *kept {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName("chasqui", "", name), help, labels, nil)
	}
	return &kept{
		store: store, now: now,
		queued:        desc("deliveries_queued", "Deliveries that wait, those of announcements included that are not made yet.", "network", "lane"),
		waiting:       desc("deliveries_waiting_seconds", "How long the delivery has waited that waits longest; what is paused with its announcement does not count.", "network", "lane"),
		announcements: desc("announcements", "Announcements that are not over, by state.", "state"),
		undecided:     desc("deliveries_undecided", "Deliveries of announcements whose fate nobody knows and over which nobody has decided."),
		paused:        desc("paused", "1 while reminders and news are held everywhere."),
	}
}

// Describe implements prometheus.Collector.
func (k *kept) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{k.queued, k.waiting, k.announcements, k.undecided, k.paused} {
		to <- d
	}
}

// Collect implements prometheus.Collector. Each part that cannot be read fails by itself.
func (k *kept) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeWithin)
	defer cancel()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	now := k.now()
	backlog, err := k.store.Backlog(ctx, now)
	if err != nil {
		to <- prometheus.NewInvalidMetric(k.queued, err)
	}
	for _, b := range backlog {
		gauge(k.queued, float64(b.Queued), string(b.Network), b.Lane.String())
		waited := 0.0
		if !b.Since.IsZero() {
			waited = max(0, now.Sub(b.Since).Seconds())
		}
		gauge(k.waiting, waited, string(b.Network), b.Lane.String())
	}
	if u, err := k.store.Underway(ctx); err != nil {
		to <- prometheus.NewInvalidMetric(k.announcements, err)
	} else {
		for state, n := range map[string]int{"approved": u.Approved, "late": u.Late, "sending": u.Sending, "paused": u.Paused} {
			gauge(k.announcements, float64(n), state)
		}
		gauge(k.undecided, float64(u.Undecided))
	}
	since, _, err := k.store.Paused(ctx)
	switch {
	case err != nil:
		to <- prometheus.NewInvalidMetric(k.paused, err)
	case since.IsZero():
		gauge(k.paused, 0)
	default:
		gauge(k.paused, 1)
	}
}
