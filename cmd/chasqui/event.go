package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chasqui/agenda"
	"chasqui/i18n"
	"chasqui/store"
)

// The feed of a calendar begins a month back, so that what was just over does not vanish, and ends where
// occurrences are made.
const (
	feedBack  = 30 * 24 * time.Hour
	feedAhead = 400 * 24 * time.Hour
)

// feeds are people's calendars as the console serves them.
type feeds struct {
	store *store.Store
	texts i18n.Texts
	now   func() time.Time
}

// Calendar implements console.Calendars.
func (f feeds) Calendar(ctx context.Context, secret string) ([]byte, bool, error) {
	now := f.now()
	m, cards, ok, err := f.store.Feed(ctx, agenda.HashFeedSecret(secret), now.Add(-feedBack), now.Add(feedAhead))
	if err != nil || !ok {
		return nil, false, err
	}
	l := agenda.Language(agenda.Person{Member: m})
	return agenda.Calendar(l, f.texts.T(l, "event.feed.name"), cards, now), true, nil
}

func (p *program) eventCommand() *cobra.Command {
	c := &cobra.Command{Use: "event", Short: "List, import and export events", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	var asJSON bool
	list := &cobra.Command{
		Use: "list", Short: "Print the events, the next one first and what is over last", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withStore(c.Context(), func(st *store.Store, _ settings) error {
				cards, err := st.Events(c.Context(), p.now())
				if err != nil {
					return err
				}
				return p.printEvents(cards, asJSON)
			})
		},
	}
	list.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	c.AddCommand(list, p.eventImport(), p.eventShow(), p.eventICS())
	return c
}

// eventLine is an event as scripts read it: with counts and without names.
type eventLine struct {
	ID       int64             `json:"id"`
	Titles   map[string]string `json:"titles"`
	Start    string            `json:"start"`
	End      string            `json:"end,omitempty"`
	Zone     string            `json:"zone"`
	StartsAt string            `json:"starts_at"`
	Place    string            `json:"place,omitempty"`
	Link     string            `json:"link,omitempty"`
	Seats    int               `json:"seats"`
	Audience string            `json:"audience"`
	Rule     string            `json:"rrule,omitempty"`
	State    string            `json:"state"`
	Yes      int               `json:"yes"`
	Maybe    int               `json:"maybe"`
	Waiting  int               `json:"waiting"`
}

func eventLineOf(c agenda.Card) eventLine {
	o := c.Occurrence
	line := eventLine{ID: c.Event.ID, Titles: map[string]string{}, Start: string(o.Start), End: string(o.End), Zone: c.Zone, StartsAt: o.StartsAt.Format(time.RFC3339),
		Place: o.Place, Link: o.Link, Seats: o.Seats, Audience: c.Audience, Rule: c.Rule, State: string(o.State), Yes: c.Coming, Maybe: c.Unsure, Waiting: c.Queue}
	for l, title := range c.Titles {
		line.Titles[string(l)] = title
	}
	return line
}

func (p *program) printEvents(cards []agenda.Card, asJSON bool) error {
	if asJSON {
		out := json.NewEncoder(p.stdout)
		for _, c := range cards {
			if err := out.Encode(eventLineOf(c)); err != nil {
				return fmt.Errorf("write the events: %w", err)
			}
		}
		return nil
	}
	if len(cards) == 0 {
		fmt.Fprintln(p.stdout, "no events yet: a publisher writes /event to the bot, or use chasqui event import")
	}
	for _, c := range cards {
		p.printOccurrence(c)
	}
	return nil
}

func (p *program) printOccurrence(c agenda.Card) {
	seats := "no limit"
	if c.Occurrence.Seats > 0 {
		seats = fmt.Sprintf("%d seats", c.Occurrence.Seats)
	}
	fmt.Fprintf(p.stdout, "%4d  %-16s %-15s %-9s %s: %d yes, %d maybe, %d waiting, %s\n", c.Event.ID, c.Occurrence.Start, c.Zone, c.Occurrence.State,
		c.Title(i18n.French), c.Coming, c.Unsure, c.Queue, seats)
}

