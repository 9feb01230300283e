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
}

// In is how many deliveries are in a state, over all networks.
func (s Standing) In(state outbox.State) int {
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
