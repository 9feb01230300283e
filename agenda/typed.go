package agenda

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"chasqui/community"
	"chasqui/i18n"
)

// ErrTyped says that what somebody typed is not what was asked for.
var ErrTyped = errors.New("this is not understood")

var (
	typedDay   = regexp.MustCompile(`^(\d{1,2})[/.-](\d{1,2})(?:[/.-](\d{4}|\d{2}))?$`)
	typedClock = regexp.MustCompile(`^(\d{1,2})\s*(?::|h|H)\s*(\d{2})?$`)
	typedSpan  = regexp.MustCompile(`^\+?\s*(?:(\d{1,2})\s*h)?\s*(?:(\d{1,3})\s*(?:min|mn|m)?)?$`)
)

// daysAhead are the days that people name without a number.
var daysAhead = map[string]int{"aujourd'hui": 0, "hoy": 0, "today": 0, "demain": 1, "manana": 1, "tomorrow": 1, "apres-demain": 2}

// ParseWhen reads when something begins: «05/12/2026 16:00», «5/12 16h», «2026-12-05 16:00», «demain 9h», or a
// day alone for all of it. A day without a year is the next one that comes after today.
func ParseWhen(text string, today community.Date) (Wall, error) {
	text = strings.Join(strings.Fields(strings.NewReplacer(" à ", " ", " a las ", " ", " at ", " ", ",", " ").Replace(text)), " ")
	day, clock, _ := strings.Cut(text, " ")
	d, err := parseDay(day, today)
	if err != nil {
		return "", err
	}
	if clock == "" {
		return Wall(d), nil
	}
	c, err := parseClock(clock)
	if err != nil {
		return "", err
	}
	return Wall(d).At(c), nil
}

func parseDay(text string, today community.Date) (community.Date, error) {
	if d, err := community.ParseDate(text); err == nil {
		return d, nil
	}
	if n, ok := daysAhead[strings.ReplaceAll(community.Fold(text), "’", "'")]; ok {
		return addDays(today, n), nil
	}
	m := typedDay.FindStringSubmatch(text)
	if m == nil {
		return "", ErrTyped
	}
	year := dayOf(today).Year()
	switch len(m[3]) {
	case 4:
		return "", ErrTyped // ParseDate would have read it
	case 2:
		return community.ParseDate(m[1] + "/" + m[2] + "/20" + m[3])
	}
	// A leap day may be up to eight years away.
	for y := year; y <= year+8; y++ {
		if d, err := community.ParseDate(m[1] + "/" + m[2] + "/" + strconv.Itoa(y)); err == nil && d >= today {
			return d, nil
		}
	}
	return "", ErrTyped
}

func parseClock(text string) (string, error) {
	m := typedClock.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return "", ErrTyped
	}
	hour, _ := strconv.Atoi(m[1])
	minute, _ := strconv.Atoi("0" + m[2])
	if hour > 23 || minute > 59 {
		return "", ErrTyped
	}
	return time.Date(2000, 1, 1, hour, minute, 0, 0, time.UTC).Format("15:04"), nil
}

// ParseEnd reads when something ends that begins at start: a time of the same day or of the next one, how
// long it lasts («2h», «1h30», «90 min»), or a day and a time. «2h» for what begins at 16:00 is two hours,
// since nothing ends before it begins.
func ParseEnd(text string, start Wall) (Wall, error) {
	text = strings.TrimSpace(text)
	if strings.ContainsAny(text, "/-") || start.AllDay() {
		end, err := ParseWhen(text, start.Date())
		if err != nil || end < start || end.AllDay() != start.AllDay() {
			return "", ErrTyped
		}
		return end, nil
	}
	if clock, err := parseClock(text); err == nil {
		end := start.At(clock)
		if end > start {
			return end, nil
		}
		if strings.Contains(text, ":") && end < start {
			return end.AddDays(1), nil
		}
	}
	m := typedSpan.FindStringSubmatch(strings.ToLower(text))
	if m == nil || m[1] == "" && m[2] == "" {
		return "", ErrTyped
	}
	hours, _ := strconv.Atoi("0" + m[1])
	minutes, _ := strconv.Atoi("0" + m[2])
	span := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if span <= 0 || span > 48*time.Hour {
		return "", ErrTyped
	}
	return start.Add(span), nil
}

// ParseTitles reads titles that carry their languages, «FR: Goûter de Noël ES: Lonchecito de Navidad», or
// one title of a language that the text does not name.
func ParseTitles(text string, l i18n.Lang) map[i18n.Lang]string {
	titles := map[i18n.Lang]string{}
	for l, said := range i18n.InLanguages(text, l) {
		if t := oneLine(strings.Trim(said, " \n|;/")); t != "" {
			titles[l] = t
		}
	}
	return titles
}

// longestTitle fits on two lines of a phone and in a button's neighbourhood.
const longestTitle = 120

func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if r := []rune(s); len(r) > longestTitle {
		s = strings.TrimSpace(string(r[:longestTitle]))
	}
	return s
}

// ParsePlace parts where something is from the link that leads there.
func ParsePlace(text string) (place, link string) {
	var words []string
	for _, w := range strings.Fields(strings.ToValidUTF8(text, "")) {
		if link == "" && (strings.HasPrefix(w, "https://") || strings.HasPrefix(w, "http://")) {
			link = w
			continue
		}
		words = append(words, w)
	}
	return strings.Join(words, " "), link
}
