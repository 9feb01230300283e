package faq_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"chasqui/faq"
	"chasqui/i18n"
)

func builtin(t testing.TB) []faq.Entry {
	t.Helper()
	entries, err := faq.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestTheBuiltinEntriesAreInOrder(t *testing.T) {
	entries := builtin(t)
	if len(entries) < 45 {
		t.Fatalf("%d entries", len(entries))
	}
	for _, f := range faq.Check(entries, time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)) {
		if f.Severity == faq.Fault {
			t.Errorf("%s %s: %s", f.Entry, f.Lang, f.Message)
		}
	}
	topics := map[string]int{}
	for _, e := range entries {
		topics[e.Topic]++
	}
	// The sections of which nothing may be missing.
	for topic, want := range map[string]int{"peru": 12, "register": 5, "security": 19, "france": 9} {
		if topics[topic] < want {
			t.Errorf("%d entries on %s, want %d", topics[topic], topic, want)
		}
	}
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	entries := builtin(t)
	broken := entries[0]
	broken.Sources, broken.Related = nil, []string{"nowhere"}
	broken.Texts = map[i18n.Lang]faq.Text{
		i18n.French:  {Title: strings.Repeat("x", 61), Questions: []string{"ça tremble", entries[1].Texts[i18n.French].Questions[0], "a b", "c d", "e f"}, Answer: strings.Repeat("long ", 200) + "42"},
		i18n.Spanish: {Title: "x", Questions: []string{"una pregunta"}, Answer: "41"},
	}
	found := ""
	for _, f := range faq.Check(append([]faq.Entry{broken, entries[1]}, entries[1]), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)) {
		found += f.Message + "\n"
	}
	for _, want := range []string{"stands twice", "no source", "related entry nowhere", "the language is missing", "the title has", "the answer has", "questions", "is asked by", "reads as earthquake", "figures differ", "due for review"} {
		if !strings.Contains(found, want) {
			t.Errorf("nothing is said of %q in\n%s", want, found)
		}
	}
}

func TestDecisions(t *testing.T) {
	ix := faq.NewIndex(builtin(t))
	for _, c := range []struct {
		lang  i18n.Lang
		text  string
		kind  faq.Kind
		entry string
	}{
		{"fr", "Combien de jours un touriste français peut-il rester au Pérou ?", faq.Answer, "peru-tourist-stay"},
		{"fr", "quels sont les numero d urgence au perou", faq.Answer, "emergency-numbers-peru"},
		{"es", "¿cómo me inscribo en el registro consular francés?", faq.Answer, "consular-register-how"},
		{"en", "what documents do i need for the french long stay visa", faq.Answer, "france-visa-documents"},
		{"fr", "coment sinscrire au registre consulere en ligne", faq.Choose, "consular-register-how"},
		{"fr", "raconte-moi une blague", faq.HandOver, ""},
		{"es", "receta de ceviche por favor", faq.HandOver, ""},
		{"fr", "ça tremble", faq.Crisis, ""},
	} {
		d := ix.Decide(faq.Query{Text: c.text, Lang: c.lang})
		if d.Kind != c.kind || c.entry != "" && d.Entry != c.entry {
			t.Errorf("%q: %s %s (%.2f), want %s %s", c.text, d.Kind, d.Entry, d.Confidence, c.kind, c.entry)
		}
	}
}

func TestAccentsCostNothing(t *testing.T) {
	ix := faq.NewIndex(builtin(t))
	with := ix.Decide(faq.Query{Text: "Où vérifier mes jours accordés à l'entrée ?", Lang: i18n.French})
	without := ix.Decide(faq.Query{Text: "ou verifier mes jours accordes a l entree", Lang: i18n.French})
	if with.Entry != without.Entry || with.Confidence != without.Confidence {
		t.Errorf("%s %.3f with accents, %s %.3f without", with.Entry, with.Confidence, without.Entry, without.Confidence)
	}
}

func TestLanguage(t *testing.T) {
	ix := faq.NewIndex(builtin(t))
	for text, want := range map[string]i18n.Lang{
		"je voudrais savoir combien ça coûte": "fr", "quiero saber cuánto cuesta eso": "es", "i would like to know how much it is": "en",
		"no tengo idea de que hacer con mi visa": "es", "c koi la tam virtual stp": "fr",
	} {
		if got, sure := ix.Language(text); got != want || !sure {
			t.Errorf("%q: %s, sure %v", text, got, sure)
		}
	}
	for _, text := range []string{"visa", "Cusco", "", "12/03/2027", "ok"} {
		if got, sure := ix.Language(text); sure {
			t.Errorf("%q is surely %s", text, got)
		}
	}
}

