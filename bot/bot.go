package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"chasqui/channel"
	"chasqui/community"
	"chasqui/desk"
	"chasqui/faq"
	"chasqui/i18n"
	"chasqui/outbox"
)

// lateAfter is how old a message may be at arrival to be answered by itself: what was asked an hour
// ago may be about something that is over, and a reconnect must not set off a wave of answers.
const lateAfter = 5 * time.Minute

// tries bounds how often a turn is thought again because what it was decided on changed.
const tries = 5

// FAQ answers questions. It is an interface because the index behind it is replaced while it serves.
type FAQ interface {
	Decide(q faq.Query) faq.Decision
	Language(text string) (lang i18n.Lang, sure bool)
	Entry(slug string) (faq.Entry, bool)
}

// Options are what a Bot needs.
type Options struct {
	Store Store
	FAQ   FAQ
	Texts i18n.Texts
	// Zone is the community's own.
	Zone *time.Location
	// PublicURL is where people reach the console, or "": without it there are no calendar links.
	PublicURL string
	Now       func() time.Time
	Log       *slog.Logger
	// Wake is told after each commit which networks have something to send.
	Wake func(channel.Network)
	// Fetch brings a file that somebody sent; nil where no network can.
	Fetch func(ctx context.Context, n channel.Network, f channel.FileRef) (channel.File, error)
	// Link is where people reach the bot in private on a network, such as https://t.me/name, or "".
	Link func(channel.Network) string
	// Observe is told how long each turn took and whether it failed; nil means that nobody is.
	Observe func(n channel.Network, took time.Duration, err error)
	// NewCode makes the codes that link an address; nil stands for NewLinkCode.
	NewCode func() string
}

// Bot answers.
type Bot struct {
	Options
	chats chatLocks
}

// New makes a bot.
func New(o Options) *Bot {
	if o.NewCode == nil {
		o.NewCode = NewLinkCode
	}
	if o.Observe == nil {
		o.Observe = func(channel.Network, time.Duration, error) {}
	}
	return &Bot{Options: o}
}

// Receive takes one message in: channel.Receive for every network. It returns nil once all that the
// message changes is committed, and for messages that nobody answers.
func (b *Bot) Receive(ctx context.Context, m channel.Message) error {
	if m.From.Bot {
		return nil
	}
	if m.Room && m.Kind != channel.Moved && m.Kind != channel.Left {
		if err := b.Store.SeenInRoom(ctx, m, m.Kind == channel.Departed, b.Now()); err != nil {
			return err
		}
		if !m.Addressed {
			return nil
		}
	}
	began := b.Now()
	err := b.take(ctx, m)
	b.Observe(m.Chat.Network, b.Now().Sub(began), err)
	return err
}

// take makes one turn of a message. One chat, one turn at a time: the second of two quick messages must
// see what the first one changed.
func (b *Bot) take(ctx context.Context, m channel.Message) error {
	unlock := b.chats.lock(m.Chat)
	defer unlock()
	for range tries {
		done, err := b.try(ctx, m)
		if errors.Is(err, ErrStale) {
			continue
		}
		if done || err != nil {
			return err
		}
	}
	return fmt.Errorf("take a message in: %w", ErrStale)
}

func (b *Bot) try(ctx context.Context, m channel.Message) (done bool, err error) {
	now := b.Now()
	before, err := b.Store.Begin(ctx, m, now)
	if err != nil {
		return false, fmt.Errorf("begin a turn: %w", err)
	}
	if before.Seen {
		return true, nil
	}
	t := b.turn(m, before, now)
	o, err := b.think(ctx, t)
	if err != nil {
		return false, fmt.Errorf("think a turn: %w", err)
	}
	if o, err = b.finish(ctx, t, o); err != nil {
		return false, fmt.Errorf("finish a turn: %w", err)
	}
	committed, err := b.Store.Commit(ctx, t, o)
	if err != nil {
		return false, fmt.Errorf("commit a turn: %w", err)
	}
	if committed {
		b.wake(o.Send)
		// Whom the agenda wrote to, only the store knows.
		for _, n := range []channel.Network{channel.Telegram, channel.WhatsApp, channel.Web, channel.Terminal} {
			if len(o.Agenda) > 0 {
				b.Wake(n)
			}
		}
	}
	return true, nil
}

func (b *Bot) wake(drafts []outbox.Draft) {
	var woken []channel.Network
	for _, d := range drafts {
		if !slices.Contains(woken, d.To.Network) {
			woken = append(woken, d.To.Network)
			b.Wake(d.To.Network)
		}
	}
}

// turn puts together what is known before anything is decided.
func (b *Bot) turn(m channel.Message, before Before, now time.Time) Turn {
	t := Turn{Message: m, Before: before, Known: before.Member, Now: now}
	t.Late = !m.At.IsZero() && now.Sub(m.At) > lateAfter
	if t.Member.ID == 0 {
		t.Member.CreatedAt = now
	}
	if t.Member.Name == "" {
		t.Member.Name = m.From.Name
	}
	if t.Member.Phone == "" && m.Phone != "" && m.Kind == channel.Card {
		t.Member.Phone = m.Phone
	}
	t.Command, t.Args = command(m)
	b.chooseLanguage(&t)
	return t
}

