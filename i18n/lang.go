// Package i18n holds every text that the bot and the pages show, in French,
// Spanish and English. A text is found by key and language; a key exists in all
// three languages or the tests fail.
package i18n

import "strings"

// Lang is one of the three languages people are spoken to in.
type Lang string

// The languages, in the order in which they are offered.
const (
	French  Lang = "fr"
	Spanish Lang = "es"
	English Lang = "en"
)

// Langs lists every language, in the order in which they are offered.
var Langs = []Lang{French, Spanish, English}

// ParseLang reads a language tag such as "fr", "es-PE" or "EN". What is not one of
// ours is refused, so that a caller decides what to speak instead.
func ParseLang(tag string) (Lang, bool) {
	tag = strings.ToLower(strings.TrimSpace(tag))
	if i := strings.IndexAny(tag, "-_"); i >= 0 {
		tag = tag[:i]
	}
	for _, l := range Langs {
		if string(l) == tag {
			return l, true
		}
	}
	return "", false
}
