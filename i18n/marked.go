package i18n

import (
	"regexp"
	"strings"
)

// languageMark is «FR:» at the beginning of a line in any case, or anywhere in capitals: a Spanish text that
// was taken for the end of the French one would go out as such.
var languageMark = regexp.MustCompile(`(?m)(?:^[ \t]*(?i:(fr|es|en))|[\s|;/](FR|ES|EN))[ \t\x{a0}\x{202f}]*[::]\s*`)

// InLanguages reads a message that holds several languages, «FR: … ES: …»; what begins without such a mark
// is all in the language asked for. Languages without words are left out.
func InLanguages(text string, asked Lang) map[Lang]string {
	marks := languageMark.FindAllStringSubmatchIndex(text, -1)
	out := map[Lang]string{}
	if len(marks) == 0 || strings.TrimSpace(text[:marks[0][0]]) != "" {
		if text = strings.TrimSpace(text); text != "" {
			out[asked] = text
		}
		return out
	}
	for i, m := range marks {
		end := len(text)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		name := m[2:4]
		if name[0] < 0 {
			name = m[4:6]
		}
		if said := strings.TrimSpace(text[m[1]:end]); said != "" {
			out[Lang(strings.ToLower(text[name[0]:name[1]]))] = said
		}
	}
	return out
}
