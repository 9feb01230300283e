package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"chasqui/store"
)

func (p *program) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Short: "Write a consistent copy of the database, also while serve runs", Args: exactArgs(1, "the file to write"),
		RunE: func(c *cobra.Command, args []string) error {
			return p.withStore(c.Context(), func(st *store.Store, _ settings) error {
				if err := st.Backup(c.Context(), args[0]); err != nil {
					return err
				}
				_, err := fmt.Fprintf(p.stdout, "backed up to %s\n", args[0])
				return err
			})
		},
	}
}

func (p *program) restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use: "restore FILE", Short: "Put a backup in the database's place; it starts paused and says what it would send", Args: exactArgs(1, "the backup to restore"),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := p.settings()
			if err != nil {
				return err
			}
			unlock, err := lockData(s.Data)
			if err != nil {
				return fmt.Errorf("stop serve first: %w", err)
			}
			defer unlock()
			held, err := store.Restore(c.Context(), args[0], s.databaseFile(), p.now())
			if err != nil {
				return err
			}
			fmt.Fprintf(p.stdout, "restored %s; it starts paused\n", args[0])
			if len(held) == 0 {
				fmt.Fprintln(p.stdout, "nothing was waiting to be sent")
			}
			for _, h := range held {
				switch {
				case h.AnnouncementID != 0 && h.Started:
					fmt.Fprintf(p.stdout, "announcement %d is paused with %d left to make: chasqui announce resume or cancel %d; whoever got it since the backup would get it again\n",
						h.AnnouncementID, h.Count, h.AnnouncementID)
					continue
				case h.AnnouncementID != 0:
					fmt.Fprintf(p.stdout, "announcement %d was about to start: chasqui announce start-late or cancel %d\n", h.AnnouncementID, h.AnnouncementID)
					continue
				}
				fmt.Fprintf(p.stdout, "would send: %d %s on %s", h.Count, h.Lane, h.Network)
				if h.InFlight > 0 {
					fmt.Fprintf(p.stdout, ", %d of them were leaving when the backup was taken", h.InFlight)
				}
				fmt.Fprintln(p.stdout)
			}
			_, err = fmt.Fprintln(p.stdout, "A publisher or admin sends /resume to the bot to let them go; new replies and alerts leave meanwhile.")
			return err
		},
	}
}