func (p *program) eventImport() *cobra.Command {
	var commit bool
	c := &cobra.Command{
		Use: "import FILE.csv", Short: "Show what a calendar file would add; write it with --commit, all or nothing", Args: exactArgs(1, "the calendar file"),
		Long: "Show what a calendar file would add; write it with --commit, all or nothing.\nThe first line names the columns: date,end,start,finish,zone,title_fr,title_es,title_en,place,link,seats,audience,rrule.\nOnly date, title_fr and title_es must be filled; an event that is there already is not added again.",
		RunE: func(c *cobra.Command, args []string) error { return p.importEvents(c.Context(), args[0], commit) },
	}
	c.Flags().BoolVar(&commit, "commit", false, "write the events")
	return c
}

func (p *program) importEvents(ctx context.Context, file string, commit bool) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the calendar: %w", err)
	}
	return p.withStore(ctx, func(st *store.Store, s settings) error {
		rows, ignored, err := agenda.ReadSheet(data, s.zone)
		if err != nil {
			return err
		}
		if len(ignored) > 0 {
			fmt.Fprintf(p.stdout, "ignored columns: %s\n", strings.Join(ignored, ", "))
		}
		known, written, err := st.ImportEvents(ctx, rows, commit, p.now())
		if err != nil {
			return err
		}
		return p.printEventImport(rows, known, written, commit)
	})
}

func (p *program) printEventImport(rows []agenda.Row, known map[int]bool, written, commit bool) error {
	added, refused := 0, 0
	for _, r := range rows {
		switch {
		case r.Fault != nil:
			refused++
			fmt.Fprintf(p.stdout, "line %d: refused: %s\n", r.Line, strings.ReplaceAll(r.Fault.Error(), "\n", "; "))
		case !known[r.Line]:
			added++
			fmt.Fprintf(p.stdout, "line %d: %s %s %s\n", r.Line, r.Event.Start, r.Event.Zone, r.Event.Title(i18n.French))
		}
	}
	fmt.Fprintf(p.stdout, "%d added, %d the same, %d refused\n", added, len(known), refused)
	switch {
	case written:
		fmt.Fprintln(p.stdout, "written")
	case commit:
		return fmt.Errorf("nothing was written: correct the %d refused rows first", refused)
	default:
		fmt.Fprintln(p.stdout, "nothing was written: add --commit to write it")
	}
	return nil
}

func (p *program) eventShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Print one event with every occurrence", Args: exactArgs(1, "the event's id"),
		RunE: p.forEvent(func(_ context.Context, cards []agenda.Card) error {
			e := cards[0].Event
			fmt.Fprintf(p.stdout, "event %d, %s\n", e.ID, e.State)
			for _, l := range i18n.Langs {
				if t := e.Titles[l]; t != "" {
					fmt.Fprintf(p.stdout, "%s: %s\n", l, t)
				}
			}
			fmt.Fprintf(p.stdout, "for: %s\n", e.Audience)
			if e.Rule != "" {
				fmt.Fprintf(p.stdout, "repeats: %s\n", e.Rule)
			}
			for _, c := range cards {
				p.printOccurrence(c)
			}
			return nil
		}),
	}
}

func (p *program) eventICS() *cobra.Command {
	return &cobra.Command{
		Use: "ics ID", Short: "Print one event as a calendar file", Args: exactArgs(1, "the event's id"),
		RunE: p.forEvent(func(_ context.Context, cards []agenda.Card) error {
			_, err := p.stdout.Write(agenda.Calendar(i18n.French, "", cards, p.now()))
			return err
		}),
	}
}

var errNoSuchEvent = errors.New("no event has this id: see chasqui event list")

// forEvent is a command about the event whose id is its argument.
func (p *program) forEvent(f func(context.Context, []agenda.Card) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil || id <= 0 {
			return wrongSetting("%q is not an event's id: it is a number", args[0])
		}
		return p.withStore(c.Context(), func(st *store.Store, _ settings) error {
			cards, err := st.Occurrences(c.Context(), id)
			if err != nil {
				return err
			}
			if len(cards) == 0 {
				return errNoSuchEvent
			}
			return f(c.Context(), cards)
		})
	}
}
