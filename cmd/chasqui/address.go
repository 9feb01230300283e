package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"chasqui/bot"
	"chasqui/community"
	"chasqui/store"
)

// linkCodeFor is how long a code that staff made can be used: it travels by mail or on paper.
const linkCodeFor = 24 * time.Hour

func (p *program) memberAddress() *cobra.Command {
	var prefer int64
	c := &cobra.Command{Use: "address ID", Short: "List where one person is reached; choose where they are written to", Args: exactArgs(1, "the member's id")}
	c.RunE = p.forMember(func(ctx context.Context, st *store.Store, id int64) error {
		if c.Flags().Changed("prefer") {
			if err := st.Prefer(ctx, id, prefer, p.now()); err != nil {
				return fmt.Errorf("prefer address %d of member %d: %w", prefer, id, err)
			}
		}
		addresses, err := st.Addresses(ctx, id)
		if err != nil {
			return fmt.Errorf("list the addresses of member %d: %w", id, err)
		}
		for _, a := range addresses {
			fmt.Fprintf(p.stdout, "%d %s %s%s\n", a.ID, a.Network, a.Address.ID, addressState(a))
		}
		_, err = fmt.Fprintf(p.stdout, "addresses: %d\n", len(addresses))
		return err
	})
	c.Flags().Int64Var(&prefer, "prefer", 0, "the number of the address that is preferred from now on")
	return c
}

func addressState(a community.Address) string {
	text := ""
	if a.Preferred {
		text += ", preferred"
	}
	if !a.Wrote {
		text += ", never wrote"
	}
	if a.Gone {
		text += ", blocked the bot or left"
	}
	return text
}

func (p *program) memberLinkCode() *cobra.Command {
	return &cobra.Command{
		Use: "link-code ID", Short: "Print a one-time code by which a person takes over what staff know of them", Args: exactArgs(1, "the member's id"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := memberID(args[0])
			if err != nil {
				return err
			}
			return p.withStore(c.Context(), func(st *store.Store, s settings) error {
				code, until := bot.NewLinkCode(), p.now().Add(linkCodeFor)
				if err := st.AddLinkCode(c.Context(), id, bot.HashCode(code), p.now(), until); err != nil {
					return fmt.Errorf("make a link code for member %d: %w", id, err)
				}
				_, err := fmt.Fprintf(p.stdout, "%s\n\nvalid until: %s\nThe person sends this to the bot, in private. Whoever sends it becomes member %d.\n",
					code, until.In(s.zone).Format("02/01/2006 15:04 MST"), id)
				return err
			})
		},
	}
}
