// Package community knows the people: who they are, what they agreed to, which groups they
// belong to, and who of them is the team.
//
// What must stay true: nobody is written to unasked who did not agree, refused or said stop; the
// decision is Member.MayBeWrittenTo, and the store repeats it in SQL when a delivery leaves.
package community

import (
	"fmt"
	"strings"
	"time"

	"chasqui/channel"
	"chasqui/i18n"
)

// Kind is what somebody is to the community.
type Kind string

// The kinds. The empty Kind is a person nobody asked yet.
const (
	Candidate   Kind = "candidate"
	Volunteer   Kind = "volunteer"
	Reciprocity Kind = "reciprocity"
	Host        Kind = "host"
	SenderKind  Kind = "sender"
	Institution Kind = "institution"
	Family      Kind = "family"
	Alumni      Kind = "alumni"
	Staff       Kind = "staff"
)

// Kinds lists every kind.
var Kinds = []Kind{Candidate, Volunteer, Reciprocity, Host, SenderKind, Institution, Family, Alumni, Staff}

// ParseKind reads a kind; upper case and spaces around it do not matter.
func ParseKind(s string) (Kind, bool) {
	k := Kind(strings.ToLower(strings.TrimSpace(s)))
	for _, known := range Kinds {
		if k == known {
			return k, true
		}
	}
	return "", false
}

// Schemes are the frames a mission may have, by the codes of the yearly report.
var Schemes = []string{"VSI", "SCI", "VEC", "chantier", "JSI", "CES", "HD"}

// ParseScheme reads a scheme's code, whatever its case.
func ParseScheme(s string) (string, bool) {
	for _, known := range Schemes {
		if strings.EqualFold(known, strings.TrimSpace(s)) {
			return known, true
		}
	}
	return "", false
}

// Consent says whether somebody may be written to unasked.
type Consent string

// The states of consent.
const (
	// NeverAsked may only be answered.
	NeverAsked Consent = "none"
	// Enrolled was imported by staff, dated; holds until the person refuses or stops.
	Enrolled Consent = "enrolled"
	Given    Consent = "given"
	Refused  Consent = "refused"
)

// Date is a day where the person is, YYYY-MM-DD, or empty.
type Date string

// ParseDate reads YYYY-MM-DD or DD/MM/YYYY and refuses days that do not exist.
func ParseDate(s string) (Date, error) {
	s = strings.TrimSpace(s)
	for _, layout := range []string{"2006-01-02", "02/01/2006", "2/1/2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			if t.Year() < 1900 || t.Year() > 2200 {
				break
			}
			return Date(t.Format("2006-01-02")), nil
		}
	}
	return "", fmt.Errorf("%q is not a date: write YYYY-MM-DD or DD/MM/YYYY", s)
}

// DateAt is the day that an instant falls on in a zone.
func DateAt(t time.Time, zone *time.Location) Date { return Date(t.In(zone).Format("2006-01-02")) }

// Slashed writes the date as people here read it, DD/MM/YYYY.
func (d Date) Slashed() string {
	if len(d) != len("2006-01-02") {
		return string(d)
	}
	return string(d[8:10] + "/" + d[5:7] + "/" + d[0:4])
}

// Member is a person the community knows.
type Member struct {
	ID       int64
	Name     string
	Language i18n.Lang
	// LanguageChosen is true once the person chose it; from then on what they write no longer changes
	// it.
	LanguageChosen bool
	Kind           Kind
	Scheme         string
	// Region is a region's slug; see Regions.
	Region                        string
	Host, Sender                  string
	Nationality, Gender           string
	Email, Phone                  string
	Timezone                      string
	Arrival, End, VisaEnd         Date
	Buddy                         string
	EmergencyName, EmergencyPhone string
	Consent                       Consent
	// StoppedAt is when the person said stop; zero while they did not.
	StoppedAt time.Time
	// Profile is how far the short profile got: "" never offered, a question's name, or ProfileDone.
	Profile   string
	CreatedAt time.Time
	// Revision counts the changes of the member; the store refuses one that was decided on an older.
	Revision int64
}

// ProfileDone marks a short profile that needs no more questions.
const ProfileDone = "done"

// Stopped reports whether the person said stop and did not take it back.
func (m Member) Stopped() bool { return !m.StoppedAt.IsZero() }

// MayBeWrittenTo reports whether something unasked may be sent to m. Replies, crisis texts and
// security alerts do not ask.
func (m Member) MayBeWrittenTo() bool {
	return !m.Stopped() && (m.Consent == Enrolled || m.Consent == Given)
}

