package agenda

import "chasqui/community"

// A tourist may stay MostDays in any WindowDays, the day of entry and the day of exit counted both.
const (
	MostDays   = 90
	WindowDays = 180
)

// Stay is a time in the country; both days count. An empty Exit is a stay that goes on.
type Stay struct{ Entry, Exit community.Date }

// Stays are somebody's stays, in any order; those that overlap count once.
type Stays []Stay

// DaysUsed counts the days of stay in the WindowDays that end with on, this day included.
func (s Stays) DaysUsed(on community.Date) int {
	first := addDays(on, 1-WindowDays)
	// The stays are few and the window is short: a day counted twice is best avoided day by day.
	var there [WindowDays]bool
	for _, stay := range s {
		from, to := max(stay.Entry, first), on
		if stay.Exit != "" {
			to = min(stay.Exit, on)
		}
		if from > to {
			continue
		}
		for i := daysBetween(first, from); i <= daysBetween(first, to); i++ {
			there[i] = true
		}
	}
	used := 0
	for _, was := range there {
		if was {
			used++
		}
	}
	return used
}

// LastLegalDay is the last day that somebody may be there who enters on entry after these stays and does
// not leave, or false when not even the day of entry is allowed.
func (s Stays) LastLegalDay(entry community.Date) (community.Date, bool) {
	all := append(Stays{{Entry: entry}}, s...)
	day := entry
	for all.DaysUsed(day) <= MostDays {
		// While the person is there each day adds one, and at most one falls out of the window.
		day = addDays(day, 1)
		if daysBetween(entry, day) > MostDays {
			break
		}
	}
	last := addDays(day, -1)
	return last, last >= entry
}
