package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"chasqui/agenda"
	"chasqui/bot"
	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/channel/telegramtest"
	"chasqui/community"
	"chasqui/i18n"
	"chasqui/outbox"
	"chasqui/store"
)

// killRun is how many times serve is killed while an announcement leaves, and to how many people. The long run
// sets CHASQUI_KILLS.
func killRun(t *testing.T) (kills, people, rate int) {
	if n, err := strconv.Atoi(os.Getenv("CHASQUI_KILLS")); err == nil {
		return n, 20_000, 1000
	}
	return 20, 500, 100
}

// TestAnnouncementSurvivesKills kills serve with SIGKILL at random instants while the reminder of an event and an
// announcement leave, again and again. Nobody gets either twice and nobody is lost: whoever did not
// certainly get one is listed as unknown, at most as many a kill as were in flight.
func TestAnnouncementSurvivesKills(t *testing.T) {
	kills, people, rate := killRun(t)
	window := min(32, rate/5)
	server := telegramtest.New(telegramtest.Options{Token: telegramtest.Token, Username: "chasqui_bot", Overall: 1e6, PerChat: 1e6, PerRoom: 1e6, Fail: t.Errorf, Now: time.Now})
	t.Cleanup(server.Close)
	data := t.TempDir()
	users := enrolled(t, server, data, people)
	inAnHour(t, data, users)
	code, out, stderr := command(t, "announce", "--to", "all", "--fr", "bonjour", "--es", "hola", "--yes", "--data", data)
	if code != 0 {
		t.Fatalf("announce said %q %q", out, stderr)
	}
	chance := rand.New(rand.NewPCG(uint64(kills), 7))
	var slowest time.Duration
	slowestAt := 0
	done := 0
	for ; done < kills; done++ {
		before := server.Count("sendMessage")
		c := serveProcess(t, server, data, rate)
		began := time.Now()
		over := false
		for server.Count("sendMessage") == before && !over {
			if time.Since(began) > 300*time.Millisecond {
				over = finished(t, data)
			}
			time.Sleep(2 * time.Millisecond)
		}
		if over {
			stopChild(t, c)
			break // everybody was reached before the last kills
		}
		if took := time.Since(began); took > slowest {
			slowest, slowestAt = took, done
		}
		// The longest pause is such that the run ends about when everybody was reached.
		time.Sleep(time.Duration(chance.Int64N(int64(2*time.Second) * int64(people) / int64(rate) / int64(kills))))
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	c := serveProcess(t, server, data, rate)
	waitUntil(t, func() bool { return finished(t, data) })
	waitUntil(t, func() bool { return countsIn(t, data).Queued == 0 })
	stopChild(t, c)
	judgeKills(t, data, users, done, window)
	judgeReminders(t, data, users, done, window)
	t.Logf("%d kills over %d deliveries at %d/s; the slowest restart, after %d kills, sent again after %v", done, people, rate, slowestAt, slowest.Round(time.Millisecond))
}

// TestAnnouncementKilledAtEachPoint kills the process at each instant of an announcement's life that has a name.
func TestAnnouncementKilledAtEachPoint(t *testing.T) {
	for _, point := range []string{beforeStart, afterStart, afterClaim, afterSend, beforeFinish, afterFinish} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			server := telegramtest.ForTest(t)
			data := t.TempDir()
			users := enrolled(t, server, data, 12)
			approved(t, data)
			dying := child(t, server, data, point)
			diedOfKnife(t, dying)
			before := len(server.Calls("getMe"))
			living := child(t, server, data, nowhere)
			server.WaitFor(t, "the second process", func() bool { return len(server.Called("getMe")) > before })
			waitUntil(t, func() bool { return finished(t, data) })
			stopChild(t, living)
			judgeKills(t, data, users, 1, 5)
		})
	}
}

