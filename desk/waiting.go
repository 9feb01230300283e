package desk

import (
	"slices"
	"time"
)

// The team's hours in the community's own zone: Monday to Friday. A person is told when somebody
// will read them, so these must be what the team really keeps.
const (
	opensAt  = 9
	closesAt = 18
)

// Wait is what a person can honestly be told about how long an answer takes.
type Wait struct {
	// Open is true during the team's hours.
	Open bool
	// Usual is the median first answer of late, rounded up; zero while too few are known.
	Usual time.Duration
	// Next is when the team is back, in its own zone, when it is closed now.
	Next time.Time
}

// WaitAt says what to expect of a ticket opened at now. answers are how long recent tickets waited
// for their first answer during the team's hours; fewer than five say nothing.
func WaitAt(now time.Time, zone *time.Location, answers []time.Duration) Wait {
	local := now.In(zone)
	if open(local) {
		return Wait{Open: true, Usual: usual(answers)}
	}
	next := time.Date(local.Year(), local.Month(), local.Day(), opensAt, 0, 0, 0, zone)
	for !next.After(local) || !workday(next) {
		next = time.Date(next.Year(), next.Month(), next.Day()+1, opensAt, 0, 0, 0, zone)
	}
	return Wait{Next: next, Usual: usual(answers)}
}

func open(local time.Time) bool {
	return workday(local) && local.Hour() >= opensAt && local.Hour() < closesAt
}

func workday(t time.Time) bool { return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday }

// usual is the median, rounded up to a quarter of an hour below two hours and to an hour above: a
// promise should not look more exact than it is.
func usual(answers []time.Duration) time.Duration {
	if len(answers) < 5 {
		return 0
	}
	median := sorted(answers)[len(answers)/2]
	step := 15 * time.Minute
	if median > 2*time.Hour {
		step = time.Hour
	}
	return (median + step - 1).Truncate(step)
}

func sorted(answers []time.Duration) []time.Duration {
	s := slices.Clone(answers)
	slices.Sort(s)
	return s
}
