package channel

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bold renders the one markup of Content.Text: *words* between stars, on one line, with no blank just
// inside them and no letter just outside. What is not such a pair stays as it was written, stars and
// all.
func Bold(text string, plain, bold func(string) string) string {
	var b strings.Builder
	for len(text) > 0 {
		start, end := nextBold(text)
		if start < 0 {
			b.WriteString(plain(text))
			break
		}
		b.WriteString(plain(text[:start]))
		b.WriteString(bold(text[start+1 : end]))
		text = text[end+1:]
	}
	return b.String()
}

func nextBold(text string) (start, end int) {
	for from := 0; ; {
		i := strings.IndexByte(text[from:], '*')
		if i < 0 {
			return -1, -1
		}
		start = from + i
		if opens(text, start) {
			if end = closing(text, start); end > 0 {
				return start, end
			}
		}
		from = start + 1
	}
}

func opens(text string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	after, _ := utf8.DecodeRuneInString(text[at+1:])
	return (at == 0 || !wordy(before)) && at+1 < len(text) && !unicode.IsSpace(after) && after != '*'
}

func closing(text string, start int) int {
	for i := start + 1; i < len(text) && text[i] != '\n'; i++ {
		if text[i] != '*' {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[i+1:])
		if i > start+1 && !unicode.IsSpace(before) && (i+1 == len(text) || !wordy(after)) {
			return i
		}
		return -1
	}
	return -1
}

func wordy(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '*' }
