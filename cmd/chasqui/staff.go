package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chasqui/bot"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/store"
)

// inviteFor is how long an invitation can be used.
const inviteFor = 24 * time.Hour

func (p *program) staffCommand() *cobra.Command {
	c := &cobra.Command{Use: "staff", Short: "Bring people into the team", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(p.staffInvite(), p.staffAdd())
	return c
}

func (p *program) staffInvite() *cobra.Command {
	var roleName string
	c := &cobra.Command{
		Use: "invite", Short: "Print a one-time code that gives a role to whoever sends it to the bot", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			role, ok := community.ParseRole(roleName)
			if !ok {
				return wrongSetting("--role %q: write admin, publisher or agent", roleName)
			}
			return p.withStore(c.Context(), func(st *store.Store, s settings) error {
				code, until := bot.NewCode(), p.now().Add(inviteFor)
				if err := st.AddInvite(c.Context(), bot.HashCode(code), role, p.now(), until); err != nil {
					return err
				}
				_, err := fmt.Fprintf(p.stdout, "%s\n\nrole: %s\nvalid until: %s\nThe person sends this to the bot, in private: /staff %s\n",
					code, role, until.In(s.zone).Format("02/01/2006 15:04 MST"), code)
				return err
			})
		},
	}
	c.Flags().StringVar(&roleName, "role", "", "admin, publisher or agent")
	return c
}

func (p *program) staffAdd() *cobra.Command {
	var network, id, roleName string
	c := &cobra.Command{
		Use: "add", Short: "Give a role to an address without a code, for first set-up", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			role, ok := community.ParseRole(roleName)
			if !ok {
				return wrongSetting("--role %q: write admin, publisher or agent", roleName)
			}
			address, err := parseAddress(network, id)
			if err != nil {
				return err
			}
			return p.withStore(c.Context(), func(st *store.Store, _ settings) error {
				if err := st.AddStaff(c.Context(), address, role, p.now()); err != nil {
					return err
				}
				_, err := fmt.Fprintf(p.stdout, "%s %s is %s now\n", address.Network, address.ID, role)
				return err
			})
		},
	}
	c.Flags().StringVar(&network, "channel", "telegram", "telegram or terminal")
	c.Flags().StringVar(&id, "id", "", "the person's id there")
	c.Flags().StringVar(&roleName, "role", "", "admin, publisher or agent")
	return c
}

func parseAddress(network, id string) (channel.Address, error) {
	a := channel.Address{Network: channel.Network(strings.ToLower(network)), ID: strings.TrimSpace(id)}
	switch a.Network {
	case channel.Telegram:
		if n, err := strconv.ParseInt(a.ID, 10, 64); err != nil || n <= 0 {
			return a, wrongSetting("--id %q: a Telegram id is a number; the person finds it by writing to @userinfobot", id)
		}
	case channel.Terminal:
		if a.ID == "" {
			return a, wrongSetting("--id is missing: write the name used with chat --as")
		}
	default:
		return a, wrongSetting("--channel %q: write telegram or terminal", network)
	}
	return a, nil
}
