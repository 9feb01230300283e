package agenda

import (
	"chasqui/community"
	"chasqui/outbox"
)

// Change is something that a turn does to the agenda. What it says depends on what comes of it, who gets
// the last seat for one, so each carries the function that puts it into words; the store calls it inside
// its transaction, after the change, and queues what it returns.
type Change interface{ change() }

// Reply answers an occurrence, for the member of the turn.
type Reply struct {
	OccurrenceID int64
	// Answer is yes, no or maybe; what the store makes of a yes depends on the seats.
	Answer Answer
	// Say gets the card as it is now and who moved up from the waiting list.
	Say func(now Card, up []Person) []outbox.Draft
}

// SaveDraft keeps the draft of the turn's member: one each.
type SaveDraft struct{ Event Event }

// DropDraft throws the draft of the turn's member away.
type DropDraft struct{}

// Publish makes an event of the draft of the turn's member, who becomes its organiser. Say gets it with
// its number, and the first occurrence.
type Publish struct {
	Say func(Event, Occurrence) []outbox.Draft
}

// Alter changes an occurrence: its time, its place, its seats, or whether it happens at all.
type Alter struct {
	OccurrenceID int64
	// To makes the new one of the one that there is.
	To func(Occurrence) Occurrence
	// Say gets the occurrence before and after, who it concerns, and who moved up from the waiting list.
	Say func(before, after Card, concerned, up []Person) []outbox.Draft
}

// CancelAll cancels an event with every occurrence that is not over. Say gets everybody concerned, once.
type CancelAll struct {
	EventID int64
	Say     func(e Event, concerned []Person) []outbox.Draft
}

// Organise makes the turn's member an organiser.
type Organise struct{ EventID int64 }

// Settle says of the turn's member that a formality is done, or not yet after all.
type Settle struct {
	Kind   string
	Anchor community.Date
	Done   bool
}

// Subscribe gives the turn's member the calendar feed behind a secret, in place of any other; with an
// empty hash it only ends the one there was. What Say returns holds the secret and is not kept as said.
type Subscribe struct {
	SecretHash string
	Say        func() []outbox.Draft
}

func (Reply) change()     {}
func (SaveDraft) change() {}
func (DropDraft) change() {}
func (Publish) change()   {}
func (Alter) change()     {}
func (CancelAll) change() {}
func (Organise) change()  {}
func (Settle) change()    {}
func (Subscribe) change() {}
