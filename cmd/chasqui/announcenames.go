package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"chasqui/broadcast"
	"chasqui/outbox"
	"chasqui/store"
)

// pageOfNames is how many names one query reads.
const pageOfNames = 500

// namedStates are those that announce names knows, in the order of announce status.
var namedStates = []outbox.State{outbox.Queued, outbox.Sending, outbox.Sent, outbox.Delivered, outbox.Read, outbox.Failed, outbox.Stopped, outbox.Expired, outbox.Unknown}

func (p *program) announceNames() *cobra.Command {
	var state string
	c := p.onAnnouncement("names", "List who stands behind the counts, and why", func(ctx context.Context, st *store.Store, id int64) error {
		if state != "" && !slices.Contains(namedStates, outbox.State(state)) {
			return wrongSetting("--state %q: write one of %v", state, namedStates)
		}
		standing, ok, err := st.Standing(ctx, id)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("there is no announcement %d", id)
		}
		return p.printNames(ctx, st, standing, outbox.State(state))
	})
	c.Flags().StringVar(&state, "state", "", "only this one: queued, sending, sent, delivered, read, failed, stopped, expired, unknown")
	return c
}

// printNames lists those behind one state, or all of them: whom a delivery was made for, then whom not.
func (p *program) printNames(ctx context.Context, st *store.Store, standing broadcast.Standing, state outbox.State) error {
	for after := int64(0); ; {
		names, err := st.NamesBehind(ctx, standing.ID, state, after, pageOfNames)
		if err != nil {
			return err
		}
		for _, r := range names {
			after = r.DeliveryID
			fmt.Fprintln(p.stdout, nameLine(r))
		}
		if len(names) < pageOfNames {
			break
		}
	}
	remain, what := outbox.Queued, "not made yet"
	if standing.Unmade() == outbox.Stopped {
		remain, what = outbox.Stopped, "stopped"
	}
	if state == "" || state == remain {
		if err := p.printNotMade(ctx, st, standing.ID, what); err != nil {
			return err
		}
	}
	if standing.Erased > 0 && (state == "" || state == outbox.Stopped) {
		fmt.Fprintf(p.stdout, "stopped: %d people whose data were erased meanwhile: no name is kept\n", standing.Erased)
	}
	return nil
}

func (p *program) printNotMade(ctx context.Context, st *store.Store, id int64, what string) error {
	for skip := 0; ; skip += pageOfNames {
		names, err := st.NotMade(ctx, id, skip, pageOfNames)
		if err != nil {
			return err
		}
		for _, r := range names {
			line := what + ": " + whoIs(r)
			if what == string(outbox.Stopped) {
				line += ": " + broadcast.WasCancelled
			}
			fmt.Fprintln(p.stdout, line)
		}
		if len(names) < pageOfNames {
			return nil
		}
	}
}

func nameLine(r broadcast.Recipient) string {
	line := fmt.Sprintf("%s: %s", r.State, whoIs(r))
	if r.Reason != "" {
		line += ": " + r.Reason
	}
	return line
}

func whoIs(r broadcast.Recipient) string {
	switch {
	case r.Erased():
		return fmt.Sprintf("somebody whose name was erased (%s)", r.Network)
	case r.MemberID == 0:
		return fmt.Sprintf("the room of %s (%s)", r.Name, r.Network)
	}
	return fmt.Sprintf("%s (member %d, %s)", r.Name, r.MemberID, r.Network)
}

// printPreviewNames lists everybody behind the numbers of a preview.
func (p *program) printPreviewNames(ctx context.Context, st *store.Store, a broadcast.Announcement, preview broadcast.Preview) error {
	reasons := []broadcast.Reason{""}
	for _, e := range preview.Excluded {
		reasons = append(reasons, e.Why)
	}
	for _, why := range reasons {
		what := "gets it"
		if why != "" {
			what = "not, they " + reasonWords[why]
		}
		for skip := 0; ; skip += pageOfNames {
			names, err := st.PreviewNames(ctx, a, why, skip, pageOfNames)
			if err != nil {
				return err
			}
			for _, c := range names {
				where := string(c.Network)
				if c.Reads {
					where = "in the room"
				}
				fmt.Fprintf(p.stdout, "%s: %s (member %d%s)\n", what, c.Name, c.MemberID, comma(where))
			}
			if len(names) < pageOfNames {
				break
			}
		}
	}
	return nil
}

func comma(text string) string {
	if text == "" {
		return ""
	}
	return ", " + text
}
