package outbox

import (
	"slices"
	"time"
)

// Pace is how fast one chat may be written to: Burst at once, then one each Every. The zero Pace is no
// limit.
type Pace struct {
	Burst int
	Every time.Duration
}

// meters keep the pace of every chat that was written to lately, so that a network has no reason to ask
// for patience. One Outbox alone uses them, from one goroutine.
type meters struct {
	chat, room Pace
	isRoom     func(chat string) bool
	of         map[string]*meter
}

// meter is one chat's: how many may leave at the instant at, and until when none may since the network said so.
type meter struct {
	pace  Pace
	left  float64
	at    time.Time
	until time.Time
}

func newMeters(o Options) *meters {
	return &meters{chat: o.Chat, room: o.Room, isRoom: o.IsRoom, of: map[string]*meter{}}
}

// meter finds a chat's meter. A chat that has none was not written to lately.
func (m *meters) meter(chat string, now time.Time) *meter {
	if have := m.of[chat]; have != nil {
		have.fill(now)
		return have
	}
	pace := m.chat
	if m.isRoom != nil && m.isRoom(chat) {
		pace = m.room
	}
	made := &meter{pace: pace, left: float64(pace.Burst), at: now}
	m.of[chat] = made
	return made
}

func (m *meter) fill(now time.Time) {
	if m.pace.Every > 0 && now.After(m.at) {
		m.left = min(float64(m.pace.Burst), m.left+float64(now.Sub(m.at))/float64(m.pace.Every))
	}
	m.at = now
}

// opens is when the next one may leave: now or later.
func (m *meter) opens(now time.Time) time.Time {
	at := now
	if m.pace.Every > 0 && m.left < 1 {
		at = now.Add(time.Duration((1 - m.left) * float64(m.pace.Every)))
	}
	if m.until.After(at) {
		at = m.until
	}
	return at
}

// took notes that one left for a chat.
func (m *meters) took(chat string, now time.Time) {
	of := m.meter(chat, now)
	if of.pace.Every > 0 {
		of.left--
	}
}

// hold keeps a chat closed until the network takes something for it again.
func (m *meters) hold(chat string, until, now time.Time) {
	of := m.meter(chat, now)
	if until.After(of.until) {
		of.until = until
	}
}

// reopen forgets what the network asked to wait for.
func (m *meters) reopen() {
	for _, of := range m.of {
		of.until = time.Time{}
	}
}

// held lists the chats that must wait, and when the first of them opens: zero when none is held. It forgets those
// that are as if nothing had been sent.
func (m *meters) held(now time.Time) (chats []string, opens time.Time) {
	for chat, of := range m.of {
		of.fill(now)
		at := of.opens(now)
		switch {
		case at.After(now):
			chats = append(chats, chat)
			if opens.IsZero() || at.Before(opens) {
				opens = at
			}
		case of.pace.Every == 0 || of.left >= float64(of.pace.Burst):
			delete(m.of, chat)
		}
	}
	slices.Sort(chats)
	return chats, opens
}
