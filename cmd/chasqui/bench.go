package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"chasqui/bench"
	"chasqui/channel"
)

func (p *program) benchCommand() *cobra.Command {
	c := &cobra.Command{Use: "bench", Short: "Measure this machine, in a temporary directory", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(p.benchOutbox(), p.benchInbound())
	return c
}

func (p *program) benchOutbox() *cobra.Command {
	var deliveries int
	var rate float64
	var asJSON bool
	c := &cobra.Command{
		Use: "outbox", Short: "Measure how fast deliveries leave, and alerts behind them", Args: noArgs,
		Long: "Announces to many people on a network that takes everything at once: how many deliveries a second are made,\nhow many leave, and how long an alert takes that comes while they leave at 25 a second (or at --rate).",
		RunE: func(c *cobra.Command, _ []string) error {
			if deliveries < 1 {
				return wrongSetting("--deliveries %d: at least one must leave", deliveries)
			}
			if rate < 0 {
				return wrongSetting("--rate %v: give deliveries a second, or leave it out for as fast as can be", rate)
			}
			return p.benchIn(func(dir string) error {
				f, err := bench.MeasureOutbox(c.Context(), dir, deliveries, rate)
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(p.stdout).Encode(f)
				}
				_, err = fmt.Fprintf(p.stdout, "%d deliveries on %s: %.0f a second made, %.0f a second left; alerts p50 %.1f ms, p99 %.1f ms; %.0f MB\n",
					f.Deliveries, f.Store, f.FanOut, f.Drain, f.AlertP50, f.AlertP99, f.RSS)
				return err
			})
		},
	}
	c.Flags().IntVar(&deliveries, "deliveries", 100_000, "how many people the announcement goes to")
	c.Flags().Float64Var(&rate, "rate", 0, "deliveries a second; 0 is as fast as can be")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

func (p *program) benchInbound() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "inbound", Short: "Measure how many messages are taken in", Args: noArgs,
		Long: "Takes commands and questions in with the whole FAQ, as many as come at once, then one at a time.",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.benchIn(func(dir string) error {
				f, err := p.measureInbound(c.Context(), dir)
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(p.stdout).Encode(f)
				}
				_, err = fmt.Fprintf(p.stdout, "%.0f commands a second, %.0f questions a second on %s; a command alone takes %.1f ms\n", f.Commands, f.FAQ, f.Store, f.IdleP50)
				return err
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

// measureInbound makes the bot as serve does, on a database of its own.
func (p *program) measureInbound(ctx context.Context, dir string) (f bench.InboundFigures, err error) {
	s, err := p.settings()
	if err != nil {
		return f, err
	}
	s.Data = dir
	x, err := p.parts(ctx, s)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, x.store.Close()) }()
	x.log = slog.New(slog.NewTextHandler(io.Discard, nil))
	b := p.newBot(x, s, func(channel.Network) {}, func(channel.Network) string { return "" })
	return bench.MeasureInbound(ctx, b.Receive)
}

// benchIn runs f in a temporary directory.
func (p *program) benchIn(f func(dir string) error) error {
	dir, err := os.MkdirTemp("", "chasqui-bench")
	if err != nil {
		return fmt.Errorf("make a temporary directory: %w", err)
	}
	return errors.Join(f(dir), os.RemoveAll(dir))
}
