package agenda

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"chasqui/community"
	"chasqui/i18n"
)

// Calendar writes occurrences as a calendar file (RFC 5545): instants in UTC, so that no zone definition
// is needed, and the same UID for the same occurrence for ever, so that a calendar replaces what it had.
// It holds nobody's name.
func Calendar(l i18n.Lang, name string, cards []Card, now time.Time) []byte {
	cal := ics.NewCalendarFor("Chasqui")
	cal.SetMethod(ics.MethodPublish)
	if name != "" {
		cal.SetXWRCalName(oneLine(name))
	}
	for _, c := range cards {
		o := c.Occurrence
		e := cal.AddEvent(c.UID + "-" + strings.ReplaceAll(string(o.RuleDate), "-", "") + "@chasqui")
		e.SetDtStampTime(now.UTC())
		e.SetSequence(o.Sequence)
		e.SetSummary(c.Title(l))
		if o.Start.AllDay() {
			last := o.Start
			if o.End != "" {
				last = o.End
			}
			e.SetAllDayStartAt(o.Start.naive())
			e.SetAllDayEndAt(last.AddDays(1).naive())
		} else {
			e.SetStartAt(o.StartsAt)
			e.SetEndAt(o.EndsAt)
		}
		if o.Place != "" {
			e.SetLocation(o.Place)
		}
		if o.Link != "" {
			e.SetURL(o.Link)
			e.SetDescription(o.Link)
		}
		status := ics.ObjectStatusConfirmed
		if o.State == Cancelled {
			status = ics.ObjectStatusCancelled
		}
		e.SetStatus(status)
	}
	return []byte(cal.Serialize(ics.WithNewLineWindows))
}

// Subscribed are what a member's feed holds: what is for them or what they said yes or maybe to.
func Subscribed(cards []Card, m community.Member, groups []string) []Card {
	var out []Card
	for _, c := range cards {
		if c.Mine == Yes || c.Mine == Maybe || c.Mine == Waiting || c.Mine != No && c.Event.Open(m, groups) {
			out = append(out, c)
		}
	}
	return out
}

// NewFeedSecret is the secret of a member's calendar feed: 160 random bits in letters that survive being
// read aloud.
func NewFeedSecret() string {
	b := make([]byte, 20)
	rand.Read(b) // never fails: crypto/rand.Read ends the process instead
	return strings.ToLower(base32.StdEncoding.EncodeToString(b))
}

// HashFeedSecret is how the secret is kept, so that who reads the database cannot subscribe.
func HashFeedSecret(secret string) string {
	sum := sha256.Sum256([]byte("calendar feed " + secret))
	return hex.EncodeToString(sum[:])
}

// FeedPath is where the console serves the feed of a secret.
func FeedPath(secret string) string { return "/calendar/" + secret + ".ics" }
