package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/channel/telegramtest"
	"chasqui/outbox"
)

// TestWatching follows announcements while they leave: lines in a file, a bar in a terminal, the final counts in
// both; what a cut line leaves uncertain is in them, and doctor says what to do about it.
func TestWatching(t *testing.T) {
	telegram := telegramtest.ForTest(t)
	data := filepath.Join(t.TempDir(), "data")
	enrolled(t, telegram, data, 60)
	s := serve(t, map[string]string{"CHASQUI_TELEGRAM_TOKEN": telegramtest.Token, "CHASQUI_TELEGRAM_API": telegram.URL(), "CHASQUI_TELEGRAM_RATE": "25"}, "--data", data)
	defer s.stop()

	code, out, stderr := command(t, "announce", "--to", "all", "--fr", "bonjour", "--es", "hola", "--yes", "--watch", "--data", data)
	if code != 0 || !strings.HasSuffix(out, "\nannouncement 1 done: 60 in all, 60 sent\n") {
		t.Fatalf("%d %q %q", code, out, stderr)
	}
	tenths := regexp.MustCompile(`(?m)^announcement 1: (\d+) %, \d+ of 60`).FindAllStringSubmatch(out, -1)
	last := -1
	for _, m := range tenths {
		percent, err := strconv.Atoi(m[1])
		if err != nil || percent%10 != 0 || percent <= last {
			t.Errorf("after %d %% comes %q", last, m[0])
		}
		last = percent
	}
	if len(tenths) < 3 || last != 100 {
		t.Errorf("on the way it said %v", tenths)
	}

	telegram.Next("sendMessage", telegramtest.LostAnswer())
	screen, typed := aTerminal(t)
	if code := run(t.Context(), []string{"announce", "--to", "all", "--fr", "salut", "--es", "buenas", "--yes", "--watch", "--data", data}, strings.NewReader(""), screen, io.Discard); code != 0 {
		t.Errorf("in a terminal it ended with %d", code)
	}
	shown := typed()
	for _, part := range []string{"announcement 2 ", "100% ", "(60/60)", "announcement 2 done: 60 in all, 59 sent, 1 unknown"} {
		if !strings.Contains(shown, part) {
			t.Errorf("the terminal does not show %q: %q", part, shown)
		}
	}
	if code, out, _ := command(t, "doctor", "--data", data); code != 0 || !strings.Contains(out, "note  announcement 2: nobody knows whether 1 arrived: chasqui announce names 2 --state unknown, then announce resolve 2 --send or --leave") {
		t.Errorf("doctor %d: %s", code, out)
	}
	if code, _, stderr := command(t, "announce", "resolve", "2", "--leave", "--data", data); code != 0 {
		t.Fatal(stderr)
	}
	if code, out, _ := command(t, "doctor", "--data", data); code != 0 || strings.Contains(out, "announcement 2") {
		t.Errorf("doctor %d after the decision: %s", code, out)
	}
}

// aTerminal is a pseudo-terminal to write on; typed closes it and returns what was written.
func aTerminal(t *testing.T) (screen *os.File, typed func() string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	var seen bytes.Buffer
	done := make(chan struct{})
	go func() { defer close(done); _, _ = io.Copy(&seen, master) }() // it ends with an error when the terminal closes
	return screen, func() string {
		screen.Close()
		<-done
		return seen.String()
	}
}

// Whoever stops watching stops nothing else.
func TestCtrlCLeavesTheAnnouncementRunning(t *testing.T) {
	data := t.TempDir()
	enrolled(t, telegramtest.ForTest(t), data, 2)
	if code, _, stderr := command(t, "announce", "--to", "all", "--fr", "bonjour", "--es", "hola", "--yes", "--data", data); code != 0 {
		t.Fatal(stderr)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"announce", "watch", "1", "--data", data}, strings.NewReader(""), w, io.Discard)
		w.Close()
	}()
	lines := bufio.NewReader(r)
	if line, err := lines.ReadString('\n'); err != nil || line != "announcement 1: 0 %, 0 of 2\n" {
		t.Fatalf("it begins with %q, %v", line, err)
	}
	interrupt()
	rest, err := io.ReadAll(lines)
	if err != nil || string(rest) != "announcement 1 goes on without you: chasqui announce watch 1\n" || <-code != 0 {
		t.Errorf("it ends with %q, %v", rest, err)
	}
	if st := statusOf(t, data); st.State != "sending" || st.Queued != 2 {
		t.Errorf("the announcement is %+v", st)
	}
}

// A line a tenth, one when it is held and one when it goes on, and nothing in between.
func TestLinesOfProgress(t *testing.T) {
	start := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	standing := func(sent int, paused bool, left time.Duration) broadcast.Standing {
		st := broadcast.Standing{Total: 40, Left: left, Networks: map[channel.Network]broadcast.Counts{channel.Telegram: {outbox.Sent: sent, outbox.Queued: 40 - sent}}}
		st.ID, st.State = 7, broadcast.Sending
		if paused {
			st.PausedAt = start
		}
		return st
	}
	var out bytes.Buffer
	lines := &progressLines{w: &out}
	waits := standing(0, false, 0)
	waits.State, waits.StartAt = broadcast.Approved, start.Add(time.Minute)
	for _, st := range []broadcast.Standing{
		waits, waits, standing(0, false, 0), standing(3, false, 0), standing(4, false, 12*time.Minute), standing(5, false, 11*time.Minute),
		standing(5, true, 0), standing(5, true, 0), standing(5, false, 0), standing(20, false, 30*time.Second), standing(39, false, 3*time.Hour), standing(40, false, 0),
	} {
		if err := lines.show(st, watchWords(st, start)); err != nil {
			t.Fatal(err)
		}
	}
	want := `announcement 7, starts at 2026-11-24 10:01:00
announcement 7: 0 %, 0 of 40
announcement 7: 10 %, 4 of 40, about 12 min left
announcement 7: 10 %, 5 of 40, paused
announcement 7: 10 %, 5 of 40
announcement 7: 50 %, 20 of 40, a minute left at most
announcement 7: 90 %, 39 of 40, about 3 h left
announcement 7: 100 %, 40 of 40
`
	if out.String() != want {
		t.Errorf("it says\n%s", out.String())
	}
}

// Half a minute in which nothing moves is said once; not while it is held, and again after it has moved.
func TestStillnessIsSaidOnce(t *testing.T) {
	start := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	st := broadcast.Standing{Networks: map[channel.Network]broadcast.Counts{channel.Telegram: {outbox.Queued: 5}}}
	st.State = broadcast.Sending
	var s stillness
	said := func(second int) bool { return s.noted(st, start.Add(time.Duration(second)*time.Second)) }
	for second, want := range []int{0: 0, 29: 0, 30: 1, 31: 0, 90: 0} {
		if said(second) != (want == 1) {
			t.Errorf("second %d", second)
		}
	}
	st.PausedAt = start
	if said(100) || said(200) {
		t.Error("it complains of what somebody holds")
	}
	st.PausedAt = time.Time{}
	st.Networks[channel.Telegram][outbox.Queued] = 4
	if said(210) || said(239) || !said(240) {
		t.Error("after it moved it does not begin anew")
	}
}
