package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"chasqui/store"
)

func (p *program) memberDuplicates() *cobra.Command {
	var dismiss bool
	c := &cobra.Command{
		Use: "duplicates", Short: "List members who may be one person, and why; nothing is merged",
		Args: func(c *cobra.Command, args []string) error {
			if dismiss {
				return exactArgs(2, "the two members' ids")(c, args)
			}
			return noArgs(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if dismiss {
				return p.forTwo(c, args, p.dismissDuplicate)
			}
			return p.listDuplicates(c.Context())
		},
	}
	c.Flags().BoolVar(&dismiss, "dismiss", false, "say that the two members A B are two people")
	return c
}

func (p *program) listDuplicates(ctx context.Context) error {
	return p.withStore(ctx, func(st *store.Store, _ settings) error {
		found, err := st.Duplicates(ctx)
		if err != nil {
			return err
		}
		for _, d := range found {
			fmt.Fprintf(p.stdout, "%s | %s: %s\n", candidateText(d.A), candidateText(d.B), strings.Join(d.Why, ", "))
		}
		_, err = fmt.Fprintf(p.stdout, "pairs: %d\n", len(found))
		return err
	})
}

func candidateText(c store.Candidate) string {
	networks := "no address"
	if len(c.Networks) > 0 {
		networks = strings.Join(c.Networks, ", ")
	}
	return fmt.Sprintf("member %d %s (%s)", c.ID, c.Name, networks)
}

func (p *program) dismissDuplicate(ctx context.Context, st *store.Store, a, b int64) error {
	if err := st.DismissDuplicate(ctx, a, b, p.now()); err != nil {
		return fmt.Errorf("dismiss a duplicate: %w", err)
	}
	_, err := fmt.Fprintf(p.stdout, "members %d and %d are two people\n", a, b)
	return err
}

func (p *program) memberMerge() *cobra.Command {
	var commit bool
	c := &cobra.Command{
		Use: "merge FROM INTO", Short: "Show what making one member of two would keep; write it with --commit", Args: exactArgs(2, "the ids of the member who goes and of the one who stays"),
		RunE: func(c *cobra.Command, args []string) error {
			return p.forTwo(c, args, func(ctx context.Context, st *store.Store, from, into int64) error {
				m, err := st.Merge(ctx, from, into, commit, p.now())
				if err != nil {
					return fmt.Errorf("merge member %d into %d: %w", from, into, err)
				}
				return p.printMerge(m)
			})
		},
	}
	c.Flags().BoolVar(&commit, "commit", false, "write it; this cannot be undone")
	return c
}

func (p *program) printMerge(m store.Merge) error {
	fmt.Fprintf(p.stdout, "member %d %s goes, member %d %s stays\n", m.From.ID, m.From.Name, m.Into.ID, m.Into.Name)
	for _, f := range m.Fields {
		fmt.Fprintf(p.stdout, "%s: %q and %q become %q\n", f.Name, f.From, f.Into, f.Wins)
	}
	fmt.Fprintf(p.stdout, "addresses, groups, tickets, requests and what both agreed to go to member %d\n", m.Into.ID)
	return p.printWritten(m.Written)
}
