package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"time"

	"github.com/spf13/cobra"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/outbox"
	"chasqui/store"
)

// standingJSON is an announcement's line of announce status --json, as the contract has it.
type standingJSON struct {
	ID       int64  `json:"id"`
	Class    string `json:"class"`
	State    string `json:"state"`
	Audience string `json:"audience"`
	Total    int    `json:"total"`
	countsJSON
	Networks map[channel.Network]countsJSON `json:"networks"`
	// SecondsLeft stands only while somebody can say.
	SecondsLeft int `json:"seconds_left,omitempty"`
}

type countsJSON struct {
	Queued    int `json:"queued"`
	Sending   int `json:"sending"`
	Sent      int `json:"sent"`
	Delivered int `json:"delivered"`
	Failed    int `json:"failed"`
	Stopped   int `json:"stopped"`
	Expired   int `json:"expired"`
	Unknown   int `json:"unknown"`
}

func countsOf(in func(outbox.State) int) countsJSON {
	return countsJSON{
		Queued: in(outbox.Queued), Sending: in(outbox.Sending), Sent: in(outbox.Sent), Delivered: in(outbox.Delivered) + in(outbox.Read),
		Failed: in(outbox.Failed), Stopped: in(outbox.Stopped), Expired: in(outbox.Expired), Unknown: in(outbox.Unknown),
	}
}

func (p *program) announceStatus() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "status [ID]", Short: "Say how far announcements are, the newest last",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var id int64
			if len(args) == 1 {
				var err error
				if id, err = number(args[0], "an announcement's number"); err != nil {
					return err
				}
			}
			return p.withStore(c.Context(), func(st *store.Store, s settings) error { return p.printStatus(c.Context(), st, s.zone, id, asJSON) })
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return c
}

func (p *program) printStatus(ctx context.Context, st *store.Store, zone *time.Location, id int64, asJSON bool) error {
	ids := []int64{id}
	if id == 0 {
		all, err := st.Announcements(ctx, 0)
		if err != nil {
			return err
		}
		ids = nil
		for _, a := range all {
			ids = append(ids, a.ID)
		}
	}
	for _, id := range ids {
		standing, ok, err := st.Standing(ctx, id)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("there is no announcement %d", id)
		}
		if standing.Left, err = st.TimeLeft(ctx, standing, p.now()); err != nil {
			return err
		}
		if asJSON {
			err = json.NewEncoder(p.stdout).Encode(asStanding(standing))
		} else {
			_, err = fmt.Fprintln(p.stdout, statusLine(standing, zone))
		}
		if err != nil {
			return fmt.Errorf("write the status: %w", err)
		}
	}
	return nil
}

func asStanding(st broadcast.Standing) standingJSON {
	out := standingJSON{
		ID: st.ID, Class: string(st.Class), State: stateOf(st), Audience: st.Audience, Total: st.Total,
		countsJSON: countsOf(st.In), Networks: map[channel.Network]countsJSON{},
		SecondsLeft: int(st.Left.Round(time.Second).Seconds()),
	}
	for n, counts := range st.Networks {
		out.Networks[n] = countsOf(func(s outbox.State) int { return counts[s] })
	}
	return out
}

// stateOf names the state that an operator sees: paused and retracted are marks on the others.
func stateOf(st broadcast.Standing) string {
	switch {
	case !st.RetractedAt.IsZero():
		return "retracted"
	case st.State == broadcast.Sending && !st.PausedAt.IsZero():
		return "paused"
	}
	return string(st.State)
}

func statusLine(st broadcast.Standing, zone *time.Location) string {
	line := fmt.Sprintf("%d %s %s to %s", st.ID, st.Class, stateOf(st), st.Audience)
	if st.State == broadcast.Approved {
		return line + ", starts " + st.StartAt.In(zone).Format("2006-01-02 15:04:05")
	}
	if !st.StartedAt.IsZero() {
		line += ", started " + st.StartedAt.In(zone).Format("2006-01-02 15:04")
	}
	line += ": " + countsLine(st)
	if left := leftWords(st.Left); left != "" {
		line += ", " + left
	}
	return line
}

// countsLine says how many there are in each state.
func countsLine(st broadcast.Standing) string {
	line := fmt.Sprintf("%d in all", st.Total)
	for _, s := range []outbox.State{outbox.Queued, outbox.Sending, outbox.Sent, outbox.Delivered, outbox.Read, outbox.Failed, outbox.Stopped, outbox.Expired, outbox.Unknown} {
		if n := st.In(s); n > 0 {
			line += fmt.Sprintf(", %d %s", n, s)
		}
	}
	return line
}

func (p *program) groupCommand() *cobra.Command {
	c := &cobra.Command{Use: "group", Short: "The catalogue's groups and their rooms", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(p.groupList(), p.groupLink())
	return c
}

func (p *program) groupList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the groups, their rooms and who is known to be there", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withStore(c.Context(), func(st *store.Store, _ settings) error {
				groups, err := st.Catalogue(c.Context())
				if err != nil {
					return err
				}
				rooms, err := st.Rooms(c.Context())
				if err != nil {
					return err
				}
				sort.SliceStable(rooms, func(i, j int) bool { return rooms[i].Network < rooms[j].Network })
				for _, g := range groups {
					line := fmt.Sprintf("%s (%s)", g.Slug, g.Kind)
					for _, r := range rooms {
						if r.Slug == g.Slug {
							line += fmt.Sprintf(", %s room %s with %d known readers", r.Network, r.ID, r.Readers)
						}
					}
					fmt.Fprintln(p.stdout, line)
				}
				return nil
			})
		},
	}
}

func (p *program) groupLink() *cobra.Command {
	var network, id, topic string
	c := &cobra.Command{
		Use: "link SLUG", Short: "Make a chat the room of a group: announcements to the group are posted there once", Args: exactArgs(1, "the group's slug"),
		RunE: func(c *cobra.Command, args []string) error {
			if network != string(channel.Telegram) || id == "" {
				return wrongSetting("write --channel telegram and the room's id with --id")
			}
			return p.withStore(c.Context(), func(st *store.Store, _ settings) error {
				groups, err := st.Catalogue(c.Context())
				if err != nil {
					return err
				}
				for _, g := range groups {
					if g.Slug != args[0] {
						continue
					}
					if err := st.LinkRoom(c.Context(), g.Slug, channel.Address{Network: channel.Telegram, ID: id, Topic: topic}, "operator", p.now()); err != nil {
						return err
					}
					_, err := fmt.Fprintf(p.stdout, "announcements to %s are posted in %s\n", g.Slug, id)
					return err
				}
				return wrongSetting("group %q is not in the catalogue: see chasqui group list", args[0])
			})
		},
	}
	c.Flags().StringVar(&network, "channel", "", "the room's network: telegram")
	c.Flags().StringVar(&id, "id", "", "the room's id there, such as -1001234567890")
	c.Flags().StringVar(&topic, "topic", "", "the topic in the room, if it has topics")
	return c
}
