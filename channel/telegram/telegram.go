// Package telegram carries messages over Telegram's Bot API.
//
// What must stay true: an update is acknowledged only after receive returned nil for it; the token is in
// no error and no log; every tap is answered once for each time Telegram delivers it.
package telegram

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"chasqui/channel"
)

// Command is one line of the menu that Telegram shows.
type Command struct {
	Name        string `json:"command"`
	Description string `json:"description"`
}

// Settings are what the channel needs to know.
type Settings struct {
	Token string
	// API is the base address of the Bot API; empty is Telegram's own.
	API string
	// WebhookURL is where Telegram is to call; empty means long polling.
	WebhookURL string
	// Commands are the menus of private chats by language code; "" is everybody else's.
	Commands map[string][]Command
	// PollTimeout is how long one poll waits; zero means 50 s, the most that Telegram allows.
	PollTimeout time.Duration
	// Backoff is the first pause after a failure, doubled up to a minute; zero means 1 s.
	Backoff time.Duration
	// UploadWait is how long a message waits while another one uploads the same file, before it asks to
	// be sent later: who waits holds up replies. Zero means 2 s.
	UploadWait time.Duration
}

// Channel is one bot account.
type Channel struct {
	settings Settings
	log      *slog.Logger
	http     *http.Client
	api      tg.BotAPI
	secret   string
	self     atomic.Pointer[tg.User]
	receive  atomic.Pointer[channel.Receive]
	inside   chan struct{}
	answers  sync.WaitGroup
	uploads  *uploads
}

const (
	// callTimeout bounds one call that is neither a poll nor carries a file.
	callTimeout = 25 * time.Second
	// fileTimeout bounds one that carries a file: ten megabytes over a line of one megabit a second.
	fileTimeout = 90 * time.Second
)

// New makes a channel. Nothing is called before Run, Send or Check.
func New(s Settings, log *slog.Logger) *Channel {
	if s.API == "" {
		s.API = "https://api.telegram.org"
	}
	if s.PollTimeout == 0 {
		s.PollTimeout = 50 * time.Second
	}
	if s.Backoff == 0 {
		s.Backoff = time.Second
	}
	if s.UploadWait == 0 {
		s.UploadWait = 2 * time.Second
	}
	secret := make([]byte, 32)
	rand.Read(secret) // never fails: crypto/rand.Read ends the process instead
	c := &Channel{settings: s, log: log, secret: hex.EncodeToString(secret), inside: make(chan struct{}, webhookInside), uploads: newUploads()}
	// The library's client keeps two connections; with the outbox sending 32 at a time the rest
	// would be dialled anew for every message.
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 40
	transport.ResponseHeaderTimeout = s.PollTimeout + 15*time.Second
	c.http = &http.Client{Transport: transport}
	c.api = tg.BotAPI{Token: s.Token}
	c.api.SetAPIEndpoint(strings.TrimRight(s.API, "/") + "/bot%s/%s")
	return c
}

// Network implements channel.Channel.
func (c *Channel) Network() channel.Network { return channel.Telegram }

// Check asks Telegram who the bot is: what doctor does.
func (c *Channel) Check(ctx context.Context) (username string, err error) {
	raw, err := c.call(ctx, "getMe", tg.Params{})
	if err != nil {
		return "", err
	}
	var me tg.User
	if err := json.Unmarshal(raw, &me); err != nil {
		return "", fmt.Errorf("read who the bot is: %w", err)
	}
	c.self.Store(&me)
	return me.UserName, nil
}

// Username is the bot's own name, without @; empty until Telegram said it.
func (c *Channel) Username() string {
	if me := c.self.Load(); me != nil {
		return me.UserName
	}
	return ""
}

// Run implements channel.Channel: by long polling, or by webhook when an address is set.
func (c *Channel) Run(ctx context.Context, receive channel.Receive) error {
	defer c.answers.Wait()
	if err := c.introduce(ctx); err != nil {
		return ignoreEnd(ctx, err)
	}
	c.log.Info("telegram is connected", "webhook", c.settings.WebhookURL != "")
	if c.settings.WebhookURL == "" {
		return ignoreEnd(ctx, c.poll(ctx, receive))
	}
	c.receive.Store(&receive)
	defer c.receive.Store(nil)
	if err := c.persist(ctx, "setWebhook", tg.Params{"url": c.settings.WebhookURL, "secret_token": c.secret, "allowed_updates": allowedUpdates, "max_connections": "16"}); err != nil {
		return ignoreEnd(ctx, err)
	}
	<-ctx.Done()
	return nil
}

func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// introduce learns the bot's name and sets its menus.
func (c *Channel) introduce(ctx context.Context) error {
	pause := c.settings.Backoff
	for {
		_, err := c.Check(ctx)
		if err == nil {
			break
		}
		if final(err) {
			return fmt.Errorf("ask Telegram who the bot is: %w", err)
		}
		c.log.Warn("telegram does not answer", "error", err)
		if pause, err = c.wait(ctx, pause, err); err != nil {
			return err
		}
	}
	for lang, commands := range c.settings.Commands {
		list, err := json.Marshal(commands)
		if err != nil {
			return fmt.Errorf("write the menu: %w", err)
		}
		p := tg.Params{"commands": string(list), "scope": `{"type":"all_private_chats"}`}
		if lang != "" {
			p["language_code"] = lang
		}
		// A menu that is not set costs nobody an answer.
		if _, err := c.call(ctx, "setMyCommands", p); err != nil && ctx.Err() == nil {
			c.log.Warn("the menu was not set", "language", lang, "error", err)
		}
	}
	if c.settings.WebhookURL == "" {
		// One that is left from before makes Telegram refuse to be polled, which the log then says.
		if _, err := c.call(ctx, "deleteWebhook", tg.Params{}); err != nil && ctx.Err() == nil {
			c.log.Warn("an earlier webhook was not removed", "error", err)
		}
	}
	return nil
}

// persist calls until Telegram takes it or says that it never will.
func (c *Channel) persist(ctx context.Context, method string, p tg.Params) error {
	pause := c.settings.Backoff
	for {
		_, err := c.call(ctx, method, p)
		if err == nil {
			return nil
		}
		if fault := channel.FaultOf(err).Fault; fault == channel.Rejected || final(err) {
			return fmt.Errorf("%s: %w", method, err)
		}
		if pause, err = c.wait(ctx, pause, err); err != nil {
			return err
		}
	}
}

// wait pauses after a failure, longer each time, at least as long as Telegram asks for.
func (c *Channel) wait(ctx context.Context, pause time.Duration, failure error) (next time.Duration, err error) {
	timer := time.NewTimer(max(pause, channel.FaultOf(failure).RetryAfter))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-timer.C:
		return min(2*pause, time.Minute), nil
	}
}

func final(err error) bool { return channel.FaultOf(err).Fault == channel.Off }
