package faq

import (
	"regexp"
	"strings"
	"sync"
)

// Danger is a kind of danger somebody is in.
type Danger string

// The kinds of danger. Each has a fixed text in faq/danger.
const (
	Earthquake     Danger = "earthquake"
	Tsunami        Danger = "tsunami"
	Robbery        Danger = "robbery"
	Assault        Danger = "assault"
	SexualViolence Danger = "sexual-violence"
	Kidnapping     Danger = "kidnapping"
	Lost           Danger = "lost"
	Medical        Danger = "medical"
	Blockade       Danger = "blockade"
	Arrest         Danger = "arrest"
	Suicide        Danger = "suicide"
	Fire           Danger = "fire"
	Flood          Danger = "flood"
)

// Dangers lists every kind, the gravest first: a message that fits two gets the text of the first.
var Dangers = []Danger{Suicide, SexualViolence, Kidnapping, Medical, Assault, Tsunami, Earthquake, Fire, Flood, Blockade, Arrest, Robbery, Lost}

// compiled are the patterns ready to match, made once.
var compiled = sync.OnceValue(func() map[Danger]*regexp.Regexp {
	out := map[Danger]*regexp.Regexp{}
	for d, list := range dangerPatterns {
		out[d] = anyOf(list)
	}
	return out
})

var (
	notNow = sync.OnceValue(func() *regexp.Regexp { return anyOf(notNowPatterns) })
	asking = sync.OnceValue(func() *regexp.Regexp { return anyOf(askingPatterns) })
	always = sync.OnceValue(func() *regexp.Regexp { return anyOf(alwaysPatterns) })
)

func anyOf(list []string) *regexp.Regexp {
	trimmed := make([]string, len(list))
	for i, p := range list {
		trimmed[i] = strings.TrimSpace(p)
	}
	return regexp.MustCompile(` (?:` + strings.Join(trimmed, "|") + `) `)
}

// DangerOf recognises somebody in danger, writing for themselves or for another. It looks at words
// alone, folded, and errs towards danger where the words are plain; what stands for a question, a
// drill, the past or a figure of speech does not count.
func DangerOf(text string) (Danger, bool) {
	tokens := words(text)
	if len(tokens) == 0 {
		return "", false
	}
	said := " " + strings.Join(tokens, " ") + " "
	if always().MatchString(said) {
		return kindOf(said)
	}
	if notNow().MatchString(said) {
		return "", false
	}
	if asking().MatchString(said) {
		return "", false
	}
	return kindOf(said)
}

func kindOf(said string) (Danger, bool) {
	for _, d := range Dangers {
		if compiled()[d].MatchString(said) {
			return d, true
		}
	}
	return "", false
}
