package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"chasqui/bot"
	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/i18n"
	"chasqui/store"
)

// announceFlags are what announce is told.
type announceFlags struct {
	class, to, at, expires, file string
	texts                        map[i18n.Lang]*string
	yes, json, watch, names      bool
}

func (p *program) announceCommand() *cobra.Command {
	f := announceFlags{texts: map[i18n.Lang]*string{}}
	c := &cobra.Command{
		Use: "announce", Short: "Send one message to many: shows who gets it, asks, starts it", Args: noArgs,
		Long: "Send one message to many. It shows who gets it and who does not, asks, and starts it; a running serve sends it.\n\n" +
			"The audience (--to) is all, group:SLUG, region:NAME, kind:KIND, scheme:CODE or member:ID, joined by + (or) and , (and);\n" +
			"a dash before one leaves it out: region:Cusco,kind:volunteer+region:Puno,-kind:host",
		RunE: func(c *cobra.Command, _ []string) error { return p.announce(c.Context(), f) },
	}
	c.Flags().StringVar(&f.class, "class", "news", "news, reminder or alert")
	c.Flags().StringVar(&f.to, "to", "", "who gets it")
	for _, l := range i18n.Langs {
		f.texts[l] = c.Flags().String(string(l), "", "the text in "+map[i18n.Lang]string{i18n.French: "French", i18n.Spanish: "Spanish", i18n.English: "English (without it, English readers get both others)"}[l])
	}
	c.Flags().StringVar(&f.file, "file", "", "a picture or document to attach, 10 MB at most")
	c.Flags().StringVar(&f.at, "at", "", "when: «2026-12-05 09:00» in the community's zone, or RFC 3339 (default now)")
	c.Flags().StringVar(&f.expires, "expires", "", "how long it is of use after its start, such as 2h (an alert: 24h unless told otherwise)")
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask: the typed confirmation of an operator, without undo")
	c.Flags().BoolVar(&f.names, "names", false, "only list everybody who would get it, and who would not and why; send nothing")
	c.Flags().BoolVar(&f.watch, "watch", false, "stay and show the progress until it is over")
	c.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
	c.AddCommand(p.announceStatus(), p.announceWatch(), p.announceNames(), p.announceResolve(), p.announceRetract())
	for _, v := range []struct {
		verb broadcast.Verb
		what string
	}{
		{broadcast.Undo, "Take back one that has not started; it becomes a draft again"},
		{broadcast.StartLate, "Start one whose time passed while nothing ran"},
		{broadcast.Pause, "Hold one that is on its way"},
		{broadcast.Resume, "Let a held one go on"},
		{broadcast.Cancel, "End one: what has not left stays"},
		{broadcast.Retry, "Send again what failed and may work now"},
	} {
		c.AddCommand(p.announceVerb(v.verb, v.what))
	}
	return c
}

func (p *program) announce(ctx context.Context, f announceFlags) error {
	return p.withStore(ctx, func(st *store.Store, s settings) error {
		if f.watch && f.json {
			return wrongSetting("--watch and --json do not go together: see chasqui announce watch")
		}
		a, err := f.read(p.now(), s.zone)
		if err != nil {
			return err
		}
		preview, err := st.Preview(ctx, a)
		if err != nil {
			return wrongSetting("%v", err)
		}
		if !f.json {
			printPreview(p.stdout, a, preview)
		}
		if f.names {
			return p.printPreviewNames(ctx, st, a, preview)
		}
		if preview.Reached() == 0 {
			return errors.New("nobody would get it: nothing is sent")
		}
		if !f.yes {
			if err := p.confirm(a, preview); err != nil {
				return err
			}
		}
		return p.letGo(ctx, st, f, a, preview)
	})
}

