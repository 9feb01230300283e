package bench_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"chasqui/bench"
	"chasqui/channel"
	"chasqui/outbox"
)

// noop takes everything at once.
type noop struct{}

func (noop) Send(context.Context, channel.Outgoing) (string, error) { return "1", nil }

// post sends each delivery to a server on loopback.
type post struct {
	client *http.Client
	url    string
}

func (p post) Send(ctx context.Context, out channel.Outgoing) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, strings.NewReader(out.Content.Text))
	if err != nil {
		return "", err
	}
	answer, err := p.client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return "1", err
}

func loopback(b *testing.B) post {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"ok":true}`) }))
	b.Cleanup(server.Close)
	return post{&http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}, server.URL}
}

// spent is the processor time of this process so far.
func spent() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func world(b *testing.B, people int) *bench.World {
	w, err := bench.NewWorld(b.Context(), b.TempDir(), people)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { w.Close() })
	return w
}

func BenchmarkDrain(b *testing.B) {
	const people = 20_000
	for name, to := range map[string]outbox.Sender{"noop": noop{}, "http": loopback(b)} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				w := world(b, people)
				empty := w.Bytes()
				b.StartTimer()
				cpu := spent()
				perSecond, err := w.Drain(b.Context(), people, outbox.Options{}, to, time.Minute)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric((spent()-cpu).Seconds()/people*10_000, "cpu-s/10k")
				b.ReportMetric(perSecond, "deliveries/s")
				b.ReportMetric(float64(w.Bytes()-empty)/people, "B/delivery")
			}
		})
	}
}

func BenchmarkAlertBehindNews(b *testing.B) {
	for _, people := range []int{100_000, 1_000_000} {
		for name, rate := range map[string]float64{"25-a-second": 25, "unpaced": 0} {
			b.Run(fmt.Sprintf("%d/%s", people, name), func(b *testing.B) {
				for range b.N {
					b.StopTimer()
					w := world(b, people)
					b.StartTimer()
					p50, p99, err := w.Alerts(b.Context(), outbox.Options{Rate: rate}, 50)
					if err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(p50, "p50-ms")
					b.ReportMetric(p99, "p99-ms")
					b.ReportMetric(float64(bench.RSS())/(1<<20), "peak-MB")
				}
			})
		}
	}
}

// BenchmarkMillion starts an announcement to a million people: how long until it is frozen, and from then until the
// first one leaves; how long reading the progress takes, and how much memory all that used.
func BenchmarkMillion(b *testing.B) {
	for range b.N {
		b.StopTimer()
		w := world(b, 1_000_000)
		idle := bench.RSS()
		b.StartTimer()
		f, err := w.First(b.Context(), outbox.Options{Rate: 25})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(f.Frozen.Seconds(), "frozen-s")
		b.ReportMetric(float64(f.FirstLeft.Milliseconds()), "first-ms")
		b.ReportMetric(float64(f.Progress.Microseconds())/1000, "progress-ms")
		b.ReportMetric(float64(f.Cancelled.Microseconds())/1000, "cancel-ms")
		b.ReportMetric(float64(f.LongestWait.Microseconds())/1000, "longest-wait-ms")
		b.ReportMetric(float64(bench.RSS()-idle)/(1<<20), "MB-over-idle")
	}
}

// BenchmarkYear drains into an empty database and into one that holds a year: two million deliveries, a hundred
// thousand turns.
func BenchmarkYear(b *testing.B) {
	const people = 20_000
	for _, old := range []bool{false, true} {
		b.Run(fmt.Sprintf("old=%v", old), func(b *testing.B) {
			b.StopTimer()
			w := world(b, people)
			if old {
				if err := w.AgeByAYear(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.StartTimer()
			for range b.N {
				cpu := spent()
				perSecond, err := w.Drain(b.Context(), people, outbox.Options{}, noop{}, time.Minute)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric((spent()-cpu).Seconds()/people*10_000, "cpu-s/10k")
				b.ReportMetric(perSecond, "deliveries/s")
			}
			p50, p99, err := w.Alerts(b.Context(), outbox.Options{Rate: 25}, 50)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(p50, "alert-p50-ms")
			b.ReportMetric(p99, "alert-p99-ms")
		})
	}
}
