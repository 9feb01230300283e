package terminal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"chasqui/channel"
	"chasqui/channel/channeltest"
	"chasqui/channel/terminal"
)

// network is a person at a terminal as the conformance suite sees them.
type network struct {
	t     *testing.T
	term  *terminal.Channel
	in    *io.PipeWriter
	mu    sync.Mutex
	out   bytes.Buffer
	lines chan string
}

func (n *network) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.out.Write(p)
}

func fresh(t *testing.T) channeltest.Network {
	r, w := io.Pipe()
	n := &network{t: t, in: w, lines: make(chan string, 100)}
	id := 0
	n.term = terminal.New(terminal.Options{In: r, Out: n, Name: "ana", Now: time.Now, Settle: func(context.Context) error { return nil },
		NewID: func() string { id++; return fmt.Sprint(id) }})
	go func() {
		for line := range n.lines {
			if _, err := io.WriteString(w, line+"\n"); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { close(n.lines); w.Close() })
	return n
}

func (n *network) Channel() channel.Channel { return n.term }
func (n *network) Person() channel.Address  { return n.term.Address() }
func (n *network) Redelivers() bool         { return false }
func (n *network) Says(text string)         { n.lines <- text }

func (n *network) Presses(label string) {
	before, _, ok := strings.Cut(strings.Join(n.Texts(), "\n"), "] "+label)
	if !ok {
		n.t.Fatalf("no button %q", label)
	}
	n.lines <- before[strings.LastIndex(before, "[")+1:]
}

func (n *network) Sees(part string) {
	n.t.Helper()
	for range 10_000 {
		if strings.Contains(strings.Join(n.Texts(), "\n"), part) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	n.t.Fatalf("waited for %q", part)
}

func (n *network) Texts() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Split("\n"+n.out.String(), "\n< ")[1:]
}

func TestConformance(t *testing.T) { channeltest.Run(t, fresh) }

func TestAScriptGivesTheSameConversationEveryTime(t *testing.T) {
	var out bytes.Buffer
	var term *terminal.Channel
	var answer string
	ids := 0
	term = terminal.New(terminal.Options{In: strings.NewReader("hello\n\n2\n/quit\nnever read\n"), Out: &out, Name: "ana", Now: time.Now,
		NewID: func() string { ids++; return fmt.Sprint(ids) },
		Settle: func(ctx context.Context) error {
			_, err := term.Send(ctx, channel.Outgoing{Content: channel.Content{Text: answer, Buttons: [][]channel.Button{{{Label: "Yes", Data: "y"}, {Label: "No", Data: "n"}}}}})
			return err
		}})
	err := term.Run(t.Context(), func(_ context.Context, m channel.Message) error {
		answer = fmt.Sprintf("*%s* %q %q", m.Kind, m.Text, m.Data)
		return nil
	})
	want := "< text \"hello\" \"\"\n  [1] Yes  [2] No\n< press \"\" \"n\"\n  [1] Yes  [2] No\n"
	if err != nil || out.String() != want {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

func TestALineThatIsTooLongIsRefusedInWords(t *testing.T) {
	term := terminal.New(terminal.Options{In: strings.NewReader(strings.Repeat("x", 70_000)), Out: io.Discard, Name: "ana", Now: time.Now,
		NewID: func() string { return "1" }, Settle: func(context.Context) error { return nil }})
	if err := term.Run(t.Context(), func(context.Context, channel.Message) error { return nil }); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("got %v", err)
	}
}

func TestAFailedTurnEndsTheSession(t *testing.T) {
	locked := errors.New("the database is locked")
	term := terminal.New(terminal.Options{In: strings.NewReader("hello\n"), Out: io.Discard, Name: "ana", Now: time.Now,
		NewID: func() string { return "1" }, Settle: func(context.Context) error { return nil }})
	if err := term.Run(t.Context(), func(context.Context, channel.Message) error { return locked }); !errors.Is(err, locked) {
		t.Errorf("got %v", err)
	}
}
