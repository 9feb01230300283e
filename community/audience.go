package community

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Audience is who a message is for: anybody who fits all terms of one alternative, and none of the
// exclusions. The zero Audience is nobody.
type Audience struct {
	// AnyOf are the alternatives; within one, every term must fit.
	AnyOf [][]Term
	// Not are left out whichever alternative they fit: who writes an exclusion fears that somebody gets
	// what is not for them, so it holds for the whole.
	Not []Term
}

// TermKind is what a term looks at.
type TermKind string

// The kinds of term, by the names of the rule language.
const (
	Everybody TermKind = "all"
	InGroup   TermKind = "group"
	InRegion  TermKind = "region"
	OfKind    TermKind = "kind"
	OfScheme  TermKind = "scheme"
	OneMember TermKind = "member"
)

// Term is one condition, such as region:cusco. Value is a slug, a kind, a scheme's code or a
// member's id, written as the database has it; it is empty for Everybody.
type Term struct {
	Kind  TermKind
	Value string
}

// ErrNobody says that a rule is empty.
var ErrNobody = errors.New("the audience is empty: write all, group:SLUG, region:NAME, kind:KIND, scheme:CODE or member:ID")

// A dash before one of the rule language's own words excludes; any other belongs to a name, such as
// madre-de-dios.
var exclusion = regexp.MustCompile(`(?i)\s*-\s*(all\b|(?:group|region|kind|scheme|member)\s*:)`)

// ParseAudience reads the rule language of the contract: terms joined by + (or) and , (and, which binds
// tighter), a dash before one that is left out. «region:Cusco,kind:volunteer+region:Puno,-kind:host» is
// the volunteers of Cusco and everybody of Puno, hosts never.
func ParseAudience(rule string) (Audience, error) {
	var a Audience
	// Exclusions become terms of their own, wherever they stand.
	marked := exclusion.ReplaceAllString(rule, ",\x00$1")
	for alternative := range strings.SplitSeq(marked, "+") {
		var terms []Term
		for text := range strings.SplitSeq(alternative, ",") {
			text, out := strings.CutPrefix(strings.TrimSpace(text), "\x00")
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			t, err := parseTerm(text)
			if err != nil {
				return Audience{}, err
			}
			if out {
				a.Not = append(a.Not, t)
			} else {
				terms = append(terms, t)
			}
		}
		if len(terms) > 0 {
			a.AnyOf = append(a.AnyOf, terms)
		}
	}
	if len(a.AnyOf) == 0 {
		return Audience{}, ErrNobody
	}
	return a, nil
}

func parseTerm(text string) (Term, error) {
	name, value, _ := strings.Cut(text, ":")
	kind, value := TermKind(strings.ToLower(strings.TrimSpace(name))), strings.TrimSpace(value)
	if kind != Everybody && value == "" {
		return Term{}, fmt.Errorf("audience %q: write all, group:SLUG, region:NAME, kind:KIND, scheme:CODE or member:ID", text)
	}
	switch kind {
	case Everybody:
		if value == "" {
			return Term{Kind: Everybody}, nil
		}
	case InGroup:
		return Term{InGroup, Fold(value)}, nil
	case InRegion:
		r, ok := FindRegion(value)
		if !ok {
			return Term{}, fmt.Errorf("audience: region %q is not known: write a department of Peru, or France", value)
		}
		return Term{InRegion, r.Slug}, nil
	case OfKind:
		k, ok := ParseKind(value)
		if !ok {
			return Term{}, fmt.Errorf("audience: kind %q is not known: write one of %v", value, Kinds)
		}
		return Term{OfKind, string(k)}, nil
	case OfScheme:
		s, ok := ParseScheme(value)
		if !ok {
			return Term{}, fmt.Errorf("audience: scheme %q is not known: write one of %v", value, Schemes)
		}
		return Term{OfScheme, s}, nil
	case OneMember:
		id, err := strconv.ParseInt(value, 10, 64)
		if err != nil || id <= 0 {
			return Term{}, fmt.Errorf("audience: member %q is not a number", value)
		}
		return Term{OneMember, strconv.FormatInt(id, 10)}, nil
	}
	return Term{}, fmt.Errorf("audience %q: write all, group:SLUG, region:NAME, kind:KIND, scheme:CODE or member:ID", text)
}

// String writes the rule so that ParseAudience reads the same audience from it.
func (a Audience) String() string {
	var parts []string
	for _, terms := range a.AnyOf {
		var all []string
		for _, t := range terms {
			all = append(all, t.String())
		}
		parts = append(parts, strings.Join(all, ","))
	}
	rule := strings.Join(parts, "+")
	for _, t := range a.Not {
		rule += ",-" + t.String()
	}
	return rule
}

// String writes one term as the rule language has it.
func (t Term) String() string {
	if t.Kind == Everybody {
		return string(Everybody)
	}
	return string(t.Kind) + ":" + t.Value
}

// Toggle adds an alternative of the one term t, or takes it away when it is there: what a tap does.
func (a Audience) Toggle(t Term) Audience {
	out := Audience{Not: a.Not}
	found := false
	for _, terms := range a.AnyOf {
		if len(terms) == 1 && terms[0] == t {
			found = true
			continue
		}
		out.AnyOf = append(out.AnyOf, terms)
	}
	if !found {
		out.AnyOf = append(out.AnyOf, []Term{t})
	}
	return out
}

// Has reports whether the term t alone is one of the alternatives.
func (a Audience) Has(t Term) bool {
	for _, terms := range a.AnyOf {
		if len(terms) == 1 && terms[0] == t {
			return true
		}
	}
	return false
}

// Rooms are the groups whose rooms hold nobody but this audience, so that one post there may stand for
// private messages: alternatives of one term and no exclusions.
func (a Audience) Rooms() []string {
	if len(a.Not) > 0 {
		return nil
	}
	var slugs []string
	for _, terms := range a.AnyOf {
		if len(terms) != 1 {
			continue
		}
		switch t := terms[0]; t.Kind {
		case Everybody:
			slugs = append(slugs, Announcements)
		case InGroup:
			slugs = append(slugs, t.Value)
		case InRegion:
			slugs = append(slugs, "region-"+t.Value)
		}
	}
	return slugs
}
