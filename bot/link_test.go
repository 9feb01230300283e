package bot_test

import (
	"slices"
	"strings"
	"testing"

	"chasqui/bot"
	"chasqui/faq"
)

func TestALinkCodeIsReadHoweverItWasCopied(t *testing.T) {
	for text, want := range map[string]string{
		"LIEN-7K4-Q9D-2MX":          "LIEN7K4Q9D2MX",
		"lien 7k4 q9d 2mx":          "LIEN7K4Q9D2MX",
		" *Lien–7K4–Q9D–2MX*. ":     "LIEN7K4Q9D2MX",
		"«LIEN7K4Q9D2MX»":           "LIEN7K4Q9D2MX",
		"LIEN-OK4-Q9D-2IL":          "LIEN0K4Q9D211",
		"LIEN\u00a07K4\nQ9D\t2MX":   "LIEN7K4Q9D2MX",
		"LIEN-7K4-Q9D-2M":           "",
		"LIEN-7K4-Q9D-2MXX":         "",
		"7K4-Q9D-2MX":               "",
		"LIEN-7K4-Q9D-2MX ?":        "",
		"mon code LIEN-7K4-Q9D-2MX": "",
		"LIEN-7K4-Q9D-2MU":          "",
		"lien whatsapp":             "",
		"lien consulat":             "",
		"lien du groupe":            "",
		"":                          "",
	} {
		got, ok := bot.ParseLinkCode(text)
		if got != want || ok != (want != "") {
			t.Errorf("%q is read as %q, %v", text, got, ok)
		}
	}
}

func TestEveryCodeThatIsGivenCanBeRead(t *testing.T) {
	seen := map[string]bool{}
	for range 2000 {
		code := bot.NewLinkCode()
		read, ok := bot.ParseLinkCode(strings.ToLower(code))
		if !ok || bot.HashCode(read) != bot.HashCode(code) {
			t.Fatalf("%s is read as %q", code, read)
		}
		if seen[code] {
			t.Fatalf("%s was given twice", code)
		}
		seen[code] = true
	}
}

// played is a transcript after its last line, for what nobody says in it.
func played(t *testing.T, script string) *talk {
	t.Helper()
	entries, err := faq.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	k := newTalk(t, faq.NewIndex(entries))
	k.play(script)
	return k
}

func TestNobodyReadsACodeLater(t *testing.T) {
	k := played(t, `@ member camille language=fr kind=volunteer region=Cusco
camille> /profile
camille> [Relier un autre compte]
nueva> LIEN-TEST-00001
nueva> LIEN-TEST-00009
`)
	record, err := k.store.Record(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(record), "/profile") || !strings.Contains(string(record), `"nueva"`) || strings.Contains(string(record), "TEST") {
		t.Errorf("the record is %s", record)
	}
}

func TestStaffSeeWhoMayBeOnePerson(t *testing.T) {
	k := played(t, `@ app paul fr
paul (card +51987654321)>
pol (card +51987654321)>
@ member rosa language=fr phone=+51922222222
@ record Rosa phone=+51955555555 region=Puno
rosa (card +51955555555)>
`)
	found, err := k.store.Duplicates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const noted = "gave a phone that the other has"
	if len(found) != 2 || !slices.Contains(found[0].Why, noted) || !slices.Contains(found[1].Why, noted) || found[1].A.Name != "Rosa" || found[1].B.Name != "Rosa" {
		t.Errorf("staff see %+v", found)
	}
}

func FuzzLinkCode(f *testing.F) {
	f.Add("LIEN-7K4-Q9D-2MX")
	f.Add("lien ſ7k4ßq9d2m")
	f.Add("*LIEN\u00a0OIL-OIL-2IL*")
	f.Fuzz(func(t *testing.T, text string) {
		code, ok := bot.ParseLinkCode(text)
		if ok != (code != "") {
			t.Fatalf("%q is read as %q, %v", text, code, ok)
		}
		if !ok {
			return
		}
		if again, ok := bot.ParseLinkCode(code); !ok || again != code {
			t.Errorf("%q is read as %q, and that as %q", text, code, again)
		}
	})
}
