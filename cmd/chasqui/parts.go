package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"chasqui/bot"
	"chasqui/channel"
	"chasqui/faq"
	"chasqui/i18n"
	"chasqui/store"
)

// parts are what serve and chat both need.
type parts struct {
	store *store.Store
	texts *i18n.Catalogue
	faq   *knowledge
	log   *slog.Logger
}

func (p *program) parts(ctx context.Context, s settings) (*parts, error) {
	texts, err := i18n.Load()
	if err != nil {
		return nil, err
	}
	entries, err := faq.Builtin()
	if err != nil {
		return nil, err
	}
	st, err := store.Open(ctx, s.databaseFile(), p.now())
	if err != nil {
		return nil, err
	}
	k := &knowledge{}
	k.index.Store(faq.NewIndex(entries))
	return &parts{store: st, texts: texts, faq: k, log: newLog(p.stderr)}, nil
}

func (p *program) newBot(x *parts, s settings, wake func(channel.Network), link func(channel.Network) string) *bot.Bot {
	return bot.New(bot.Options{Store: x.store, FAQ: x.faq, Texts: x.texts, Zone: s.zone, PublicURL: s.PublicURL, Now: p.now, Log: x.log, Wake: wake, Link: link})
}

// knowledge is the FAQ as it serves: the index behind it may be replaced at any time.
type knowledge struct{ index atomic.Pointer[faq.Index] }

func (k *knowledge) Decide(q faq.Query) faq.Decision          { return k.index.Load().Decide(q) }
func (k *knowledge) Language(text string) (i18n.Lang, bool)   { return k.index.Load().Language(text) }
func (k *knowledge) Entry(slug string) (e faq.Entry, ok bool) { return k.index.Load().Entry(slug) }

// withStore opens the database for a command that needs nothing else, and closes it after.
func (p *program) withStore(ctx context.Context, f func(*store.Store, settings) error) (err error) {
	s, err := p.settings()
	if err != nil {
		return err
	}
	st, err := store.Open(ctx, s.databaseFile(), p.now())
	if err != nil {
		return fmt.Errorf("open %s: %w", s.databaseFile(), err)
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	return f(st, s)
}
