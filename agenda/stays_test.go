package agenda

import (
	"math/rand/v2"
	"testing"

	"chasqui/community"
)

// day numbers a date, so that counting one by one takes no reading of texts.
func day(d community.Date) int { return daysBetween("2000-01-01", d) }

// naiveUsed asks of each single day of the window whether the person was there.
func naiveUsed(s Stays, on int) int {
	type span struct{ from, to int }
	var spans []span
	for _, stay := range s {
		to := on
		if stay.Exit != "" {
			to = day(stay.Exit)
		}
		spans = append(spans, span{day(stay.Entry), to})
	}
	used := 0
	for d := on - WindowDays + 1; d <= on; d++ {
		for _, sp := range spans {
			if sp.from <= d && d <= sp.to {
				used++
				break
			}
		}
	}
	return used
}

// naiveLast walks on until a day is one too many.
func naiveLast(s Stays, entry community.Date) (community.Date, bool) {
	all := append(Stays{{Entry: entry}}, s...)
	n := 0
	for n < WindowDays && naiveUsed(all, day(entry)+n) <= MostDays {
		n++
	}
	return addDays(entry, n-1), n > 0
}

func TestNinetyDays(t *testing.T) {
	for _, c := range []struct {
		what    string
		earlier Stays
		entry   community.Date
		last    community.Date
		allowed bool
	}{
		{"a first stay", nil, "2026-09-05", "2026-12-03", true},
		{"over a leap day", nil, "2028-01-15", "2028-04-13", true},
		{"over a February without one", nil, "2027-01-15", "2027-04-14", true},
		{"after thirty days in spring", Stays{{"2026-07-01", "2026-07-30"}}, "2026-09-05", "2026-11-03", true},
		{"after a full stay", Stays{{"2026-06-01", "2026-08-29"}}, "2026-09-05", "", false},
		{"after a full stay and its days fall out again", Stays{{"2026-04-01", "2026-06-29"}}, "2026-09-28", "2026-12-26", true},
		{"the same stay told twice", Stays{{"2026-07-01", "2026-07-30"}, {"2026-07-10", "2026-07-30"}}, "2026-09-05", "2026-11-03", true},
	} {
		last, ok := c.earlier.LastLegalDay(c.entry)
		if ok != c.allowed || ok && last != c.last {
			t.Errorf("%s: %s, %v, want %s, %v", c.what, last, ok, c.last, c.allowed)
		}
	}
}

func randomStays(r *rand.Rand, around community.Date) Stays {
	var s Stays
	for range r.IntN(5) {
		entry := addDays(around, -r.IntN(400))
		s = append(s, Stay{entry, addDays(entry, r.IntN(100))})
	}
	return s
}

func TestTheCounterAgreesWithCountingDayByDay(t *testing.T) {
	r := rand.New(rand.NewPCG(20260312, 90180))
	for range 2000 {
		// The years around 2028 hold a leap day.
		entry := addDays("2026-06-01", r.IntN(900))
		s := randomStays(r, entry)
		if got, want := s.DaysUsed(entry), naiveUsed(s, day(entry)); got != want {
			t.Fatalf("%v on %s: %d days, want %d", s, entry, got, want)
		}
		last, ok := s.LastLegalDay(entry)
		wantLast, wantOK := naiveLast(s, entry)
		if ok != wantOK || ok && last != wantLast {
			t.Fatalf("%v entering %s: %s %v, want %s %v", s, entry, last, ok, wantLast, wantOK)
		}
	}
}

func FuzzStays(f *testing.F) {
	f.Add(uint64(1), int16(0))
	f.Add(uint64(20280229), int16(638))
	f.Fuzz(func(t *testing.T, seed uint64, shift int16) {
		entry := addDays("2028-02-29", int(shift))
		s := randomStays(rand.New(rand.NewPCG(seed, 1)), entry)
		last, ok := s.LastLegalDay(entry)
		wantLast, wantOK := naiveLast(s, entry)
		if ok != wantOK || ok && last != wantLast || s.DaysUsed(entry) != naiveUsed(s, day(entry)) {
			t.Errorf("%v entering %s: %s %v, want %s %v", s, entry, last, ok, wantLast, wantOK)
		}
	})
}
