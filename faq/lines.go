package faq

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"chasqui/i18n"
)

// ReadLines reads a knowledge base of lines {"entry","lang","question","answer"}, several lines an
// entry. A language that is not one of ours is refused with its line.
func ReadLines(r io.Reader) ([]Entry, error) {
	entries := map[string]*Entry{}
	var order []string
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, readErr := in.ReadBytes('\n')
		if len(line) > 1 {
			if err := addLine(entries, &order, line); err != nil {
				return nil, fmt.Errorf("entries, line %d: %w", n, err)
			}
		}
		if errors.Is(readErr, io.EOF) {
			break
		}
		if readErr != nil {
			return nil, fmt.Errorf("read entries: %w", readErr)
		}
	}
	if len(order) == 0 {
		return nil, ErrNoEntries
	}
	out := make([]Entry, 0, len(order))
	for _, slug := range order {
		out = append(out, *entries[slug])
	}
	return out, nil
}

func addLine(entries map[string]*Entry, order *[]string, line []byte) error {
	var l struct{ Entry, Lang, Question, Answer string }
	if err := json.Unmarshal(line, &l); err != nil {
		return fmt.Errorf("not JSON of the form {\"entry\",\"lang\",\"question\",\"answer\"}: %w", err)
	}
	lang, ok := i18n.ParseLang(l.Lang)
	if !ok {
		return fmt.Errorf("language %q: write fr, es or en", l.Lang)
	}
	if l.Entry == "" || l.Question == "" {
		return errors.New("entry and question must be filled")
	}
	e := entries[l.Entry]
	if e == nil {
		e = &Entry{Slug: l.Entry, Sensitive: Ordinary, Texts: map[i18n.Lang]Text{}}
		entries[l.Entry] = e
		*order = append(*order, l.Entry)
	}
	t := e.Texts[lang]
	if t.Title == "" {
		t.Title = l.Question
	}
	if l.Answer != "" {
		t.Answer = l.Answer
	}
	if !slices.Contains(t.Questions, l.Question) {
		t.Questions = append(t.Questions, l.Question)
	}
	e.Texts[lang] = t
	return nil
}
