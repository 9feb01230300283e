// Package broadcast is what staff send to many: written once, shown before it leaves, sent once to
// each, stopped while it goes, taken back after.
//
// What must stay true: what an announcement says and whom it reaches is frozen when it starts; nobody
// gets it twice; nothing of class news or reminder leaves to somebody who refused or said stop.
package broadcast

import (
	"fmt"
	"time"
	"unicode/utf8"

	"chasqui/channel"
	"chasqui/i18n"
	"chasqui/outbox"
)

// Class says what an announcement is: how soon it leaves and whether it asks for consent.
type Class string

// The classes. An alert leaves before everything, to those who said stop too.
const (
	News     Class = "news"
	Reminder Class = "reminder"
	Alert    Class = "alert"
)

// ParseClass reads a class by its name in the contract.
func ParseClass(s string) (Class, bool) {
	switch c := Class(s); c {
	case News, Reminder, Alert:
		return c, true
	}
	return "", false
}

// Lane is where the deliveries of a class leave.
func (c Class) Lane() outbox.Lane {
	switch c {
	case Alert:
		return outbox.Alert
	case Reminder:
		return outbox.Reminder
	}
	return outbox.News
}

// State is where an announcement is in its life.
type State string

// The states. late is one whose time passed while nothing ran: a person decides over it.
const (
	Draft     State = "draft"
	Approved  State = "approved"
	Late      State = "late"
	Sending   State = "sending"
	Done      State = "done"
	Cancelled State = "cancelled"
)

// Variant is one of the forms in which an announcement is read: a language, or all languages one
// under the other, for rooms and for readers of a language that it was not written in.
type Variant string

// Both holds all languages.
const Both Variant = "both"

// Attachment is the picture or document of an announcement, without its bytes.
type Attachment struct {
	ID    int64
	Name  string
	Image bool
	Size  int64
}

// Announcement is a message of the staff to many.
type Announcement struct {
	ID    int64
	Class Class
	State State
	// AuthorID is the member who writes it; 0 is the operator at the command line.
	AuthorID int64
	// Author and ApprovedBy name who wrote it and who let it go as the audit log does, «member 5».
	Author, ApprovedBy string
	Texts              map[i18n.Lang]string
	// Audience is the rule as written; see community.ParseAudience.
	Audience string
	File     *Attachment
	// Buttons stand under the text of each variant. Those of Both are seen in rooms too, where a tap is nobody's
	// own: links only.
	Buttons map[Variant][][]channel.Button
	// StartAt is when it is to start; zero means as soon as it is approved. StartLocal is the same as
	// the author meant it, «2026-12-05 09:00», in Zone; it is empty when it was to start at once.
	StartAt    time.Time
	StartLocal string
	Zone       string
	// ValidFor is how long after its start it is of use; zero means always. ExpiresAt follows at the
	// start.
	ValidFor  time.Duration
	ExpiresAt time.Time
	// Nonce is the one-use confirmation offered for it, good until NonceUntil.
	Nonce      string
	NonceUntil time.Time
	// Shown is where its progress is shown, and ShownMessage which message there changes.
	Shown         channel.Address
	ShownMessage  string
	ShownLanguage i18n.Lang

	CreatedAt, UpdatedAt, StartedAt, PausedAt, FinishedAt, RetractedAt time.Time
}

// UndoFor is how long after its approval an announcement can be taken back before anything leaves.
const UndoFor = 30 * time.Second

// ConfirmWithin is how long a confirmation that was asked for stays open.
const ConfirmWithin = 10 * time.Minute

// LateAfter is how late a scheduled announcement may start by itself after a time in which nothing
// ran: what was right at eight in the morning may be wrong at one.
const LateAfter = 30 * time.Minute

// The longest texts, in characters. All languages one under the other must fit into one message of a
// room, and Telegram takes 4096; an alert must be readable at a glance on a small screen.
const (
	LongestText  = 1200
	LongestAlert = 500
)

