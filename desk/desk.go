// Package desk is where people of the team answer: tickets, and the ledger of requests that becomes
// the table of the yearly report.
//
// What must stay true: a chat has at most one ticket that is not closed, and while somebody holds
// it the bot says nothing in that chat but crisis texts and answers to commands.
package desk

import (
	"time"

	"chasqui/channel"
	"chasqui/community"
	"chasqui/i18n"
)

// Reason says why a ticket was opened.
type Reason string

// The reasons.
const (
	Asked      Reason = "asked"
	Danger     Reason = "danger"
	Unanswered Reason = "unanswered"
	// Late is a question that arrived too old to be answered by itself.
	Late Reason = "late"
	// Loop is a chat that got more replies than a person asks for.
	Loop Reason = "loop"
	// Voice is a message that the bot cannot read.
	Voice Reason = "voice"
)

// State is where a ticket is.
type State string

// The states of a ticket.
const (
	Waiting State = "waiting"
	Held    State = "held"
	Closed  State = "closed"
)

// ReleaseAfter is how long a held ticket may be silent before the bot takes the chat back.
const ReleaseAfter = 24 * time.Hour

// Ticket is a conversation that a person of the team holds, or is asked to.
type Ticket struct {
	ID       int64
	MemberID int64
	// Name is the person's name at the time of reading.
	Name     string
	Kind     community.Kind
	Region   string
	Chat     channel.Address
	Language i18n.Lang
	Reason   Reason
	// Danger is the kind of danger that opened or last raised it, and DangerAt when.
	Danger     string
	DangerAt   time.Time
	Urgent     bool
	State      State
	HolderID   int64
	HolderName string
	OpenedAt   time.Time
	AnsweredAt time.Time
	ActiveAt   time.Time
	ClosedAt   time.Time
}

// Silences reports whether the bot leaves this chat to the team: somebody holds it. While it only
// waits, the bot goes on answering what it knows, since nobody else is there yet.
func (t *Ticket) Silences() bool { return t != nil && t.State == Held }

// Line is one thing said in a chat.
type Line struct {
	Who  Who
	Text string
	At   time.Time
}

// Who spoke.
type Who string

// The speakers.
const (
	ByMember Who = "member"
	ByBot    Who = "bot"
	ByStaff  Who = "staff"
)

// Request is one line of the yearly ledger.
type Request struct {
	MemberID  int64
	Requester string
	Object    string
	Mode      string
	Situation string
	Service   string
	Entry     string
	Decision  string
}
