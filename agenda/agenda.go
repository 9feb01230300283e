// Package agenda is what the community does together and what each person must not forget: events with
// their occurrences and answers, the reminders of both, calendar files, and the deadlines of papers.
//
// What must stay true: a time is kept as people say it, a wall clock and a zone, and becomes an instant
// only when it is needed; a reminder leaves once for one start, or not at all and somebody is told.
package agenda

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"chasqui/channel"
	"chasqui/community"
	"chasqui/i18n"
)

// State is what has become of an event or an occurrence.
type State string

// The states. A draft is an event that its author still writes; moved is an occurrence whose time is no
// longer the rule's.
const (
	Draft     State = "draft"
	Planned   State = "planned"
	Moved     State = "moved"
	Cancelled State = "cancelled"
)

// Event is something people may come to, once or again and again.
type Event struct {
	ID int64
	// UID names the event in calendar files; it never changes.
	UID string
	// Titles are by language: French and Spanish always once it is published, English where there is one.
	Titles map[i18n.Lang]string
	// Start and End are those of the first occurrence, by the clock of Zone. End may be empty.
	Start, End  Wall
	Zone        string
	Place, Link string
	// Seats is how many may come; 0 is as many as like.
	Seats int
	// Audience is a rule of community.ParseAudience.
	Audience string
	// Rule repeats the event, by RFC 5545; empty is once.
	Rule  string
	State State
	// Step is how far the author of a draft got.
	Step       string
	AuthorID   int64
	Organisers []int64
}

// Title is the event's name in a language. Who reads English gets both others when there is none: one of
// them may be read.
func (e Event) Title(l i18n.Lang) string {
	if t := e.Titles[l]; t != "" {
		return t
	}
	fr, es := e.Titles[i18n.French], e.Titles[i18n.Spanish]
	if fr == "" || es == "" || fr == es {
		return cmp.Or(fr, es)
	}
	return fr + " / " + es
}

// Location is the event's zone. What cannot be loaded was refused when the event was made.
func (e Event) Location() *time.Location { return community.Location(e.Zone, time.UTC) }

// On is the event's occurrence on a day of its rule, as the rule has it.
func (e Event) On(day community.Date) Occurrence {
	shift := daysBetween(e.Start.Date(), day)
	o := Occurrence{EventID: e.ID, RuleDate: day, Start: e.Start.AddDays(shift), Place: e.Place, Link: e.Link, Seats: e.Seats, State: Planned}
	if e.End != "" {
		o.End = e.End.AddDays(shift)
	}
	return o.Timed(e.Location())
}

// Occurrence is one time that an event happens.
type Occurrence struct {
	ID, EventID int64
	// RuleDate is the day of the rule that it stands for, whatever day it was moved to.
	RuleDate community.Date
	// Start and End are by the event's clock; End may be empty.
	Start, End Wall
	// StartsAt and EndsAt are the instants of Start and End.
	StartsAt, EndsAt time.Time
	Place, Link      string
	Seats            int
	State            State
	// Sequence counts the changes, for calendar files and so that each change is told once.
	Sequence int
}

// usualLength is how long something lasts that says no end.
const usualLength = time.Hour

// Timed computes the instants from the wall times.
func (o Occurrence) Timed(zone *time.Location) Occurrence {
	o.StartsAt = o.Start.In(zone)
	switch {
	case o.Start.AllDay():
		last := o.Start
		if o.End != "" {
			last = o.End
		}
		o.EndsAt = last.AddDays(1).In(zone)
	case o.End == "":
		o.EndsAt = o.StartsAt.Add(usualLength)
	default:
		o.EndsAt = o.End.In(zone)
	}
	return o
}

// MovedTo is the occurrence at another start, as long as before.
func (o Occurrence) MovedTo(start Wall) Occurrence {
	switch {
	case o.End == "":
	case o.Start.AllDay() != start.AllDay():
		o.End = ""
	case start.AllDay():
		o.End = start.AddDays(daysBetween(o.Start.Date(), o.End.Date()))
	default:
		o.End = start.Add(o.End.naive().Sub(o.Start.naive()))
	}
	o.Start, o.State = start, Moved
	return o
}

// Over reports whether nobody can come any more.
func (o Occurrence) Over(now time.Time) bool { return !now.Before(o.EndsAt) }

// Answer is what somebody said to an occurrence.
type Answer string

// The answers. Waiting is a yes for which there was no seat; nobody says it, it comes of a yes.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	Maybe   Answer = "maybe"
	Waiting Answer = "waiting"
)

// Person is a member as the agenda writes to them.
type Person struct {
	community.Member
	// To is where they are reached; its ID is empty when nowhere.
	To     channel.Address
	Answer Answer
	// Organiser is true for who runs the event.
	Organiser bool
}

// Card is an occurrence with all that its card shows to one person.
type Card struct {
	Event
	Occurrence
	// Coming, Unsure and Queue count the answers yes, maybe and waiting.
	Coming, Unsure, Queue int
	// Mine is the reader's own answer, or empty.
	Mine Answer
	// Rank is the reader's place in the waiting list, from 1, when Mine is Waiting.
	Rank int
}

// Where is the place and the link, each on a line of its own.
func (o Occurrence) Where() string {
	return strings.TrimSpace(o.Place + "\n" + o.Link)
}

// Free is how many seats are left, and whether they are counted at all.
func (c Card) Free() (left int, counted bool) {
	return max(0, c.Occurrence.Seats-c.Coming), c.Occurrence.Seats > 0
}

// Fits reports whether a member belongs to an audience. groups are the slugs of the member's groups.
func Fits(a community.Audience, m community.Member, groups []string) bool {
	fits := func(t community.Term) bool { return termFits(t, m, groups) }
	for _, t := range a.Not {
		if fits(t) {
			return false
		}
	}
	for _, terms := range a.AnyOf {
		all := true
		for _, t := range terms {
			all = all && fits(t)
		}
		if all {
			return true
		}
	}
	return false
}

func termFits(t community.Term, m community.Member, groups []string) bool {
	switch t.Kind {
	case community.Everybody:
		return true
	case community.InRegion:
		return m.Region == t.Value
	case community.OfKind:
		return string(m.Kind) == t.Value
	case community.OfScheme:
		return m.Scheme == t.Value
	case community.OneMember:
		return m.ID != 0 && t.Value == decimal(m.ID)
	}
	return slices.Contains(groups, t.Value)
}

// Open reports whether an event is for this member, by its audience.
func (e Event) Open(m community.Member, groups []string) bool {
	a, err := community.ParseAudience(e.Audience)
	return err == nil && Fits(a, m, groups)
}
