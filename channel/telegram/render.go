package telegram

import (
	"strings"
	"unicode/utf16"

	"chasqui/channel"
)

// Telegram's limits, in UTF-16 units after its markup is taken out
// (core.telegram.org/bots/api#sendmessage).
const (
	longestText    = 4096
	longestCaption = 1024
)

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// render writes a text in Telegram's HTML.
func render(text string) string {
	return channel.Bold(text, escape.Replace, func(s string) string { return "<b>" + escape.Replace(s) + "</b>" })
}

func units(text string) int {
	n := 0
	for _, r := range text {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// split cuts a text before it is rendered, so that no part can end inside a tag: at the last
// paragraph that fits, else the last line, else the last word, else anywhere between two characters.
func split(text string, most int) []string {
	var parts []string
	for units(text) > most {
		end := prefix(text, most)
		cut := end
		for _, at := range []string{"\n\n", "\n", " "} {
			if i := strings.LastIndex(text[:end], at); i > end/2 {
				cut = i
				break
			}
		}
		if part := strings.TrimSpace(text[:cut]); part != "" {
			parts = append(parts, part)
		}
		text = strings.TrimLeft(text[cut:], " \n")
	}
	if text = strings.TrimSpace(text); text != "" || len(parts) == 0 {
		parts = append(parts, text)
	}
	return parts
}

// prefix is the length in bytes of the longest beginning of text of at most n units.
func prefix(text string, n int) int {
	for i, r := range text {
		if n -= max(1, utf16.RuneLen(r)); n < 0 {
			return i
		}
	}
	return len(text)
}
