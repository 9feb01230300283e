package agenda

import (
	"fmt"
	"strconv"
	"time"

	"chasqui/community"
)

const (
	dayLayout  = "2006-01-02"
	wallLayout = "2006-01-02 15:04"
)

// Wall is what a clock on the wall and a calendar beside it show, without saying where they hang:
// "2026-12-05 16:00", or "2026-12-05" for a whole day.
type Wall string

// ParseWall reads a wall time as it is kept.
func ParseWall(s string) (Wall, error) {
	for _, layout := range []string{wallLayout, dayLayout} {
		if t, err := time.Parse(layout, s); err == nil && t.Format(layout) == s && t.Year() >= 1900 && t.Year() <= 2200 {
			return Wall(s), nil
		}
	}
	return "", fmt.Errorf("%q is not a wall time: write YYYY-MM-DD HH:MM", s)
}

// Date is its day.
func (w Wall) Date() community.Date { return community.Date(w[:min(len(w), len(dayLayout))]) }

// Clock is its time, "16:00", or "" for a whole day.
func (w Wall) Clock() string {
	if w.AllDay() {
		return ""
	}
	return string(w[len(dayLayout)+1:])
}

// AllDay reports whether it is a day without a time.
func (w Wall) AllDay() bool { return len(w) <= len(dayLayout) }

// naive is the wall time as if it hung in UTC: good for counting days and hours, never an instant.
func (w Wall) naive() time.Time {
	layout := wallLayout
	if w.AllDay() {
		layout = dayLayout
	}
	t, _ := time.Parse(layout, string(w)) // a Wall was parsed before
	return t
}

// AddDays is the same clock n days later.
func (w Wall) AddDays(n int) Wall {
	layout := wallLayout
	if w.AllDay() {
		layout = dayLayout
	}
	return Wall(w.naive().AddDate(0, 0, n).Format(layout))
}

// Add moves the hands by d.
func (w Wall) Add(d time.Duration) Wall { return Wall(w.naive().Add(d).Format(wallLayout)) }

// At is the same day at a clock such as "09:00".
func (w Wall) At(clock string) Wall { return Wall(string(w.Date()) + " " + clock) }

// WallAt is what the clock in a zone shows at an instant.
func WallAt(t time.Time, zone *time.Location) Wall { return Wall(t.In(zone).Format(wallLayout)) }

// In is the instant at which the clock in a zone shows w. A time that the zone skips when its clocks go
// forward is the next instant that there is; of one that comes twice when they go back, the first.
func (w Wall) In(zone *time.Location) time.Time {
	naive := w.naive()
	// The offsets a day before and a day after are those on both sides of any change.
	var first, earliest time.Time
	for _, near := range []time.Time{naive.AddDate(0, 0, -1), naive.AddDate(0, 0, 1)} {
		_, offset := near.In(zone).Zone()
		t := naive.Add(-time.Duration(offset) * time.Second)
		if earliest.IsZero() || t.Before(earliest) {
			earliest = t
		}
		if shown := t.In(zone); shown.Format(wallLayout) == naive.Format(wallLayout) && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	if !first.IsZero() {
		return first.UTC()
	}
	if _, end := earliest.In(zone).ZoneBounds(); !end.IsZero() {
		return end.UTC()
	}
	return earliest.UTC()
}

func dayOf(d community.Date) time.Time {
	t, _ := time.Parse(dayLayout, string(d)) // a Date was parsed before
	return t
}

func addDays(d community.Date, n int) community.Date {
	return community.Date(dayOf(d).AddDate(0, 0, n).Format(dayLayout))
}

// daysBetween counts from a to b; it is negative when b comes first.
func daysBetween(a, b community.Date) int {
	return int(dayOf(b).Sub(dayOf(a)).Hours() / 24)
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
