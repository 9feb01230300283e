package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"chasqui/channel/telegramtest"
)

// TestAnEventFromTheCalendarToTheReminder imports an event, lets somebody come to it and subscribe, and
// starts again on the day before: the reminder leaves with the first tick.
func TestAnEventFromTheCalendarToTheReminder(t *testing.T) {
	telegram := telegramtest.ForTest(t)
	dir := t.TempDir()
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "calendar.csv")
	// Thirty hours ahead: the reminder of the day before lies ahead as well.
	began := time.Now().Truncate(time.Minute)
	starts := began.Add(30 * time.Hour)
	calendar := "date,start,zone,title_fr,title_es,place\n" + starts.UTC().Format("2006-01-02,15:04") + ",UTC,Goûter de Noël,Lonchecito,EV\n"
	if err := os.WriteFile(file, []byte(calendar), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := map[string]string{"CHASQUI_TELEGRAM_TOKEN": telegramtest.Token, "CHASQUI_TELEGRAM_API": telegram.URL(), "CHASQUI_PUBLIC_URL": "https://chasqui.example.org"}
	s := serve(t, environ, "--data", data)
	if code, out, stderr := command(t, "event", "import", file, "--commit", "--data", data); code != 0 {
		t.Fatalf("%s %s", out, stderr)
	}
	lea := telegram.User(22, "Léa", "fr")
	lea.Say("/start ev_1")
	telegram.WaitFor(t, "the card", func() bool { return lea.Sees("Personne n'a encore dit oui") })
	lea.Press(t, "Je viens")
	telegram.WaitFor(t, "the answer", func() bool { return lea.Sees("C'est noté") })
	lea.Press(t, "Ajouter à mon agenda")
	telegram.WaitFor(t, "the file", func() bool { return lea.Sees("Ouvre ce fichier") })
	lea.Press(t, "Mon lien d'agenda")
	link := regexp.MustCompile(`https://chasqui\.example\.org(/calendar/\S+\.ics)`)
	path := ""
	telegram.WaitFor(t, "the calendar link", func() bool { return lea.Sees("/calendar/") })
	for _, m := range lea.Inbox() {
		if found := link.FindStringSubmatch(m.Text); found != nil {
			path = found[1]
		}
	}
	r, err := http.Get(s.console + path)
	if err != nil {
		t.Fatal(err)
	}
	feed, err := io.ReadAll(r.Body)
	r.Body.Close()
	if err != nil || r.StatusCode != http.StatusOK || !strings.Contains(string(feed), "DTSTART:"+starts.UTC().Format("20060102T150405Z")) || strings.Contains(string(feed), "Léa") {
		t.Errorf("the feed is %d %s, %v", r.StatusCode, feed, err)
	}
	s.stop()
	if strings.Contains(s.stderr.String(), path) {
		t.Error("the log says the secret of a feed")
	}

	// The reminder of the day before was due while nothing ran; the one of the hour before is due at the next
	// start. Neither leaves twice.
	for _, start := range []struct {
		after time.Duration
		shown string
	}{{7 * time.Hour, "Rappel"}, {29*time.Hour + 20*time.Minute, "minutes"}} {
		t.Setenv("CHASQUI_CLOCK", began.Add(start.after).Format(time.RFC3339))
		s = serve(t, nil, "--data", data)
		telegram.WaitFor(t, "the next reminder", func() bool { return lea.Sees(start.shown) })
		s.stop()
	}
	n := 0
	for _, m := range lea.Inbox() {
		if strings.Contains(m.Text, "Rappel") {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d reminders", n)
	}
}
