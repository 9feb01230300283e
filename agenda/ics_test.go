package agenda

import (
	"strings"
	"testing"
	"time"

	ics "github.com/arran4/golang-ical"

	"chasqui/community"
	"chasqui/i18n"
)

func TestACalendarFileIsWhatACalendarReads(t *testing.T) {
	now := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	e := Event{ID: 7, UID: "abc", Titles: map[i18n.Lang]string{i18n.French: "Goûter, jeux; chants", i18n.Spanish: "Lonche"}, Start: "2026-12-05 16:00", End: "2026-12-05 18:00", Zone: "America/Lima", Place: "EV, Miraflores", Link: "https://x.example/a"}
	party := Card{Event: e, Occurrence: e.On("2026-12-05")}
	moved := party
	moved.Occurrence = moved.Occurrence.MovedTo("2026-12-06 10:00").Timed(e.Location())
	moved.Occurrence.Sequence, moved.Occurrence.State = 2, Cancelled
	week := Event{ID: 8, UID: "def", Titles: e.Titles, Start: "2026-12-07", End: "2026-12-11", Zone: "America/Lima"}
	file := Calendar(i18n.French, "Chasqui", []Card{party, {Event: week, Occurrence: week.On("2026-12-07")}}, now)
	cal, err := ics.ParseCalendar(strings.NewReader(string(file)))
	if err != nil || len(cal.Events()) != 2 {
		t.Fatalf("%v: %s", err, file)
	}
	for i, want := range []map[ics.ComponentProperty]string{
		{ics.ComponentPropertyDtStart: "20261205T210000Z", ics.ComponentPropertyDtEnd: "20261205T230000Z", ics.ComponentPropertySequence: "0", ics.ComponentPropertyStatus: "CONFIRMED", ics.ComponentPropertyUniqueId: "abc-20261205@chasqui"},
		{ics.ComponentPropertyDtStart: "20261207", ics.ComponentPropertyDtEnd: "20261212"},
	} {
		for property, value := range want {
			if got := cal.Events()[i].GetProperty(property); got == nil || got.Value != value {
				t.Errorf("event %d: %s is %v, want %s", i, property, got, value)
			}
		}
	}
	text := string(file)
	for _, line := range strings.Split(text, "\r\n") {
		if len(line) > 75 {
			t.Errorf("a line of %d bytes: %s", len(line), line)
		}
	}
	if !strings.Contains(text, `Goûter\, jeux\; chants`) {
		t.Errorf("what separates is not escaped: %s", text)
	}
	// The same occurrence, moved and then cancelled, is the same to a calendar, and newer.
	again, err := ics.ParseCalendar(strings.NewReader(string(Calendar(i18n.French, "", []Card{moved}, now))))
	if err != nil {
		t.Fatal(err)
	}
	change := again.Events()[0]
	if change.Id() != "abc-20261205@chasqui" || change.GetProperty(ics.ComponentPropertySequence).Value != "2" || change.GetProperty(ics.ComponentPropertyStatus).Value != "CANCELLED" {
		t.Errorf("the change reads %s", again.Serialize())
	}
}

func TestAFeedHoldsWhatIsForItsOwner(t *testing.T) {
	m := community.Member{ID: 1, Kind: community.Volunteer}
	card := func(audience string, mine Answer) Card { return Card{Event: Event{Audience: audience}, Mine: mine} }
	got := Subscribed([]Card{card("all", ""), card("all", No), card("kind:host", ""), card("kind:host", Yes), card("kind:volunteer", Maybe), card("kind:host", Waiting)}, m, nil)
	if len(got) != 4 {
		t.Errorf("%d of six", len(got))
	}
	a, b := NewFeedSecret(), NewFeedSecret()
	if a == b || len(a) != 32 || HashFeedSecret(a) == HashFeedSecret(b) || strings.Contains(HashFeedSecret(a), a) {
		t.Errorf("secrets %q, %q", a, b)
	}
}

func FuzzCalendar(f *testing.F) {
	f.Add("Goûter", "EV\r\nBEGIN:VEVENT", "https://x")
	f.Fuzz(func(t *testing.T, title, place, link string) {
		e := Event{UID: "u", Titles: map[i18n.Lang]string{i18n.French: oneLine(title)}, Start: "2026-12-05 16:00", Zone: "America/Lima"}
		e.Place, e.Link = ParsePlace(place + " " + link)
		file := Calendar(i18n.French, title, []Card{{Event: e, Occurrence: e.On("2026-12-05")}}, time.Unix(0, 0))
		if n := strings.Count("\n"+strings.ReplaceAll(string(file), "\r\n", "\n"), "\nBEGIN:VEVENT"); n != 1 {
			t.Errorf("%d events: %q", n, file)
		}
	})
}
