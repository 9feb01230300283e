package channel

import (
	"errors"
	"fmt"
	"time"
)

// Fault classifies a failed send by what happens next, not by what the network called it.
type Fault string

// The faults.
const (
	// Temporary: nothing left; try again later.
	Temporary Fault = "temporary"
	// Throttled: the network asks to wait RetryAfter; try again then.
	Throttled Fault = "throttled"
	// Rejected: the network will never take this message; do not try again.
	Rejected Fault = "rejected"
	// Gone: the person blocked the bot or the chat no longer exists; do not try again, and write no
	// more to this address until its owner comes back.
	Gone Fault = "gone"
	// Moved: the room has another id, MovedTo; send there.
	MovedAway Fault = "moved"
	// Ambiguous: the request left and no answer came, so the message may have arrived.
	Ambiguous Fault = "ambiguous"
	// Off: the account itself cannot send (token refused, logged out); nothing of it can leave.
	Off Fault = "off"
)

// ErrTooLarge says that a file holds more than the bot takes in.
var ErrTooLarge = errors.New("the file is too large")

// SendError is the only error that Channel.Send returns.
type SendError struct {
	Fault Fault
	// RetryAfter is how long the network asked to wait; zero when it did not say.
	RetryAfter time.Duration
	// MovedTo is set for MovedAway.
	MovedTo string
	// Err holds no token, phone or text: it is logged and shown to staff.
	Err error
}

func (e *SendError) Error() string { return fmt.Sprintf("%s: %v", e.Fault, e.Err) }

func (e *SendError) Unwrap() error { return e.Err }

// FaultOf classifies any error: what is not a *SendError counts as ambiguous, since nobody knows what
// happened to the message.
func FaultOf(err error) *SendError {
	if se, ok := errors.AsType[*SendError](err); ok {
		return se
	}
	return &SendError{Fault: Ambiguous, Err: err}
}
