package outbox

import (
	"time"

	"chasqui/channel"
)

// Observe is told what each try came to and how long it took. It is called by several at once and must
// not wait for anything: what is sent next waits for it.
type Observe func(d Delivery, r Result, took time.Duration)

func (f Observe) tell(d Delivery, r Result, took time.Duration) {
	if f != nil {
		f(d, r, took)
	}
}

// Backlog is what waits in one lane of a network.
type Backlog struct {
	Network channel.Network
	Lane    Lane
	// Queued is how many, those of announcements included for whom no delivery has been made yet.
	Queued int
	// Since is from when the one that waits longest could have left; zero when none is due. What belongs to
	// a paused announcement counts as queued and not as waiting.
	Since time.Time
}

// Overdue is what should have left from one network long ago.
type Overdue struct {
	Network channel.Network
	// Waiting are due and were not taken up; Retried are tried again and again.
	Waiting, Retried int
}
