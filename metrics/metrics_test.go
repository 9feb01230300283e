package metrics_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/metrics"
	"chasqui/outbox"
)

var now = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)

// held is a database of three answers.
type held struct{ broken error }

func (h *held) Backlog(context.Context, time.Time) ([]outbox.Backlog, error) {
	return []outbox.Backlog{
		{Network: channel.Telegram, Lane: outbox.News, Queued: 120, Since: now.Add(-90 * time.Second)},
		{Network: channel.WhatsApp, Lane: outbox.Reply, Queued: 1},
	}, h.broken
}

func (h *held) Underway(context.Context) (broadcast.Underway, error) {
	return broadcast.Underway{Sending: 2, Paused: 1, Undecided: 4}, h.broken
}

func (h *held) Paused(context.Context) (time.Time, bool, error) { return now, false, h.broken }

func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(w.Body)
	if err != nil || w.Code != 200 {
		t.Fatalf("a scrape ended with %d, %v: %s", w.Code, err, body)
	}
	return string(body)
}

// says reports whether the scrape has a line.
func says(body, line string) bool { return strings.Contains("\n"+body, "\n"+line+"\n") }

// Each try is counted once, by what it came to; what was asked to wait is counted besides.
func TestTriesAreCountedByWhatTheyCameTo(t *testing.T) {
	m := metrics.New(&held{}, []channel.Network{channel.Telegram}, "v1", func() time.Time { return now }, slog.New(slog.DiscardHandler))
	if body := scrape(t, m); !says(body, `chasqui_deliveries_sent_total{lane="alert",network="telegram"} 0`) {
		t.Errorf("a series appears only with its first event: %s", body)
	}
	tried := m.Tried(channel.Telegram)
	news := outbox.Delivery{ID: 41, Key: "secret-key", Draft: outbox.Draft{Lane: outbox.News, MemberID: 77, To: channel.Address{Network: channel.Telegram, ID: "5551234"}}}
	for _, r := range []outbox.Result{
		{State: outbox.Sent, ProviderID: "provider-9"}, {State: outbox.Sent},
		{State: outbox.Queued, Fault: channel.Throttled}, {State: outbox.Queued, Fault: channel.Temporary},
		{State: outbox.Failed, Fault: channel.Gone, Reason: "a reason"}, {State: outbox.Unknown, Fault: channel.Ambiguous},
	} {
		tried(news, r, 300*time.Millisecond)
	}
	m.Turn(channel.Telegram, 20*time.Millisecond, nil)
	m.Turn(channel.Telegram, 20*time.Millisecond, errors.New("no"))
	body := scrape(t, m)
	for _, line := range []string{
		`chasqui_deliveries_sent_total{lane="news",network="telegram"} 2`,
		`chasqui_deliveries_retried_total{fault="throttled",lane="news",network="telegram"} 1`,
		`chasqui_deliveries_retried_total{fault="temporary",lane="news",network="telegram"} 1`,
		`chasqui_deliveries_failed_total{fault="gone",lane="news",network="telegram"} 1`,
		`chasqui_deliveries_unknown_total{lane="news",network="telegram"} 1`,
		`chasqui_throttled_total{network="telegram"} 1`,
		`chasqui_send_seconds_count{lane="news",network="telegram"} 6`,
		`chasqui_send_seconds_bucket{lane="news",network="telegram",le="0.25"} 0`,
		`chasqui_send_seconds_bucket{lane="news",network="telegram",le="0.5"} 6`,
		`chasqui_turn_seconds_count{network="telegram",result="done"} 1`,
		`chasqui_turn_seconds_count{network="telegram",result="error"} 1`,
		`chasqui_deliveries_queued{lane="news",network="telegram"} 120`,
		`chasqui_deliveries_waiting_seconds{lane="news",network="telegram"} 90`,
		`chasqui_deliveries_waiting_seconds{lane="reply",network="whatsapp"} 0`,
		`chasqui_announcements{state="sending"} 2`,
		`chasqui_announcements{state="paused"} 1`,
		`chasqui_announcements{state="late"} 0`,
		`chasqui_deliveries_undecided 4`,
		`chasqui_paused 1`,
	} {
		if !says(body, line) {
			t.Errorf("the scrape does not say %s", line)
		}
	}
	for _, private := range []string{"5551234", "secret-key", "provider-9", "77", "a reason"} {
		for line := range strings.Lines(body) {
			if strings.HasPrefix(line, "chasqui_") && strings.Contains(line, private) {
				t.Errorf("the scrape holds %q: %s", private, line)
			}
		}
	}
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// When the database does not answer, what the process knows by itself is still shown: it is needed most then.
func TestAScrapeWithoutTheDatabase(t *testing.T) {
	var log bytes.Buffer
	m := metrics.New(&held{broken: errors.New("disk full")}, []channel.Network{channel.Web}, "v1", func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil)))
	body := scrape(t, m)
	if !says(body, `chasqui_deliveries_sent_total{lane="reply",network="web"} 0`) || !strings.Contains(body, "go_goroutines ") || strings.Contains(body, "chasqui_paused ") {
		t.Errorf("the scrape says %s", body)
	}
	if !strings.Contains(log.String(), "disk full") {
		t.Errorf("the log says %q", log.String())
	}
}
