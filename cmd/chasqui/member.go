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
	c := &cobra.Command{Use: "member", Short: "Import, export and erase members; make one of two", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(p.memberImport(), p.memberExport(), p.memberErase(),
		p.memberDuplicates(), p.memberMerge(), p.memberAddress(), p.memberLinkCode())
	return c
}

func (p *program) memberImport() *cobra.Command {
	var commit, undo bool
	c := &cobra.Command{
		Use: "import FILE.csv|FILE.xlsx", Short: "Show what a spreadsheet would change; write it with --commit, all or nothing",
		Args: func(c *cobra.Command, args []string) error {
			if undo {
				return noArgs(c, args)
			}
			return exactArgs(1, "the spreadsheet")(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if undo {
				return p.undoImport(c.Context(), commit)
			}
			return p.importMembers(c.Context(), args[0], commit)
		},
	}
	c.Flags().BoolVar(&commit, "commit", false, "write the changes")
	c.Flags().BoolVar(&undo, "undo", false, "show what taking the newest import back would change")
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
	if commit && !written {
		return fmt.Errorf("nothing was written: correct the %d refused rows first", counts[store.Refused])
	}
	return p.printWritten(written)
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

// undoImport takes the newest import back; again, the one before it.
func (p *program) undoImport(ctx context.Context, commit bool) error {
	return p.withStore(ctx, func(st *store.Store, s settings) error {
		undo, err := st.UndoImport(ctx, commit, p.now())
		if err != nil {
			return fmt.Errorf("take an import back: %w", err)
		}
		fmt.Fprintf(p.stdout, "import %d of %s, rows: %d\n", undo.ImportID, undo.At.In(s.zone).Format("02/01/2006 15:04 MST"), undo.Rows)
		counts := map[string]int{}
		for _, m := range undo.Members {
			counts[m.Kind]++
			p.printUndone(m)
		}
		fmt.Fprintf(p.stdout, "%d removed, %d restored, %d kept\n", counts[store.Removed], counts[store.Restored], counts[store.Kept])
		return p.printWritten(undo.Written)
	})
}

func (p *program) printUndone(m store.Undone) {
	fmt.Fprintf(p.stdout, "member %d %s: %s", m.MemberID, m.Name, m.Kind)
	if len(m.Restored) > 0 {
		fmt.Fprintf(p.stdout, " %s", strings.Join(m.Restored, ", "))
	}
	if len(m.Why) > 0 {
		why := strings.Join(m.Why, "; ")
		if m.Kind != store.Kept {
			why = "kept " + why
		}
		fmt.Fprintf(p.stdout, ": %s", why)
	}
	fmt.Fprintln(p.stdout)
}

// printWritten ends what every command with --commit prints.
func (p *program) printWritten(written bool) error {
	line := "nothing was written: add --commit to write it"
	if written {
		line = "written"
	}
	_, err := fmt.Fprintln(p.stdout, line)
	return err
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
		id, err := memberID(args[0])
		if err != nil {
			return err
		}
		return p.withStore(c.Context(), func(st *store.Store, _ settings) error { return f(c.Context(), st, id) })
	}
}

func memberID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, wrongSetting("%q is not a member's id: it is a number", text)
	}
	return id, nil
}

// forTwo is a command about the two members whose ids are its arguments.
func (p *program) forTwo(c *cobra.Command, args []string, f func(context.Context, *store.Store, int64, int64) error) error {
	a, err := memberID(args[0])
	if err != nil {
		return err
	}
	b, err := memberID(args[1])
	if err != nil {
		return err
	}
	return p.withStore(c.Context(), func(st *store.Store, _ settings) error { return f(c.Context(), st, a, b) })
}
