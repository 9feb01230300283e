package bot

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"chasqui/community"
)

var (
	clockForm = regexp.MustCompile(`^(\d{1,2})\s*(?:[:h.]\s*(\d{2})?)\s*$`)
	dayForm   = regexp.MustCompile(`^(\d{1,2})[/.-](\d{1,2})(?:[/.-](\d{4}|\d{2}))?$`)
	daysAhead = map[string]int{"aujourd'hui": 0, "hoy": 0, "today": 0, "demain": 1, "manana": 1, "tomorrow": 1, "apres-demain": 2}
)

// parseMoment reads a day and a time as people type them: «05/12/2026 9:00», «5/12 9h30», «demain 9h»,
// «mañana a las 9:00», «18h». A day without a year is the next such day, a time without a day the next such
// time. A wall time that a change of clocks skips is refused rather than guessed.
func parseMoment(text string, now time.Time, zone *time.Location) (time.Time, bool) {
	now = now.In(zone)
	words := strings.Fields(community.Fold(strings.ReplaceAll(text, "’", "'")))
	day, hasDay := now, false
	hour, minute, hasClock := 0, 0, false
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch {
		case word == "a" || word == "las" || word == "le" || word == "el" || word == "at" || word == "on" || word == "à":
		case !hasDay && isDay(word, now, &day):
			hasDay = true
		case !hasClock && isClock(word, &hour, &minute):
			hasClock = true
		case !hasClock && i+1 < len(words) && isClock(word+words[i+1], &hour, &minute):
			hasClock = true
			i++
		default:
			return time.Time{}, false
		}
	}
	if !hasClock {
		return time.Time{}, false
	}
	at := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, zone)
	if at.Hour() != hour || at.Minute() != minute {
		return time.Time{}, false
	}
	if !hasDay && at.Before(now) {
		at = time.Date(day.Year(), day.Month(), day.Day()+1, hour, minute, 0, 0, zone)
	}
	return at, true
}

func isDay(word string, now time.Time, day *time.Time) bool {
	if n, ok := daysAhead[word]; ok {
		*day = now.AddDate(0, 0, n)
		return true
	}
	if d, err := time.ParseInLocation("2006-01-02", word, now.Location()); err == nil {
		*day = d
		return true
	}
	m := dayForm.FindStringSubmatch(word)
	if m == nil {
		return false
	}
	d, _ := strconv.Atoi(m[1])
	month, _ := strconv.Atoi(m[2])
	year, _ := strconv.Atoi(m[3])
	if year > 0 && year < 100 {
		year += 2000
	}
	if m[3] == "" {
		year = now.Year()
	}
	*day = time.Date(year, time.Month(month), d, 0, 0, 0, 0, now.Location())
	if day.Day() != d || int(day.Month()) != month {
		return false
	}
	if m[3] == "" && day.Before(now.AddDate(0, 0, -1)) {
		*day = day.AddDate(1, 0, 0)
	}
	return true
}

func isClock(word string, hour, minute *int) bool {
	m := clockForm.FindStringSubmatch(word)
	if m == nil {
		return false
	}
	h, _ := strconv.Atoi(m[1])
	min, _ := strconv.Atoi(m[2])
	if h > 23 || min > 59 || m[2] == "" && !strings.Contains(word, "h") {
		return false
	}
	*hour, *minute = h, min
	return true
}
