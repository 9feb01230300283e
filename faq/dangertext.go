package faq

import (
	"embed"
	"fmt"
	"strings"
	"sync"

	"chasqui/i18n"
)

// Country is where somebody is, for the numbers to call; empty means unknown.
type Country string

// The countries whose numbers the texts know.
const (
	Peru   Country = "peru"
	France Country = "france"
)

// numbers are the emergency numbers, checked with the rest of the FAQ. Where nobody knows where the
// person is, Peru's come first, since most are there.
var numbers = map[Country]map[i18n.Lang]string{
	Peru: {
		i18n.French:  "*Pérou\u00a0: 105 police · 106 ambulance · 116 pompiers*",
		i18n.Spanish: "*Perú: 105 policía · 106 ambulancia · 116 bomberos*",
		i18n.English: "*Peru: 105 police · 106 ambulance · 116 firefighters*",
	},
	France: {
		i18n.French:  "*France\u00a0: 112, ou 17 police · 15 SAMU · 18 pompiers · 114 par SMS*",
		i18n.Spanish: "*Francia: 112, o 17 policía · 15 ambulancia · 18 bomberos · 114 por SMS*",
		i18n.English: "*France: 112, or 17 police · 15 ambulance · 18 firefighters · 114 by SMS*",
	},
	"": {
		i18n.French:  "*Pérou\u00a0: 105 police · 106 ambulance · 116 pompiers*\n*France\u00a0: 112*",
		i18n.Spanish: "*Perú: 105 policía · 106 ambulancia · 116 bomberos*\n*Francia: 112*",
		i18n.English: "*Peru: 105 police · 106 ambulance · 116 firefighters*\n*France: 112*",
	},
}

//go:embed danger/*.md
var dangerFiles embed.FS

// dangerTexts reads the fixed texts once. They are part of the program, so a fault in them is a fault
// of the build, which the tests rule out.
var dangerTexts = sync.OnceValue(func() map[Danger]map[i18n.Lang]string {
	texts := map[Danger]map[i18n.Lang]string{}
	for _, d := range Dangers {
		data, err := dangerFiles.ReadFile("danger/" + string(d) + ".md")
		if err != nil {
			panic(fmt.Sprintf("the text for %s is not in the program: %v", d, err))
		}
		texts[d] = map[i18n.Lang]string{}
		for part := range strings.SplitSeq("\n"+string(data), "\n## ") {
			if tag, body, ok := strings.Cut(part, "\n"); ok {
				texts[d][i18n.Lang(strings.TrimSpace(tag))] = strings.TrimSpace(body)
			}
		}
	}
	return texts
})

// DangerText is the fixed text for a danger: what to call, what to do, that the team knows. It is
// never composed of anything else.
func DangerText(d Danger, l i18n.Lang, c Country) string {
	text, ok := dangerTexts()[d][l]
	if !ok {
		text = dangerTexts()[d][i18n.French]
	}
	lines, ok := numbers[c]
	if !ok {
		lines = numbers[""]
	}
	return strings.ReplaceAll(text, "{numbers}", lines[l])
}
