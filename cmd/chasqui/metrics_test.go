package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"chasqui/channel/telegramtest"
)

// figures scrapes a running serve, from elsewhere when from is set.
func figures(t *testing.T, s *serving, from, token string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.console+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	if from != "" {
		r.Header.Set("X-Forwarded-For", from)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// TestFigures sends an announcement to three people of whom one never opened the bot, answers a question, and
// scrapes: the numbers are right, and nothing in them is anybody's.
func TestFigures(t *testing.T) {
	const token = "a-token-for-the-scraper"
	telegram := telegramtest.ForTest(t)
	data := filepath.Join(t.TempDir(), "data")
	people := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(people, []byte("name,telegram,language\nLéa,220022,fr\nInti,330033,es\nPaul,440044,fr\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := command(t, "member", "import", people, "--commit", "--data", data); code != 0 {
		t.Fatal(stderr)
	}
	s := serve(t, map[string]string{"CHASQUI_TELEGRAM_TOKEN": telegramtest.Token, "CHASQUI_TELEGRAM_API": telegram.URL(), "CHASQUI_METRICS_TOKEN": token}, "--data", data)
	lea, inti := telegram.User(220022, "Léa", "fr"), telegram.User(330033, "Inti", "es")
	telegram.User(440044, "Paul", "fr")
	lea.Opened()
	inti.Opened()
	if code, out, stderr := command(t, "announce", "--to", "all", "--fr", "La réunion est samedi.", "--es", "La reunión es el sábado.", "--yes", "--data", data); code != 0 {
		t.Fatalf("announce said %q %q", out, stderr)
	}
	waitUntil(t, func() bool { return finished(t, data) })
	lea.Say("quels sont les numéros d'urgence au Pérou ?")
	telegram.WaitFor(t, "the answer", func() bool { return lea.Sees("105") })
	want := []string{
		`chasqui_deliveries_sent_total{lane="news",network="telegram"} 2`,
		`chasqui_deliveries_sent_total{lane="reply",network="telegram"} 1`,
		`chasqui_deliveries_failed_total{fault="gone",lane="news",network="telegram"} 1`,
		`chasqui_deliveries_sent_total{lane="reply",network="web"} 0`,
		`chasqui_send_seconds_count{lane="news",network="telegram"} 3`,
		`chasqui_throttled_total{network="telegram"} 0`,
		`chasqui_turn_seconds_count{network="telegram",result="done"} `,
		`chasqui_announcements{state="sending"} 0`,
		`chasqui_deliveries_undecided 0`,
		`chasqui_paused 0`,
		`chasqui_build_info{goversion="go`,
		`go_goroutines `,
	}
	body := ""
	waitUntil(t, func() bool {
		_, body = figures(t, s, "", "")
		return strings.Contains(body, want[1])
	})
	for _, line := range want {
		if !strings.Contains("\n"+body, "\n"+line) {
			t.Errorf("the figures do not say %s", line)
		}
	}
	labels := regexp.MustCompile(`(\w+)="([^"]*)"`)
	for line := range strings.Lines(body) {
		if !strings.HasPrefix(line, "chasqui_") {
			continue
		}
		for _, m := range labels.FindAllStringSubmatch(line, -1) {
			switch m[1] {
			case "network", "lane", "state", "fault", "result", "le", "version", "goversion":
			default:
				t.Errorf("an unexpected label: %s", line)
			}
		}
	}
	for _, private := range []string{"Léa", "Inti", "Paul", "220022", "330033", "440044", "réunion", "reunión", telegramtest.Token, token} {
		if strings.Contains(body, private) {
			t.Errorf("the figures hold %q", private)
		}
	}
	for name, c := range map[string]struct {
		token string
		want  int
	}{"nothing": {"", 401}, "a guess": {"a-token-for-the-guesser", 401}, "the token": {token, 200}} {
		if status, _ := figures(t, s, "203.0.113.9", c.token); status != c.want {
			t.Errorf("from elsewhere with %s: %d", name, status)
		}
	}
	s.stop()
	if strings.Contains(s.stderr.String(), token) {
		t.Error("the log holds the token")
	}
}
