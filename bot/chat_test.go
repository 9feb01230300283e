package bot_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"chasqui/agenda"
	"chasqui/bot"
	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/faq"
	"chasqui/i18n"
	"chasqui/outbox"
	"chasqui/store"
)

var update = flag.Bool("update", false, "rewrite the transcripts with what the bot says now")

// A transcript specifies a conversation. Lines of people stay as they are written and are said to
// the real bot over the real store; the bot's lines are made anew and the whole file is compared.
//
//	# a comment
//	@ clock 2026-11-24 10:00           the time in Lima from here on
//	@ wait 25h                         time passes, and what is due is done at its time
//	@ down 26h                         time passes while nothing runs; what is late is dealt with after it
//	@ room annonces sala               sala is the room of the group annonces
//	@ staff ana admin es               ana is of the team
//	@ member leo kind=volunteer …      leo was imported by the staff
//	@ record Leo phone=… kind=…        likewise, and staff do not know where leo writes from
//	@ event all 2026-12-05 16:00 Goûter / Lonche    an event was imported, for an audience
//	@ app camille es                   the language of camille's application
//	camille> Bonjour                   camille writes in private
//	camille> [Oui, d'accord]           camille taps the button last shown with this label
//	camille (late 10m)> …              it arrives so long after it was written
//	camille (again)> …                 the network repeats camille's last message
//	camille (voice)>                   a voice message; (photo), (place), (blocks), (returns) likewise
//	camille (card +51987654321)>       camille shares her own phone
//	ana (reply)> …                     ana replies to the last notice that she got
//	camille in sala> …                 camille addresses the bot in the room sala
//	camille< Bonjour …                 the bot says; camille~ where it changes an earlier message
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.chat")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	entries, err := faq.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	index := faq.NewIndex(entries)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".chat"), func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := newTalk(t, index).play(string(want))
			if got == string(want) {
				return
			}
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("%s says otherwise now (go test ./bot -update rewrites it):\n%s", file, difference(string(want), got))
		})
	}
}

// talk is one transcript being played.
type talk struct {
	t     *testing.T
	store *store.Store
	// db is the same database, to see what is due next.
	db     *sql.DB
	bot    *bot.Bot
	keeper *agenda.Timekeeper
	box    *outbox.Outbox
	zone   *time.Location
	// runner moves announcements along as time passes.
	runner *broadcast.Runner

	mu   sync.Mutex
	now  time.Time
	out  strings.Builder
	seen map[string]*screen
	apps map[string]string
	// said counts messages, so that each has an id; last is each person's last message.
	said int
	sent int
	// codes counts those that link accounts: a transcript cannot guess a random one.
	codes int
	last  map[string]channel.Message
}

// screen is what somebody has before them.
type screen struct {
	buttons map[string]press
	notice  string
}

type press struct{ data, on string }

func newTalk(t *testing.T, index *faq.Index) *talk {
	zone, err := time.LoadLocation("America/Lima")
	if err != nil {
		t.Fatal(err)
	}
	texts, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	k := &talk{t: t, zone: zone, now: time.Date(2026, 11, 24, 10, 0, 0, 0, zone), seen: map[string]*screen{}, apps: map[string]string{}, last: map[string]channel.Message{}}
	clock := func() time.Time { return k.now }
	file := filepath.Join(t.TempDir(), "chasqui.db")
	if k.store, err = store.Open(t.Context(), file, k.now); err != nil {
		t.Fatal(err)
	}
	if k.db, err = sql.Open("sqlite", file); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(k.db.Close(), k.store.Close()); err != nil {
			t.Error(err)
		}
	})
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	k.box = outbox.New(k.store, k, outbox.Account{Network: channel.Telegram}, outbox.Options{}, quiet, clock)
	k.bot = bot.New(bot.Options{Fetch: k.fetch, Store: k.store, FAQ: index, Texts: texts, Zone: zone, Now: clock, Log: quiet,
		Wake: func(channel.Network) {}, Link: func(channel.Network) string { return "https://t.me/chasqui" },
		NewCode: func() string { k.codes++; return fmt.Sprintf("LIEN-TEST-%05d", k.codes) }})
	k.runner = broadcast.NewRunner(k.store, texts, zone, clock, func(channel.Network) {}, quiet)
	k.keeper = &agenda.Timekeeper{Store: k.store, Voice: agenda.Voice{Texts: texts, Home: zone}, Log: quiet, Wake: func() {}}
	return k
}

