package outbox

import (
	"errors"
	"testing"
	"time"

	"chasqui/channel"
)

func TestWhatBecomesOfADelivery(t *testing.T) {
	now := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	exact := func(d time.Duration) time.Duration { return d }
	fault := func(f channel.Fault) *channel.SendError { return &channel.SendError{Fault: f, Err: errors.New("x")} }
	moved := fault(channel.MovedAway)
	moved.MovedTo = "-2"
	throttled := fault(channel.Throttled)
	throttled.RetryAfter = time.Second
	for name, c := range map[string]struct {
		lane    Lane
		attempt int
		unsure  int
		age     time.Duration
		err     error
		state   State
		wait    time.Duration
		refund  bool
	}{
		"it arrived":                        {Reply, 1, 0, 0, nil, Sent, 0, false},
		"offline for the first time":        {Reply, 1, 0, 0, fault(channel.Temporary), Queued, 2 * time.Second, false},
		"offline for the fifth time":        {Reply, 5, 0, 0, fault(channel.Temporary), Queued, 32 * time.Second, false},
		"offline for hours":                 {News, 90, 0, 9 * time.Hour, fault(channel.Temporary), Queued, 5 * time.Minute, false},
		"offline for a day":                 {News, 300, 0, 25 * time.Hour, fault(channel.Temporary), Failed, 0, false},
		"old, but tried for the first time": {News, 1, 0, 49 * time.Hour, fault(channel.Temporary), Queued, 2 * time.Second, false},
		"asked to wait a second":            {News, 1, 0, 0, throttled, Queued, time.Second, true},
		"asked to wait, not how long":       {News, 1, 0, 0, fault(channel.Throttled), Queued, 5 * time.Second, true},
		"the account is off":                {Alert, 1, 0, 0, fault(channel.Off), Queued, time.Minute, true},
		"blocked":                           {Reply, 1, 0, 0, fault(channel.Gone), Failed, 0, false},
		"refused":                           {Reply, 1, 0, 0, fault(channel.Rejected), Failed, 0, false},
		"the room moved":                    {Reply, 1, 0, 0, moved, Queued, 0, false},
		"the room moves for ever":           {Reply, 3, 0, 0, moved, Failed, 0, false},
		"a reply that may have arrived":     {Reply, 1, 0, 0, fault(channel.Ambiguous), Queued, 2 * time.Second, false},
		"an alert that may have arrived":    {Alert, 1, 0, 0, fault(channel.Ambiguous), Queued, 2 * time.Second, false},
		"the same reply once more":          {Reply, 2, 1, 0, fault(channel.Ambiguous), Unknown, 0, false},
		"a reply in doubt after an outage":  {Reply, 9, 0, 0, fault(channel.Ambiguous), Queued, 2 * time.Second, false},
		"news that may have arrived":        {News, 1, 0, 0, fault(channel.Ambiguous), Unknown, 0, false},
		"a reminder that may have arrived":  {Reminder, 1, 0, 0, fault(channel.Ambiguous), Unknown, 0, false},
		"an error that nobody classified":   {News, 1, 0, 0, errors.New("what"), Unknown, 0, false},
	} {
		d := Delivery{ID: 7, Draft: Draft{Lane: c.lane}, Attempt: c.attempt, Unsure: c.unsure, Created: now.Add(-c.age)}
		r := judge(d, "55", c.err, now, exact)
		if r.ID != 7 || r.State != c.state || r.Refund != c.refund {
			t.Errorf("%s: %+v", name, r)
		}
		if c.state == Queued && !r.Due.Equal(now.Add(c.wait)) {
			t.Errorf("%s: again after %v, want %v", name, r.Due.Sub(now), c.wait)
		}
		if (r.ProviderID != "") != (c.state == Sent) {
			t.Errorf("%s: id %q", name, r.ProviderID)
		}
	}
}
