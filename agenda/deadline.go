package agenda

import (
	"slices"
	"time"

	"chasqui/channel"
	"chasqui/community"
	"chasqui/i18n"
	"chasqui/outbox"
)

// DeadlineKind is a formality that somebody's dates bring with them. A new one is a line in DeadlineKinds,
// and its texts deadline.name.<name> and deadline.text.<name>.
type DeadlineKind struct {
	// Name is kept in the database and in causes.
	Name string
	// anchor is the day it is counted from, or "" when the member has none.
	anchor func(community.Member) community.Date
	// Offsets are the days from the anchor on which the person is reminded, in order.
	Offsets []int
	// Grace is how many days after the anchor what was missed is still worth saying.
	Grace int
	// Lasts is true for what is done once, whatever becomes of the dates.
	Lasts bool
}

// DeadlineKinds are all of them.
var DeadlineKinds = []DeadlineKind{
	{Name: "register", anchor: arrivalInPeru, Offsets: []int{0, 3, 10}, Grace: 14, Lasts: true},
	{Name: "ninety", anchor: lastTouristDay, Offsets: []int{-21, -10, -3}},
	{Name: "visa_end", anchor: visaEnd, Offsets: []int{-60, -30, -10}},
	{Name: "mission_end", anchor: missionEnd, Offsets: []int{-60, -30, -7}},
}

func arrivalInPeru(m community.Member) community.Date {
	if m.Kind != community.Volunteer {
		return ""
	}
	return m.Arrival
}

// lastTouristDay is the ninetieth day of who entered as a tourist: the visa of a coopérant is for VSI and
// SCI only, and those outside the schemes and of chantiers cannot get one. Who leaves before it needs no
// reminder.
func lastTouristDay(m community.Member) community.Date {
	tourist := m.Kind == community.Volunteer && (m.Scheme == "HD" || m.Scheme == "chantier")
	if !tourist || m.Arrival == "" {
		return ""
	}
	last, ok := Stays(nil).LastLegalDay(m.Arrival)
	if !ok || m.End != "" && m.End <= last {
		return ""
	}
	return last
}

func visaEnd(m community.Member) community.Date { return m.VisaEnd }

func missionEnd(m community.Member) community.Date {
	if m.Kind != community.Volunteer && m.Kind != community.Reciprocity {
		return ""
	}
	return m.End
}

func deadlineKind(name string) (DeadlineKind, bool) {
	i := slices.IndexFunc(DeadlineKinds, func(k DeadlineKind) bool { return k.Name == name })
	if i < 0 {
		return DeadlineKind{}, false
	}
	return DeadlineKinds[i], true
}

// Anchor is the day that a kind of deadline is counted from for a member, or "" when it is not theirs.
func Anchor(kind string, m community.Member) community.Date {
	k, ok := deadlineKind(kind)
	if !ok {
		return ""
	}
	return k.anchor(m)
}

// Deadline is one reminder of a formality.
type Deadline struct {
	MemberID int64
	Kind     string
	Anchor   community.Date
	// Offset is in days from the anchor; Day is the day it falls on where the person is, and Due its
	// instant.
	Offset int
	Day    community.Date
	Due    time.Time
}

// deadlineAt is when people are reminded of their papers: offices are open and there is time to act.
const deadlineAt = "09:00"

// deadlineLate is how long after its time a deadline still leaves.
const deadlineLate = 3 * 24 * time.Hour

// caughtUpBefore is how far ahead the next deadline of a kind must be for a missed one to be caught up: nobody
// needs the same words twice in two days.
const caughtUpBefore = 2 * 24 * time.Hour

// Plan is all that a member is still to be reminded of. settled has, by kind, the anchor for which the
// person said that it is done. Of what lies in the past only the latest one is caught up, and only
// while its day lies ahead: a person of last year who is imported today gets nothing.
func Plan(m community.Member, settled map[string]community.Date, now time.Time, home *time.Location) []Deadline {
	zone := m.Zone(home)
	today := WallAt(now, zone).Date()
	var plan []Deadline
	for _, k := range DeadlineKinds {
		anchor := k.anchor(m)
		done, claimed := settled[k.Name]
		if anchor == "" || claimed && (k.Lasts || done == anchor) {
			continue
		}
		var missed *Deadline
		var next time.Time
		for _, offset := range k.Offsets {
			day := addDays(anchor, offset)
			d := Deadline{MemberID: m.ID, Kind: k.Name, Anchor: anchor, Offset: offset, Day: day, Due: Wall(day).At(deadlineAt).In(zone)}
			if d.Due.Before(now) {
				missed = &d
				continue
			}
			if next.IsZero() {
				next = d.Due
			}
			plan = append(plan, d)
		}
		if missed == nil || today >= addDays(anchor, k.Grace+1) {
			continue
		}
		missed.Due = nextMorning(now, zone)
		if next.IsZero() || next.Sub(missed.Due) >= caughtUpBefore {
			plan = append(plan, *missed)
		}
	}
	return plan
}

// nextMorning is now by day, and the next morning in the night.
func nextMorning(now time.Time, zone *time.Location) time.Time {
	if !community.AtNight(now, zone) {
		return now
	}
	morning := Wall(WallAt(now, zone).Date()).At(deadlineAt)
	if morning.In(zone).Before(now) {
		morning = morning.AddDays(1)
	}
	return morning.In(zone)
}

// DeadlineVerb is what the data of the buttons under a deadline begins with.
const DeadlineVerb = "dl"

// DeadlineData is what such a button carries.
func DeadlineData(verb, kind string, anchor community.Date) string {
	return DeadlineVerb + ":" + verb + ":" + kind + ":" + string(anchor)
}

// shortMission is up to how many days somebody is a traveller for the consulate and not a resident.
const shortMission = 183

// Deadline puts a deadline into words: what to do next comes first.
func (v Voice) Deadline(p Person, d Deadline, now time.Time) channel.Content {
	l := Language(p)
	zone := p.Member.Zone(v.Home)
	key := "deadline.text." + d.Kind
	switch {
	case d.Kind == "register" && p.End != "" && daysBetween(p.Arrival, p.End) < shortMission:
		key = "deadline.text.register-short"
	case p.Kind == community.Reciprocity && (d.Kind == "mission_end" || d.Kind == "visa_end"):
		key += "-reciprocity"
	}
	text := v.Texts.T(l, key, "date", v.Date(l, dayOf(d.Anchor), now.In(zone)), "ahead", v.days(l, daysBetween(WallAt(now, zone).Date(), d.Anchor)))
	return channel.Content{Text: text, Buttons: [][]channel.Button{
		{{Label: v.Texts.T(l, "deadline.button.done"), Data: DeadlineData("done", d.Kind, d.Anchor)}},
		{{Label: v.Texts.T(l, "human.button"), Data: "h:ask"}},
	}}
}

// DeadlineName names a formality, for what is said of it in passing.
func (v Voice) DeadlineName(l i18n.Lang, kind string) string {
	return v.Texts.T(l, "deadline.name."+kind)
}

// cause makes a second delivery of the same deadline impossible.
func (d Deadline) cause() string {
	return "deadline " + decimal(d.MemberID) + " " + d.Kind + " " + string(d.Anchor) + " " + decimal(int64(d.Offset))
}

func (v Voice) deadlineDraft(p Person, d Deadline, now time.Time) outbox.Draft {
	return outbox.Draft{Lane: outbox.Reminder, To: p.To, MemberID: p.ID, Content: v.Deadline(p, d, now), Cause: d.cause(), Expires: now.Add(deadlineLate)}
}
