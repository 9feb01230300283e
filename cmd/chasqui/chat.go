package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/channel/terminal"
	"chasqui/community"
	"chasqui/i18n"
	"chasqui/outbox"
)

func (p *program) chatCommand() *cobra.Command {
	var name, lang string
	var staff bool
	c := &cobra.Command{
		Use: "chat", Short: "Talk with the bot in the terminal", Args: noArgs,
		Long: "Talk with the bot in the terminal. A number taps the button that carries it; /quit leaves.\nWhen the input is not a terminal, each line is one message and the replies are printed.",
		RunE: func(c *cobra.Command, _ []string) error { return p.chat(c.Context(), name, lang, staff) },
	}
	c.Flags().StringVar(&name, "as", "", "your name (default: the one you are logged in with)")
	c.Flags().StringVar(&lang, "lang", "", "your language: fr, es or en")
	c.Flags().BoolVar(&staff, "staff", false, "talk as an administrator of the team")
	return c
}

func (p *program) chat(ctx context.Context, name, lang string, staff bool) (err error) {
	s, err := p.settings()
	if err != nil {
		return err
	}
	if lang != "" {
		if _, ok := i18n.ParseLang(lang); !ok {
			return wrongSetting("--lang %q: write fr, es or en", lang)
		}
	}
	if name == "" {
		name = loginName()
	}
	x, err := p.parts(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.store.Close()) }()
	var box *outbox.Outbox
	runner := broadcast.NewRunner(x.store, x.texts, s.zone, p.now, func(channel.Network) {}, x.log)
	chat := terminal.New(terminal.Options{
		In: p.stdin, Out: p.stdout, Name: name, Language: lang, Interactive: isTerminal(p.stdin) && isTerminal(p.stdout), Now: p.now,
		Settle: func(ctx context.Context) error { return settle(ctx, runner, box) },
		NewID:  func() string { return uuid.Must(uuid.NewV7()).String() },
	})
	// Only this chat is drained here: what goes to other networks leaves through serve.
	account := outbox.Account{Network: channel.Terminal, Chat: name}
	box = outbox.New(x.store, chat, account, outbox.Options{Zone: s.zone}, x.log, p.now)
	if _, _, err := x.store.Recover(ctx, account, p.now()); err != nil {
		return err
	}
	if staff {
		if err := x.store.AddStaff(ctx, chat.Address(), community.Admin, p.now()); err != nil {
			return err
		}
	}
	b := p.newBot(x, s, func(channel.Network) {}, func(channel.Network) string { return "" })
	if err := box.Drain(ctx); err != nil {
		return err
	}
	return chat.Run(ctx, b.Receive)
}

// settle sends what answers a line, and moves announcements on: in a terminal without serve nobody else does.
func settle(ctx context.Context, runner *broadcast.Runner, box *outbox.Outbox) error {
	if err := box.Drain(ctx); err != nil {
		return err
	}
	if err := runner.Step(ctx); err != nil {
		return err
	}
	return box.Drain(ctx)
}

func loginName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	if name := os.Getenv("USER"); name != "" {
		return name
	}
	return fmt.Sprintf("guest-%d", os.Getpid())
}
