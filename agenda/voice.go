package agenda

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"chasqui/channel"
	"chasqui/i18n"
	"chasqui/outbox"
)

// Voice puts the agenda into words, each person's own language and clock.
type Voice struct {
	Texts i18n.Texts
	// Home is the community's zone.
	Home *time.Location
}

// Language is what a person is written to in.
func Language(p Person) i18n.Lang {
	if p.Language == "" {
		return i18n.French
	}
	return p.Language
}

// Date writes a day in words, with its year when that is not this one.
func (v Voice) Date(l i18n.Lang, t, now time.Time) string {
	day := strconv.Itoa(t.Day())
	if l == i18n.French && t.Day() == 1 {
		day = "1er"
	}
	key := "event.date"
	if t.Year() != now.Year() {
		key = "event.date.year"
	}
	return v.Texts.T(l, key, "weekday", v.Texts.T(l, "weekday."+strings.ToLower(t.Weekday().String())), "day", day,
		"month", v.Texts.T(l, fmt.Sprintf("month.%d", t.Month())), "year", t.Year())
}

// city names a zone by the town it is called after, in the reader's own words where they are ours to know.
func (v Voice) city(l i18n.Lang, zone *time.Location) string {
	name := zone.String()
	switch name {
	case "America/Lima":
		return v.Texts.T(l, "event.zone.lima")
	case "Europe/Paris":
		return v.Texts.T(l, "event.zone.paris")
	}
	return strings.ReplaceAll(name[strings.LastIndexByte(name, '/')+1:], "_", " ")
}

// When says when an occurrence is by the reader's clock, and by the event's where that shows another time.
func (v Voice) When(l i18n.Lang, o Occurrence, event, reader *time.Location, now time.Time) string {
	if o.Start.AllDay() {
		first := v.Date(l, o.Start.naive(), now)
		if o.End == "" || o.End == o.Start {
			return first
		}
		return v.Texts.T(l, "event.days", "first", first, "last", v.Date(l, o.End.naive(), now))
	}
	text := v.clock(l, o, reader, now)
	_, here := o.StartsAt.In(reader).Zone()
	if _, there := o.StartsAt.In(event).Zone(); here != there {
		if WallAt(o.StartsAt, event).Date() != WallAt(o.StartsAt, reader).Date() {
			return text + " = " + v.clock(l, o, event, now)
		}
		text += " = " + v.Texts.T(l, "event.when.there", "hours", v.hours(l, o, event, now), "city", v.city(l, event))
	}
	return text
}

func (v Voice) clock(l i18n.Lang, o Occurrence, zone *time.Location, now time.Time) string {
	return v.Texts.T(l, "event.when", "date", v.Date(l, o.StartsAt.In(zone), now.In(zone)), "hours", v.hours(l, o, zone, now), "city", v.city(l, zone))
}

func (v Voice) hours(l i18n.Lang, o Occurrence, zone *time.Location, now time.Time) string {
	start, end := o.StartsAt.In(zone), o.EndsAt.In(zone)
	hours := start.Format("15:04")
	switch {
	case o.End == "":
		return hours
	case WallAt(start, zone).Date() == WallAt(end, zone).Date() || end.Sub(start) < 12*time.Hour:
		return hours + "–" + end.Format("15:04")
	}
	return hours + " – " + v.Date(l, end, now.In(zone)) + " " + end.Format("15:04")
}

// Ahead says how far away an occurrence is, in words that are true now.
func (v Voice) Ahead(l i18n.Lang, o Occurrence, reader *time.Location, now time.Time) string {
	if !o.Start.AllDay() {
		switch left := o.StartsAt.Sub(now); {
		case left >= 50*time.Minute && left <= 70*time.Minute:
			return v.Texts.T(l, "ahead.hour")
		case left > 0 && left < 50*time.Minute:
			return v.Texts.T(l, "ahead.minutes", "n", max(1, int(left.Round(time.Minute)/time.Minute)))
		}
		return v.days(l, daysBetween(WallAt(now, reader).Date(), WallAt(o.StartsAt, reader).Date()))
	}
	return v.days(l, daysBetween(WallAt(now, reader).Date(), o.Start.Date()))
}

func (v Voice) days(l i18n.Lang, n int) string {
	switch {
	case n == 0:
		return v.Texts.T(l, "ahead.today")
	case n == 1:
		return v.Texts.T(l, "ahead.tomorrow")
	case n < 0:
		return v.Texts.T(l, "ahead.past", "n", -n)
	}
	return v.Texts.T(l, "ahead.days", "n", n)
}

// Head is what begins whatever is said of an occurrence: title, time, place.
func (v Voice) Head(l i18n.Lang, c Card, reader *time.Location, now time.Time) string {
	text := "*" + c.Title(l) + "*\n" + v.When(l, c.Occurrence, c.Location(), reader, now)
	if where := c.Where(); where != "" {
		text += "\n" + where
	}
	return text
}

// Card is all that somebody who may come reads of an occurrence.
func (v Voice) Card(l i18n.Lang, c Card, reader *time.Location, now time.Time) string {
	lines := []string{v.Head(l, c, reader, now)}
	if c.Occurrence.State == Cancelled {
		return strings.Join(append(lines, "", v.Texts.T(l, "event.is.cancelled")), "\n")
	}
	lines = append(lines, "", v.Count(l, c))
	if c.Mine != "" {
		lines = append(lines, v.Texts.T(l, "event.mine."+string(c.Mine), "n", c.Rank))
	}
	return strings.Join(lines, "\n")
}

