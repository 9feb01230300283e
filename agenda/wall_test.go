package agenda

import (
	"testing"
	"time"

	"chasqui/community"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestAWallTimeBecomesTheRightInstant(t *testing.T) {
	for _, c := range []struct{ wall, zone, want string }{
		{"2026-12-05 16:00", "America/Lima", "2026-12-05T21:00:00Z"},
		{"2026-12-05 16:00", "Europe/Paris", "2026-12-05T15:00:00Z"},
		{"2026-07-05 16:00", "Europe/Paris", "2026-07-05T14:00:00Z"},
		// Paris goes forward: half past two is not on any clock that night, three is the next time that is.
		{"2026-03-29 01:59", "Europe/Paris", "2026-03-29T00:59:00Z"},
		{"2026-03-29 02:00", "Europe/Paris", "2026-03-29T01:00:00Z"},
		{"2026-03-29 02:30", "Europe/Paris", "2026-03-29T01:00:00Z"},
		{"2026-03-29 03:00", "Europe/Paris", "2026-03-29T01:00:00Z"},
		// Paris goes back: half past two comes twice, the first one counts.
		{"2026-10-25 01:59", "Europe/Paris", "2026-10-24T23:59:00Z"},
		{"2026-10-25 02:30", "Europe/Paris", "2026-10-25T00:30:00Z"},
		{"2026-10-25 03:00", "Europe/Paris", "2026-10-25T02:00:00Z"},
		// A leap day, and a whole day.
		{"2028-02-29 09:00", "America/Lima", "2028-02-29T14:00:00Z"},
		{"2028-02-29", "America/Lima", "2028-02-29T05:00:00Z"},
	} {
		w, err := ParseWall(c.wall)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.In(zone(t, c.zone)).Format(time.RFC3339); got != c.want {
			t.Errorf("%s in %s is %s, want %s", c.wall, c.zone, got, c.want)
		}
	}
	for _, bad := range []string{"", "2026-02-30", "2026-2-3", "2026-12-05T16:00", "2026-12-05 24:00", "x"} {
		if w, err := ParseWall(bad); err == nil {
			t.Errorf("%q was read as %s", bad, w)
		}
	}
}

func FuzzWall(f *testing.F) {
	f.Add("2026-03-29 02:30")
	f.Add("2026-10-25 02:30")
	f.Add("2028-02-29")
	paris := zone(f, "Europe/Paris")
	f.Fuzz(func(t *testing.T, s string) {
		w, err := ParseWall(s)
		if err != nil {
			return
		}
		at := w.In(paris)
		if shown := WallAt(at, paris); !w.AllDay() && shown < w {
			t.Errorf("%s became %s: earlier than it was meant", w, shown)
		}
		if w.AddDays(1).AddDays(-1) != w || w.Date() != community.Date(s[:10]) {
			t.Errorf("days of %s", w)
		}
	})
}

func TestOccurrencesKeepTheirClockWhenTheZoneChangesItsOwn(t *testing.T) {
	e := Event{Start: "2026-10-20 20:00", End: "2026-10-20 21:30", Zone: "Europe/Paris", Rule: Weekly}
	var instants []string
	for _, day := range e.Days("2026-11-04") {
		instants = append(instants, e.On(day).StartsAt.Format(time.RFC3339))
	}
	want := []string{"2026-10-20T18:00:00Z", "2026-10-27T19:00:00Z", "2026-11-03T19:00:00Z"}
	if len(instants) != 3 || instants[0] != want[0] || instants[1] != want[1] || instants[2] != want[2] {
		t.Errorf("instants %v, want %v", instants, want)
	}
}

func TestRules(t *testing.T) {
	for rule, want := range map[string]string{
		"FREQ=WEEKLY": "2026-01-03 2026-01-10 2026-01-17 2026-01-24 2026-01-31", MonthlyLike("2026-01-03"): "2026-01-03",
		"FREQ=MONTHLY;BYDAY=-1SA":        "2026-01-03 2026-01-31",
		"rrule:freq=weekly;count=2":      "2026-01-03 2026-01-10",
		"FREQ=WEEKLY;UNTIL=20260118":     "2026-01-03 2026-01-10 2026-01-17",
		"FREQ=WEEKLY;INTERVAL=2;WKST=MO": "2026-01-03 2026-01-17 2026-01-31",
		"":                               "2026-01-03",
	} {
		e := Event{Start: "2026-01-03 10:00", Zone: "America/Lima", Rule: rule}
		got := ""
		for _, d := range e.Days("2026-02-01") {
			got += " " + string(d)
		}
		if got != " "+want {
			t.Errorf("%q gives%s, want %s", rule, got, want)
		}
	}
	if got := MonthlyLike("2026-01-31"); got != "FREQ=MONTHLY;BYDAY=-1SA" {
		t.Errorf("the fifth Saturday is %s", got)
	}
	for _, bad := range []string{"FREQ=HOURLY", "FREQ=MINUTELY", "FREQ=SECONDLY", "FREQ=DAILY;BYHOUR=3", "DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY", "weekly", "FREQ=WEEKLY;BYDAY=XX"} {
		if CheckRule(bad) == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func FuzzRule(f *testing.F) {
	for _, s := range []string{"FREQ=WEEKLY", "FREQ=MONTHLY;BYDAY=1SA", "FREQ=YEARLY;BYMONTHDAY=31;BYMONTH=2", "FREQ=DAILY;INTERVAL=0", "FREQ=MONTHLY;BYSETPOS=-1;BYDAY=MO,TU"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, rule string) {
		if CheckRule(rule) != nil {
			return
		}
		e := Event{Start: "2028-02-29 10:00", Zone: "Europe/Paris", Rule: rule}
		days := e.Days("2028-06-01")
		for i := range days {
			if days[i] < e.Start.Date() || days[i] > "2028-06-01" || i > 0 && days[i] <= days[i-1] {
				t.Errorf("%q gives %v", rule, days)
			}
		}
		if len(days) == 0 {
			t.Errorf("%q does not even happen once", rule)
		}
	})
}

func TestRemindersAreDueByTheEventsClock(t *testing.T) {
	paris := zone(t, "Europe/Paris")
	e := Event{Start: "2026-10-28 18:00", Zone: "Europe/Paris"}
	o := e.On("2026-10-28")
	got := map[string]string{}
	for _, r := range o.Reminders(paris, o.StartsAt.AddDate(0, 0, -30)) {
		got[r.Kind] = WallAt(r.Due, paris).Clock() + " " + r.Due.Format(time.RFC3339)
	}
	// Seven days before, Paris was still on summer time: the clock is the same, the instant is not.
	want := map[string]string{"7d": "18:00 2026-10-21T16:00:00Z", "1d": "18:00 2026-10-27T17:00:00Z", "1h": "17:00 2026-10-28T16:00:00Z"}
	for kind, when := range want {
		if got[kind] != when {
			t.Errorf("%s is due %s, want %s", kind, got[kind], when)
		}
	}
	if n := len(o.Reminders(paris, o.StartsAt.Add(-3*time.Hour))); n != 1 {
		t.Errorf("%d reminders three hours before: only one is still ahead", n)
	}
	day := Event{Start: "2026-10-28", Zone: "Europe/Paris"}.On("2026-10-28")
	if rs := day.Reminders(paris, o.StartsAt.AddDate(0, 0, -30)); len(rs) != 2 || WallAt(rs[0].Due, paris) != "2026-10-21 09:00" {
		t.Errorf("a whole day is reminded of %v", rs)
	}
}

func TestLateness(t *testing.T) {
	starts := time.Date(2026, 12, 5, 21, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		kind string
		due  time.Duration // before the start
		late time.Duration
		want Miss
	}{
		{"7d", 168 * time.Hour, 0, ""}, {"7d", 168 * time.Hour, 48 * time.Hour, ""}, {"7d", 168 * time.Hour, 48*time.Hour + time.Minute, MissedLate},
		{"1d", 24 * time.Hour, 12 * time.Hour, ""}, {"1d", 24 * time.Hour, 12*time.Hour + time.Minute, MissedLate},
		{"1h", time.Hour, 49 * time.Minute, ""}, {"1h", time.Hour, 50 * time.Minute, MissedLate}, {"1h", time.Hour, 3 * time.Hour, MissedLate},
	} {
		r := Reminder{Kind: c.kind, StartsAt: starts, Due: starts.Add(-c.due)}
		if got := r.Verdict(r.Due.Add(c.late), time.Time{}); got != c.want {
			t.Errorf("%s %v late: %q, want %q", c.kind, c.late, got, c.want)
		}
		if got := r.Verdict(r.Due.Add(c.late), r.Due.Add(time.Second)); got != MissedRestored {
			t.Errorf("%s before a restore: %q", c.kind, got)
		}
	}
}
