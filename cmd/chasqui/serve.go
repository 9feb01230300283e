package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"chasqui/agenda"
	"chasqui/bot"
	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/channel/telegram"
	"chasqui/channel/webchat"
	"chasqui/community"
	"chasqui/console"
	"chasqui/i18n"
	"chasqui/metrics"
	"chasqui/outbox"
)

// stopWithin is how long an orderly stop may take, by contract.
const stopWithin = 10 * time.Second

// Telegram takes about one message a second for a chat, with short bursts, and twenty a minute for a room: five
// at once and fifteen in the minute after them are never more.
var (
	telegramChat = outbox.Pace{Burst: 5, Every: time.Second}
	telegramRoom = outbox.Pace{Burst: 5, Every: 4 * time.Second}
)

// served is one network while serve runs.
type served struct {
	channel channel.Channel
	outbox  *outbox.Outbox
}

// serve runs everything until ctx ends. It starts what others need first and stops in the opposite
// order: nothing comes in any more before what goes out is recorded, and that before the store closes.
func (p *program) serve(ctx context.Context) (err error) {
	s, err := p.settings()
	if err != nil {
		return err
	}
	unlock, err := lockData(s.Data)
	if err != nil {
		return err
	}
	defer unlock()
	x, err := p.parts(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.store.Close()) }()
	if err := x.sayPaused(ctx); err != nil {
		return err
	}
	web := webchat.New(p.now)
	networks := map[channel.Network]*served{channel.Web: {channel: web}}
	tele := p.telegram(x, s)
	if tele != nil {
		networks[channel.Telegram] = &served{channel: tele}
	} else {
		x.log.Info("telegram is off: set CHASQUI_TELEGRAM_TOKEN to turn it on")
	}
	figures := metrics.New(x.store, slices.Collect(maps.Keys(networks)), version(), p.now, x.log)
	for name, n := range networks {
		o := outbox.Options{Zone: s.zone, Observe: figures.Tried(name)}
		if name == channel.Telegram {
			o.Rate = s.TelegramRate
			o.Chat, o.Room, o.IsRoom = telegramChat, telegramRoom, telegram.IsRoom
			// A picture over a weak line takes longer than a text; the channel bounds each call by itself.
			o.SendTimeout = 100 * time.Second
		}
		n.outbox = outbox.New(x.store, n.channel, outbox.Account{Network: name}, o, x.log, p.now)
	}
	wake := func(n channel.Network) {
		if on := networks[n]; on != nil {
			on.outbox.Wake()
		}
	}
	b := p.newBot(x, s, wake,
		func(n channel.Network) string {
			if n == channel.Telegram && tele != nil && tele.Username() != "" {
				return "https://t.me/" + tele.Username() + "?start=hello"
			}
			return ""
		})
	b.Observe = figures.Turn
	listener, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.Listen, err)
	}
	b.Fetch = func(ctx context.Context, n channel.Network, f channel.FileRef) (channel.File, error) {
		if on := networks[n]; on != nil {
			if from, ok := on.channel.(channel.Fetcher); ok {
				return from.Fetch(ctx, f)
			}
		}
		return channel.File{}, fmt.Errorf("fetch a file: %s brings none", n)
	}
	runner := broadcast.NewRunner(x.store, x.texts, s.zone, p.now, wake, x.log)
	return p.runAll(ctx, x, s, b, runner, networks, listener, web, tele, figures)
}

// sayPaused tells the log when the database starts paused, since nothing else would.
func (x *parts) sayPaused(ctx context.Context) error {
	since, restored, err := x.store.Paused(ctx)
	if err != nil || since.IsZero() {
		return err
	}
	f, err := x.store.Figures(ctx, since)
	if err != nil {
		return err
	}
	x.log.Warn("sending is paused: a publisher sends /resume to the bot to go on", "since", since.Format(time.RFC3339), "restored", restored, "waiting", f.Queued)
	return nil
}

func (p *program) telegram(x *parts, s settings) *telegram.Channel {
	if s.TelegramToken == "" {
		return nil
	}
	if s.TelegramRate > 30 {
		x.log.Warn("telegram_rate is above what Telegram allows without paid broadcasts", "rate", s.TelegramRate)
	}
	hook := ""
	if s.TelegramWebhook != "" {
		hook = strings.TrimRight(s.TelegramWebhook, "/") + console.WebhookPath
	}
	return telegram.New(telegram.Settings{Token: s.TelegramToken, API: s.TelegramAPI, WebhookURL: hook, Commands: menus(x.texts)}, x.log)
}

// menus are the commands that everybody may use, in each language; French is the one for all others.
func menus(texts i18n.Texts) map[string][]telegram.Command {
	out := map[string][]telegram.Command{}
	for _, l := range i18n.Langs {
		var list []telegram.Command
		for _, c := range bot.Commands() {
			if c.Role == "" && c.Name != "staff" {
				list = append(list, telegram.Command{Name: c.Name, Description: texts.T(l, "command."+c.Name)})
			}
		}
		out[string(l)] = list
	}
	out[""] = out[string(i18n.French)]
	return out
}