// FirstName is how the bot calls m, or "" when nobody knows.
func (m Member) FirstName() string {
	name, _, _ := strings.Cut(strings.TrimSpace(m.Name), " ")
	return name
}

// Country is where the person lives for their mission, as far as their kind tells; it chooses the
// emergency numbers. Empty means unknown.
func (m Member) Country(today Date) Country {
	switch m.Kind {
	case Reciprocity:
		if m.Arrival != "" && m.Arrival > today || m.End != "" && m.End < today {
			return InPeru
		}
		if m.Arrival != "" {
			return InFrance
		}
	case Volunteer:
		if m.Arrival != "" && m.Arrival > today || m.End != "" && m.End < today {
			return InFrance
		}
		if m.Region != "" || m.Arrival != "" {
			return InPeru
		}
	case Host:
		return InPeru
	}
	if m.Region == FranceRegion {
		return InFrance
	}
	if m.Region != "" {
		return InPeru
	}
	return ""
}

// ZoneName is the time zone that somebody lives by, of a member's time zone and region: their own, else
// France's for those who volunteer there, else "" for the community's.
func ZoneName(timezone, region string) string {
	if timezone == "" && region == FranceRegion {
		return "Europe/Paris"
	}
	return timezone
}

// Zone is the time zone that m lives by; fallback is the community's.
func (m Member) Zone(fallback *time.Location) *time.Location {
	return Location(ZoneName(m.Timezone, m.Region), fallback)
}

// Location is the time zone of a name, or fallback where there is none such.
func Location(name string, fallback *time.Location) *time.Location {
	if name == "" {
		return fallback
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return fallback
	}
	return zone
}

// AtNight reports whether an instant falls into somebody's night, 21:00 to 08:00 by their clock: what is not
// urgent then arrives without a sound. An alert never asks.
func AtNight(at time.Time, zone *time.Location) bool {
	hour := at.In(zone).Hour()
	return hour >= 21 || hour < 8
}

// Country is where somebody is, for what depends on it.
type Country string

// The countries that matter here.
const (
	InPeru   Country = "peru"
	InFrance Country = "france"
)

// Situation places today in a person's mission, by the labels of the yearly report.
func (m Member) Situation(today Date) string {
	switch {
	case m.Kind == Candidate:
		return "avant le volontariat"
	case m.Kind == Alumni:
		return "après le volontariat"
	case m.Kind != Volunteer && m.Kind != Reciprocity:
		if m.Kind == "" {
			return "à préciser"
		}
		return "autre"
	case m.Arrival != "" && today < m.Arrival:
		return "avant le volontariat"
	case m.End != "" && today > m.End:
		return "après le volontariat"
	case m.Arrival != "":
		return "pendant le volontariat"
	}
	return "à préciser"
}

// Address is where a member is reached.
type Address struct {
	ID       int64
	MemberID int64
	channel.Address
	// Gone is true after the person blocked the bot, until they come back.
	Gone bool
	// Wrote is true once the person wrote from it.
	Wrote     bool
	Preferred bool
}

// ConsentChange is one thing a person, or staff for them, decided.
type ConsentChange struct {
	// Change is enrolled, given, refused, stopped, resumed or unenrolled.
	Change string
	// How says by which way: "import", "button", "/stop".
	How string
}

// The changes of consent.
const (
	ConsentEnrolled = "enrolled"
	ConsentGiven    = "given"
	ConsentRefused  = "refused"
	ConsentStopped  = "stopped"
	ConsentResumed  = "resumed"
	// ConsentUnenrolled takes back what staff had enrolled; nobody decided it for themselves.
	ConsentUnenrolled = "unenrolled"
)

// Role is what a member of the team may do.
type Role string

// The roles. Each may do what the one after it may; the empty Role is not of the team.
const (
	Admin     Role = "admin"
	Publisher Role = "publisher"
	Agent     Role = "agent"
)

// ParseRole reads a role's name.
func ParseRole(s string) (Role, bool) {
	switch r := Role(strings.ToLower(strings.TrimSpace(s))); r {
	case Admin, Publisher, Agent:
		return r, true
	}
	return "", false
}

// May reports whether r includes what needed asks for.
func (r Role) May(needed Role) bool {
	rank := map[Role]int{Admin: 3, Publisher: 2, Agent: 1, "": 0}
	return rank[r] >= rank[needed]
}
