package desk_test

import (
	"testing"
	"time"

	"chasqui/channel"
	"chasqui/community"
	"chasqui/desk"
)

func TestWhenSomebodyWillRead(t *testing.T) {
	lima, err := time.LoadLocation("America/Lima")
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{
		"2026-11-24 10:00": "open",
		"2026-11-24 08:59": "2026-11-24 09:00",
		"2026-11-24 18:00": "2026-11-25 09:00",
		"2026-11-27 23:00": "2026-11-30 09:00",
		"2026-11-29 12:00": "2026-11-30 09:00",
	} {
		now, err := time.ParseInLocation("2006-01-02 15:04", at, lima)
		if err != nil {
			t.Fatal(err)
		}
		got := "open"
		if w := desk.WaitAt(now.UTC(), lima, nil); !w.Open {
			got = w.Next.Format("2006-01-02 15:04")
		}
		if got != want {
			t.Errorf("at %s: %s, want %s", at, got, want)
		}
	}
}

func TestTheUsualWaitIsMeasuredAndRoundedUp(t *testing.T) {
	open := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	waits := func(minutes ...int) (out []time.Duration) {
		for _, m := range minutes {
			out = append(out, time.Duration(m)*time.Minute)
		}
		return out
	}
	for _, c := range []struct {
		answers []time.Duration
		want    time.Duration
	}{
		{waits(1, 2, 3, 4), 0},
		{waits(50, 3, 7, 12, 20), 15 * time.Minute},
		{waits(31, 31, 31, 31, 31), 45 * time.Minute},
		{waits(150, 150, 150, 150, 150), 3 * time.Hour},
	} {
		if got := desk.WaitAt(open, time.UTC, c.answers).Usual; got != c.want {
			t.Errorf("%v: %v, want %v", c.answers, got, c.want)
		}
	}
}

func TestALineOfTheLedgerSaysToBeSpecifiedRatherThanNothing(t *testing.T) {
	r := desk.NewRequest(community.Member{}, channel.Telegram, "", "2026-11-24")
	if r.Requester != desk.ToBeSpecified || r.Object != desk.ToBeSpecified || r.Service != desk.ToBeSpecified || r.Situation != desk.ToBeSpecified || r.Mode != "Telegram" {
		t.Errorf("%+v", r)
	}
	r = desk.NewRequest(community.Member{Kind: community.Candidate}, channel.WhatsApp, "schemes", "2026-11-24")
	if r.Requester != "candidat au volontariat" || r.Service != "orientation" || r.Situation != "avant le volontariat" || r.Mode != "WhatsApp" {
		t.Errorf("%+v", r)
	}
}