// command splits "/announce all" into its name and what follows.
func command(m channel.Message) (name, args string) {
	if m.Kind != channel.Text || !strings.HasPrefix(m.Text, "/") {
		return "", ""
	}
	name, args, _ = strings.Cut(m.Text[1:], " ")
	return strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(args)
}

// chooseLanguage lets the answer follow the message. Until the person chose a language, their own
// follows too; after that only this answer does.
func (b *Bot) chooseLanguage(t *Turn) {
	t.Language = t.Member.Language
	// On the page the person sees and changes its language at any moment; elsewhere it is only a guess
	// for the first message.
	onPage := t.Chat.Network == channel.Web && !t.Member.LanguageChosen
	if t.Language == "" || onPage {
		t.Language = cmp.Or(t.Language, i18n.French)
		if l, ok := i18n.ParseLang(t.From.Language); ok {
			t.Language = l
		}
	}
	// What a publisher writes for others is in their language, not in the publisher's.
	if (t.Kind == channel.Text || t.Kind == channel.Media) && t.Command == "" && !composing(*t) {
		if l, sure := b.FAQ.Language(t.Text); sure {
			t.Language = l
		}
	}
	if !t.Member.LanguageChosen {
		t.Member.Language = t.Language
	}
}

// finish adds to an outcome what holds for every turn.
func (b *Bot) finish(ctx context.Context, t Turn, o Outcome) (Outcome, error) {
	if t.Kind == channel.Left || t.Kind == channel.Returned || t.Kind == channel.Moved {
		return o, nil
	}
	if t.Late && !o.crisis {
		o.Quiet = true
		o.Send = slices.DeleteFunc(o.Send, func(d outbox.Draft) bool { return d.To == t.Chat })
	}
	if t.Role == "" && !o.crisis {
		var err error
		if o, err = b.guard(ctx, t, o); err != nil {
			return o, err
		}
	}
	if t.Room || o.Erase {
		o.Said = nil
		return o, nil
	}
	if o.Member == nil {
		o.Member = &t.Member
	}
	if o.secret {
		return o, nil
	}
	said := []Said{}
	if t.Text != "" && t.Quoted == nil && t.Command != "staff" {
		said = append(said, Said{Who: desk.ByMember, Text: t.Text})
	}
	o.Said = append(said, o.Said...)
	for _, d := range o.Send {
		if d.To == t.Chat && t.Role == "" {
			o.Said = append(o.Said, Said{Who: desk.ByBot, Text: d.Content.Text})
		}
	}
	return o, nil
}

// mostReplies is how many answers a chat gets in ten minutes; a person does not ask more, another
// bot does for ever.
const mostReplies = 30

// guard breaks a loop: it says so once, leaves the chat to the team, and is silent until the window
// is over. What the message changes is still committed.
func (b *Bot) guard(ctx context.Context, t Turn, o Outcome) (Outcome, error) {
	toChat := func(d outbox.Draft) bool { return d.To == t.Chat }
	if t.Replies < mostReplies || !slices.ContainsFunc(o.Send, toChat) && len(o.Agenda) == 0 {
		return o, nil
	}
	o.Quiet = true
	o.Send = slices.DeleteFunc(o.Send, toChat)
	if t.Told {
		return o, nil
	}
	o.Told = true
	o = o.and(b.say(t, b.T(t, "guard.told")))
	if t.Room || o.Open != nil || o.Erase {
		return o, nil
	}
	staff, err := b.Store.Staff(ctx)
	if err != nil {
		return o, err
	}
	o.Open = &TicketOpening{Reason: desk.Loop}
	drafts, err := b.notices(ctx, t, staff, desk.Loop, "")
	o.Send = append(o.Send, drafts...)
	return o, err
}

// T is the text of key in the turn's language.
func (b *Bot) T(t Turn, key string, args ...any) string { return b.Texts.T(t.Language, key, args...) }

func (b *Bot) today(t Turn) community.Date { return community.DateAt(t.Now, b.Zone) }

// chatLocks serialises turns by chat. An entry lives only while somebody holds or waits for it.
type chatLocks struct {
	mu    sync.Mutex
	chats map[channel.Address]*chatLock
}

type chatLock struct {
	mu    sync.Mutex
	users int
}

func (c *chatLocks) lock(chat channel.Address) (unlock func()) {
	chat.Topic = ""
	c.mu.Lock()
	if c.chats == nil {
		c.chats = map[channel.Address]*chatLock{}
	}
	l := c.chats[chat]
	if l == nil {
		l = &chatLock{}
		c.chats[chat] = l
	}
	l.users++
	c.mu.Unlock()
	l.mu.Lock()
	return func() {
		l.mu.Unlock()
		c.mu.Lock()
		defer c.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(c.chats, chat)
		}
	}
}
