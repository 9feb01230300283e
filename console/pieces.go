package console

import (
	"regexp"
	"strings"

	"chasqui/channel"
)

// piece is a stretch of a line that is shown one way.
type piece struct {
	text string
	bold bool
	url  string
}

// link finds addresses as the FAQ writes them, with or without their scheme. What ends a sentence is
// not part of them.
var link = regexp.MustCompile(`https?://[^\s<>"]+[^\s<>".,;:!?)»”]|\b(?:[a-z0-9-]+\.)+(?:fr|pe|com|org|eu)\b(?:/[^\s<>"]*[^\s<>".,;:!?)»”])?`)

// pieces cuts a line into plain, bold and linked stretches.
func pieces(text string) []piece {
	var out []piece
	if strings.HasPrefix(text, "- ") {
		text = "• " + text[2:]
	}
	plain := func(s string) string {
		for len(s) > 0 {
			at := link.FindStringIndex(s)
			if at == nil {
				out = append(out, piece{text: s})
				break
			}
			if at[0] > 0 {
				out = append(out, piece{text: s[:at[0]]})
			}
			found := s[at[0]:at[1]]
			if strings.HasSuffix(s[:at[0]], "@") {
				// The domain of a mail address is no page.
				out = append(out, piece{text: found})
			} else {
				out = append(out, piece{text: found, url: withScheme(found)})
			}
			s = s[at[1]:]
		}
		return ""
	}
	channel.Bold(text, plain, func(s string) string {
		out = append(out, piece{text: s, bold: true})
		return ""
	})
	return out
}

func withScheme(address string) string {
	if strings.HasPrefix(address, "http") {
		return address
	}
	return "https://" + address
}
