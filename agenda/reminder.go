package agenda

import (
	"time"
)

// ReminderKind is one of the times at which who comes is reminded. A new one is a line in
// ReminderKinds and nothing else.
type ReminderKind struct {
	// Name is kept in the database and in causes.
	Name string
	// Days before, by the event's own clock; or Before, by any clock.
	Days   int
	Before time.Duration
	// Late is how long after its time it still leaves, in words that are true by then.
	Late time.Duration
	// LastCall is how long before the start it leaves at the latest.
	LastCall time.Duration
	// Loud ones sound in the night too.
	Loud bool
}

// ReminderKinds are all of them.
var ReminderKinds = []ReminderKind{
	{Name: "7d", Days: 7, Late: 48 * time.Hour},
	{Name: "1d", Days: 1, Late: 12 * time.Hour},
	{Name: "1h", Before: time.Hour, Late: 50 * time.Minute, LastCall: 10 * time.Minute, Loud: true},
}

func reminderKind(name string) (ReminderKind, bool) {
	for _, k := range ReminderKinds {
		if k.Name == name {
			return k, true
		}
	}
	return ReminderKind{}, false
}

// allDayAt is when people are told of something that has no time of its own.
const allDayAt = "09:00"

// due is when a kind is due for an occurrence; a whole day has no hour before it.
func (k ReminderKind) due(o Occurrence, zone *time.Location) (time.Time, bool) {
	if k.Days > 0 {
		wall := o.Start.AddDays(-k.Days)
		if wall.AllDay() {
			wall = wall.At(allDayAt)
		}
		return wall.In(zone), true
	}
	return o.StartsAt.Add(-k.Before), !o.Start.AllDay()
}

// Reminder is one that is to leave for one start of one occurrence.
type Reminder struct {
	OccurrenceID int64
	Kind         string
	StartsAt     time.Time
	Due          time.Time
}

// Reminders are those that an occurrence still has before it. What was due before the occurrence was
// known, or had this start, is nobody's loss: who answers now reads the date in the answer.
func (o Occurrence) Reminders(zone *time.Location, now time.Time) []Reminder {
	if o.State == Cancelled {
		return nil
	}
	var out []Reminder
	for _, k := range ReminderKinds {
		if due, ok := k.due(o, zone); ok && !due.Before(now) {
			out = append(out, Reminder{OccurrenceID: o.ID, Kind: k.Name, StartsAt: o.StartsAt, Due: due})
		}
	}
	return out
}

// Miss is why a reminder did not leave.
type Miss string

// The reasons: nothing ran at its time, or it was due before a restored backup was put in place and may
// have left already.
const (
	MissedLate     Miss = "late"
	MissedRestored Miss = "restored"
)

// Verdict decides over a reminder that is due: "" lets it leave. from is the moment of the last restore,
// or zero.
func (r Reminder) Verdict(now, from time.Time) Miss {
	k, ok := reminderKind(r.Kind)
	switch {
	case r.Due.Before(from):
		return MissedRestored
	case !ok || now.After(r.Due.Add(k.Late)) || !now.Before(r.StartsAt.Add(-k.LastCall)):
		return MissedLate
	}
	return ""
}
