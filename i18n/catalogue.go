package i18n

import (
	"embed"
	"fmt"
	"io/fs"
	"sort"
	"strings"

	"github.com/BurntSushi/toml"
	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed locales/*.toml
var locales embed.FS

// Texts gives a text by key, with named values put in. Everything that speaks takes this
// interface, so that a test may hand it three lines of its own.
type Texts interface {
	T(l Lang, key string, args ...any) string
}

// Catalogue is the complete set of texts in every language, read once.
type Catalogue struct {
	localizers map[Lang]*goi18n.Localizer
	keys       map[Lang]map[string]string
	// plural are the keys that have forms for one and for many.
	plural map[string]bool
}

// Load reads the embedded texts. It fails only on a file that no reader can parse, which the tests
// rule out.
func Load() (*Catalogue, error) {
	c := &Catalogue{localizers: map[Lang]*goi18n.Localizer{}, keys: map[Lang]map[string]string{}, plural: map[string]bool{}}
	bundle := goi18n.NewBundle(language.French)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	files, err := fs.Glob(locales, "locales/*.toml")
	if err != nil {
		return nil, fmt.Errorf("list texts: %w", err)
	}
	for _, name := range files {
		file, err := bundle.LoadMessageFileFS(locales, name)
		if err != nil {
			return nil, fmt.Errorf("read texts %s: %w", name, err)
		}
		l, ok := ParseLang(file.Tag.String())
		if !ok {
			return nil, fmt.Errorf("read texts %s: no such language", name)
		}
		if c.keys[l] == nil {
			c.keys[l] = map[string]string{}
		}
		for _, m := range file.Messages {
			if _, twice := c.keys[l][m.ID]; twice {
				return nil, fmt.Errorf("read texts %s: %s stands twice", name, m.ID)
			}
			c.plural[m.ID] = c.plural[m.ID] || m.One != ""
			c.keys[l][m.ID] = strings.Join([]string{m.One, m.Many, m.Other}, "\n")
		}
	}
	for _, l := range Langs {
		c.localizers[l] = goi18n.NewLocalizer(bundle, string(l))
	}
	return c, nil
}

// T gives the text of key in language l. args are name, value pairs; a value named "n" chooses the
// plural. A key or a value that is missing shows the key itself: a person then sees something odd
// and staff can find it, where a panic would cost the whole turn.
func (c *Catalogue) T(l Lang, key string, args ...any) string {
	localizer, ok := c.localizers[l]
	if !ok {
		localizer = c.localizers[French]
	}
	config := goi18n.LocalizeConfig{MessageID: key}
	if len(args) > 0 {
		data := make(map[string]any, len(args)/2)
		for i := 0; i+1 < len(args); i += 2 {
			name := fmt.Sprint(args[i])
			data[name] = args[i+1]
			if name == "n" && c.plural[key] {
				config.PluralCount = args[i+1]
			}
		}
		config.TemplateData = data
	}
	text, err := localizer.Localize(&config)
	if err != nil || text == "" {
		return key
	}
	return text
}

// Has reports whether key exists in language l.
func (c *Catalogue) Has(l Lang, key string) bool {
	_, ok := c.keys[l][key]
	return ok
}

// Keys lists every key of language l in order.
func (c *Catalogue) Keys(l Lang) []string {
	keys := make([]string, 0, len(c.keys[l]))
	for k := range c.keys[l] {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// Source gives the text of key in language l as it is written, its plural forms on lines of their
// own, placeholders and all.
func (c *Catalogue) Source(l Lang, key string) string { return c.keys[l][key] }
