package i18n_test

import (
	"maps"
	"regexp"
	"slices"
	"testing"

	"chasqui/i18n"
)

var placeholder = regexp.MustCompile(`\{\{\s*\.(\w+)\s*\}\}`)

func TestEveryTextExistsInEveryLanguageWithTheSamePlaceholders(t *testing.T) {
	c, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, l := range i18n.Langs {
		for _, k := range c.Keys(l) {
			all[k] = true
		}
	}
	if len(all) < 50 {
		t.Fatalf("only %d texts: the files were not read", len(all))
	}
	for _, k := range slices.Sorted(maps.Keys(all)) {
		want := placeholders(c, i18n.French, k)
		for _, l := range i18n.Langs {
			if !c.Has(l, k) {
				t.Errorf("%s has no %s", l, k)
				continue
			}
			if got := placeholders(c, l, k); !slices.Equal(got, want) {
				t.Errorf("%s in %s has placeholders %v, French has %v", k, l, got, want)
			}
		}
	}
}

func placeholders(c *i18n.Catalogue, l i18n.Lang, key string) []string {
	seen := map[string]bool{}
	for _, m := range placeholder.FindAllStringSubmatch(c.Source(l, key), -1) {
		seen[m[1]] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

func TestPluralsFollowTheLanguage(t *testing.T) {
	c, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range i18n.Langs {
		one, two := c.T(l, "tickets.count", "n", 1), c.T(l, "tickets.count", "n", 2)
		if one == two || one == "tickets.count" {
			t.Errorf("%s: one %q, two %q", l, one, two)
		}
		// French and Spanish have a form of their own for a million (CLDR "many").
		if got := c.T(l, "tickets.count", "n", 1_000_000); got == "tickets.count" {
			t.Errorf("%s: no form for a million", l)
		}
	}
	// French counts nothing as one thing.
	if got, one := c.T(i18n.French, "tickets.count", "n", 0), c.T(i18n.French, "tickets.count", "n", 1); got[2:] != one[2:] {
		t.Errorf("French zero %q does not follow its singular %q", got, one)
	}
}

func TestAMissingTextShowsItsKey(t *testing.T) {
	c, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	if got := c.T(i18n.Spanish, "no.such.key"); got != "no.such.key" {
		t.Errorf("got %q", got)
	}
}

func TestParseLang(t *testing.T) {
	for in, want := range map[string]i18n.Lang{"fr": "fr", "es-PE": "es", "EN_us": "en", " fr ": "fr"} {
		if got, ok := i18n.ParseLang(in); !ok || got != want {
			t.Errorf("%q gives %q, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "de", "qu-PE", "french"} {
		if got, ok := i18n.ParseLang(in); ok {
			t.Errorf("%q was taken for %q", in, got)
		}
	}
}
