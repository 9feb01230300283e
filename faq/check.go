package faq

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"chasqui/i18n"
)

// Severity says whether a finding must be mended before the FAQ is published.
type Severity string

// The severities.
const (
	Fault   Severity = "fault"
	Warning Severity = "warning"
)

// Finding is one thing that Check found.
type Finding struct {
	Entry    string
	Lang     i18n.Lang
	Severity Severity
	Message  string
}

const (
	// longestAnswer is in characters: what a phone shows without scrolling twice.
	longestAnswer = 900
	longestTitle  = 60
	// fewestQuestions per language; below five the search has too little to go by.
	fewestQuestions = 5
)

// Check looks at entries as a careful editor would.
func Check(entries []Entry, now time.Time) []Finding {
	c := checker{ix: NewIndex(entries), asked: map[string]string{}}
	slugs := map[string]bool{}
	for _, e := range entries {
		if slugs[e.Slug] {
			c.found(e, "", Fault, "the slug stands twice")
		}
		slugs[e.Slug] = true
	}
	for _, e := range entries {
		c.entry(e, now, slugs)
	}
	return c.findings
}

type checker struct {
	ix       *Index
	findings []Finding
	// asked maps each phrasing to the entry that has it.
	asked map[string]string
}

func (c *checker) found(e Entry, l i18n.Lang, s Severity, format string, args ...any) {
	c.findings = append(c.findings, Finding{e.Slug, l, s, fmt.Sprintf(format, args...)})
}

func (c *checker) entry(e Entry, now time.Time, slugs map[string]bool) {
	if len(e.Sources) == 0 {
		c.found(e, "", Fault, "it names no source")
	}
	if e.Review.Before(now) {
		c.found(e, "", Warning, "it was due for review on %s", e.Review.Format("2006-01-02"))
	}
	for _, r := range e.Related {
		if !slugs[r] {
			c.found(e, "", Fault, "related entry %s does not exist", r)
		}
	}
	for _, l := range i18n.Langs {
		t, ok := e.Texts[l]
		if !ok {
			c.found(e, l, Fault, "the language is missing")
			continue
		}
		c.text(e, l, t)
	}
	if fr, es, en := figures(e, i18n.French), figures(e, i18n.Spanish), figures(e, i18n.English); !slices.Equal(fr, es) || !slices.Equal(fr, en) {
		c.found(e, "", Fault, "the figures differ between the languages: fr %v, es %v, en %v", fr, es, en)
	}
}

func (c *checker) text(e Entry, l i18n.Lang, t Text) {
	if n := utf8.RuneCountInString(t.Answer); n > longestAnswer {
		c.found(e, l, Fault, "the answer has %d characters; %d is the most", n, longestAnswer)
	}
	if n := utf8.RuneCountInString(t.Title); n > longestTitle {
		c.found(e, l, Fault, "the title has %d characters; %d is the most", n, longestTitle)
	}
	if len(t.Questions) < fewestQuestions {
		c.found(e, l, Fault, "it has %d questions; %d is the least", len(t.Questions), fewestQuestions)
	}
	for _, q := range t.Questions {
		folded := strings.Join(words(q), " ")
		if other, ok := c.asked[folded]; ok && other != e.Slug {
			c.found(e, l, Fault, "%q is asked by %s too", q, other)
		}
		c.asked[folded] = e.Slug
		if d, ok := DangerOf(q); ok {
			c.found(e, l, Fault, "%q reads as %s: nobody would ever get this answer", q, d)
		} else if d := c.ix.Decide(Query{Text: q, Lang: l}); d.Entry != e.Slug {
			c.found(e, l, Fault, "%q finds %s", q, d.Entry)
		}
	}
}

var (
	figure = regexp.MustCompile(`\d+(?:[.,]\d+)?`)
	// thousands are parted by a blank in French and by nothing in the others here.
	thousands = regexp.MustCompile(`(\d)[ \x{00a0}\x{202f}](\d{3})\b`)
	address   = regexp.MustCompile(`https?://\S+|\S+@\S+|\S+\.(?:fr|pe|com|org|gob|gouv)\S*`)
)

// figures are the numbers of an answer, addresses aside, in order of size as text.
func figures(e Entry, l i18n.Lang) []string {
	var out []string
	answer := thousands.ReplaceAllString(address.ReplaceAllString(e.Texts[l].Answer, ""), "$1$2")
	for _, f := range figure.FindAllString(answer, -1) {
		out = append(out, strings.ReplaceAll(f, ",", "."))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
