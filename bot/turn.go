// Package bot is the conversation: one message in is a Turn, and all that it changes and answers is
// its Outcome.
//
// What must stay true: nothing is changed while a turn is thought about. The store commits the
// Outcome, its replies included, in one transaction with the mark that the message was seen; a crash
// before it leaves nothing behind, and a repetition after it changes nothing.
package bot

import (
	"context"
	"errors"
	"time"

	"chasqui/agenda"
	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/desk"
	"chasqui/i18n"
	"chasqui/outbox"
)

// ErrStale is what a Store's Commit returns when something the turn was decided on has changed since:
// a ticket was taken, a code used. The turn is thought again.
var ErrStale = errors.New("the turn was decided on what has changed since")

// Conversation is the question that a private chat has open.
type Conversation struct {
	// Question names it, such as "profile.region"; empty means none.
	Question string
	Data     map[string]string
	Expires  time.Time
}

// Before is what the store knows when a message comes in.
type Before struct {
	// Seen is true when the message was committed earlier; nothing else is set then.
	Seen bool
	// Member is who wrote; ID is 0 when nobody knows them yet.
	Member community.Member
	Role   community.Role
	// Conversation is the open question of a private chat.
	Conversation Conversation
	// Ticket is the chat's ticket that is not closed, or nil.
	Ticket *desk.Ticket
	// Quoted is the ticket whose notice this message replies to, or nil.
	Quoted *desk.Ticket
	// Groups are the slugs of the member's groups.
	Groups []string
	// Replies counts what the chat got in the guard's window; Told says that it was told so.
	Replies int
	Told    bool
	// LockedOut is true when the address gave five wrong codes of late.
	LockedOut bool
}

// Turn is one message and what is known about who wrote it.
type Turn struct {
	channel.Message
	Before
	// Known is the member as the store had them: Member already holds what this message says of them.
	Known community.Member
	Now   time.Time
	// Language is what the answer is written in.
	Language i18n.Lang
	// Late is true for a message that arrived long after it was written: it still takes effect, but
	// nothing is answered by itself except a crisis text.
	Late bool
	// Command is the command's name without its slash, and Args what follows; Command is empty for
	// anything else.
	Command, Args string
}

// Staff is a member of the team as notices reach them.
type Staff struct {
	MemberID int64
	Language i18n.Lang
	Role     community.Role
	To       channel.Address
}

// TicketOpening asks for a ticket for this chat. When the chat has one that is not closed, it is
// raised instead: reason, danger and urgency only ever grow.
type TicketOpening struct {
	Reason desk.Reason
	Danger string
	Urgent bool
}

// TicketMove changes one ticket from the state that the turn saw.
type TicketMove struct {
	ID   int64
	From desk.State
	// To is the new state; the same as From only notes activity.
	To desk.State
	// Holder takes it; 0 leaves or clears the holder.
	Holder int64
	// Answered says that a person of the team wrote in it.
	Answered bool
}

// Redemption uses an invitation up and gives its role.
type Redemption struct {
	CodeHash string
	Role     community.Role
}

// Said is one line for the team to read later, of the turn's own member or, for what staff write in a
// ticket, of somebody else.
type Said struct {
	MemberID int64
	Who      desk.Who
	Text     string
}

// Outcome is all that a turn changes and answers. The zero Outcome only marks the message as seen.
type Outcome struct {
	// Member replaces the member's own fields when set; a member who is not known yet is created.
	Member *community.Member
	// Consents are added to the record; the current state is in Member.
	Consents []community.ConsentChange
	// Conversation replaces the open question when set; an empty Question closes it.
	Conversation *Conversation
	Join, Leave  []string
	// Send leaves through the outbox. A TicketID of ThisTicket stands for the ticket that Open makes.
	Send []outbox.Draft
	Said []Said
	Open *TicketOpening
	Move *TicketMove
	// Requests are lines of the yearly ledger.
	Requests []desk.Request
	Redeem   *Redemption
	// WrongCode counts a wrong invitation code against the address.
	WrongCode bool
	// Told notes that the loop guard spoke.
	Told bool
	// Address says that the chat blocked the bot or came back: channel.Left or channel.Returned.
	Address channel.Kind
	// MovedTo is the room's new id.
	MovedTo string
	// Announce are changes to announcements, in order.
	Announce []broadcast.Change
	// Pause and Resume hold and release reminders and news.
	Pause, Resume bool
	// Audit is what staff did, in words without names or texts.
	Audit string
	// Agenda is what the turn does to events, answers and deadlines; each says itself what comes of it.
	Agenda []agenda.Change
	// Quiet keeps what the agenda says from the turn's own chat: it came too late, or too much was said.
	Quiet bool
	// Erase removes the member and all that is kept of them.
	Erase bool
	// NewLink is a code that was given to link another address.
	NewLink *NewLink
	// Linking makes the member one with another; everything else in the outcome is then that one's.
	Linking *Linking
	// Duplicates are members who may be the same person, for staff to look at.
	Duplicates []int64

	// crisis marks what is said whatever the guard, the hour or the age of the message.
	crisis bool
	// secret keeps what was said out of what the team can read: a code is in it.
	secret bool
}

