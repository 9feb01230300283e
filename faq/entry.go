// Package faq holds what the bot knows and decides what to answer: an entry, a choice of entries, or
// nothing, so that a person answers.
//
// What must stay true: a wrong answer about safety, health or papers is worse than none. Such entries
// answer only when the decision is surer than for the others, and words of danger are recognised by
// a function of their own that asks no index.
package faq

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"chasqui/i18n"
)

// Sensitivity says what a wrong answer would harm.
type Sensitivity string

// The sensitivities. Ordinary entries answer at a lower bar.
const (
	Ordinary Sensitivity = "none"
	Papers   Sensitivity = "papers"
	Safety   Sensitivity = "safety"
	Health   Sensitivity = "health"
)

// Topics are the parts of the FAQ, in its order.
var Topics = []string{"peru", "france", "register", "security", "health", "schemes", "community"}

// Entry is one question with its answers.
type Entry struct {
	Slug      string
	Topic     string
	Audience  []string
	Sensitive Sensitivity
	// Checked and Review are days: when somebody last compared the answer with its sources, and when it
	// is due again.
	Checked, Review time.Time
	// Related are slugs of entries that people ask next.
	Related []string
	Sources []Source
	Texts   map[i18n.Lang]Text
}

// Source is where an answer comes from. URL may be empty for what is not on the web.
type Source struct{ Label, URL string }

// Text is an entry in one language.
type Text struct {
	// Title is short enough for a button.
	Title string
	// Questions are how people ask it.
	Questions []string
	Answer    string
}

//go:embed entries/*.md
var builtin embed.FS

