package webchat_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"chasqui/channel"
	"chasqui/channel/channeltest"
	"chasqui/channel/webchat"
)

// network is one browser as the conformance suite sees it.
type network struct {
	t    *testing.T
	web  *webchat.Channel
	said int
}

func (n *network) Channel() channel.Channel { return n.web }
func (n *network) Person() channel.Address {
	return channel.Address{Network: channel.Web, ID: "browser"}
}
func (n *network) Redelivers() bool { return false }

func (n *network) Says(text string) {
	n.said++
	n.until("the channel to listen", func() bool { return n.web.Say(n.t.Context(), "browser", fmt.Sprint("m", n.said), "fr", text) == nil })
}

func (n *network) Presses(label string) {
	for _, l := range n.web.History("browser") {
		for _, row := range l.Buttons {
			for _, b := range row {
				if b.Label == label {
					if err := n.web.Press(n.t.Context(), "browser", "tap", "fr", l.ID, b.Data); err != nil {
						n.t.Error(err)
					}
					return
				}
			}
		}
	}
	n.t.Fatalf("no button %q", label)
}

func (n *network) Sees(part string) {
	n.t.Helper()
	n.until(part, func() bool { return strings.Contains(strings.Join(n.Texts(), "\n"), part) })
}

func (n *network) Texts() (texts []string) {
	for _, l := range n.web.History("browser") {
		if l.FromBot {
			texts = append(texts, l.Text)
		}
	}
	return texts
}

func (n *network) until(what string, holds func() bool) {
	n.t.Helper()
	for range 10_000 {
		if holds() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	n.t.Fatalf("waited for %s", what)
}

func TestConformance(t *testing.T) {
	channeltest.Run(t, func(t *testing.T) channeltest.Network { return &network{t: t, web: webchat.New(time.Now)} })
}

func TestARefusedMessageIsReportedAndShownOnce(t *testing.T) {
	web := webchat.New(time.Now)
	if err := web.Say(t.Context(), "b", "m1", "fr", "hello"); !errors.Is(err, webchat.ErrClosed) {
		t.Errorf("before Run: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	refuse := errors.New("the database is locked")
	go func() { _ = web.Run(ctx, func(context.Context, channel.Message) error { return refuse }) }()
	n := &network{t: t, web: web}
	n.until("a refusal", func() bool { return errors.Is(web.Say(ctx, "b", "m1", "fr", "hello"), refuse) })
	if err := web.Say(ctx, "b", "m1", "fr", "hello"); !errors.Is(err, refuse) {
		t.Errorf("got %v", err)
	}
	if lines := web.History("b"); len(lines) != 1 {
		t.Errorf("%d lines after the same message was tried again", len(lines))
	}
}

func TestMemoryIsBounded(t *testing.T) {
	now := time.Now()
	web := webchat.New(func() time.Time { now = now.Add(time.Second); return now })
	for i := range 2100 {
		to := channel.Address{Network: channel.Web, ID: fmt.Sprint("chat", i)}
		if _, err := web.Send(t.Context(), channel.Outgoing{Key: fmt.Sprint(i), To: to, Content: channel.Content{Text: "x"}}); err != nil {
			t.Fatal(err)
		}
	}
	if web.History("chat0") != nil || web.History("chat2099") == nil {
		t.Error("the oldest chat was kept or the newest was not")
	}
	to := channel.Address{Network: channel.Web, ID: "long"}
	for i := range 150 {
		if _, err := web.Send(t.Context(), channel.Outgoing{Key: fmt.Sprint("l", i), To: to}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(web.History("long")); n != 100 {
		t.Errorf("%d lines are kept", n)
	}
}
