package agenda

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"chasqui/community"
)

// Horizon is how far ahead the occurrences of a recurring event are made.
const Horizon = 90

// ErrRule says that a rule of repetition cannot be used.
var ErrRule = errors.New("the repetition is not understood: write a rule such as FREQ=WEEKLY or FREQ=MONTHLY;BYDAY=1SA")

// CheckRule refuses what an event cannot repeat by: anything below a day, and what says its own start.
func CheckRule(rule string) error {
	_, err := parseRule(rule, "2026-01-01")
	return err
}

func parseRule(rule string, start community.Date) (*rrule.RRule, error) {
	rule = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(rule)), "RRULE:")
	if strings.ContainsAny(rule, "\r\n") || len(rule) > 200 {
		return nil, ErrRule
	}
	for _, part := range []string{"DTSTART", "BYHOUR", "BYMINUTE", "BYSECOND", "BYEASTER"} {
		if strings.Contains(rule, part) {
			return nil, fmt.Errorf("%s: the time comes from the event: %w", part, ErrRule)
		}
	}
	option, err := rrule.StrToROption(rule)
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", ErrRule, err.Error())
	}
	if option.Freq > rrule.DAILY {
		return nil, fmt.Errorf("nothing repeats more often than daily: %w", ErrRule)
	}
	if option.Interval < 0 || option.Interval > 1000 || option.Count < 0 {
		return nil, ErrRule
	}
	option.Dtstart = dayOf(start)
	if !option.Until.IsZero() {
		// The days are counted as if in UTC: an end in the evening of somewhere still means its own day.
		option.Until = dayOf(community.DateAt(option.Until, time.UTC))
	}
	r, err := rrule.NewRRule(*option)
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", ErrRule, err.Error())
	}
	return r, nil
}

// Days are the days of the event's rule up to and including until, its own start first.
func (e Event) Days(until community.Date) []community.Date {
	start := e.Start.Date()
	if start > until {
		return nil
	}
	days := []community.Date{start}
	if e.Rule == "" {
		return days
	}
	r, err := parseRule(e.Rule, start)
	if err != nil {
		return days
	}
	next := r.Iterator()
	for {
		t, ok := next()
		day := community.DateAt(t, time.UTC)
		if !ok || day > until {
			return days
		}
		if day > days[len(days)-1] {
			days = append(days, day)
		}
	}
}

// Weekly and MonthlyLike are the two repetitions that a button offers.
const Weekly = "FREQ=WEEKLY"

// MonthlyLike repeats on the same weekday of each month: the first Saturday when day is one, and the
// last one when there is no fifth in every month.
func MonthlyLike(day community.Date) string {
	t := dayOf(day)
	nth := (t.Day()-1)/7 + 1
	if nth == 5 {
		nth = -1
	}
	return fmt.Sprintf("FREQ=MONTHLY;BYDAY=%d%s", nth, strings.ToUpper(t.Weekday().String()[:2]))
}

// Made are the occurrences that should exist by now: all of an event that happens once, and of another
// those of the days ahead.
func (e Event) Made(now time.Time) ([]Occurrence, community.Date) {
	today := community.DateAt(now, e.Location())
	until := addDays(today, Horizon)
	if e.Rule == "" {
		until = max(until, e.Start.Date())
	}
	var out []Occurrence
	for _, day := range e.Days(until) {
		// What is long over needs no row, but for the only one.
		if e.Rule == "" || day >= addDays(today, -1) || day == e.Start.Date() {
			out = append(out, e.On(day))
		}
	}
	return out, until
}
