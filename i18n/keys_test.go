package i18n_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"chasqui/i18n"
)

// named finds keys where the code gives a whole one; keys put together of parts are covered by the
// transcripts and by the lists below.
var named = regexp.MustCompile(`(?:\bT\([^"()]*(?:\([^()]*\))?[^"()]*|\bt\(|console\.fault|refuse\([^"]*)"([a-z]+(?:\.[a-zA-Z0-9-]+)+)"`)

func TestEveryKeyInTheCodeIsATextAndEveryTextIsUsed(t *testing.T) {
	c, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	code := ""
	root := os.DirFS("..")
	err = fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") || !strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".templ") {
			return err
		}
		data, err := fs.ReadFile(root, path)
		code += string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := named.FindAllStringSubmatch(code, -1)
	if len(found) < 80 {
		t.Fatalf("only %d keys were found in the code", len(found))
	}
	for _, m := range found {
		if !c.Has(i18n.French, m[1]) {
			t.Errorf("the code uses %s, which is no text", m[1])
		}
	}
	for _, key := range c.Keys(i18n.French) {
		parts := strings.Split(key, ".")
		stem := strings.Join(parts[:len(parts)-1], ".") + "."
		if !strings.Contains(code, `"`+key+`"`) && !strings.Contains(code, `"`+stem) {
			t.Errorf("nobody shows %s", key)
		}
	}
}
