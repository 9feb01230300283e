package agenda

import (
	"strings"
	"testing"
	"time"

	"chasqui/channel"
	"chasqui/community"
	"chasqui/i18n"
)

func voice(t *testing.T) Voice {
	t.Helper()
	texts, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	return Voice{Texts: texts, Home: zone(t, "America/Lima")}
}

func TestTimesAreToldByTheReadersClock(t *testing.T) {
	v, lima, paris := voice(t), zone(t, "America/Lima"), zone(t, "Europe/Paris")
	now := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		l          i18n.Lang
		start, end Wall
		zone       string
		reader     *time.Location
		want       string
	}{
		{i18n.French, "2026-12-01 16:00", "2026-12-01 18:00", "America/Lima", lima, "mardi 1er décembre, 16:00–18:00 (heure de Lima)"},
		{i18n.French, "2026-12-05 20:00", "", "America/Lima", paris, "dimanche 6 décembre, 02:00 (heure de Paris) = samedi 5 décembre, 20:00 (heure de Lima)"},
		{i18n.Spanish, "2027-01-09 18:00", "2027-01-09 19:30", "Europe/Paris", lima, "sábado 9 de enero de 2027, 12:00–13:30 (hora de Lima) = 18:00–19:30 (hora de París)"},
		{i18n.English, "2026-12-05", "", "America/Lima", paris, "Saturday 5 December"},
		{i18n.French, "2026-11-30", "2026-12-04", "America/Lima", paris, "du lundi 30 novembre au vendredi 4 décembre"},
		{i18n.French, "2026-12-05 09:00", "2026-12-06 12:00", "America/Lima", lima, "samedi 5 décembre, 09:00 – dimanche 6 décembre 12:00 (heure de Lima)"},
		{i18n.French, "2026-12-05 22:00", "2026-12-06 01:00", "America/Lima", lima, "samedi 5 décembre, 22:00–01:00 (heure de Lima)"},
		{i18n.French, "2026-12-05 16:00", "", "America/Bogota", lima, "samedi 5 décembre, 16:00 (heure de Lima)"},
	} {
		e := Event{Start: c.start, End: c.end, Zone: c.zone}
		got := strings.ReplaceAll(v.When(c.l, e.On(c.start.Date()), e.Location(), c.reader, now), "\u00a0", " ")
		if got != c.want {
			t.Errorf("%s in %s for a reader in %s:\n%s, want\n%s", c.start, c.zone, c.reader, got, c.want)
		}
	}
}

func TestTheWordsOfAReminderAreTrueWhenItIsLate(t *testing.T) {
	v, lima := voice(t), zone(t, "America/Lima")
	e := Event{Start: "2026-12-05 16:00", Zone: "America/Lima"}
	o := e.On("2026-12-05")
	for wall, want := range map[Wall]string{
		"2026-11-28 16:00": "dans 7 jours", "2026-11-30 15:59": "dans 5 jours", "2026-12-04 16:00": "demain", "2026-12-05 03:59": "aujourd'hui",
		"2026-12-05 15:00": "dans une heure", "2026-12-05 15:30": "dans 30 minutes", "2026-12-05 15:49": "dans 11 minutes", "2026-12-04 23:59": "demain",
	} {
		if got := v.Ahead(i18n.French, o, lima, wall.In(lima)); got != want {
			t.Errorf("at %s: %s, want %s", wall, got, want)
		}
	}
}

func TestANightIsSilentButForTheLastHour(t *testing.T) {
	v := voice(t)
	e := Event{ID: 1, Titles: map[i18n.Lang]string{i18n.French: "Veillée", i18n.Spanish: "Velada"}, Start: "2026-12-05 20:00", Zone: "America/Lima"}
	o := e.On("2026-12-05")
	people := []Person{
		{Member: community.Member{ID: 1, Region: "cusco"}, To: to("lima"), Answer: Yes},
		{Member: community.Member{ID: 2, Region: community.FranceRegion}, To: to("paris"), Answer: Yes},
		{Member: community.Member{ID: 3}, Answer: Yes}, // nowhere to be reached
		{Member: community.Member{ID: 4}, To: to("no"), Answer: No},
	}
	for kind, want := range map[string]bool{"1d": true, "1h": false} {
		k, _ := reminderKind(kind)
		due, _ := k.due(o, e.Location())
		drafts := v.reminderDrafts(Reminder{OccurrenceID: 1, Kind: kind, StartsAt: o.StartsAt, Due: due}, Card{Event: e, Occurrence: o}, people, due)
		if len(drafts) != 2 || drafts[0].Content.Silent || drafts[1].Content.Silent != want {
			t.Errorf("%s: %+v", kind, drafts)
		}
		for _, d := range drafts {
			if !d.Asked || !d.Expires.Equal(o.StartsAt) || d.Cause == "" {
				t.Errorf("%s leaves as %+v", kind, d)
			}
		}
	}
}

func to(chat string) channel.Address { return channel.Address{Network: channel.Telegram, ID: chat} }
