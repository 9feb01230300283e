package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"chasqui/community"
	"chasqui/store"
)

func (p *program) memberCommand() *cobra.Command {
	c := &cobra.Command{Use: "member", Short: "Import, export and erase members", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(p.memberImport(), p.memberExport(), p.memberErase())
	return c
}

func (p *program) memberImport() *cobra.Command {
	var commit bool
	c := &cobra.Command{
		Use: "import FILE.csv|FILE.xlsx", Short: "Show what a spreadsheet would change; write it with --commit, all or nothing", Args: exactArgs(1, "the spreadsheet"),
		RunE: func(c *cobra.Command, args []string) error { return p.importMembers(c.Context(), args[0], commit) },
	}
	c.Flags().BoolVar(&commit, "commit", false, "write the changes")
	return c
}

func (p *program) importMembers(ctx context.Context, file string, commit bool) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the spreadsheet: %w", err)
	}
	roster, err := community.ReadRoster(data, strings.HasSuffix(strings.ToLower(file), ".xlsx"))
	if err != nil {
		return err
	}
	return p.withStore(ctx, func(st *store.Store, _ settings) error {
		changes, written, err := st.Import(ctx, roster.Rows, commit, p.now())
		if err != nil {
			return err
		}
		return p.printImport(roster, changes, written, commit)
	})
}

func (p *program) printImport(roster community.Roster, changes []store.Change, written, commit bool) error {
	if len(roster.Ignored) > 0 {
		fmt.Fprintf(p.stdout, "ignored columns: %s\n", strings.Join(roster.Ignored, ", "))
	}
	counts := map[string]int{}
	for _, c := range changes {
		counts[c.Kind]++
		p.printChange(c)
	}
	fmt.Fprintf(p.stdout, "%d added, %d changed, %d the same, %d refused\n", counts[store.Added], counts[store.Changed], counts[store.Same], counts[store.Refused])
	switch {
	case written:
		fmt.Fprintln(p.stdout, "written")
	case commit:
		return fmt.Errorf("nothing was written: correct the %d refused rows first", counts[store.Refused])
	default:
		fmt.Fprintln(p.stdout, "nothing was written: add --commit to write it")
	}
	return nil
}

// printChange names a person on the operator's own terminal: whoever has the spreadsheet has the names.
func (p *program) printChange(c store.Change) {
	if c.Kind == store.Same {
		return
	}
	fmt.Fprintf(p.stdout, "line %d: %s %s", c.Row.Line, c.Kind, c.Row.Member.Name)
	if c.Why != "" {
		fmt.Fprintf(p.stdout, ": %s", c.Why)
	}
	fmt.Fprintln(p.stdout)
}

func (p *program) memberExport() *cobra.Command {
	return &cobra.Command{
		Use: "export ID", Short: "Print all that is kept of one person, as JSON", Args: exactArgs(1, "the member's id"),
		RunE: p.forMember(func(ctx context.Context, st *store.Store, id int64) error {
			record, err := st.Record(ctx, id)
			if err != nil {
				return fmt.Errorf("export member %d: %w", id, err)
			}
			_, err = p.stdout.Write(record)
			return err
		}),
	}
}

func (p *program) memberErase() *cobra.Command {
	return &cobra.Command{
		Use: "erase ID", Short: "Erase one person and all that is kept of them", Args: exactArgs(1, "the member's id"),
		RunE: p.forMember(func(ctx context.Context, st *store.Store, id int64) error {
			if err := st.Erase(ctx, id, "operator", p.now()); err != nil {
				return fmt.Errorf("erase member %d: %w", id, err)
			}
			_, err := fmt.Fprintf(p.stdout, "member %d is erased\n", id)
			return err
		}),
	}
}

// forMember is a command about the member whose id is its argument.
func (p *program) forMember(f func(context.Context, *store.Store, int64) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil || id <= 0 {
			return wrongSetting("%q is not a member's id: it is a number", args[0])
		}
		return p.withStore(c.Context(), func(st *store.Store, _ settings) error { return f(c.Context(), st, id) })
	}
}