// approved keeps an announcement that is to start now.
func approved(t *testing.T, data string) {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(data, "chasqui.db"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	a := broadcast.Announcement{Class: broadcast.News, Audience: "all", Texts: map[i18n.Lang]string{i18n.French: "bonjour", i18n.Spanish: "hola"},
		Nonce: "n", NonceUntil: time.Now().Add(time.Hour), StartAt: time.Now()}
	for _, verb := range []broadcast.Verb{broadcast.Save, broadcast.Ask, broadcast.Approve} {
		c := broadcast.Change{Verb: verb, ID: 1, Announcement: a, Actor: "operator"}
		if _, err := st.Announce(t.Context(), time.Now(), c); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReminderKilledAtEachPoint kills the process at each instant of a reminder's life that has a name: nobody is
// reminded twice, and whoever may not have been is listed as unknown.
func TestReminderKilledAtEachPoint(t *testing.T) {
	for _, point := range []string{beforeFire, afterFire, afterClaim, afterSend} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			server := telegramtest.ForTest(t)
			data := t.TempDir()
			users := enrolled(t, server, data, 12)
			inAnHour(t, data, users)
			diedOfKnife(t, child(t, server, data, point))
			before := len(server.Calls("getMe"))
			living := child(t, server, data, nowhere)
			server.WaitFor(t, "the second process", func() bool { return len(server.Called("getMe")) > before })
			var left bot.Figures
			waitUntil(t, func() bool { left = countsIn(t, data); return left.Queued == 0 && reminded(users) > 0 })
			stopChild(t, living)
			if n := reminded(users); n+left.Unknown < len(users) || left.Unknown > 5 {
				t.Errorf("%d people were reminded and %d are unknown, of %d", n, left.Unknown, len(users))
			}
			for _, u := range users {
				if len(u.Inbox()) > 1 {
					t.Errorf("somebody was reminded %d times", len(u.Inbox()))
				}
			}
		})
	}
}

func reminded(users []*telegramtest.User) int {
	n := 0
	for _, u := range users {
		if len(u.Inbox()) > 0 {
			n++
		}
	}
	return n
}

func countsIn(t *testing.T, data string) bot.Figures {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(data, "chasqui.db"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	f, err := st.Figures(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// inAnHour plans an event whose last reminder is due within a minute or is due already, and lets everybody come.
func inAnHour(t *testing.T, data string, users []*telegramtest.User) {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(data, "chasqui.db"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	// Made ten minutes ago, so that the reminder of the hour before was still ahead then.
	now := time.Now()
	start := now.Add(59 * time.Minute).UTC()
	e := agenda.Event{Titles: map[i18n.Lang]string{i18n.French: "Goûter", i18n.Spanish: "Lonche"}, Audience: "all", Zone: "UTC", Start: agenda.WallAt(start, time.UTC)}
	if _, written, err := st.ImportEvents(t.Context(), []agenda.Row{{Line: 1, Event: e}}, true, now.Add(-10*time.Minute)); err != nil || !written {
		t.Fatalf("the event was refused: %v", err)
	}
	for i, u := range users {
		id := strconv.FormatInt(u.ID, 10)
		m := channel.Message{Kind: channel.Press, ID: fmt.Sprint("yes", i), Chat: channel.Address{Network: channel.Telegram, ID: id}, From: channel.Sender{ID: id}, At: now}
		before, err := st.Begin(t.Context(), m, now)
		if err != nil {
			t.Fatal(err)
		}
		silent := func(agenda.Card, []agenda.Person) []outbox.Draft { return nil }
		yes := bot.Outcome{Member: &before.Member, Agenda: []agenda.Change{agenda.Reply{OccurrenceID: 1, Answer: agenda.Yes, Say: silent}}}
		if committed, err := st.Commit(t.Context(), bot.Turn{Message: m, Before: before, Now: now, Language: i18n.French}, yes); err != nil || !committed {
			t.Fatalf("a yes was not taken: %v", err)
		}
	}
}

// enrolled makes people who have an address on the server and agreed to be written to.
func enrolled(t *testing.T, server *telegramtest.Server, data string, people int) []*telegramtest.User {
	t.Helper()
	var csv strings.Builder
	csv.WriteString("name,telegram,language\n")
	var users []*telegramtest.User
	for i := range people {
		u := server.User(int64(1000+i), fmt.Sprint("P", i), "fr")
		u.Opened()
		users = append(users, u)
		fmt.Fprintf(&csv, "P%d,%d,fr\n", i, 1000+i)
	}
	roster, err := community.ReadRoster([]byte(csv.String()), false)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), filepath.Join(data, "chasqui.db"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, written, err := st.Import(t.Context(), roster.Rows, true, time.Now()); err != nil || !written {
		t.Fatalf("the import was refused: %v", err)
	}
	return users
}

// serveProcess starts serve in a process of its own and returns when it is ready.
func serveProcess(t *testing.T, server *telegramtest.Server, data string, rate int) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), "SERVE_IN="+data, "CHASQUI_DATA="+data, "CHASQUI_LISTEN=127.0.0.1:0", "CHASQUI_TELEGRAM_TOKEN="+telegramtest.Token,
		"CHASQUI_TELEGRAM_API="+server.URL(), "CHASQUI_TELEGRAM_RATE="+strconv.Itoa(rate))
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() })
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || !strings.HasPrefix(line, "ready ") {
		t.Fatalf("serve said %q, %v", line, err)
	}
	return c
}

