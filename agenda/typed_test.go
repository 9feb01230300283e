package agenda

import (
	"strings"
	"testing"

	"chasqui/community"
	"chasqui/i18n"
)

func TestWhatPeopleTypeForATime(t *testing.T) {
	today := community.Date("2026-11-24")
	for in, want := range map[string]Wall{
		"05/12/2026 16:00": "2026-12-05 16:00", "5/12 16h": "2026-12-05 16:00", "5/12 16h30": "2026-12-05 16:30",
		"5/12/26 16 h": "2026-12-05 16:00", "2026-12-05 16:00": "2026-12-05 16:00", "05/12/2026": "2026-12-05",
		"5/12 à 16h": "2026-12-05 16:00", "05/12/2026, 16:00": "2026-12-05 16:00",
		// The next one, in the year after where this year's is over.
		"5/1 9h": "2027-01-05 09:00", "24/11": "2026-11-24", "29/2 10h": "2028-02-29 10:00",
		"demain 9h": "2026-11-25 09:00", "mañana a las 9:00": "2026-11-25 09:00", "Aujourd’hui 18h30": "2026-11-24 18:30",
	} {
		if got, err := ParseWhen(in, today); err != nil || got != want {
			t.Errorf("%q is %q, %v, want %q", in, got, err, want)
		}
	}
	for _, bad := range []string{"", "hier 9h", "31/02/2026 10h", "5/12 25h", "5/12 16:61", "5", "séisme", "99/99"} {
		if got, err := ParseWhen(bad, today); err == nil {
			t.Errorf("%q was read as %q", bad, got)
		}
	}
}

func TestWhatPeopleTypeForAnEnd(t *testing.T) {
	for _, c := range []struct {
		in          string
		start, want Wall
	}{
		{"18:00", "2026-12-05 16:00", "2026-12-05 18:00"}, {"18h", "2026-12-05 16:00", "2026-12-05 18:00"},
		{"2h", "2026-12-05 16:00", "2026-12-05 18:00"}, {"1h30", "2026-12-05 16:00", "2026-12-05 17:30"}, {"90 min", "2026-12-05 16:00", "2026-12-05 17:30"},
		{"01:00", "2026-12-05 20:00", "2026-12-06 01:00"}, {"06/12/2026 10:00", "2026-12-05 20:00", "2026-12-06 10:00"},
		{"21/11/2026", "2026-11-17", "2026-11-21"}, {"21/11", "2026-11-17", "2026-11-21"},
	} {
		if got, err := ParseEnd(c.in, c.start); err != nil || got != c.want {
			t.Errorf("%q after %s is %q, %v, want %q", c.in, c.start, got, err, c.want)
		}
	}
	for _, c := range []struct {
		in    string
		start Wall
	}{{"", "2026-12-05 16:00"}, {"16:00", "2026-12-05 16:00"}, {"0h", "2026-12-05 16:00"}, {"bientôt", "2026-12-05 16:00"}, {"16/11/2026", "2026-11-17"}, {"04/12/2026 10:00", "2026-12-05 16:00"}} {
		if got, err := ParseEnd(c.in, c.start); err == nil {
			t.Errorf("%q after %s was read as %q", c.in, c.start, got)
		}
	}
}

func FuzzTyped(f *testing.F) {
	for _, s := range []string{"05/12/2026 16:00", "5/12 16h", "1h30", "FR: Goûter ES: Lonche", "EV, Miraflores https://x.example/y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w, err := ParseWhen(s, "2026-11-24")
		if err == nil {
			if again, err := ParseWall(string(w)); err != nil || again != w {
				t.Errorf("%q became %q, which is no wall time", s, w)
			}
		}
		if end, err := ParseEnd(s, "2026-12-05 16:00"); err == nil && end < "2026-12-05 16:00" {
			t.Errorf("%q ends before it starts: %s", s, end)
		}
		for l, title := range ParseTitles(s, i18n.French) {
			if title == "" || strings.ContainsAny(title, "\n\r") || len([]rune(title)) > longestTitle {
				t.Errorf("%q has the %s title %q", s, l, title)
			}
		}
		if _, link := ParsePlace(s); strings.ContainsAny(link, " \n") {
			t.Errorf("%q has the link %q", s, link)
		}
	})
}

func TestTitlesMayComeTogether(t *testing.T) {
	for in, want := range map[string]map[i18n.Lang]string{
		"Goûter de Noël": {i18n.French: "Goûter de Noël"},
		"FR: Goûter de Noël ES: Lonchecito de Navidad":         {i18n.French: "Goûter de Noël", i18n.Spanish: "Lonchecito de Navidad"},
		"es: Taller\nfr: Atelier\nEN: Workshop":                {i18n.French: "Atelier", i18n.Spanish: "Taller", i18n.English: "Workshop"},
		"Formation : les gestes qui sauvent":                   {i18n.French: "Formation : les gestes qui sauvent"},
		"Que faire en cas de séisme ? / Qué hacer en un sismo": {i18n.French: "Que faire en cas de séisme ? / Qué hacer en un sismo"},
	} {
		got := ParseTitles(in, i18n.French)
		if len(got) != len(want) {
			t.Errorf("%q: %v", in, got)
		}
		for l, title := range want {
			if got[l] != title {
				t.Errorf("%q in %s: %q, want %q", in, l, got[l], title)
			}
		}
	}
}

func TestAudiences(t *testing.T) {
	m := community.Member{ID: 7, Kind: community.Volunteer, Region: "cusco", Scheme: "VSI"}
	for rule, want := range map[string]bool{
		"all": true, "kind:host": false, "region:Cusco,kind:volunteer": true, "region:Puno+kind:volunteer": true,
		"all,-region:cusco": false, "member:7": true, "member:8": false, "group:visas": true, "group:reciprocite": false, "scheme:VSI": true,
	} {
		if got := (Event{Audience: rule}).Open(m, []string{"visas"}); got != want {
			t.Errorf("%s: %v", rule, got)
		}
	}
}
