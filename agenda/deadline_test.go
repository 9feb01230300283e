package agenda

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"chasqui/community"
)

func TestPlan(t *testing.T) {
	lima := zone(t, "America/Lima")
	volunteer := community.Member{ID: 1, Kind: community.Volunteer, Scheme: "VSI", Region: "cusco"}
	with := func(change func(*community.Member)) community.Member {
		m := volunteer
		change(&m)
		return m
	}
	for _, c := range []struct {
		what    string
		m       community.Member
		settled map[string]community.Date
		now     string
		want    string
	}{
		{"nothing is known", volunteer, nil, "2026-11-24 10:00", ""},
		{"an arrival ahead", with(func(m *community.Member) { m.Arrival = "2026-12-01" }), nil, "2026-11-24 10:00",
			"register+0@2026-12-01 09:00 register+3@2026-12-04 09:00 register+10@2026-12-11 09:00"},
		{"five days after it, only the latest one missed", with(func(m *community.Member) { m.Arrival = "2026-11-19" }), nil, "2026-11-24 10:00",
			"register+10@2026-11-29 09:00 register+3@2026-11-24 10:00"},
		{"in the night it waits for the morning", with(func(m *community.Member) { m.Arrival = "2026-11-10" }), nil, "2026-11-24 22:30",
			"register+10@2026-11-25 09:00"},
		{"in the small hours it is still the same day's morning", with(func(m *community.Member) { m.Arrival = "2026-11-11" }), nil, "2026-11-24 02:00",
			"register+10@2026-11-24 09:00"},
		{"fifteen days after it nothing", with(func(m *community.Member) { m.Arrival = "2026-11-09" }), nil, "2026-11-24 10:00", ""},
		{"done is done, whatever the date becomes", with(func(m *community.Member) { m.Arrival = "2026-12-01" }), map[string]community.Date{"register": "2026-11-01"}, "2026-11-24 10:00", ""},
		{"an imported person of last year", with(func(m *community.Member) {
			m.Arrival, m.End, m.VisaEnd, m.Scheme = "2025-01-10", "2025-12-20", "2025-12-31", "HD"
		}), nil, "2026-11-24 10:00", ""},
		{"outside the schemes, ninety days", with(func(m *community.Member) { m.Scheme, m.Arrival = "HD", "2026-09-05" }), nil, "2026-11-01 10:00",
			"ninety-21@2026-11-12 09:00 ninety-10@2026-11-23 09:00 ninety-3@2026-11-30 09:00"},
		{"who leaves before needs no reminder", with(func(m *community.Member) { m.Scheme, m.Arrival, m.End = "HD", "2026-09-05", "2026-12-03" }), nil, "2026-09-20 10:00",
			"mission_end-60@2026-10-04 09:00 mission_end-30@2026-11-03 09:00 mission_end-7@2026-11-26 09:00"},
		{"going home over a leap day", with(func(m *community.Member) { m.End = "2028-03-07" }), nil, "2028-02-01 10:00",
			"mission_end-7@2028-02-29 09:00 mission_end-30@2028-02-06 09:00 mission_end-60@2028-02-01 10:00"},
		{"what is due this very morning stands for what was missed", with(func(m *community.Member) { m.End = "2027-04-09" }), nil, "2027-03-10 07:00",
			"mission_end-30@2027-03-10 09:00 mission_end-7@2027-04-02 09:00"},
		{"a visa that was renewed counts anew", with(func(m *community.Member) { m.VisaEnd = "2027-12-01" }), map[string]community.Date{"visa_end": "2026-12-01"}, "2027-11-25 10:00",
			"visa_end-10@2027-11-25 10:00"},
		{"the same visa, done", with(func(m *community.Member) { m.VisaEnd = "2026-12-01" }), map[string]community.Date{"visa_end": "2026-12-01"}, "2026-11-10 10:00", ""},
		{"candidates have no arrival to register", with(func(m *community.Member) { m.Kind, m.Arrival = community.Candidate, "2026-12-01" }), nil, "2026-11-24 10:00", ""},
	} {
		now := Wall(c.now).In(lima)
		got := map[string]bool{}
		for _, d := range Plan(c.m, c.settled, now, lima) {
			got[fmt.Sprintf("%s%+d@%s", d.Kind, d.Offset, WallAt(d.Due, lima))] = true
		}
		for _, w := range splitPlan(c.want) {
			if !got[w] {
				t.Errorf("%s: %s is missing among %v", c.what, w, got)
			}
			delete(got, w)
		}
		if len(got) > 0 {
			t.Errorf("%s: %v besides", c.what, got)
		}
	}
}

// splitPlan parts «kind+0@2026-12-01 09:00 kind…».
func splitPlan(s string) []string {
	var out []string
	words := strings.Fields(s)
	for i := 0; i+1 < len(words); i += 2 {
		out = append(out, words[i]+" "+words[i+1])
	}
	return out
}

func TestDeadlinesAreAtNineWhereThePersonIs(t *testing.T) {
	lima := zone(t, "America/Lima")
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for what, c := range map[string]struct {
		m    community.Member
		want string
	}{
		"in Peru":                  {community.Member{Kind: community.Volunteer, Region: "cusco", End: "2026-05-28"}, "2026-03-29T14:00:00Z"},
		"in France in summer time": {community.Member{Kind: community.Reciprocity, Region: community.FranceRegion, End: "2026-05-28"}, "2026-03-29T07:00:00Z"},
		"by their own zone":        {community.Member{Kind: community.Volunteer, Timezone: "America/Caracas", End: "2026-05-28"}, "2026-03-29T13:00:00Z"},
	} {
		if plan := Plan(c.m, nil, now, lima); len(plan) == 0 || plan[0].Due.UTC().Format(time.RFC3339) != c.want {
			t.Errorf("%s: %v, want %s", what, plan, c.want)
		}
	}
}
