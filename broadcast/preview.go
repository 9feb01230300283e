package broadcast

import (
	"math/rand/v2"
	"slices"

	"chasqui/channel"
	"chasqui/community"
	"chasqui/i18n"
)

// Reason is why somebody of the audience gets nothing.
type Reason string

// The reasons.
const (
	// HasNoAddress: nobody knows where to write to them.
	HasNoAddress Reason = "noaddress"
	// HasLeft: they blocked the bot or left, everywhere.
	HasLeft Reason = "left"
	// NeverWrote: they are on a network where only those who wrote first are written to.
	NeverWrote Reason = "neverwrote"
	// SaidStop, SaidNo, NeverAsked: they do not want it, or nobody asked them.
	SaidStop   Reason = "stopped"
	SaidNo     Reason = "refused"
	NeverAsked Reason = "neverasked"
)

// Reasons lists them in the order in which staff read them.
var Reasons = []Reason{HasNoAddress, HasLeft, NeverWrote, SaidStop, SaidNo, NeverAsked}

// Candidate is a member of the audience, with where they would get the announcement.
type Candidate struct {
	MemberID int64
	Name     string
	Language i18n.Lang
	Consent  community.Consent
	Stopped  bool
	// AddressID is the chosen address, 0 when there is none that can be written to.
	AddressID int64
	Network   channel.Network
	// Known is true when there is an address at all; Gone, when those that may be written to are gone.
	Known, Gone bool
	// Reads is true for somebody known to be in a room that gets the post.
	Reads bool
}

// Exclusion counts those whom one reason leaves out.
type Exclusion struct {
	Why   Reason
	N     int
	Names []string
}

// RoomPost is one post in a room, for those who read it there.
type RoomPost struct {
	// Slug is the group whose room it is.
	Slug string
	channel.Address
	// Readers is how many of the audience are known to be in it.
	Readers int
}

// Preview is what will happen, before it does.
type Preview struct {
	// Matching is how many members fit the rule; of them Private get a message of their own, and Reading
	// read a post in a room.
	Matching, Private, Reading int
	// Names are five of those who get it, chosen evenly.
	Names     []string
	ByNetwork map[channel.Network]int
	ByVariant map[Variant]int
	Rooms     []RoomPost
	Excluded  []Exclusion
}

// Shortened reports whether a number stands for people of whom not all are named.
func (p Preview) Shortened() bool {
	return p.Reached() > len(p.Names) || slices.ContainsFunc(p.Excluded, func(e Exclusion) bool { return e.N > len(e.Names) })
}

// Reached is how many people get it, in private or in a room.
func (p Preview) Reached() int { return p.Private + p.Reading }

// shownNames is how many names stand in a preview for all the others.
const shownNames = 5

// Sorter decides for each candidate what happens, and counts. It is the one place where an audience
// becomes recipients: the preview and the start go through it.
type Sorter struct {
	class    Class
	variant  func(i18n.Lang) Variant
	preview  Preview
	excluded map[Reason]*Exclusion
	chance   *rand.Rand
}

// NewSorter sorts for an announcement. rooms are the posts that its audience allows.
func NewSorter(a Announcement, rooms []RoomPost) *Sorter {
	return &Sorter{
		class: a.Class, variant: a.VariantFor,
		preview:  Preview{ByNetwork: map[channel.Network]int{}, ByVariant: map[Variant]int{}, Rooms: rooms},
		excluded: map[Reason]*Exclusion{},
		// The same audience shows the same names each time: a preview that changes by itself frightens.
		chance: rand.New(rand.NewPCG(1, 2)),
	}
}

// Take decides over one candidate and reports whether a private message goes to c.AddressID.
func (s *Sorter) Take(c Candidate) bool {
	p := &s.preview
	p.Matching++
	if why := s.Judge(c); why != "" {
		s.exclude(why, c.Name)
		return false
	}
	s.sample(c.Name)
	if c.Reads {
		p.Reading++
		return false
	}
	p.Private++
	p.ByNetwork[c.Network]++
	p.ByVariant[s.variant(c.Language)]++
	return true
}

// Judge says why a candidate gets nothing; empty for who gets it, in private or in a room.
func (s *Sorter) Judge(c Candidate) Reason {
	if s.class != Alert {
		switch {
		case c.Stopped:
			return SaidStop
		case c.Consent == community.Refused:
			return SaidNo
		case c.Consent != community.Enrolled && c.Consent != community.Given:
			return NeverAsked
		}
	}
	switch {
	case c.Reads || c.AddressID != 0:
		return ""
	case !c.Known:
		return HasNoAddress
	case c.Gone:
		return HasLeft
	}
	return NeverWrote
}

func (s *Sorter) exclude(why Reason, name string) {
	e := s.excluded[why]
	if e == nil {
		e = &Exclusion{Why: why}
		s.excluded[why] = e
	}
	e.N++
	if len(e.Names) < shownNames {
		e.Names = append(e.Names, name)
	}
}

// sample keeps five names such that everybody had the same chance, whatever the order.
func (s *Sorter) sample(name string) {
	p := &s.preview
	if len(p.Names) < shownNames {
		p.Names = append(p.Names, name)
		return
	}
	if i := s.chance.IntN(p.Reached() + 1); i < shownNames {
		p.Names[i] = name
	}
}

// Preview is the result so far.
func (s *Sorter) Preview() Preview {
	p := s.preview
	for _, why := range Reasons {
		if e := s.excluded[why]; e != nil {
			p.Excluded = append(p.Excluded, *e)
		}
	}
	return p
}
