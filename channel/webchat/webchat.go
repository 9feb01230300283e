// Package webchat is the network of the chat page: chats held in memory, one for each browser.
//
// What must stay true: a slow or sleeping page never holds up a delivery, and a page that comes back
// sees every line once, in order.
package webchat

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"chasqui/channel"
)

const (
	// keptLines is how much of a conversation a page shows after a reload.
	keptLines = 100
	// keptChats bounds the memory that strangers can use; the one silent for longest goes first.
	keptChats = 2000
	// keptFor is how long a silent chat is kept.
	keptFor = 24 * time.Hour
)

// ErrClosed says that the bot is not taking messages: it is starting or stopping.
var ErrClosed = errors.New("the bot is not taking messages just now")

// Line is one thing said.
type Line struct {
	// Seq grows with every change of the chat; a line that is edited gets a new one.
	Seq     int
	ID      string
	FromBot bool
	Text    string
	Buttons [][]channel.Button
	At      time.Time
}

// Channel holds the chats.
type Channel struct {
	now     func() time.Time
	mu      sync.Mutex
	chats   map[string]*chat
	receive channel.Receive
}

type chat struct {
	lines []Line
	seq   int
	used  time.Time
	// changed is closed and replaced at every change.
	changed chan struct{}
}

// New makes a channel without chats.
func New(now func() time.Time) *Channel { return &Channel{now: now, chats: map[string]*chat{}} }

// Network implements channel.Channel.
func (c *Channel) Network() channel.Network { return channel.Web }

// Run implements channel.Channel: until ctx ends, what pages say goes to receive.
func (c *Channel) Run(ctx context.Context, receive channel.Receive) error {
	c.mu.Lock()
	c.receive = receive
	c.mu.Unlock()
	<-ctx.Done()
	c.mu.Lock()
	c.receive = nil
	c.mu.Unlock()
	return nil
}

// Say takes in what a person typed. messageID is the page's own, so that a form sent twice counts
// once. After a nil error the message is committed.
func (c *Channel) Say(ctx context.Context, id, messageID, lang, text string) error {
	m := channel.Message{Kind: channel.Text, ID: messageID, Text: text}
	return c.take(ctx, id, lang, m, text)
}

// Press takes in a tap on a button under the line onMessage. A button that is not there any more is
// passed on all the same: the bot says that it is old.
func (c *Channel) Press(ctx context.Context, id, messageID, lang, onMessage, data string) error {
	m := channel.Message{Kind: channel.Press, ID: messageID, Data: data, OnMessage: onMessage}
	return c.take(ctx, id, lang, m, "")
}

func (c *Channel) take(ctx context.Context, id, lang string, m channel.Message, shown string) error {
	c.mu.Lock()
	receive := c.receive
	if shown != "" && receive != nil && !c.has(id, "you-"+m.ID) {
		c.add(id, Line{ID: "you-" + m.ID, Text: shown, At: c.now()})
	}
	c.mu.Unlock()
	if receive == nil {
		return ErrClosed
	}
	m.Chat = channel.Address{Network: channel.Web, ID: id}
	m.From = channel.Sender{ID: id, Language: lang}
	m.At, m.Addressed = c.now(), true
	return receive(ctx, m)
}

func (c *Channel) has(id, line string) bool {
	k := c.chats[id]
	return k != nil && slices.ContainsFunc(k.lines, func(l Line) bool { return l.ID == line })
}

// Send implements channel.Channel.
func (c *Channel) Send(_ context.Context, out channel.Outgoing) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	line := Line{FromBot: true, Text: out.Content.Text, Buttons: out.Content.Buttons, At: c.now()}
	k := c.chats[out.To.ID]
	if k != nil && out.Content.Edit != "" {
		if i := slices.IndexFunc(k.lines, func(l Line) bool { return l.ID == out.Content.Edit }); i >= 0 {
			line.ID = out.Content.Edit
			k.seq++
			line.Seq = k.seq
			k.lines[i] = line
			k.wake()
			return line.ID, nil
		}
	}
	// The delivery's key makes a repetition recognisable.
	line.ID = "bot-" + out.Key
	if !c.has(out.To.ID, line.ID) {
		c.add(out.To.ID, line)
	}
	return line.ID, nil
}

// add appends a line; the lock is held.
func (c *Channel) add(id string, line Line) {
	k := c.chats[id]
	if k == nil {
		c.makeRoom()
		k = &chat{changed: make(chan struct{})}
		c.chats[id] = k
	}
	k.seq++
	line.Seq = k.seq
	k.used = c.now()
	k.lines = append(k.lines, line)
	if len(k.lines) > keptLines {
		k.lines = slices.Delete(k.lines, 0, len(k.lines)-keptLines)
	}
	k.wake()
}

func (k *chat) wake() {
	close(k.changed)
	k.changed = make(chan struct{})
}

func (c *Channel) makeRoom() {
	oldest := ""
	for id, k := range c.chats {
		if c.now().Sub(k.used) > keptFor {
			delete(c.chats, id)
			continue
		}
		if oldest == "" || k.used.Before(c.chats[oldest].used) {
			oldest = id
		}
	}
	if len(c.chats) >= keptChats {
		delete(c.chats, oldest)
	}
}

// History gives the lines of a chat in the order in which they were first said.
func (c *Channel) History(id string) []Line {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.chats[id]; k != nil {
		return slices.Clone(k.lines)
	}
	return nil
}

// After gives what changed in a chat after seq, and a channel that is closed at the next change.
func (c *Channel) After(id string, seq int) (lines []Line, changed <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.chats[id]
	if k == nil {
		k = &chat{changed: make(chan struct{}), used: c.now()}
		c.makeRoom()
		c.chats[id] = k
	}
	for _, l := range k.lines {
		// A number beyond the last was given before a restart: everything is new to that page.
		if l.Seq > seq || seq > k.seq {
			lines = append(lines, l)
		}
	}
	slices.SortFunc(lines, func(a, b Line) int { return a.Seq - b.Seq })
	return lines, k.changed
}

// ParseSeq reads a number that a page sends back; what is none counts as the beginning.
func ParseSeq(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
