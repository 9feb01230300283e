// Package terminal is a chat in a terminal, or between two pipes.
//
// What must stay true: a line is answered before the next one is read, so that a script of lines gives
// the same conversation every time.
package terminal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"chasqui/channel"
)

// longestLine is how long a line in may be, in bytes; a longer one is refused.
const longestLine = 64 << 10

// Options set a terminal up.
type Options struct {
	In  io.Reader
	Out io.Writer
	// Name is who is typing; it is the chat's id too.
	Name string
	// Language is the tag of the person's language, or empty.
	Language string
	// Interactive shows a prompt and bold letters.
	Interactive bool
	Now         func() time.Time
	// Settle is called after each line and returns when everything that answers it has been sent.
	Settle func(context.Context) error
	// NewID gives each line an id that was never given before.
	NewID func() string
}

// Channel is one person at a terminal.
type Channel struct {
	o  Options
	mu sync.Mutex
	// choices are the buttons last shown, which a number presses.
	choices []channel.Button
	shownAs string
	sent    int
}

// New makes a terminal.
func New(o Options) *Channel { return &Channel{o: o} }

// Network implements channel.Channel.
func (c *Channel) Network() channel.Network { return channel.Terminal }

// Address is the chat at this terminal.
func (c *Channel) Address() channel.Address {
	return channel.Address{Network: channel.Terminal, ID: c.o.Name}
}

// Run implements channel.Channel: it reads lines until the input ends, «/quit» is typed or ctx ends.
func (c *Channel) Run(ctx context.Context, receive channel.Receive) error {
	lines := make(chan string)
	failed := make(chan error, 1)
	stop := make(chan struct{})
	defer close(stop)
	// Reading a terminal cannot be interrupted, so it happens beside; the reader ends with the process.
	go func() {
		defer close(lines)
		in := bufio.NewScanner(c.o.In)
		in.Buffer(nil, longestLine)
		for in.Scan() {
			select {
			case lines <- in.Text():
			case <-stop:
				return
			}
		}
		if errors.Is(in.Err(), bufio.ErrTooLong) {
			failed <- fmt.Errorf("a line is longer than %d bytes", longestLine)
			return
		}
		failed <- in.Err()
	}()
	for {
		c.prompt()
		select {
		case <-ctx.Done():
			return nil
		case line, more := <-lines:
			if !more {
				return <-failed
			}
			line = strings.TrimSpace(line)
			if line == "/quit" {
				return nil
			}
			if line == "" {
				continue
			}
			if err := c.take(ctx, receive, line); err != nil {
				return err
			}
		}
	}
}

func (c *Channel) prompt() {
	if c.o.Interactive {
		fmt.Fprintf(c.o.Out, "%s> ", c.o.Name)
	}
}

func (c *Channel) take(ctx context.Context, receive channel.Receive, line string) error {
	m := channel.Message{
		Kind: channel.Text, ID: c.o.NewID(), Chat: c.Address(), At: c.o.Now(), Addressed: true, Text: line,
		From: channel.Sender{ID: c.o.Name, Name: c.o.Name, Language: c.o.Language},
	}
	if b, on, ok := c.chosen(line); ok {
		m.Kind, m.Text, m.Data, m.OnMessage = channel.Press, "", b.Data, on
	}
	if err := receive(ctx, m); err != nil {
		return fmt.Errorf("take a line: %w", err)
	}
	if err := c.o.Settle(ctx); err != nil {
		return fmt.Errorf("answer a line: %w", err)
	}
	return nil
}

// chosen finds the button that a number stands for.
func (c *Channel) chosen(line string) (b channel.Button, on string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := strconv.Atoi(line)
	if err != nil || n < 1 || n > len(c.choices) || c.choices[n-1].Data == "" {
		return channel.Button{}, "", false
	}
	return c.choices[n-1], c.shownAs, true
}

// Send implements channel.Channel.
func (c *Channel) Send(_ context.Context, out channel.Outgoing) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent++
	id := strconv.Itoa(c.sent)
	var b strings.Builder
	for i, line := range strings.Split(Bold(out.Content.Text, c.o.Interactive), "\n") {
		mark := "< "
		if i > 0 {
			mark = "  "
		}
		b.WriteString(strings.TrimRight(mark+line, " ") + "\n")
	}
	if len(out.Content.Buttons) > 0 {
		c.choices, c.shownAs = nil, id
		for _, row := range out.Content.Buttons {
			b.WriteString("  ")
			for i, button := range row {
				if i > 0 {
					b.WriteString("  ")
				}
				c.choices = append(c.choices, button)
				fmt.Fprintf(&b, "[%d] %s", len(c.choices), button.Label)
				if button.URL != "" {
					b.WriteString(" " + button.URL)
				}
			}
			b.WriteString("\n")
		}
	}
	if _, err := io.WriteString(c.o.Out, b.String()); err != nil {
		return "", &channel.SendError{Fault: channel.Off, Err: fmt.Errorf("write to the terminal: %w", err)}
	}
	return id, nil
}

// Bold shows *word* in bold letters where the terminal has them, and without its stars elsewhere.
func Bold(text string, shown bool) string {
	on, off := "", ""
	if shown {
		on, off = "\x1b[1m", "\x1b[0m"
	}
	return channel.Bold(text, func(s string) string { return s }, func(s string) string { return on + s + off })
}