// Count says how many come and how many still may.
func (v Voice) Count(l i18n.Lang, c Card) string {
	text := v.Texts.T(l, "event.nobody")
	if c.Coming > 0 {
		text = v.Texts.T(l, "event.coming", "n", c.Coming)
	}
	left, counted := c.Free()
	switch {
	case !counted:
		return text + "."
	case left > 0:
		return text + ", " + v.Texts.T(l, "event.left", "n", left) + "."
	case c.Queue > 0:
		return text + ", " + v.Texts.T(l, "event.queue", "n", c.Queue) + "."
	}
	return text + ", " + v.Texts.T(l, "event.full") + "."
}

// AnswerButtons are the three answers, the present one marked.
func (v Voice) AnswerButtons(l i18n.Lang, c Card) []channel.Button {
	var out []channel.Button
	for _, a := range []Answer{Yes, Maybe, No} {
		label := v.Texts.T(l, "event.button."+string(a))
		if c.Mine == a || c.Mine == Waiting && a == Yes {
			label = "✓ " + label
		}
		out = append(out, channel.Button{Label: label, Data: Data(string(a), c.Occurrence.ID)})
	}
	return out
}

// Verb is what the data of the agenda's event buttons begins with.
const Verb = "ev"

// Data is what a button about an occurrence carries.
func Data(verb string, occurrenceID int64) string {
	return Verb + ":" + verb + ":" + decimal(occurrenceID)
}

func (v Voice) cannot(l i18n.Lang, c Card) channel.Button {
	return channel.Button{Label: v.Texts.T(l, "event.button.cannot"), Data: Data("no", c.Occurrence.ID)}
}

// Reminder is what a person reads before something they said yes or maybe to, or run.
func (v Voice) Reminder(p Person, c Card, now time.Time) channel.Content {
	l, zone := Language(p), p.Member.Zone(v.Home)
	text := v.Texts.T(l, "event.remind", "title", c.Title(l), "ahead", v.Ahead(l, c.Occurrence, zone, now)) + "\n" +
		v.When(l, c.Occurrence, c.Location(), zone, now)
	if where := c.Where(); where != "" {
		text += "\n" + where
	}
	content := channel.Content{Text: text, Preview: false}
	switch p.Answer {
	case Yes:
		content.Buttons = [][]channel.Button{{v.cannot(l, c)}}
	case Maybe:
		content.Buttons = [][]channel.Button{{{Label: v.Texts.T(l, "event.button.yes"), Data: Data("yes", c.Occurrence.ID)}, v.cannot(l, c)}}
	}
	return content
}

// Up tells somebody that they moved up from the waiting list.
func (v Voice) Up(p Person, c Card, now time.Time) channel.Content {
	l := Language(p)
	text := v.Texts.T(l, "event.up") + "\n\n" + v.Head(l, c, p.Member.Zone(v.Home), now)
	return channel.Content{Text: text, Buttons: [][]channel.Button{{v.cannot(l, c)}}}
}

// Changed tells somebody who answered what is different now.
func (v Voice) Changed(p Person, before, after Card, now time.Time) channel.Content {
	l, zone := Language(p), p.Member.Zone(v.Home)
	when := v.When(l, after.Occurrence, after.Location(), zone, now)
	switch {
	case after.Occurrence.State == Cancelled:
		return channel.Content{Text: v.Texts.T(l, "event.cancelled", "title", after.Title(l), "when", when)}
	case before.Occurrence.Start != after.Occurrence.Start || before.Occurrence.End != after.Occurrence.End:
		text := v.Texts.T(l, "event.moved", "title", after.Title(l), "old", v.When(l, before.Occurrence, before.Location(), zone, now), "when", when)
		if where := after.Where(); where != "" {
			text += "\n" + where
		}
		return channel.Content{Text: text, Buttons: [][]channel.Button{{
			{Label: v.Texts.T(l, "event.button.still"), Data: Data("yes", after.Occurrence.ID)}, v.cannot(l, after),
		}}}
	}
	return channel.Content{Text: v.Texts.T(l, "event.place", "title", after.Title(l), "when", when, "where", after.Where()),
		Buttons: [][]channel.Button{{v.cannot(l, after)}}}
}

// CancelledAll tells somebody who answered that an event happens no more, on none of its dates.
func (v Voice) CancelledAll(p Person, e Event) channel.Content {
	l := Language(p)
	return channel.Content{Text: v.Texts.T(l, "event.cancelled.all", "title", e.Title(l))}
}

// ChangeDrafts tell whom a change concerns: those who said yes or maybe, those who wait, those who run it.
// It answers what they said, so it leaves whatever they agreed to. Other seats concern only who moves up.
func (v Voice) ChangeDrafts(before, after Card, concerned []Person, now time.Time) []outbox.Draft {
	o, p := before.Occurrence, after.Occurrence
	o.Seats, o.Sequence = p.Seats, p.Sequence
	if o == p {
		return nil
	}
	var drafts []outbox.Draft
	for _, person := range concerned {
		if person.To.ID == "" || !person.Organiser && (person.Answer == No || person.Answer == "") {
			continue
		}
		drafts = append(drafts, outbox.Draft{Lane: outbox.Reply, To: person.To, MemberID: person.ID, Content: v.Changed(person, before, after, now),
			Cause: fmt.Sprintf("event %d change %d", p.ID, p.Sequence)})
	}
	return drafts
}

// CancelDrafts tell everybody that an event happens on none of its dates.
func (v Voice) CancelDrafts(e Event, concerned []Person) []outbox.Draft {
	var drafts []outbox.Draft
	for _, p := range concerned {
		if p.To.ID != "" {
			drafts = append(drafts, outbox.Draft{Lane: outbox.Reply, To: p.To, MemberID: p.ID, Content: v.CancelledAll(p, e), Cause: "event " + decimal(e.ID) + " cancelled"})
		}
	}
	return drafts
}