func statusOf(t *testing.T, data string) standingJSON {
	t.Helper()
	code, out, stderr := command(t, "announce", "status", "1", "--json", "--data", data)
	var st standingJSON
	if err := json.Unmarshal([]byte(out), &st); code != 0 || err != nil {
		t.Fatalf("status said %q %q, %v", out, stderr, err)
	}
	return st
}

// waitUntil asks every now and then, for two minutes at most.
func waitUntil(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); {
		if time.Now().After(deadline) {
			t.Fatal("waited two minutes")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func finished(t *testing.T, data string) bool {
	t.Helper()
	return statusOf(t, data).State == string(broadcast.Done)
}

// copies counts how often somebody got what contains part.
func copies(u *telegramtest.User, part string) int {
	n := 0
	for _, m := range u.Inbox() {
		if strings.Contains(m.Text, part) {
			n++
		}
	}
	return n
}

// judgeReminders holds the reminders that people have against those of unknown fate.
func judgeReminders(t *testing.T, data string, users []*telegramtest.User, kills, window int) {
	t.Helper()
	none := 0
	for _, u := range users {
		switch copies(u, "Goûter") {
		case 0:
			none++
		case 1:
		default:
			t.Errorf("somebody was reminded %d times", copies(u, "Goûter"))
		}
	}
	unknown := countsIn(t, data).Unknown
	reminders := unknown - statusOf(t, data).Unknown
	if none > reminders || unknown > kills*window {
		t.Errorf("%d people were not reminded, %d of those are listed as unknown; %d unknown in all after %d kills", none, reminders, unknown, kills)
	}
	t.Logf("%d reminded, %d unknown (%d of them arrived); 0 twice, 0 lost", len(users)-none, reminders, reminders-none)
}

// judgeKills holds what people have against what the counts say.
func judgeKills(t *testing.T, data string, users []*telegramtest.User, kills, window int) {
	t.Helper()
	st := statusOf(t, data)
	none, twice := 0, 0
	for _, u := range users {
		switch n := copies(u, "bonjour"); n {
		case 0:
			none++
		case 1:
		default:
			twice++
		}
	}
	switch {
	case twice > 0:
		t.Errorf("%d people got it twice", twice)
	case st.Sent+st.Unknown != len(users):
		t.Errorf("%d sent and %d unknown of %d: somebody is lost", st.Sent, st.Unknown, len(users))
	case none > st.Unknown:
		t.Errorf("%d people got nothing and only %d are listed as unknown", none, st.Unknown)
	case st.Unknown > kills*window:
		t.Errorf("%d unknown after %d kills, %d a kill at most", st.Unknown, kills, window)
	}
	t.Logf("%d sent, %d unknown (%d of them arrived), %.1f a kill; 0 twice, 0 lost", st.Sent, st.Unknown, st.Unknown-none, float64(st.Unknown)/float64(max(1, kills)))
	code, out, _ := command(t, "doctor", "--data", data)
	if !strings.Contains(out, "announcements: the counts of all 1 hold") {
		t.Errorf("doctor %d: %s", code, out)
	}
	if st.Unknown == 0 {
		return
	}
	code, names, stderr := command(t, "announce", "names", "1", "--state", string(outbox.Unknown), "--data", data)
	if code != 0 || strings.Count(names, "\n") != st.Unknown {
		t.Errorf("%d names behind %d unknown: %q", strings.Count(names, "\n"), st.Unknown, stderr)
	}
}
