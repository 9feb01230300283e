// Package outbox sends deliveries: what leaves first, how fast, how often it is tried, and what is
// recorded of it.
//
// What must stay true: a delivery is claimed in the database before it is sent, and each claim ends in
// exactly one recorded state. News leaves at most once; a reply or an alert whose fate a crash or
// a cut hides is tried once more under the same key.
package outbox

import (
	"time"

	"chasqui/channel"
)

// Lane is the order in which deliveries leave: a lower one always first.
type Lane int

// The lanes.
const (
	Alert Lane = iota
	Reply
	Reminder
	News
)

func (l Lane) String() string { return [...]string{"alert", "reply", "reminder", "news"}[l] }

// Solicited reports whether the lane leaves whatever the person agreed to: they asked, or
// their safety is at stake.
func (l Lane) Solicited() bool { return l <= Reply }

// State is the one state a delivery is in.
type State string

// The states. queued and sending are open; the others are final, but for the network's later word
// that a sent one was delivered and read, and a person's decision over an unknown one.
const (
	Queued    State = "queued"
	Sending   State = "sending"
	Sent      State = "sent"
	Delivered State = "delivered"
	Read      State = "read"
	Failed    State = "failed"
	// Stopped: the person said stop, or never agreed, before it left.
	Stopped State = "stopped"
	Expired State = "expired"
	// Unknown: it was in flight when the process died or the line broke.
	Unknown State = "unknown"
)

// Draft is a delivery that somebody wants to leave.
type Draft struct {
	Lane     Lane
	To       channel.Address
	MemberID int64
	// TicketID ties the delivery to a ticket, so that a reply to it finds the ticket again.
	TicketID int64
	// AnnouncementID is the announcement that it is part of; 0 for all others.
	AnnouncementID int64
	Content        channel.Content
	// Due is the earliest time it leaves; zero means now.
	Due time.Time
	// Expires is when it is of no more use; zero means never.
	Expires time.Time
	// Cause names what made it, for what must reach a chat once only, such as «event 5 2026-12-05 1d»: a
	// second draft of the same cause to the same chat is dropped. Empty never is.
	Cause string
	// Asked says that the person asked for it without agreeing to be written to, as who comes to an event
	// asks for its reminders: only a stop holds it back.
	Asked bool
}

// Delivery is a claimed draft on its way.
type Delivery struct {
	ID  int64
	Key string
	Draft
	// Attempt counts the claims, this one included.
	Attempt int
	// Unsure counts the tries before this one that may have arrived without anybody knowing.
	Unsure  int
	Created time.Time
	// Zone is the time zone of whoever gets it, by name; empty means the community's.
	Zone string
}

// Result is what a claimed delivery came to.
type Result struct {
	ID int64
	// State is Sent, Failed or Unknown, or Queued for another try at Due.
	State State
	Due   time.Time
	// ProviderID is the network's own id of what arrived.
	ProviderID string
	Fault      channel.Fault
	// Reason is in words without names, numbers or texts.
	Reason string
	// MovedTo is the chat's new id, which replaces the old one everywhere.
	MovedTo string
	// Refund takes this try off the count: it was not the delivery's fault.
	Refund bool
}

// Account is what one Outbox drains: a network, or one chat of it.
type Account struct {
	Network channel.Network
	// Chat limits the account to one chat; empty means all of the network.
	Chat string
}

// Claim says what may be claimed.
type Claim struct {
	// Want is how many at most; zero only records results.
	Want int
	// Lowest is the last lane that may leave now.
	Lowest Lane
	// Held are the chats that nothing may leave for now.
	Held []string
}