// Builtin reads the entries that the program ships with, in order of their slugs.
func Builtin() ([]Entry, error) {
	files, err := fs.Glob(builtin, "entries/*.md")
	if err != nil {
		return nil, fmt.Errorf("list entries: %w", err)
	}
	var entries []Entry
	for _, name := range files {
		data, err := builtin.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		e, err := ParseEntry(name, data)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// entryParser reads an entry line by line; the form is in CONTRIBUTING.md.
type entryParser struct {
	name  string
	lines []string
	at    int
}

// ParseEntry reads an entry in its file form. Errors name the file and the line.
func ParseEntry(name string, data []byte) (Entry, error) {
	text := strings.TrimRight(strings.ReplaceAll(string(data), "\r", ""), "\n")
	p := &entryParser{name: name, lines: strings.Split(text, "\n")}
	e := Entry{Texts: map[i18n.Lang]Text{}}
	if err := p.front(&e); err != nil {
		return Entry{}, err
	}
	for p.at < len(p.lines) {
		if err := p.language(&e); err != nil {
			return Entry{}, err
		}
	}
	if len(e.Texts) == 0 {
		return Entry{}, p.errorf("no language section: write ## fr, ## es and ## en")
	}
	return e, nil
}

func (p *entryParser) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", p.name, min(p.at+1, len(p.lines)), fmt.Sprintf(format, args...))
}

// front reads what stands between the two lines of dashes.
func (p *entryParser) front(e *Entry) error {
	if p.lines[0] != "---" {
		return p.errorf("the file must begin with a line of three dashes")
	}
	seen := map[string]bool{}
	for p.at = 1; p.at < len(p.lines) && p.lines[p.at] != "---"; p.at++ {
		line := p.lines[p.at]
		if source, ok := strings.CutPrefix(line, "- "); ok {
			if !seen["sources"] {
				return p.errorf("a list item outside of sources")
			}
			label, url, _ := strings.Cut(source, " | ")
			e.Sources = append(e.Sources, Source{Label: strings.TrimSpace(label), URL: strings.TrimSpace(url)})
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			return p.errorf("%q is neither key: value nor a source", line)
		}
		if seen[key] {
			return p.errorf("%s stands twice", key)
		}
		seen[key] = true
		if err := p.set(e, key, strings.TrimSpace(value)); err != nil {
			return err
		}
	}
	if p.at == len(p.lines) {
		return p.errorf("the second line of three dashes is missing")
	}
	for _, key := range []string{"slug", "topic", "audience", "checked", "review"} {
		if !seen[key] {
			return p.errorf("%s is missing", key)
		}
	}
	p.at++
	p.skipBlank()
	return nil
}

func (p *entryParser) set(e *Entry, key, value string) error {
	var err error
	switch key {
	case "slug":
		e.Slug = value
		if value == "" || strings.Trim(value, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return p.errorf("slug %q: only a-z, 0-9 and dashes", value)
		}
	case "topic":
		e.Topic = value
		if !slices.Contains(Topics, value) {
			return p.errorf("topic %q: one of %s", value, strings.Join(Topics, ", "))
		}
	case "audience":
		e.Audience = list(value)
	case "sensitive":
		e.Sensitive = Sensitivity(value)
		if !slices.Contains([]Sensitivity{Ordinary, Papers, Safety, Health}, e.Sensitive) {
			return p.errorf("sensitive %q: one of none, papers, safety, health", value)
		}
	case "checked":
		e.Checked, err = time.Parse("2006-01-02", value)
	case "review":
		e.Review, err = time.Parse("2006-01-02", value)
	case "related":
		e.Related = list(value)
	case "sources":
		if value != "" {
			return p.errorf("sources are a list below the key")
		}
	default:
		return p.errorf("unknown key %q", key)
	}
	if err != nil {
		return p.errorf("%s %q is not a day YYYY-MM-DD", key, value)
	}
	return nil
}

func list(value string) []string {
	var items []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// language reads one «## fr» section: title, questions, and the answer up to the next section.
func (p *entryParser) language(e *Entry) error {
	tag, ok := strings.CutPrefix(p.lines[p.at], "## ")
	l, known := i18n.ParseLang(tag)
	if !ok || !known {
		return p.errorf("expected ## fr, ## es or ## en")
	}
	if _, twice := e.Texts[l]; twice {
		return p.errorf("%s stands twice", l)
	}
	p.at++
	var t Text
	if t.Title, ok = strings.CutPrefix(p.line(), "title: "); !ok {
		return p.errorf("expected title: after ## %s", l)
	}
	p.at++
	if p.line() != "questions:" {
		return p.errorf("expected questions: after the title")
	}
	for p.at++; strings.HasPrefix(p.line(), "- "); p.at++ {
		t.Questions = append(t.Questions, strings.TrimSpace(p.line()[2:]))
	}
	p.skipBlank()
	start := p.at
	for p.at < len(p.lines) && !strings.HasPrefix(p.lines[p.at], "## ") {
		p.at++
	}
	t.Answer = strings.TrimSpace(strings.Join(p.lines[start:p.at], "\n"))
	switch {
	case t.Answer == "":
		return p.errorf("%s has no answer", l)
	case strings.HasPrefix(t.Answer, "## "):
		// Written out again it would begin a section.
		return p.errorf("an answer cannot begin with ##")
	}
	e.Texts[l] = t
	return nil
}

func (p *entryParser) line() string {
	if p.at < len(p.lines) {
		return p.lines[p.at]
	}
	return ""
}

func (p *entryParser) skipBlank() {
	for p.at < len(p.lines) && strings.TrimSpace(p.lines[p.at]) == "" {
		p.at++
	}
}

// Format writes an entry in its file form; ParseEntry reads it back the same.
func (e Entry) Format() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "---\nslug: %s\ntopic: %s\naudience: %s\n", e.Slug, e.Topic, strings.Join(e.Audience, ", "))
	if e.Sensitive != "" {
		fmt.Fprintf(&b, "sensitive: %s\n", e.Sensitive)
	}
	fmt.Fprintf(&b, "checked: %s\nreview: %s\n", e.Checked.Format("2006-01-02"), e.Review.Format("2006-01-02"))
	if len(e.Related) > 0 {
		fmt.Fprintf(&b, "related: %s\n", strings.Join(e.Related, ", "))
	}
	b.WriteString("sources:\n")
	for _, s := range e.Sources {
		b.WriteString("- " + s.Label)
		if s.URL != "" {
			b.WriteString(" | " + s.URL)
		}
		b.WriteByte('\n')
	}
	b.WriteString("---\n")
	for _, l := range i18n.Langs {
		t, ok := e.Texts[l]
		if !ok {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\ntitle: %s\nquestions:\n", l, t.Title)
		for _, q := range t.Questions {
			b.WriteString("- " + q + "\n")
		}
		b.WriteString("\n" + t.Answer + "\n")
	}
	return b.Bytes()
}

// ErrNoEntries says that a knowledge base holds nothing.
var ErrNoEntries = errors.New("the knowledge base holds no entries")