// letGo keeps the announcement and approves it. With --yes it starts at once, whether or not serve runs; else
// there is the same half minute as in the chat to think again.
func (p *program) letGo(ctx context.Context, st *store.Store, f announceFlags, a broadcast.Announcement, preview broadcast.Preview) error {
	now := p.now()
	var file *channel.File
	if f.file != "" {
		var err error
		if file, err = readAttachment(f.file); err != nil {
			return err
		}
	}
	const operator = "operator"
	confirmed := broadcast.Announcement{Nonce: uuid.NewString(), NonceUntil: now.Add(time.Minute), StartAt: a.StartAt}
	if confirmed.StartAt.IsZero() {
		confirmed.StartAt = now
		if !f.yes {
			confirmed.StartAt = now.Add(broadcast.UndoFor)
		}
	}
	id, err := st.Announce(ctx, now,
		broadcast.Change{Verb: broadcast.Save, Announcement: a, File: file, Actor: operator},
		broadcast.Change{Verb: broadcast.Ask, Announcement: confirmed, Actor: operator},
		broadcast.Change{Verb: broadcast.Approve, Announcement: confirmed, Actor: operator})
	if err != nil {
		return err
	}
	if f.yes && a.StartAt.IsZero() {
		approved, _, err := st.Announcement(ctx, id)
		if err != nil {
			return err
		}
		if _, err := st.Start(ctx, approved, now); err != nil {
			return err
		}
	}
	if f.json {
		return json.NewEncoder(p.stdout).Encode(map[string]any{"id": id, "people": preview.Reached(), "starts": confirmed.StartAt.UTC().Format(time.RFC3339)})
	}
	when := "starts now"
	if confirmed.StartAt.After(now) {
		when = fmt.Sprintf("starts at %s; chasqui announce undo %d takes it back before", confirmed.StartAt.In(now.Location()).Format("2006-01-02 15:04:05 -0700"), id)
	}
	fmt.Fprintf(p.stdout, "announcement %d %s; a running serve sends it: chasqui announce status %d\n", id, when, id)
	if f.watch {
		return p.watch(ctx, st, id)
	}
	return nil
}

// read makes an announcement of the flags and refuses what cannot be sent.
func (f announceFlags) read(now time.Time, zone *time.Location) (broadcast.Announcement, error) {
	class, ok := broadcast.ParseClass(f.class)
	if !ok {
		return broadcast.Announcement{}, wrongSetting("--class %q: write news, reminder or alert", f.class)
	}
	a := broadcast.Announcement{Class: class, Audience: f.to, Texts: map[i18n.Lang]string{}, Zone: zone.String()}
	for l, text := range f.texts {
		if trimmed := strings.TrimSpace(*text); trimmed != "" {
			a.Texts[l] = trimmed
		}
	}
	if class == broadcast.Alert && f.expires == "" {
		f.expires = "24h"
	}
	if f.expires != "" {
		d, err := time.ParseDuration(f.expires)
		if err != nil || d < time.Minute {
			return a, wrongSetting("--expires %q: write a time such as 2h or 90m", f.expires)
		}
		a.ValidFor = d
	}
	if f.at != "" {
		at, err := parseAt(f.at, zone)
		if err != nil {
			return a, err
		}
		a.StartAt, a.StartLocal = at, at.In(zone).Format("2006-01-02 15:04")
	}
	if faults := a.Faults(now); len(faults) > 0 {
		return a, wrongSetting("%v: see chasqui help announce", faults[0])
	}
	return a, nil
}

// parseAt reads a time as people type it. A wall time that a change of clocks skips is refused rather than
// guessed.
func parseAt(text string, zone *time.Location) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04", "02/01/2006 15:04"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			if at.Format(layout) != text {
				return at, wrongSetting("--at %q: the clocks in %s skip that time: write another", text, zone)
			}
			return at, nil
		}
	}
	return time.Time{}, wrongSetting("--at %q: write a time such as «2026-12-05 09:00»", text)
}

// largestAttachment is what Telegram takes as a picture, and more than a weak network should be asked for.
const largestAttachment = 10 << 20

var imageEndings = []string{".jpg", ".jpeg", ".png", ".webp"}

func readAttachment(name string) (*channel.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, wrongSetting("--file: %v", err)
	}
	if info.Size() > largestAttachment || info.Size() == 0 {
		return nil, wrongSetting("--file %s: 10 MB at most, and not empty", name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, wrongSetting("--file: %v", err)
	}
	return &channel.File{Name: filepath.Base(name), Data: data, Image: slices.Contains(imageEndings, strings.ToLower(filepath.Ext(name)))}, nil
}

// confirm asks for the number of people, or for an alert the audience itself: who types it has read it.
func (p *program) confirm(a broadcast.Announcement, preview broadcast.Preview) error {
	want := fmt.Sprint(preview.Reached())
	if a.Class == broadcast.Alert {
		want = a.Audience
	}
	fmt.Fprintf(p.stdout, "To send it, type %s: ", want)
	line, err := bufio.NewReader(io.LimitReader(p.stdin, 1024)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the confirmation: %w", err)
	}
	if strings.TrimSpace(line) != want {
		return errors.New("not confirmed: nothing is sent")
	}
	return nil
}

var reasonWords = map[broadcast.Reason]string{
	broadcast.HasNoAddress: "have no address", broadcast.HasLeft: "blocked the bot or left", broadcast.NeverWrote: "never wrote first",
	broadcast.SaidStop: "said stop", broadcast.SaidNo: "refused", broadcast.NeverAsked: "were never asked",
}

