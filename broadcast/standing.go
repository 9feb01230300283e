package broadcast

import (
	"time"

	"chasqui/channel"
	"chasqui/outbox"
)

// Counts are deliveries by the state that they are in.
type Counts map[outbox.State]int

// Standing is how far an announcement has come.
type Standing struct {
	Announcement
	// Networks are the counts of each; what is not made yet counts as queued, or as stopped once the
	// announcement was cancelled.
	Networks map[channel.Network]Counts
	// Total is how many deliveries it comes to.
	Total int
	// Faults say why those that failed did.
	Faults map[channel.Fault]int
	// Undecided are those of unknown fate over which nobody has decided.
	Undecided int
	// Erased are those of the stopped for whom no delivery was made, since they were erased meanwhile: a
	// number behind which no name can stand.
	Erased int
	// Left is how long the rest takes as it goes now; zero when nobody can say. The store never sets it.
	Left time.Duration
}

// In is how many deliveries are in a state, over all networks; Waiting stands for two.
func (s Standing) In(state outbox.State) int {
	if state == Waiting {
		return s.Open()
	}
	n := 0
	for _, c := range s.Networks {
		n += c[state]
	}
	return n
}

// Open is how many may still leave.
func (s Standing) Open() int { return s.In(outbox.Queued) + s.In(outbox.Sending) }

// Arrived is how many left for certain.
func (s Standing) Arrived() int {
	return s.In(outbox.Sent) + s.In(outbox.Delivered) + s.In(outbox.Read)
}

// Unmade is the number among which those stand for whom no delivery was made: they wait, or were kept back
// when it was cancelled.
func (s Standing) Unmade() outbox.State {
	if s.State == Cancelled {
		return outbox.Stopped
	}
	return Waiting
}

// OpenOn is how many may still leave on one network.
func (s Standing) OpenOn(n channel.Network) int {
	return s.Networks[n][outbox.Queued] + s.Networks[n][outbox.Sending]
}

// Underway counts the announcements that are not over, and what waits for a person.
type Underway struct {
	// Approved wait for their time; Late for a person; Sending are on their way, Paused are held there.
	Approved, Late, Sending, Paused int
	// Undecided are deliveries of unknown fate over which nobody has decided.
	Undecided int
}

// Recipient is one name behind a number.
type Recipient struct {
	DeliveryID int64
	MemberID   int64
	// Name is the person's, or the group's for a post in a room.
	Name    string
	Network channel.Network
	State   outbox.State
	Fault   channel.Fault
	// Reason is in the outbox's words, for the log and the command line.
	Reason string
	At     time.Time
}

// Waiting stands for what is queued or in flight, which staff read as one number. It is no state that a
// delivery is in.
const Waiting outbox.State = "waiting"

// The reasons by which a person's decision is told from what happened by itself.
const (
	WasCancelled = "the announcement was cancelled"
	LeftUnknown  = "a person left it: it may have arrived"
)

// WhyKey is the text that says in words why somebody stands behind a number; empty where the number says it.
func (r Recipient) WhyKey() string {
	switch {
	case r.State == outbox.Failed:
		return FaultKey(r.Fault)
	case r.State == outbox.Stopped && r.Reason == WasCancelled:
		return "announce.behind.cancelled"
	case r.State == outbox.Stopped && r.Erased(): // the missing name says it
		return ""
	case r.State == outbox.Stopped:
		return "announce.behind.stopped"
	case r.State == outbox.Expired:
		return "announce.behind.expired"
	case r.State == outbox.Unknown && r.Reason == LeftUnknown:
		return "announce.behind.left"
	case r.State == outbox.Unknown && r.Fault == channel.Ambiguous:
		return FaultKey(r.Fault)
	case r.State == outbox.Unknown:
		return "announce.behind.crash"
	}
	return ""
}

// Erased reports whether nobody's name can stand here: the person's data were erased meanwhile.
func (r Recipient) Erased() bool { return r.MemberID == 0 && r.Name == "" }

// Verb is what a change does to an announcement.
type Verb string

// The verbs.
const (
	// Save keeps a draft; the first one of its author makes it. It voids a confirmation asked for before.
	Save    Verb = "save"
	Discard Verb = "discard"
	// Ask keeps the nonce of a confirmation.
	Ask Verb = "ask"
	// Approve uses the nonce up and lets the announcement start at StartAt.
	Approve Verb = "approve"
	// Undo makes an approved announcement that has not started a draft again.
	Undo   Verb = "undo"
	Pause  Verb = "pause"
	Resume Verb = "resume"
	// Cancel ends it: what has not left stays.
	Cancel Verb = "cancel"
	// Retry queues again what failed and may work now.
	Retry Verb = "retry"
	// SendUnknown sends again what may have arrived; LeaveUnknown leaves it at that.
	SendUnknown  Verb = "send-unknown"
	LeaveUnknown Verb = "leave-unknown"
	// Retract takes it back where it arrived, and cancels the rest.
	Retract Verb = "retract"
	// StartLate starts one whose time had passed.
	StartLate Verb = "start-late"
)

// Change is one thing that a person does to an announcement. The store refuses one that does not fit the
// state that it finds.
type Change struct {
	Verb Verb
	// ID is the announcement's; 0 is the draft of its author.
	ID int64
	// Announcement holds the draft for Save, the nonce for Ask and Approve, where progress is shown for
	// Approve and StartLate, and the texts to show instead for Retract.
	Announcement Announcement
	// File is a picture or document that Save keeps with the draft.
	File *channel.File
	// Actor names who does it as the audit log does.
	Actor string
}
