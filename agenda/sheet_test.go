package agenda

import (
	"os"
	"strings"
	"testing"

	"chasqui/i18n"
)

func TestTheSampleCalendarsAreRead(t *testing.T) {
	lima := zone(t, "America/Lima")
	for file, want := range map[string]int{"sample/calendar-2025.csv": 35, "sample/cafe-virtuel.csv": 1} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rows, ignored, err := ReadSheet(data, lima)
		if err != nil || len(ignored) > 0 || len(rows) != want {
			t.Fatalf("%s: %d rows, ignored %v, %v", file, len(rows), ignored, err)
		}
		for _, r := range rows {
			if r.Fault != nil {
				t.Errorf("%s line %d: %v", file, r.Line, r.Fault)
			}
		}
	}
}

func TestACalendarFileSaysWhatIsWrong(t *testing.T) {
	lima := zone(t, "America/Lima")
	text := "date;start;finish;title_fr;title_es;audience;rrule;zone;seats;link;end\n" +
		"05/12/2026;16:00;18h;Goûter;Lonche;all;;;;;\n" +
		"31/02/2026;;;A;B;;;;;;\n" +
		"2026-12-05;;18:00;A;B;;;;;;\n" +
		"2026-12-05;18:00;16:00;A;B;;;;;;\n" +
		"2026-12-05;;;A;;;;;;;\n" +
		"2026-12-05;;;A;B;kind:king;;;;;\n" +
		"2026-12-05;;;A;B;;FREQ=HOURLY;;;;\n" +
		"2026-12-05;;;A;B;;;Mars/Base;;;\n" +
		"2026-12-05;;;A;B;;;;-3;;\n" +
		"2026-12-05;;;A;B;;;;;javascript:x;\n" +
		"2026-12-05;;;A;B;;;;;;2026-12-04\n"
	rows, _, err := ReadSheet([]byte(text), lima)
	if err != nil || len(rows) != 11 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, r := range rows {
		if (i == 0) != (r.Fault == nil) {
			t.Errorf("line %d: %v", r.Line, r.Fault)
		}
	}
	e := rows[0].Event
	if e.Start != "2026-12-05 16:00" || e.End != "2026-12-05 18:00" || e.Zone != "America/Lima" || e.Titles[i18n.Spanish] != "Lonche" || rows[0].Line != 2 {
		t.Errorf("the good row is %+v", rows[0])
	}
	for _, bad := range []string{"", "when,title\n", "\x00"} {
		if _, _, err := ReadSheet([]byte(bad), lima); err == nil {
			t.Errorf("%q was taken for a calendar", bad)
		}
	}
}

func FuzzSheet(f *testing.F) {
	f.Add([]byte("date,title_fr,title_es,start,finish,rrule\n5/12/2026,A,B,16h,2h,FREQ=WEEKLY\n"))
	f.Add([]byte("date;end;title_fr;title_es\n2026-12-05;2026-12-06;\"A\nB\";C\n"))
	lima := zone(f, "America/Lima")
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, _, err := ReadSheet(data, lima)
		if err != nil {
			return
		}
		for _, r := range rows {
			if r.Fault != nil {
				continue
			}
			o := r.Event.On(r.Event.Start.Date())
			if o.EndsAt.Before(o.StartsAt) || r.Event.Check() != nil || strings.ContainsAny(r.Event.Title(i18n.French), "\r\n") {
				t.Errorf("line %d was taken: %+v", r.Line, r.Event)
			}
		}
	})
}