// Send implements outbox.Sender: it writes what the bot says into the transcript.
func (k *talk) Send(_ context.Context, out channel.Outgoing) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sent++
	id := "b" + strconv.Itoa(k.sent)
	mark := "<"
	if out.Content.Edit != "" {
		id, mark = out.Content.Edit, "~"
	}
	lines := strings.Split(out.Content.Text, "\n")
	fmt.Fprintln(&k.out, strings.TrimRight(out.To.ID+mark+" "+lines[0], " "))
	for _, l := range lines[1:] {
		// A dot stands for an empty line: truly empty ones part what people say.
		fmt.Fprintln(&k.out, "  "+cmp.Or(strings.TrimRight(l, " "), "·"))
	}
	s := k.screen(out.To.ID)
	for _, row := range out.Content.Buttons {
		k.out.WriteString(" ")
		for _, b := range row {
			fmt.Fprintf(&k.out, " [%s]", b.Label)
			// Nobody types the no-break spaces of French punctuation.
			s.buttons[strings.ReplaceAll(b.Label, "\u00a0", " ")] = press{b.Data, id}
		}
		k.out.WriteString("\n")
	}
	if out.Content.File != nil {
		fmt.Fprintf(&k.out, "  (file %s)\n", out.Content.File.Name)
	}
	s.notice = id
	return id, nil
}

// fetch is how the bot gets a picture that somebody sent.
func (k *talk) fetch(_ context.Context, _ channel.Network, f channel.FileRef) (channel.File, error) {
	return channel.File{Name: f.Name, Image: f.Image, Data: []byte("a picture")}, nil
}

func (k *talk) screen(who string) *screen {
	if k.seen[who] == nil {
		k.seen[who] = &screen{buttons: map[string]press{}}
	}
	return k.seen[who]
}

func (k *talk) play(script string) string {
	for line := range strings.SplitSeq(strings.TrimRight(script, "\n"), "\n") {
		switch head, text, said := strings.Cut(line, ">"); {
		case strings.HasPrefix(line, "#") || line == "":
			fmt.Fprintln(&k.out, line)
		case strings.HasPrefix(line, "@ "):
			fmt.Fprintln(&k.out, line)
			k.direct(strings.Fields(line[2:]))
		case strings.HasPrefix(line, " "), botLine(line):
			// The bot's own lines are made anew.
		case said:
			fmt.Fprintln(&k.out, line)
			k.say(head, strings.TrimPrefix(text, " "))
		default:
			k.t.Fatalf("a line that nobody understands: %q", line)
		}
	}
	return k.out.String()
}

// botLine tells «camille< …» and «camille~ …» from what people write.
func botLine(line string) bool {
	i := strings.IndexAny(line, "<~>")
	return i > 0 && line[i] != '>' && !strings.ContainsAny(line[:i], " (")
}

func (k *talk) direct(words []string) {
	ctx := k.t.Context()
	switch words[0] {
	case "clock":
		at, err := time.ParseInLocation("2006-01-02 15:04", words[1]+" "+words[2], k.zone)
		k.must(err)
		k.now = at
	case "wait":
		d, err := time.ParseDuration(words[1])
		k.must(err)
		k.passTime(d)
	case "down":
		d, err := time.ParseDuration(words[1])
		k.must(err)
		k.now = k.now.Add(d)
		k.tick()
	case "room":
		k.must(k.store.LinkRoom(ctx, words[1], channel.Address{Network: channel.Telegram, ID: words[2]}, "operator", k.now))
	case "app":
		k.apps[words[1]] = words[2]
	case "staff":
		a := channel.Address{Network: channel.Telegram, ID: words[1]}
		role, ok := community.ParseRole(words[2])
		if !ok {
			k.t.Fatalf("no role %q", words[2])
		}
		k.must(k.store.AddStaff(ctx, a, role, k.now))
		k.apps[words[1]] = words[3]
		k.quietly(words[1], "/start")
		k.quietly(words[1], "/language")
		k.pressQuietly(words[1], "l:"+words[3])
	case "member":
		k.member(strings.ToUpper(words[1][:1])+words[1][1:], words[1], words[2:])
	case "record":
		k.member(words[1], "", words[2:])
	case "event":
		k.event(words[1:])
	default:
		k.t.Fatalf("no directive %q", words[0])
	}
}

// tick is one minute of serve.
func (k *talk) tick() {
	ctx := k.t.Context()
	k.must(k.bot.ReleaseAbandoned(ctx, k.store))
	k.must(k.keeper.Tick(ctx, k.now))
	k.must(k.box.Drain(ctx))
	// Twice: what starts first ends second.
	for range 2 {
		k.must(k.runner.Step(ctx))
		k.must(k.box.Drain(ctx))
	}
}

// passTime ticks at every minute at which something is due, and at least once a day.
func (k *talk) passTime(d time.Duration) {
	for until := k.now.Add(d); ; {
		k.tick()
		if !k.now.Before(until) {
			return
		}
		var due sql.NullInt64
		k.must(k.db.QueryRow(`SELECT MIN(due_at) FROM (SELECT due_at FROM reminder WHERE state = 'pending' UNION ALL SELECT due_at FROM deadline WHERE state = 'pending')`).Scan(&due))
		next := k.now.Add(24 * time.Hour)
		if at := time.UnixMilli(due.Int64); due.Valid && at.Before(next) && at.After(k.now) {
			next = at
		}
		if next.After(until) {
			next = until
		}
		k.now = next
	}
}

