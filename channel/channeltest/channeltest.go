// Package channeltest is the suite that every channel passes. A network that cannot do one of the
// stories is not one that the rest of Chasqui can rely on.
package channeltest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"chasqui/channel"
)

// Network is the far side of a channel: one person and what they do and see.
type Network interface {
	Channel() channel.Channel
	// Person is the person's private chat.
	Person() channel.Address
	// Says makes the person write.
	Says(text string)
	// Presses makes the person tap the button with this label.
	Presses(label string)
	// Sees returns once the person sees a text that contains part, or fails the test.
	Sees(part string)
	// Texts are all texts that the person sees now, the bot's only.
	Texts() []string
	// Redelivers reports whether the network brings a message again that was not taken in.
	Redelivers() bool
}

// wait bounds what must happen soon; it is no measure.
const wait = 10 * time.Second

// Run plays the stories, each on a fresh network.
func Run(t *testing.T, fresh func(t *testing.T) Network) {
	for name, story := range map[string]func(*testing.T, Network){
		"what a person writes arrives whole": arrives,
		"a failed message comes again":       comesAgain,
		"messages keep their order":          inOrder,
		"an answer is seen and has an id":    answered,
		"a tap comes back with its data":     tapped,
		"an edit changes what was seen":      edited,
		"a long text arrives whole":          long,
		"many sends at once all arrive":      atOnce,
	} {
		t.Run(name, func(t *testing.T) { story(t, fresh(t)) })
	}
}

// running starts the channel and returns what it receives; fail decides which messages are refused.
func running(t *testing.T, n Network, fail func(channel.Message) error) <-chan channel.Message {
	t.Helper()
	got := make(chan channel.Message, 100)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- n.Channel().Run(ctx, func(_ context.Context, m channel.Message) error {
			if fail != nil {
				if err := fail(m); err != nil {
					return err
				}
			}
			got <- m
			return nil
		})
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run ended with %v", err)
			}
		case <-time.After(wait):
			t.Error("Run did not end with its context")
		}
	})
	return got
}

func next(t *testing.T, got <-chan channel.Message) channel.Message {
	t.Helper()
	select {
	case m := <-got:
		return m
	case <-time.After(wait):
		t.Fatal("nothing arrived")
		return channel.Message{}
	}
}

func send(t *testing.T, n Network, c channel.Content) string {
	t.Helper()
	id, err := n.Channel().Send(t.Context(), channel.Outgoing{Key: fmt.Sprintf("key-%d", time.Now().UnixNano()), To: n.Person(), Content: c})
	if err != nil {
		t.Fatalf("send: %v", err)
	}
	return id
}

func arrives(t *testing.T, n Network) {
	got := running(t, n, nil)
	n.Says("¿Cuántos días? 👋 <b>&amp;")
	m := next(t, got)
	if m.Text != "¿Cuántos días? 👋 <b>&amp;" || m.Kind != channel.Text || m.Chat != n.Person() || m.From.ID != n.Person().ID || !m.Addressed || m.Room || m.ID == "" || m.At.IsZero() {
		t.Errorf("arrived as %+v", m)
	}
}

func comesAgain(t *testing.T, n Network) {
	if !n.Redelivers() {
		t.Skip("this network tells the person at once that a message was not taken")
	}
	var mu sync.Mutex
	var ids []string
	got := running(t, n, func(m channel.Message) error {
		mu.Lock()
		defer mu.Unlock()
		ids = append(ids, m.ID)
		if len(ids) < 3 {
			return errors.New("the database is locked")
		}
		return nil
	})
	n.Says("again")
	next(t, got)
	mu.Lock()
	defer mu.Unlock()
	if len(ids) != 3 || ids[0] != ids[1] || ids[1] != ids[2] {
		t.Errorf("it came as %v: the same id three times is right", ids)
	}
}

func inOrder(t *testing.T, n Network) {
	got := running(t, n, nil)
	for i := range 10 {
		n.Says(fmt.Sprintf("number %d", i))
	}
	for i := range 10 {
		if m := next(t, got); m.Text != fmt.Sprintf("number %d", i) {
			t.Fatalf("message %d is %q", i, m.Text)
		}
	}
}

func answered(t *testing.T, n Network) {
	got := running(t, n, nil)
	n.Says("hello")
	next(t, got)
	if id := send(t, n, channel.Content{Text: "the answer & <more>"}); id == "" {
		t.Error("an answer has no id")
	}
	n.Sees("the answer & <more>")
}

func tapped(t *testing.T, n Network) {
	got := running(t, n, nil)
	n.Says("hello")
	next(t, got)
	id := send(t, n, channel.Content{Text: "well?", Buttons: [][]channel.Button{{{Label: "Yes", Data: "a:yes"}, {Label: "No", Data: "a:no"}}}})
	n.Sees("well?")
	n.Presses("No")
	if m := next(t, got); m.Kind != channel.Press || m.Data != "a:no" || m.OnMessage != id || m.Chat != n.Person() {
		t.Errorf("the tap arrived as %+v, the message was %s", m, id)
	}
}

func edited(t *testing.T, n Network) {
	got := running(t, n, nil)
	n.Says("hello")
	next(t, got)
	id := send(t, n, channel.Content{Text: "before", Buttons: [][]channel.Button{{{Label: "Go", Data: "go"}}}})
	n.Sees("before")
	send(t, n, channel.Content{Text: "after", Edit: id})
	n.Sees("after")
	// A network that cannot edit sends anew; one that can leaves nothing of the old text.
	if texts := n.Texts(); len(texts) == 1 && texts[0] != "after" {
		t.Errorf("the person sees %q", texts)
	}
}

func long(t *testing.T, n Network) {
	got := running(t, n, nil)
	n.Says("hello")
	next(t, got)
	paragraph := strings.Repeat("palabra ", 120)
	text := strings.TrimSpace(strings.Repeat(paragraph+"\n\n", 12)) + " END"
	send(t, n, channel.Content{Text: text})
	n.Sees("END")
	if got, want := strings.Count(strings.Join(n.Texts(), " "), "palabra"), 1440; got != want {
		t.Errorf("%d of %d words arrived", got, want)
	}
}

func atOnce(t *testing.T, n Network) {
	got := running(t, n, nil)
	n.Says("hello")
	next(t, got)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() { send(t, n, channel.Content{Text: fmt.Sprintf("part %d.", i)}) })
	}
	group.Wait()
	for i := range 8 {
		n.Sees(fmt.Sprintf("part %d.", i))
	}
}