func printPreview(w io.Writer, a broadcast.Announcement, p broadcast.Preview) {
	fmt.Fprintf(w, "%s to %s\n", a.Class, a.Audience)
	fmt.Fprintf(w, "  %d people get it%s\n", p.Reached(), byNetwork(p.ByNetwork))
	if len(p.Names) > 0 {
		fmt.Fprintf(w, "  among them %s\n", strings.Join(p.Names, ", "))
	}
	for _, r := range p.Rooms {
		fmt.Fprintf(w, "  one post in the room of %s on %s, in which %d are known to read\n", r.Slug, r.Network, r.Readers)
	}
	var variants []string
	for _, v := range []broadcast.Variant{"fr", "es", "en", broadcast.Both} {
		if n := p.ByVariant[v]; n > 0 {
			variants = append(variants, fmt.Sprintf("%d in %s", n, map[broadcast.Variant]string{"fr": "French", "es": "Spanish", "en": "English", broadcast.Both: "all languages"}[v]))
		}
	}
	if len(variants) > 0 {
		fmt.Fprintf(w, "  %s\n", strings.Join(variants, ", "))
	}
	if a.Texts[i18n.English] == "" {
		fmt.Fprintln(w, "  no English text: who reads English gets French and Spanish together")
	}
	for _, e := range p.Excluded {
		more := ""
		if e.N > len(e.Names) {
			more = ", …"
		}
		fmt.Fprintf(w, "  not: %d %s (%s%s)\n", e.N, reasonWords[e.Why], strings.Join(e.Names, ", "), more)
	}
}

func byNetwork(counts map[channel.Network]int) string {
	var parts []string
	for _, n := range []channel.Network{channel.WhatsApp, channel.Telegram, channel.Web, channel.Terminal} {
		if counts[n] > 0 {
			parts = append(parts, fmt.Sprintf("%d on %s", counts[n], n))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// onAnnouncement is a subcommand that takes an announcement's number.
func (p *program) onAnnouncement(use, short string, f func(context.Context, *store.Store, int64) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " ID", Short: short, Args: exactArgs(1, "the number of an announcement"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := number(args[0], "an announcement's number")
			if err != nil {
				return err
			}
			return p.withStore(c.Context(), func(st *store.Store, _ settings) error {
				err := f(c.Context(), st, id)
				if errors.Is(err, bot.ErrStale) {
					return fmt.Errorf("announcement %d is not in a state for that: see chasqui announce status %d", id, id)
				}
				return err
			})
		},
	}
}

func (p *program) announceVerb(verb broadcast.Verb, short string) *cobra.Command {
	return p.onAnnouncement(string(verb), short, func(ctx context.Context, st *store.Store, id int64) error {
		return p.change(ctx, st, broadcast.Change{Verb: verb, ID: id})
	})
}

func (p *program) change(ctx context.Context, st *store.Store, c broadcast.Change) error {
	c.Actor = "operator"
	if _, err := st.Announce(ctx, p.now(), c); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.stdout, "announcement %d: %s\n", c.ID, c.Verb)
	return err
}

func (p *program) announceResolve() *cobra.Command {
	var send, leave bool
	c := p.onAnnouncement("resolve", "Decide over those of unknown fate: --send again, or --leave", func(ctx context.Context, st *store.Store, id int64) error {
		switch {
		case send == leave:
			return wrongSetting("write --send to send again what may have arrived, or --leave to leave it")
		case send:
			return p.change(ctx, st, broadcast.Change{Verb: broadcast.SendUnknown, ID: id})
		}
		return p.change(ctx, st, broadcast.Change{Verb: broadcast.LeaveUnknown, ID: id})
	})
	c.Flags().BoolVar(&send, "send", false, "send them again: somebody may get it twice")
	c.Flags().BoolVar(&leave, "leave", false, "leave them: somebody may never get it")
	return c
}

func (p *program) announceRetract() *cobra.Command {
	texts := map[i18n.Lang]*string{}
	c := p.onAnnouncement("retract", "Take one back: change or delete it where it arrived, and say so elsewhere", func(ctx context.Context, st *store.Store, id int64) error {
		a := broadcast.Announcement{Texts: map[i18n.Lang]string{}}
		for l, text := range texts {
			a.Texts[l] = strings.TrimSpace(*text)
		}
		return p.change(ctx, st, broadcast.Change{Verb: broadcast.Retract, ID: id, Announcement: a})
	})
	for _, l := range i18n.Langs {
		texts[l] = c.Flags().String(string(l), "", "what to read instead, in "+string(l))
	}
	return c
}
