package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"chasqui/channel"
	"chasqui/channel/telegramtest"
	"chasqui/store"
)

// serving is a running serve.
type serving struct {
	t       *testing.T
	console string
	cancel  context.CancelFunc
	code    chan int
	stderr  *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serve starts the program as main does and returns once it says that it is ready.
func serve(t *testing.T, environ map[string]string, args ...string) *serving {
	t.Helper()
	for k, v := range environ {
		t.Setenv(k, v)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	s := &serving{t: t, cancel: cancel, code: make(chan int, 1), stderr: &lockedBuffer{}}
	go func() {
		s.code <- run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...), strings.NewReader(""), w, s.stderr)
		w.Close()
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	ready := regexp.MustCompile(`^ready console=(http://127\.0\.0\.1:\d+)\n$`).FindStringSubmatch(line)
	if err != nil || ready == nil {
		t.Fatalf("serve said %q, %v: %s", line, err, s.stderr.String())
	}
	s.console = ready[1]
	return s
}

func (s *serving) stop() {
	s.t.Helper()
	s.cancel()
	select {
	case code := <-s.code:
		if code != 0 {
			s.t.Errorf("it ended with %d: %s", code, s.stderr.String())
		}
	case <-time.After(stopWithin):
		s.t.Error("it does not stop within the time of the contract")
	}
}

func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

// TestServe is a day on Telegram: a code for the first administrator, a question, a cry for help, an
// answer by a person, and an orderly end.
func TestServe(t *testing.T) {
	telegram := telegramtest.ForTest(t)
	data := filepath.Join(t.TempDir(), "data")
	s := serve(t, map[string]string{"CHASQUI_TELEGRAM_TOKEN": telegramtest.Token, "CHASQUI_TELEGRAM_API": telegram.URL()}, "--data", data)
	ana, leo := telegram.User(11, "Ana", "es"), telegram.User(22, "Léo", "fr")

	code, out, _ := command(t, "staff", "invite", "--role", "admin", "--data", data)
	invitation, _, _ := strings.Cut(out, "\n")
	if code != 0 || len(invitation) < 24 {
		t.Fatalf("invite said %q", out)
	}
	ana.Say("/staff " + invitation)
	telegram.WaitFor(t, "the welcome", func() bool { return ana.Sees("Te damos la bienvenida") })
	leo.Say("/staff " + invitation)
	telegram.WaitFor(t, "a code that was used", func() bool { return leo.Sees("n'est pas valable") })

	leo.Say("Combien de jours un touriste français peut-il rester au Pérou ?")
	telegram.WaitFor(t, "an answer", func() bool { return leo.Sees("90 jours") })
	leo.Say("on m'a volé mon passeport")
	telegram.WaitFor(t, "the fixed text", func() bool { return leo.Sees("105 police") })
	telegram.WaitFor(t, "the urgent notice", func() bool { return ana.Sees("URGENTE") })
	notice := 0
	for _, m := range ana.Inbox() {
		if strings.Contains(m.Text, "URGENTE") {
			notice = m.ID
		}
	}
	isRecorded(t, data, notice)
	ana.Reply(notice, "Léo, appelle-moi au bureau.")
	telegram.WaitFor(t, "the person's answer", func() bool { return leo.Sees("appelle-moi au bureau") })
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/chat": 200} {
		resp, err := http.Get(s.console + path)
		if err != nil || resp.StatusCode != want {
			t.Errorf("%s: %v, %v", path, resp, err)
		} else {
			resp.Body.Close()
		}
	}

	if code, _, stderr := command(t, "serve", "--data", data, "--listen", "127.0.0.1:0"); code != 1 || !strings.Contains(stderr, "another chasqui serve") {
		t.Errorf("a second serve: %d %q", code, stderr)
	}
	if code, out, stderr := command(t, "doctor", "--data", data); code != 0 || !strings.Contains(out, "connected as @chasqui_bot") {
		t.Errorf("doctor: %d %q %q", code, out, stderr)
	}
	if code, out, stderr := command(t, "doctor", "--running", "--listen", strings.TrimPrefix(s.console, "http://")); code != 0 || out != "ready\n" {
		t.Errorf("the health check: %d %q %q", code, out, stderr)
	}
	if code, _, stderr := command(t, "backup", filepath.Join(data, "copy.db"), "--data", data); code != 0 {
		t.Errorf("a backup while it runs: %q", stderr)
	}
	s.stop()
	for _, secret := range []string{telegramtest.Token, "Léo", "passeport", invitation} {
		if strings.Contains(s.stderr.String(), secret) {
			t.Errorf("the log says %q", secret)
		}
	}
}

// isRecorded waits until the database knows under which id a notice was shown: no person replies in the
// millisecond before.
func isRecorded(t *testing.T, data string, notice int) {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(data, "chasqui.db"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	ana := channel.Address{Network: channel.Telegram, ID: "11"}
	reply := channel.Message{Kind: channel.Text, ID: "not sent", Chat: ana, From: channel.Sender{ID: ana.ID}, ReplyTo: strconv.Itoa(notice)}
	for range 10_000 {
		before, err := st.Begin(t.Context(), reply, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if before.Quoted != nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the notice was never recorded")
}

// TestTelegramsLimitIsKept sends a hundred people their answers through a server that enforces
// Telegram's thirty a second: not one refusal.
func TestTelegramsLimitIsKept(t *testing.T) {
	telegram := telegramtest.ForTest(t)
	s := serve(t, map[string]string{"CHASQUI_TELEGRAM_TOKEN": telegramtest.Token, "CHASQUI_TELEGRAM_API": telegram.URL()}, "--data", t.TempDir())
	var people []*telegramtest.User
	for i := range int64(100) {
		people = append(people, telegram.User(1000+i, "P", "fr"))
		people[i].Say("quels sont les numéros d'urgence au Pérou ?")
	}
	telegram.WaitFor(t, "a hundred answers", func() bool { return len(telegram.Called("sendMessage")) >= 100 })
	s.stop()
	for _, p := range people {
		if n := len(p.Inbox()); n != 1 {
			t.Errorf("somebody got %d answers", n)
		}
	}
	if n := len(telegram.Calls("sendMessage")); n != 100 {
		t.Errorf("%d sends for a hundred answers: the server refused some", n)
	}
	if strings.Contains(s.stderr.String(), "throttled") {
		t.Error("Telegram asked to slow down")
	}
}

func TestTheNightsWorkIsCaughtUp(t *testing.T) {
	plan, err := cron.ParseStandard(nightly)
	if err != nil {
		t.Fatal(err)
	}
	for zone, times := range map[string]map[string]bool{
		"America/Lima": {"2026-11-24 03:29": false, "2026-11-24 03:30": true, "2026-11-24 23:59": true, "2026-11-25 00:00": false},
		// Europe/Paris changes its clocks on these days; the work is done once on each all the same.
		"Europe/Paris": {"2026-03-29 03:29": false, "2026-03-29 03:31": true, "2026-10-25 03:29": false, "2026-10-25 03:31": true},
	} {
		location, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for at, want := range times {
			now, err := time.ParseInLocation("2006-01-02 15:04", at, location)
			if err != nil {
				t.Fatal(err)
			}
			if nightIsOver(plan, now) != want {
				t.Errorf("%s in %s: %v", at, zone, !want)
			}
		}
	}
}
