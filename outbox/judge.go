package outbox

import (
	"cmp"
	"time"

	"chasqui/channel"
)

const (
	// giveUpAfter is how old a delivery without an expiry may get while its network is out of reach: a
	// day bridges any outage that staff would not hear of otherwise.
	giveUpAfter = 24 * time.Hour
	// giveUpTries is how often it must have been tried as well, about an hour's worth: what a clock that jumped, or a
	// process that was down for days, made old has hardly been tried.
	giveUpTries = 18
	firstDelay  = 2 * time.Second
	longestWait = 5 * time.Minute
	// leastThrottle is what to wait when a network asks to slow down without saying for how long.
	leastThrottle = 5 * time.Second
)

// judge decides what becomes of a delivery after one try.
func judge(d Delivery, id string, err error, now time.Time, jitter func(time.Duration) time.Duration) Result {
	if err == nil {
		return Result{ID: d.ID, State: Sent, ProviderID: id}
	}
	fault := channel.FaultOf(err)
	r := Result{ID: d.ID, State: Failed, Fault: fault.Fault, Reason: fault.Error()}
	switch fault.Fault {
	case channel.Temporary:
		if now.Sub(d.Created) < giveUpAfter || d.Attempt < giveUpTries {
			r.State, r.Due = Queued, now.Add(jitter(backoff(d.Attempt)))
		}
	case channel.Throttled:
		r.State, r.Due, r.Refund = Queued, now.Add(cmp.Or(fault.RetryAfter, leastThrottle)), true
	case channel.Off:
		r.State, r.Due, r.Refund = Queued, now.Add(offPause), true
	case channel.MovedAway:
		r.MovedTo = fault.MovedTo
		if d.Attempt < 3 && fault.MovedTo != "" {
			r.State, r.Due = Queued, now
		}
	case channel.Ambiguous:
		// It may have arrived. A reply or an alert that comes twice harms less than one that is lost;
		// news never comes twice without a person's word.
		r.State = Unknown
		if d.Lane.Solicited() && d.Unsure == 0 {
			r.State, r.Due = Queued, now.Add(jitter(firstDelay))
		}
	}
	return r
}

// backoff doubles from two seconds to five minutes.
func backoff(attempt int) time.Duration {
	delay := firstDelay
	for i := 1; i < attempt && delay < longestWait; i++ {
		delay *= 2
	}
	return min(delay, longestWait)
}
