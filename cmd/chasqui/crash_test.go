package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"chasqui/agenda"
	"chasqui/bot"
	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/channel/telegram"
	"chasqui/channel/telegramtest"
	"chasqui/outbox"
	"chasqui/store"
)

// The instants of a turn and a send at which a process may die.
const (
	beforeCommit = "before the turn is committed"
	afterCommit  = "after the commit, before the acknowledgement"
	afterClaim   = "after the claim, before the send"
	afterSend    = "after the send, before it is recorded"
	beforeStart  = "before an announcement is frozen"
	afterStart   = "after it is frozen, before anything leaves"
	beforeFinish = "after the last was sent, before it is done"
	afterFinish  = "after it is done"
	beforeFire   = "before a reminder is fired"
	afterFire    = "after it is fired, before it leaves"
	nowhere      = "nowhere"
)

// TestKilledAtEachPoint kills a process with SIGKILL at each named point and starts it again: nobody
// is left without an answer, and only the answer whose sending nobody can know comes twice.
func TestKilledAtEachPoint(t *testing.T) {
	for point, most := range map[string]int{beforeCommit: 1, afterCommit: 1, afterClaim: 1, afterSend: 2} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			server := telegramtest.ForTest(t)
			ana := server.User(7, "Ana", "fr")
			data := t.TempDir()
			ana.Say("quels sont les numéros d'urgence au Pérou ?")
			dying := child(t, server, data, point)
			diedOfKnife(t, dying)
			living := child(t, server, data, nowhere)
			ana.Say("merci")
			server.WaitFor(t, "the second answer", func() bool { return ana.Sees("Avec plaisir") && server.Acknowledged() })
			stopChild(t, living)
			answers, thanks := 0, 0
			for _, m := range ana.Inbox() {
				switch {
				case len(m.Text) > 200:
					answers++
				default:
					thanks++
				}
			}
			if answers < 1 || answers > most || thanks != 1 {
				t.Errorf("%d answers, at most %d are right; %d thanks", answers, most, thanks)
			}
			unknownIsListed(t, data)
		})
	}
}

func diedOfKnife(t *testing.T, dying *exec.Cmd) {
	t.Helper()
	err := dying.Wait()
	if status, ok := dying.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the process was to be killed: %v", err)
	}
}

func unknownIsListed(t *testing.T, data string) {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(data, "chasqui.db"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f, err := s.Figures(t.Context(), time.Now())
	if err != nil || f.Queued != 0 || f.Unknown != 0 {
		t.Errorf("left behind: %+v, %v", f, err)
	}
}

func child(t *testing.T, server *telegramtest.Server, data, point string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), "CRASH_AT="+point, "CRASH_API="+server.URL(), "CRASH_DATA="+data)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() })
	return c
}

func stopChild(t *testing.T, c *exec.Cmd) {
	t.Helper()
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("an orderly stop ended with %v", err)
	}
}

// crashChild is the process that dies: serve's own parts, with a knife at one point.
func crashChild() {
	if code := crashing(); code != 0 {
		os.Exit(code)
	}
}

func crashing() int {
	point, data := os.Getenv("CRASH_AT"), os.Getenv("CRASH_DATA")
	ctx, stop := signalled()
	defer stop()
	p := &program{stderr: os.Stderr, now: time.Now, environ: []string{"CHASQUI_DATA=" + data}}
	s, err := p.settings()
	if err != nil {
		return complain(err)
	}
	x, err := p.parts(ctx, s)
	if err != nil {
		return complain(err)
	}
	defer x.store.Close()
	quiet := slog.New(slog.DiscardHandler)
	tele := telegram.New(telegram.Settings{Token: telegramtest.Token, API: os.Getenv("CRASH_API"), PollTimeout: time.Second, Backoff: 10 * time.Millisecond}, quiet)
	k := knife{point}
	box := outbox.New(&cutStore{x.store, k}, &cutSender{tele, k}, outbox.Account{Network: channel.Telegram}, outbox.Options{Rate: 25}, quiet, time.Now)
	b := bot.New(bot.Options{Store: &cutTurns{x.store, k}, FAQ: x.faq, Texts: x.texts, Zone: s.zone, Now: time.Now, Log: quiet,
		Wake: func(channel.Network) { box.Wake() }, Link: func(channel.Network) string { return "" }})
	runner := broadcast.NewRunner(&cutRunner{x.store, k}, x.texts, s.zone, time.Now, func(channel.Network) { box.Wake() }, quiet)
	done := make(chan error, 1)
	go func() { done <- box.Run(ctx) }()
	go runner.Run(ctx)
	keeper := &agenda.Timekeeper{Store: &cutAgenda{x.store, k}, Voice: agenda.Voice{Texts: x.texts, Home: s.zone}, Log: quiet, Wake: box.Wake}
	go keepTime(ctx, keeper)
	if err := tele.Run(ctx, b.Receive); err != nil {
		return complain(err)
	}
	if err := <-done; err != nil {
		return complain(err)
	}
	return 0
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

type knife struct{ point string }

// at dies as a machine without power does: no deferred call, no flush.
func (k knife) at(point string) {
	if k.point == point {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

type cutTurns struct {
	*store.Store
	knife
}

func (c *cutTurns) Commit(ctx context.Context, t bot.Turn, o bot.Outcome) (bool, error) {
	c.at(beforeCommit)
	committed, err := c.Store.Commit(ctx, t, o)
	c.at(afterCommit)
	return committed, err
}

type cutRunner struct {
	*store.Store
	knife
}

func (c *cutRunner) Start(ctx context.Context, a broadcast.Announcement, now time.Time) (bool, error) {
	c.at(beforeStart)
	started, err := c.Store.Start(ctx, a, now)
	c.at(afterStart)
	return started, err
}

func (c *cutRunner) Finish(ctx context.Context, id int64, say []outbox.Draft, now time.Time) (bool, error) {
	c.at(beforeFinish)
	finished, err := c.Store.Finish(ctx, id, say, now)
	if finished {
		c.at(afterFinish)
	}
	return finished, err
}

// keepTime ticks ten times a second, as serve does every minute.
func keepTime(ctx context.Context, keeper *agenda.Timekeeper) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := keeper.Tick(ctx, time.Now()); err != nil && ctx.Err() == nil {
			complain(err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

type cutAgenda struct {
	*store.Store
	knife
}

func (c *cutAgenda) FireReminder(ctx context.Context, r agenda.Reminder, now time.Time, compose func(agenda.Card, []agenda.Person) []outbox.Draft) error {
	c.at(beforeFire)
	err := c.Store.FireReminder(ctx, r, now, compose)
	c.at(afterFire)
	return err
}

type cutStore struct {
	*store.Store
	knife
}

func (c *cutStore) Advance(ctx context.Context, a outbox.Account, now time.Time, r []outbox.Result, claim outbox.Claim) ([]outbox.Delivery, time.Time, error) {
	claimed, next, err := c.Store.Advance(ctx, a, now, r, claim)
	if len(claimed) > 0 {
		c.at(afterClaim)
	}
	return claimed, next, err
}

type cutSender struct {
	*telegram.Channel
	knife
}

func (c *cutSender) Send(ctx context.Context, out channel.Outgoing) (string, error) {
	id, err := c.Channel.Send(ctx, out)
	c.at(afterSend)
	return id, err
}