func (p *program) runAll(ctx context.Context, x *parts, s settings, b *bot.Bot, runner *broadcast.Runner, networks map[channel.Network]*served, listener net.Listener, web *webchat.Channel, tele *telegram.Channel, figures *metrics.Metrics) error {
	// Two lives: what comes in stops first, what goes out is recorded after it.
	in, stopIn := context.WithCancel(ctx)
	out, stopOut := context.WithCancel(context.WithoutCancel(ctx))
	defer stopOut()
	defer stopIn()
	failed := make(chan error, 8)
	var incoming, outgoing sync.WaitGroup
	for name, n := range networks {
		outgoing.Go(func() { failed <- named(name, "send", n.outbox.Run(out)) })
		incoming.Go(func() { p.receive(in, x, name, n, b) })
	}
	incoming.Go(func() {
		p.schedule(in, x, s, b, func() {
			for _, n := range networks {
				n.outbox.Wake()
			}
		})
	})
	incoming.Go(func() { runner.Run(in) })
	handler, err := p.console(x, s, web, tele, figures, in.Done())
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute}
	incoming.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve the console: %w", err)
		}
	})
	fmt.Fprintf(p.stdout, "ready console=http://%s\n", reachable(listener.Addr()))
	select {
	case <-ctx.Done():
		err = nil
	case err = <-failed:
	}
	x.log.Info("stopping")
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin-2*time.Second)
	defer cancel()
	stopIn()
	err = errors.Join(err, server.Shutdown(deadline))
	waitFor(deadline, &incoming)
	stopOut()
	waitFor(deadline, &outgoing)
	return err
}

func waitFor(ctx context.Context, group *sync.WaitGroup) {
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

func named(n channel.Network, what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s on %s: %w", what, n, err)
}

// receive runs one network. A network that fails for good takes nobody else down with it: people on
// the others still get answers, and the log says what to do.
func (p *program) receive(ctx context.Context, x *parts, name channel.Network, n *served, b *bot.Bot) {
	if err := n.channel.Run(ctx, b.Receive); err != nil {
		x.log.Error("a network is off until the next start: check its credentials with chasqui doctor", "network", name, "error", err)
	}
}

func (p *program) console(x *parts, s settings, web *webchat.Channel, tele *telegram.Channel, figures *metrics.Metrics, stopping <-chan struct{}) (http.Handler, error) {
	public, _ := url.Parse(s.PublicURL)
	o := console.Options{
		Chat: web, Texts: x.texts, Open: s.Webchat == "on", Secure: public != nil && public.Scheme == "https", Trusted: s.proxies,
		Calendars: feeds{store: x.store, texts: x.texts, now: p.now},
		Ready:     x.store.Ready, Metrics: figures.Handler(), MetricsToken: s.MetricsToken, Stopping: stopping, Now: p.now, Log: x.log,
	}
	if tele != nil && s.TelegramWebhook != "" {
		o.Webhook = tele.Webhook()
	}
	return console.New(o)
}

// reachable names a listener the way a browser on this machine reaches it.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// nightly is when the backup is taken and old things are removed, in the community's zone.
const nightly = "30 3 * * *"

// schedule does what is due, once at the start and then every minute. It looks at what is due by now rather
// than keeping timers of its own, so that a clock that jumps or a machine that slept costs a minute at most.
func (p *program) schedule(ctx context.Context, x *parts, s settings, b *bot.Bot, wake func()) {
	// A minute's work that takes longer than a minute is not begun again beside itself.
	work := cron.NewChain(cron.SkipIfStillRunning(cron.DiscardLogger)).Then(p.minute(ctx, x, s, b, wake))
	work.Run()
	clock := cron.New()
	if _, err := clock.AddJob(minutely, work); err != nil {
		panic(fmt.Sprintf("the minute's schedule is wrong: %v", err))
	}
	clock.Start()
	<-ctx.Done()
	<-clock.Stop().Done()
}

// minutely is when what is due is looked for.
const minutely = "* * * * *"

// minute is one minute's work. What fails is logged and tried again a minute later; it keeps nothing else
// from being done.
func (p *program) minute(ctx context.Context, x *parts, s settings, b *bot.Bot, wake func()) cron.FuncJob {
	plan, err := cron.ParseStandard(nightly)
	if err != nil {
		panic(fmt.Sprintf("the nightly schedule is wrong: %v", err))
	}
	keeper := &agenda.Timekeeper{Store: x.store, Voice: agenda.Voice{Texts: x.texts, Home: s.zone}, Log: x.log, Wake: wake}
	done := community.Date("")
	return func() {
		if err := b.ReleaseAbandoned(ctx, x.store); err != nil && ctx.Err() == nil {
			x.log.Error("abandoned tickets were not released", "error", err)
		}
		now := p.now().In(s.zone)
		if err := keeper.Tick(ctx, now); err != nil && ctx.Err() == nil {
			x.log.Error("what the agenda had due was not all done", "error", err)
		}
		today := community.DateAt(now, s.zone)
		if today == done || !nightIsOver(plan, now) || ctx.Err() != nil {
			return
		}
		if err := x.night(ctx, now); err != nil {
			if ctx.Err() == nil {
				x.log.Error("the night's work failed", "error", err)
			}
			return
		}
		done = today
	}
}

// nightIsOver reports whether today's time has come. A process that was down then does the work when it
// is up again; the backup's own name keeps it from being taken twice.
func nightIsOver(plan cron.Schedule, now time.Time) bool {
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	return !now.Before(plan.Next(midnight.Add(-time.Second)))
}

// night takes the backup first: what is removed after it can still be found there.
func (x *parts) night(ctx context.Context, now time.Time) error {
	file, err := x.store.BackupNightly(ctx, string(community.DateAt(now, now.Location())))
	if err != nil {
		return err
	}
	x.log.Info("backed up", "file", file)
	return x.store.Prune(ctx, now)
}
