package community_test

import (
	"errors"
	"testing"
	"time"

	"chasqui/channel"
	"chasqui/community"
)

func party(id int64, change ...func(*community.Party)) community.Party {
	s := community.Party{Member: community.Member{ID: id, Consent: community.NeverAsked}}
	for _, c := range change {
		c(&s)
	}
	return s
}

func ofTeam(s *community.Party)    { s.Role = community.Agent }
func inBrowser(s *community.Party) { s.OnWeb = true }
func enrolled(s *community.Party)  { s.Imported, s.Member.Consent = true, community.Enrolled }
func writes(s *community.Party) {
	s.Writes, s.Reached = true, channel.Address{Network: channel.Telegram, ID: "7"}
}
func agreed(s *community.Party) { s.Member.Consent = community.Given }

func TestWhoMayBeMadeOne(t *testing.T) {
	for what, c := range map[string]struct {
		a, b community.Party
		want error
	}{
		"two who write":                   {party(1), party(2), nil},
		"a stranger in a browser":         {party(0, inBrowser), party(2), nil},
		"somebody of the team":            {party(1, ofTeam), party(2), nil},
		"the same":                        {party(1), party(1), community.ErrSameMember},
		"two of the team":                 {party(1, ofTeam), party(2, ofTeam), community.ErrTwoRoles},
		"a browser takes over the team":   {party(0, inBrowser), party(2, ofTeam), community.ErrRoleOnWeb},
		"the team takes over a browser":   {party(1, ofTeam), party(2, inBrowser), community.ErrRoleOnWeb},
		"the team with a browser already": {party(1, ofTeam, inBrowser), party(2), community.ErrRoleOnWeb},
	} {
		if got := community.MayMerge(c.a, c.b); !errors.Is(got, c.want) {
			t.Errorf("%s: %v, want %v", what, got, c.want)
		}
	}
}

func TestAPhoneAloneLinksOnlyARowNobodyWritesAs(t *testing.T) {
	row := party(2, enrolled)
	for what, c := range map[string]struct {
		own    community.Party
		others []community.Party
		want   bool
	}{
		"a stranger and a row":           {party(0), []community.Party{row}, true},
		"somebody known and a row":       {party(1, writes, agreed), []community.Party{row}, true},
		"nobody":                         {party(1), nil, false},
		"two rows":                       {party(1), []community.Party{row, party(3, enrolled)}, false},
		"a row that somebody writes as":  {party(1), []community.Party{party(2, enrolled, writes)}, false},
		"a row whose person decided":     {party(1), []community.Party{party(2, enrolled, agreed)}, false},
		"somebody who came by herself":   {party(1), []community.Party{party(2)}, false},
		"a row with a role":              {party(1), []community.Party{party(2, enrolled, ofTeam)}, false},
		"somebody of the team":           {party(1, ofTeam), []community.Party{row}, false},
		"somebody with a row of her own": {party(1, enrolled), []community.Party{row}, false},
	} {
		got, ok := community.OneByPhone(c.own, c.others)
		if ok != c.want || ok && got.Member.ID != 2 {
			t.Errorf("%s: %v, member %d", what, ok, got.Member.ID)
		}
	}
}

func TestTheStricterConsentWins(t *testing.T) {
	early, late := time.Unix(1000, 0), time.Unix(2000, 0)
	for what, c := range map[string]struct {
		a, b    community.Member
		want    community.Consent
		stopped time.Time
	}{
		"refused before given":     {community.Member{Consent: community.Refused}, community.Member{Consent: community.Given}, community.Refused, time.Time{}},
		"refused before enrolled":  {community.Member{Consent: community.Enrolled}, community.Member{Consent: community.Refused}, community.Refused, time.Time{}},
		"given before enrolled":    {community.Member{Consent: community.Enrolled}, community.Member{Consent: community.Given}, community.Given, time.Time{}},
		"enrolled before nothing":  {community.Member{Consent: community.NeverAsked}, community.Member{Consent: community.Enrolled}, community.Enrolled, time.Time{}},
		"nothing":                  {community.Member{}, community.Member{Consent: community.NeverAsked}, community.NeverAsked, time.Time{}},
		"a stop of the one":        {community.Member{Consent: community.Given, StoppedAt: early}, community.Member{Consent: community.Given}, community.Given, early},
		"a stop of the other":      {community.Member{Consent: community.Given}, community.Member{Consent: community.Enrolled, StoppedAt: late}, community.Given, late},
		"the first of two stops":   {community.Member{StoppedAt: late}, community.Member{StoppedAt: early}, community.NeverAsked, early},
		"the first, the other way": {community.Member{StoppedAt: early}, community.Member{StoppedAt: late}, community.NeverAsked, early},
	} {
		if got, stopped := community.StricterConsent(c.a, c.b); got != c.want || !stopped.Equal(c.stopped) {
			t.Errorf("%s: %s, stopped %v", what, got, stopped)
		}
	}
}