// Fault is why an announcement cannot leave yet.
type Fault string

// The faults.
const (
	NoFrench   Fault = "nofrench"
	NoSpanish  Fault = "nospanish"
	NoAudience Fault = "noaudience"
	TooLong    Fault = "toolong"
	NoExpiry   Fault = "noexpiry"
	Past       Fault = "past"
)

func (f Fault) Error() string {
	switch f {
	case NoFrench:
		return "the French text is missing"
	case NoSpanish:
		return "the Spanish text is missing"
	case NoAudience:
		return "nobody is chosen to get it"
	case TooLong:
		return "a text is too long: 1200 characters at most, 500 for an alert"
	case NoExpiry:
		return "an alert needs a time after which it no longer holds: at most 72 hours"
	}
	return "the time to start lies in the past"
}

// LongestValidity is how long an alert may hold: what is older must be said again.
const LongestValidity = 72 * time.Hour

// Faults lists what keeps an announcement from leaving, the first to mend first.
func (a Announcement) Faults(now time.Time) []Fault {
	var faults []Fault
	if a.Texts[i18n.French] == "" {
		faults = append(faults, NoFrench)
	}
	if a.Texts[i18n.Spanish] == "" {
		faults = append(faults, NoSpanish)
	}
	most := LongestText
	if a.Class == Alert {
		most = LongestAlert
	}
	for _, text := range a.Texts {
		if utf8.RuneCountInString(text) > most {
			faults = append(faults, TooLong)
			break
		}
	}
	if a.Audience == "" {
		faults = append(faults, NoAudience)
	}
	if a.Class == Alert && (a.ValidFor <= 0 || a.ValidFor > LongestValidity) {
		faults = append(faults, NoExpiry)
	}
	if !a.StartAt.IsZero() && a.StartAt.Before(now.Add(-time.Minute)) {
		faults = append(faults, Past)
	}
	return faults
}

// VariantFor is the form that a reader of l gets. Who reads English gets all languages when there is no
// English text, and so does who never said a language.
func (a Announcement) VariantFor(l i18n.Lang) Variant {
	if a.Texts[l] != "" {
		return Variant(l)
	}
	return Both
}

// Bodies are the contents of every variant, as they are frozen. The attachment's bytes are not in them.
func (a Announcement) Bodies() map[Variant]channel.Content {
	bodies := map[Variant]channel.Content{}
	all := ""
	for _, l := range i18n.Langs {
		text := a.Texts[l]
		if text == "" {
			continue
		}
		if a.Class == Alert {
			text = a.framed(l, text)
		}
		bodies[Variant(l)] = channel.Content{Text: text, Buttons: a.Buttons[Variant(l)]}
		if all != "" {
			all += "\n\n— — —\n\n"
		}
		all += text
	}
	bodies[Both] = channel.Content{Text: all, Buttons: a.Buttons[Both]}
	return bodies
}

// alertWords stand around the text of an alert: it says what it is, since it reaches those who said stop
// too, and until when it holds. They are fixed words of the message itself, frozen with it.
var alertWords = map[i18n.Lang]struct{ title, until, lasts string }{
	i18n.French:  {"Alerte de sécurité", "Valable jusqu'au %s (%s).", "Valable %d h."},
	i18n.Spanish: {"Alerta de seguridad", "Válida hasta el %s (%s).", "Válida %d h."},
	i18n.English: {"Security alert", "Holds until %s (%s).", "Holds for %d h."},
}

func (a Announcement) framed(l i18n.Lang, text string) string {
	w := alertWords[l]
	holds := fmt.Sprintf(w.lasts, int(a.ValidFor.Hours()))
	if zone, err := time.LoadLocation(a.Zone); err == nil && !a.ExpiresAt.IsZero() {
		holds = fmt.Sprintf(w.until, a.ExpiresAt.In(zone).Format("02/01 15:04"), City(a.Zone))
	}
	return "*" + w.title + "*\n" + text + "\n" + holds
}