// ThisTicket, as the TicketID of a draft, stands for the ticket that the same outcome opens.
const ThisTicket = -1

// TicketMark stands for the ticket's number in the text and the buttons of a draft whose TicketID is
// ThisTicket: the number is only known once the store has opened it. It is a private-use rune, which
// nobody types.
const TicketMark = "\uE000"

// Turns is the store's side of a conversation.
type Turns interface {
	// Begin reads what is known about the message.
	Begin(ctx context.Context, m channel.Message, now time.Time) (Before, error)
	// SeenInRoom notes that who wrote m is in its room, or has left it.
	SeenInRoom(ctx context.Context, m channel.Message, left bool, now time.Time) error
	// Commit writes everything in one transaction. It returns ErrStale when the turn must be thought
	// again, and committed false when the message had been committed before.
	Commit(ctx context.Context, t Turn, o Outcome) (committed bool, err error)
}

// Invite is an invitation to the team that can still be used.
type Invite struct {
	Role community.Role
}

// Knowledge is what a turn may look up besides.
type Knowledge interface {
	// Staff lists the team as notices reach them: one address each.
	Staff(ctx context.Context) ([]Staff, error)
	// Invite finds an invitation that is neither used nor expired.
	Invite(ctx context.Context, codeHash string, now time.Time) (Invite, bool, error)
	// Catalogue lists the groups in their order.
	Catalogue(ctx context.Context) ([]community.Group, error)
	// Record is all that is kept of a member, as JSON.
	Record(ctx context.Context, memberID int64) ([]byte, error)
	// Figures are the counts that staff see.
	Figures(ctx context.Context, now time.Time) (Figures, error)
}

// Tickets is what a turn may look up of the desk.
type Tickets interface {
	// OpenTickets lists those not closed, urgent ones first, then the longest waiting.
	OpenTickets(ctx context.Context) ([]desk.Ticket, error)
	// Ticket finds one by number.
	Ticket(ctx context.Context, id int64) (desk.Ticket, bool, error)
	// Lines are the last n things said by and to a member, oldest first.
	Lines(ctx context.Context, memberID int64, n int) ([]desk.Line, error)
	// FirstAnswers are how long recent tickets waited for a person.
	FirstAnswers(ctx context.Context, since time.Time) ([]time.Duration, error)
}

// Announcements is what a turn may look up of announcements.
type Announcements interface {
	// DraftOf finds the one draft that a member is writing.
	DraftOf(ctx context.Context, authorID int64) (broadcast.Announcement, bool, error)
	// Announcements lists the newest n that are no drafts, newest last.
	Announcements(ctx context.Context, n int) ([]broadcast.Announcement, error)
	// Preview says what an announcement would do now.
	Preview(ctx context.Context, a broadcast.Announcement) (broadcast.Preview, error)
	// PreviewNames lists, in pages, who stands behind a number of a preview; an empty why means who gets it.
	PreviewNames(ctx context.Context, a broadcast.Announcement, why broadcast.Reason, skip, n int) ([]broadcast.Candidate, error)
	Standing(ctx context.Context, id int64) (broadcast.Standing, bool, error)
	// TimeLeft says how long the rest of an announcement takes; zero when nobody can say.
	TimeLeft(ctx context.Context, st broadcast.Standing, now time.Time) (time.Duration, error)
	// NamesBehind and NotMade list, in pages, who stands behind a count.
	NamesBehind(ctx context.Context, id int64, state outbox.State, after int64, n int) ([]broadcast.Recipient, error)
	NotMade(ctx context.Context, id int64, skip, n int) ([]broadcast.Recipient, error)
	// AlertsFor lists the security alerts that hold now and reached a member.
	AlertsFor(ctx context.Context, memberID int64, now time.Time) ([]broadcast.Announcement, error)
}

// Agenda is what a turn may look up of events.
type Agenda interface {
	// Upcoming lists occurrences that are neither cancelled nor over and begin before until, in their order,
	// with the member's own answers.
	Upcoming(ctx context.Context, memberID int64, now, until time.Time) ([]agenda.Card, error)
	// Card finds an occurrence by its number.
	Card(ctx context.Context, memberID, occurrenceID int64) (agenda.Card, bool, error)
	// EventCard finds the occurrence of an event on a day of its rule; without a day the next one.
	EventCard(ctx context.Context, memberID, eventID int64, day community.Date, now time.Time) (agenda.Card, bool, error)
	// Guests are those who answered and those who run it.
	Guests(ctx context.Context, occurrenceID int64) ([]agenda.Person, error)
	// Draft is the event that a member is writing.
	Draft(ctx context.Context, memberID int64) (agenda.Event, bool, error)
}

// Store is everything the bot keeps and reads.
type Store interface {
	Turns
	Knowledge
	Tickets
	Announcements
	Links
	Agenda
}

// Figures are the counts of /stats.
type Figures struct {
	Members, Subscribed, Stopped int
	// Requests since the first of January, and of them answered by the bot itself.
	Requests, Answered int
	Waiting, Held      int
	// Queued deliveries, and those whose fate nobody knows.
	Queued, Unknown int
	Paused          bool
}
