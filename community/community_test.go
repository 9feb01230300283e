package community_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"chasqui/community"
)

func TestWhoMayBeWrittenTo(t *testing.T) {
	stopped := time.Now()
	for name, c := range map[string]struct {
		m    community.Member
		want bool
	}{
		"never asked": {community.Member{Consent: community.NeverAsked}, false},
		"imported":    {community.Member{Consent: community.Enrolled}, true},
		"agreed":      {community.Member{Consent: community.Given}, true},
		"refused":     {community.Member{Consent: community.Refused}, false},
		"stopped":     {community.Member{Consent: community.Given, StoppedAt: stopped}, false},
	} {
		if c.m.MayBeWrittenTo() != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
}

func TestCountryChoosesTheNumbers(t *testing.T) {
	for name, c := range map[string]struct {
		m    community.Member
		want community.Country
	}{
		"nobody knows":            {community.Member{}, ""},
		"volunteer in Cusco":      {community.Member{Kind: community.Volunteer, Region: "cusco"}, community.InPeru},
		"volunteer not yet there": {community.Member{Kind: community.Volunteer, Region: "cusco", Arrival: "2027-01-01"}, community.InFrance},
		"volunteer back home":     {community.Member{Kind: community.Volunteer, Region: "cusco", Arrival: "2025-01-01", End: "2026-01-01"}, community.InFrance},
		"reciprocity, arrived":    {community.Member{Kind: community.Reciprocity, Arrival: "2026-09-01"}, community.InFrance},
		"reciprocity, to come":    {community.Member{Kind: community.Reciprocity, Arrival: "2027-09-01"}, community.InPeru},
		"host":                    {community.Member{Kind: community.Host}, community.InPeru},
	} {
		if got := c.m.Country("2026-11-24"); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestSituationInTheYearlyReport(t *testing.T) {
	for want, m := range map[string]community.Member{
		"avant le volontariat":   {Kind: community.Volunteer, Arrival: "2027-01-01"},
		"pendant le volontariat": {Kind: community.Reciprocity, Arrival: "2026-01-01", End: "2026-12-31"},
		"après le volontariat":   {Kind: community.Volunteer, Arrival: "2025-01-01", End: "2026-01-01"},
		"autre":                  {Kind: community.Host},
		"à préciser":             {},
	} {
		if got := m.Situation("2026-11-24"); got != want {
			t.Errorf("%+v: %q, want %q", m, got, want)
		}
	}
}

func TestRegionsAreFoundAsPeopleWriteThem(t *testing.T) {
	for in, want := range map[string]string{"Cuzco": "cusco", " JUNIN ": "junin", "la libertad": "la-libertad", "Iquitos": "loreto", "Áncash": "ancash", "San Martin": "san-martin", "Francia": "france"} {
		if r, ok := community.FindRegion(in); !ok || r.Slug != want {
			t.Errorf("%q: %v", in, r)
		}
	}
	for _, in := range []string{"", "Bogotá", "dans la région de Cusco"} {
		if r, ok := community.FindRegion(in); ok {
			t.Errorf("%q is %v", in, r)
		}
	}
}

func TestDates(t *testing.T) {
	for in, want := range map[string]community.Date{"2027-03-15": "2027-03-15", "15/03/2027": "2027-03-15", "5/3/2027": "2027-03-05", "29/02/2028": "2028-02-29"} {
		if d, err := community.ParseDate(in); err != nil || d != want {
			t.Errorf("%q: %q, %v", in, d, err)
		}
	}
	for _, in := range []string{"29/02/2027", "2027-13-01", "15-03-2027", "tomorrow", "", "01/01/0001"} {
		if d, err := community.ParseDate(in); err == nil {
			t.Errorf("%q was taken for %s", in, d)
		}
	}
}

func TestRolesIncludeOneAnother(t *testing.T) {
	if !community.Admin.May(community.Agent) || !community.Publisher.May(community.Agent) || community.Agent.May(community.Publisher) || community.Role("").May(community.Agent) || !community.Role("").May("") {
		t.Error("roles are out of order")
	}
}

const roster = `name,phone,telegram,language,kind,scheme,region,arrival,end,email,timezone,shoe size
Ana Quispe,987 654 321,111,es,host,,Cusco,,,ana@example.org,America/Lima,38
Léo Martin,+33 6 12 34 56 78,222,fr,volunteer,VSI,Puno,01/09/2026,31/08/2027,,Europe/Paris,
,987,x,xx,robot,XYZ,Atlantis,31/02/2027,2026-01-01,nobody,Mars/Base,
Doble,,111,,,,,,,,,
`

func TestRoster(t *testing.T) {
	for _, data := range []string{roster, "\xef\xbb\xbf" + roster, strings.ReplaceAll(roster, ",", ";")} {
		r, err := community.ReadRoster([]byte(data), false)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Rows) != 4 || len(r.Ignored) != 1 || r.Ignored[0] != "shoe size" {
			t.Fatalf("%d rows, ignored %q", len(r.Rows), r.Ignored)
		}
		ana, bad, double := r.Rows[0], r.Rows[2], r.Rows[3]
		if ana.Fault != nil || ana.Member.Phone != "+51987654321" || ana.Member.Region != "cusco" || ana.Line != 2 {
			t.Errorf("%+v", ana)
		}
		for _, word := range []string{"phone", "telegram", "language", "kind", "scheme", "region", "date", "email", "timezone", "name is missing"} {
			if bad.Fault == nil || !strings.Contains(bad.Fault.Error(), word) {
				t.Errorf("nothing is said about the %s: %v", word, bad.Fault)
			}
		}
		if double.Fault == nil || !strings.Contains(double.Fault.Error(), "line 2") {
			t.Errorf("a double says %v", double.Fault)
		}
	}
}

func TestRosterFromASpreadsheet(t *testing.T) {
	f := excelize.NewFile()
	for i, row := range [][]any{{"name", "arrival", "phone"}, {"Ana", time.Date(2027, 3, 15, 0, 0, 0, 0, time.UTC), 987654321}, {"Léo", "15/03/2027", "+51 987 654 322"}} {
		cell, _ := excelize.CoordinatesToCellName(1, i+1)
		if err := f.SetSheetRow("Sheet1", cell, &row); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	r, err := community.ReadRoster(b.Bytes(), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range r.Rows {
		if row.Fault != nil || row.Member.Arrival != "2027-03-15" || !strings.HasPrefix(row.Member.Phone, "+5198765432") {
			t.Errorf("%+v", row)
		}
	}
}

func TestRosterThatIsNone(t *testing.T) {
	for name, data := range map[string]string{"empty": "", "no header": "Ana,111\n", "a column twice": "name,phone,phone\n"} {
		if _, err := community.ReadRoster([]byte(data), false); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	if _, err := community.ReadRoster([]byte("not a zip"), true); err == nil {
		t.Error("text was read as a spreadsheet")
	}
}

func FuzzRoster(f *testing.F) {
	f.Add([]byte(roster), false)
	f.Add([]byte("name;telegram\n\"a;b\";7\n"), false)
	f.Add([]byte("PK\x03\x04"), true)
	f.Fuzz(func(t *testing.T, data []byte, xlsx bool) {
		r, err := community.ReadRoster(data, xlsx)
		if err != nil {
			return
		}
		for _, row := range r.Rows {
			if row.Fault == nil && (row.Member.Name == "" || row.Line < 2) {
				t.Errorf("taken without a name: %+v", row)
			}
		}
	})
}