// TestDanger holds the words of danger against a labelled set: what must be recognised, and what only
// looks like it. The bars are those of the product; a miss is printed, to be mended by a pattern.
func TestDanger(t *testing.T) {
	f, err := os.Open("testdata/danger.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var dangers, found, calm, alarms int
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var l struct{ Lang, Text, Danger string }
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		kind, ok := faq.DangerOf(l.Text)
		switch {
		case l.Danger == "":
			calm++
			if ok {
				alarms++
				t.Logf("false alarm %s: %q", kind, l.Text)
			}
		default:
			dangers++
			if ok {
				found++
			} else {
				t.Logf("missed %s: %q", l.Danger, l.Text)
			}
			if ok && string(kind) != l.Danger {
				t.Logf("%q is %s, taken for %s", l.Text, l.Danger, kind)
			}
		}
	}
	recall, share := float64(found)/float64(dangers), float64(alarms)/float64(calm)
	t.Logf("recall %.3f of %d, false alarms %.3f of %d", recall, dangers, share, calm)
	if recall < .97 || share > .02 || dangers < 100 || calm < 60 {
		t.Errorf("recall %.3f, false alarms %.3f", recall, share)
	}
}

func TestDangerTexts(t *testing.T) {
	for _, d := range faq.Dangers {
		for _, l := range i18n.Langs {
			for country, number := range map[faq.Country]string{faq.Peru: "105", faq.France: "112", "": "105"} {
				text := faq.DangerText(d, l, country)
				if !strings.Contains(text, number) || strings.Contains(text, "{") || utf8.RuneCountInString(text) > 650 {
					t.Errorf("%s in %s for %q: %d characters: %s", d, l, country, utf8.RuneCountInString(text), text)
				}
				if country == "" && !(strings.Index(text, "105") < strings.Index(text, "112")) {
					t.Errorf("%s in %s: Peru's numbers do not come first", d, l)
				}
			}
		}
	}
	if faq.DangerText(faq.Fire, "de", faq.Peru) == "" {
		t.Error("a language that is not ours gets nothing")
	}
}

func TestSmallTalk(t *testing.T) {
	for text, want := range map[string]string{"Bonjour !": "greeting", "HOLA": "greeting", "merci beaucoup!!": "thanks", "hasta luego": "bye", "hola, una pregunta": "", "": ""} {
		if got, ok := faq.SmallTalk(text); got != want || ok != (want != "") {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestEntriesFromLines(t *testing.T) {
	entries, err := faq.ReadLines(strings.NewReader(`{"entry":"a","lang":"fr","question":"où est le chat","answer":"là"}
{"entry":"a","lang":"es","question":"dónde está el gato","answer":"ahí"}
{"entry":"b","lang":"en","question":"how high is the tower","answer":"high"}`))
	if err != nil || len(entries) != 2 {
		t.Fatal(entries, err)
	}
	if d := faq.NewIndex(entries).Decide(faq.Query{Text: "how high is the tower"}); d.Entry != "b" || d.Kind != faq.Answer {
		t.Errorf("%+v", d)
	}
	for _, bad := range []string{"", "x", `{"entry":"a","lang":"de","question":"q"}`, `{"entry":"","lang":"fr","question":"q"}`} {
		if _, err := faq.ReadLines(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func FuzzParseEntry(f *testing.F) {
	for _, e := range builtin(f)[:3] {
		f.Add(e.Format())
	}
	f.Add([]byte("---\nslug: x\n---\n## fr\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := faq.ParseEntry("x.md", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "x.md:") {
				t.Errorf("an error without its line: %v", err)
			}
			return
		}
		again, err := faq.ParseEntry("x.md", e.Format())
		if err != nil || !bytes.Equal(again.Format(), e.Format()) {
			t.Errorf("it does not come back the same: %v\n%s", err, e.Format())
		}
	})
}

func FuzzDecide(f *testing.F) {
	ix := faq.NewIndex(builtin(f))
	f.Add("où est le consulat", "fr")
	f.Add("\xff\xfe", "")
	f.Fuzz(func(t *testing.T, text, lang string) {
		d := ix.Decide(faq.Query{Text: text, Lang: i18n.Lang(lang)})
		if len(d.Ranking) < 3 || d.Confidence < 0 || d.Confidence > 1 || d.Kind == "" {
			t.Errorf("%q: %+v", text, d)
		}
		if danger, ok := faq.DangerOf(text); ok != (d.Kind == faq.Crisis) || ok && danger != d.Danger {
			t.Errorf("%q: danger %s, decision %s", text, danger, d.Kind)
		}
	})
}

func BenchmarkNewIndex(b *testing.B) {
	entries := builtin(b)
	for b.Loop() {
		faq.NewIndex(entries)
	}
}

func BenchmarkDecide(b *testing.B) {
	ix := faq.NewIndex(builtin(b))
	for i := 0; b.Loop(); i++ {
		ix.Decide(faq.Query{Text: fmt.Sprint("comment je fais pour prolonger mon visa de touriste ", i%7), Lang: i18n.French})
	}
}
