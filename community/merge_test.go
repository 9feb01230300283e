package community_test

import (
	"errors"
	"testing"
	"time"

	"chasqui/channel"
	"chasqui/community"
)

func standing(id int64, change ...func(*community.Standing)) community.Standing {
	s := community.Standing{Member: community.Member{ID: id, Consent: community.NeverAsked}}
	for _, c := range change {
		c(&s)
	}
	return s
}

func ofTeam(s *community.Standing)    { s.Role = community.Agent }
func inBrowser(s *community.Standing) { s.OnWeb = true }
func enrolled(s *community.Standing)  { s.Imported, s.Member.Consent = true, community.Enrolled }
func writes(s *community.Standing) {
	s.Writes, s.Reached = true, channel.Address{Network: channel.Telegram, ID: "7"}
}
func agreed(s *community.Standing) { s.Member.Consent = community.Given }

func TestWhoMayBeMadeOne(t *testing.T) {
	for what, c := range map[string]struct {
		a, b community.Standing
		want error
	}{
		"two who write":                   {standing(1), standing(2), nil},
		"a stranger in a browser":         {standing(0, inBrowser), standing(2), nil},
		"somebody of the team":            {standing(1, ofTeam), standing(2), nil},
		"the same":                        {standing(1), standing(1), community.ErrSameMember},
		"two of the team":                 {standing(1, ofTeam), standing(2, ofTeam), community.ErrTwoRoles},
		"a browser takes over the team":   {standing(0, inBrowser), standing(2, ofTeam), community.ErrRoleOnWeb},
		"the team takes over a browser":   {standing(1, ofTeam), standing(2, inBrowser), community.ErrRoleOnWeb},
		"the team with a browser already": {standing(1, ofTeam, inBrowser), standing(2), community.ErrRoleOnWeb},
	} {
		if got := community.MayMerge(c.a, c.b); !errors.Is(got, c.want) {
			t.Errorf("%s: %v, want %v", what, got, c.want)
		}
	}
}

func TestAPhoneAloneLinksOnlyARowNobodyWritesAs(t *testing.T) {
	row := standing(2, enrolled)
	for what, c := range map[string]struct {
		own    community.Standing
		others []community.Standing
		want   bool
	}{
		"a stranger and a row":           {standing(0), []community.Standing{row}, true},
		"somebody known and a row":       {standing(1, writes, agreed), []community.Standing{row}, true},
		"nobody":                         {standing(1), nil, false},
		"two rows":                       {standing(1), []community.Standing{row, standing(3, enrolled)}, false},
		"a row that somebody writes as":  {standing(1), []community.Standing{standing(2, enrolled, writes)}, false},
		"a row whose person decided":     {standing(1), []community.Standing{standing(2, enrolled, agreed)}, false},
		"somebody who came by herself":   {standing(1), []community.Standing{standing(2)}, false},
		"a row with a role":              {standing(1), []community.Standing{standing(2, enrolled, ofTeam)}, false},
		"somebody of the team":           {standing(1, ofTeam), []community.Standing{row}, false},
		"somebody with a row of her own": {standing(1, enrolled), []community.Standing{row}, false},
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