// quietly says something whose answer the transcript does not show: it sets the scene.
func (k *talk) quietly(who, text string) {
	k.pass(channel.Message{Kind: channel.Text, Text: text}, who, "")
}

func (k *talk) pressQuietly(who, data string) {
	k.pass(channel.Message{Kind: channel.Press, Data: data}, who, "")
}

func (k *talk) pass(m channel.Message, who, room string) {
	before := k.out.String()
	k.receive(m, who, room)
	k.out.Reset()
	k.out.WriteString(before)
}

// member imports a row; an empty who stands for a person whose account staff do not know.
func (k *talk) member(name, who string, fields []string) {
	header, values := []string{"name"}, []string{name}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		header, values = append(header, name), append(values, value)
	}
	roster, err := community.ReadRoster([]byte(strings.Join(header, ",")+"\n"+strings.Join(values, ",")+"\n"), false)
	k.must(err)
	// A transcript's people have names where a network has numbers.
	roster.Rows[0].Telegram = who
	changes, written, err := k.store.Import(k.t.Context(), roster.Rows, true, k.now)
	k.must(err)
	if !written {
		k.t.Fatalf("%s was refused: %v", name, changes)
	}
}

// event imports one: audience, day, time, and the titles in French and Spanish parted by a slash.
func (k *talk) event(words []string) {
	fr, es, _ := strings.Cut(strings.Join(words[3:], " "), " / ")
	text := "date,start,audience,title_fr,title_es\n" + strings.Join([]string{words[1], words[2], words[0], fr, es}, ",") + "\n"
	rows, _, err := agenda.ReadSheet([]byte(text), k.zone)
	k.must(err)
	_, written, err := k.store.ImportEvents(k.t.Context(), rows, true, k.now)
	k.must(err)
	if !written {
		k.t.Fatalf("the event was refused: %v", rows[0].Fault)
	}
}

func (k *talk) say(head, text string) {
	who, how, _ := strings.Cut(head, " ")
	room := ""
	if after, ok := strings.CutPrefix(how, "in "); ok {
		room, how, _ = strings.Cut(after, " ")
	}
	m := channel.Message{Kind: channel.Text, Text: text}
	if label, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(text, "]") {
		p, shown := k.screen(cmp.Or(room, who)).buttons[strings.TrimSuffix(label, "]")]
		if !shown {
			k.t.Fatalf("%s sees no button %s after:\n%s", who, text, k.out.String())
		}
		m = channel.Message{Kind: channel.Press, Data: p.data, OnMessage: p.on}
	}
	switch how = strings.Trim(how, "()"); {
	case strings.HasPrefix(how, "late "):
		d, err := time.ParseDuration(how[5:])
		k.must(err)
		m.At = k.now.Add(-d)
	case how == "again":
		m = k.last[who]
	case how == "reply":
		m.ReplyTo = k.screen(who).notice
	case how == "voice":
		m.Kind = channel.Voice
	case how == "photo":
		m.Kind, m.File = channel.Media, &channel.FileRef{ID: "photo", Name: "photo.jpg", Image: true}
	case strings.HasPrefix(how, "card "):
		m.Kind, m.Phone = channel.Card, how[5:]
	case how == "place":
		m.Kind = channel.Place
	case how == "blocks":
		m.Kind = channel.Left
	case how == "returns":
		m.Kind = channel.Returned
	case how == "bot":
		m.From.Bot = true
	case how != "":
		k.t.Fatalf("nobody can write %q", how)
	}
	k.receive(m, who, room)
}

func (k *talk) receive(m channel.Message, who, room string) {
	if m.ID == "" {
		k.said++
		m.ID = "m" + strconv.Itoa(k.said)
	}
	m.Chat = channel.Address{Network: channel.Telegram, ID: cmp.Or(room, who)}
	m.From.ID, m.From.Name, m.From.Language = who, strings.ToUpper(who[:1])+who[1:], k.apps[who]
	m.Room, m.Addressed = room != "", true
	if m.At.IsZero() {
		m.At = k.now
	}
	k.last[who] = m
	k.must(k.bot.Receive(k.t.Context(), m))
	k.must(k.box.Drain(k.t.Context()))
	// Each message of a transcript is a little later than the one before.
	k.now = k.now.Add(5 * time.Second)
}

func (k *talk) must(err error) {
	if err != nil {
		k.t.Helper()
		k.t.Fatal(err)
	}
}

// difference shows the first lines that differ, with what stands around them.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	from := max(0, i-3)
	return fmt.Sprintf("line %d\nwant:\n  %s\ngot:\n  %s", i+1,
		strings.Join(slices.Clone(a[from:min(len(a), i+8)]), "\n  "), strings.Join(slices.Clone(b[from:min(len(b), i+8)]), "\n  "))
}
