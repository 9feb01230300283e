package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chasqui/agenda"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/i18n"
	"chasqui/outbox"
	"chasqui/store"
	"chasqui/store/storetest"
)

var now = time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(dir, "chasqui.db"), now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T, dir string) storetest.Store { return open(t, dir) })
}

// raw is the database file as somebody else would open it.
func raw(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "chasqui.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestTheSchemaKeepsTheRules(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	db := raw(t, dir)
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`PRAGMA foreign_keys = ON`); err != nil {
		t.Fatal(err)
	}
	exec := func(statement string) error { _, err := db.Exec(statement); return err }
	for _, ok := range []string{
		`INSERT INTO member (id, created_at, updated_at) VALUES (1, 0, 0)`,
		`INSERT INTO delivery (id, key, lane, network, chat, body, due_at, created_at) VALUES (1, 'k', 1, 'telegram', '7', '{}', 0, 0)`,
		`UPDATE delivery SET state = 'sending', claimed_at = 1 WHERE id = 1`,
		`UPDATE delivery SET state = 'sent', claimed_at = NULL, done_at = 2 WHERE id = 1`,
		`UPDATE delivery SET state = 'read' WHERE id = 1`,
		`INSERT INTO audit (at, actor, action) VALUES (0, 'a', 'b')`,
		`INSERT INTO member (id, created_at, updated_at) VALUES (2, 0, 0)`,
		`INSERT INTO event (id, uid, title_fr, title_es, start_wall, zone, audience, state, author_id, created_at, updated_at) VALUES (1, 'u', 'f', 'e', '2026-12-05 16:00', 'America/Lima', 'all', 'planned', 1, 0, 0)`,
		`INSERT INTO event (uid, state, author_id, created_at, updated_at) VALUES ('d', 'draft', 1, 0, 0)`,
		`INSERT INTO occurrence (id, event_id, rule_date, start_wall, starts_at, ends_at, seats) VALUES (1, 1, '2026-12-05', '2026-12-05 16:00', 10, 20, 1)`,
		`INSERT INTO rsvp (occurrence_id, member_id, answer, rank, at) VALUES (1, 1, 'yes', 1, 0)`,
		`INSERT INTO rsvp (occurrence_id, member_id, answer, rank, at) VALUES (1, 2, 'waiting', 2, 0)`,
		`INSERT INTO reminder (occurrence_id, kind, starts_at, due_at, state) VALUES (1, '1d', 10, 5, 'sent')`,
		`INSERT INTO deadline (member_id, kind, anchor, days, day, due_at, state) VALUES (1, 'ninety', '2026-12-03', -3, '2026-11-30', 5, 'sent')`,
	} {
		if err := exec(ok); err != nil {
			t.Fatalf("%s: %v", ok, err)
		}
	}
	for rule, bad := range map[string]string{
		"a final state stays":               `UPDATE delivery SET state = 'queued', done_at = NULL WHERE id = 1`,
		"a key is given once":               `INSERT INTO delivery (key, lane, network, chat, body, due_at, created_at) VALUES ('k', 1, 'telegram', '7', '{}', 0, 0)`,
		"sending is claimed":                `INSERT INTO delivery (key, lane, network, chat, body, due_at, created_at, state) VALUES ('l', 1, 'telegram', '7', '{}', 0, 0, 'sending')`,
		"a lane exists":                     `INSERT INTO delivery (key, lane, network, chat, body, due_at, created_at) VALUES ('m', 4, 'telegram', '7', '{}', 0, 0)`,
		"a body is JSON":                    `INSERT INTO delivery (key, lane, network, chat, body, due_at, created_at) VALUES ('n', 1, 'telegram', '7', 'x', 0, 0)`,
		"an end follows its beginning":      `UPDATE member SET arrival = '2027-01-02', mission_end = '2027-01-01'`,
		"a day is a day":                    `UPDATE member SET arrival = '1/2/2027'`,
		"a group exists":                    `INSERT INTO membership (member_id, slug, joined_at) VALUES (1, 'nowhere', 0)`,
		"a role is one of three":            `INSERT INTO role (member_id, role, granted_at, granted_by) VALUES (1, 'king', 0, 'x')`,
		"danger is urgent":                  `INSERT INTO ticket (member_id, network, chat, language, reason, state, opened_at, active_at) VALUES (1, 'web', '7', 'fr', 'danger', 'waiting', 0, 0)`,
		"a closed ticket has an end":        `INSERT INTO ticket (member_id, network, chat, language, reason, state, opened_at, active_at) VALUES (1, 'web', '7', 'fr', 'asked', 'closed', 0, 0)`,
		"no more yes than seats":            `UPDATE rsvp SET answer = 'yes' WHERE member_id = 2`,
		"one answer each":                   `INSERT INTO rsvp (occurrence_id, member_id, answer, rank, at) VALUES (1, 1, 'no', 3, 0)`,
		"a day of a rule happens once":      `INSERT INTO occurrence (event_id, rule_date, start_wall, starts_at, ends_at) VALUES (1, '2026-12-05', '2026-12-06 16:00', 11, 20)`,
		"a reminder leaves once":            `UPDATE reminder SET state = 'pending'`,
		"one reminder for a start":          `INSERT INTO reminder (occurrence_id, kind, starts_at, due_at) VALUES (1, '1d', 10, 6)`,
		"a deadline is told once":           `UPDATE deadline SET state = 'pending'`,
		"one draft an author":               `INSERT INTO event (uid, state, author_id, created_at, updated_at) VALUES ('d2', 'draft', 1, 0, 0)`,
		"what is planned is whole":          `UPDATE event SET state = 'planned' WHERE uid = 'd'`,
		"nothing ends before it starts":     `UPDATE occurrence SET end_wall = '2026-12-04 16:00'`,
		"the audit log is not edited":       `UPDATE audit SET actor = 'nobody'`,
		"what was not claimed was not sent": `INSERT INTO delivery (key, lane, network, chat, body, due_at, created_at) VALUES ('o', 1, 'telegram', '7', '{}', 0, 0); UPDATE delivery SET state = 'sent', done_at = 1 WHERE key = 'o'`,
	} {
		if err := exec(bad); err == nil {
			t.Errorf("%s: the database took %s", rule, bad)
		}
	}
}

func TestEveryConnectionKeepsTheRulesOfThePool(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	for name, want := range map[string]string{"foreign_keys": "1", "synchronous": "2", "journal_mode": "wal", "busy_timeout": "15000"} {
		got, err := s.Pragma(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range got {
			if g != want {
				t.Errorf("%s is %v on the connections, want %s", name, got, want)
			}
		}
		if len(got) < 3 {
			t.Errorf("%s was read on %d connections", name, len(got))
		}
	}
}

func TestTheFilesAreNobodyElses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir)
	defer s.Close()
	backup := filepath.Join(dir, "copy.db")
	if err := s.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "chasqui.db"): 0o600, backup: 0o600} {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
	if err := s.Backup(t.Context(), backup); err == nil {
		t.Error("a backup was overwritten")
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	s.Close()
	db := raw(t, dir)
	if _, err := db.Exec(`PRAGMA user_version = 99`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	_, err := store.Open(t.Context(), filepath.Join(dir, "chasqui.db"), now)
	var newer *store.NewerSchemaError
	if !errors.As(err, &newer) || newer.Have != 99 {
		t.Errorf("got %v", err)
	}
}

func TestNightlyBackupsAreKeptForFourteenNights(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	for day := range 20 {
		name := now.AddDate(0, 0, day).Format("2006-01-02")
		for range 2 { // a restart in the same night makes no second copy
			if _, err := s.BackupNightly(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "backups", "*"))
	if err != nil || len(files) != store.KeptBackups || !strings.HasSuffix(files[0], "chasqui-20261130.db") {
		t.Errorf("%d files, the first %s, %v", len(files), files[0], err)
	}
}

func TestARestoredCopyStartsPausedAndSaysWhatItWouldSend(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	drafts := []outbox.Draft{
		{Lane: outbox.Reply, To: channel.Address{Network: channel.Telegram, ID: "1"}, Content: channel.Content{Text: "old reply"}},
		{Lane: outbox.Alert, To: channel.Address{Network: channel.Telegram, ID: "2"}, Content: channel.Content{Text: "old alert"}},
	}
	ctx := t.Context()
	if err := s.Enqueue(ctx, drafts, now); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(dir, "backup.db")
	if err := s.Backup(ctx, backup); err != nil {
		t.Fatal(err)
	}
	s.Close()
	held, err := store.Restore(ctx, backup, filepath.Join(dir, "chasqui.db"), now)
	if err != nil || len(held) != 2 {
		t.Fatalf("held %+v, %v", held, err)
	}
	if kept, _ := filepath.Glob(filepath.Join(dir, "chasqui.db.before-restore-*")); len(kept) == 0 {
		t.Error("the database that was there is gone")
	}
	s = open(t, dir)
	defer s.Close()
	if since, restored, err := s.Paused(ctx); since.IsZero() || !restored || err != nil {
		t.Errorf("paused %v, restored %v, %v", since, restored, err)
	}
	if err := s.Enqueue(ctx, []outbox.Draft{{Lane: outbox.Reply, To: channel.Address{Network: channel.Telegram, ID: "3"}, Content: channel.Content{Text: "new reply"}}}, now); err != nil {
		t.Fatal(err)
	}
	claimed, _, err := s.Advance(ctx, outbox.Account{Network: channel.Telegram}, now, nil, outbox.Claim{Want: 9, Lowest: outbox.News})
	if err != nil || len(claimed) != 1 || claimed[0].Content.Text != "new reply" {
		t.Errorf("claimed %+v, %v", claimed, err)
	}
}

func TestADamagedBackupIsNotPutInPlace(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.db")
	if err := os.WriteFile(bad, []byte("this is no database, but somebody named it like one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Restore(t.Context(), bad, filepath.Join(dir, "chasqui.db"), now); err == nil {
		t.Error("a file of text was restored")
	}
}

func TestImport(t *testing.T) {
	ctx := t.Context()
	s := open(t, t.TempDir())
	defer s.Close()
	roster := func(text string) []community.Row {
		r, err := community.ReadRoster([]byte(text), false)
		if err != nil {
			t.Fatal(err)
		}
		return r.Rows
	}
	kinds := func(text string, commit bool) string {
		changes, written, err := s.Import(ctx, roster(text), commit, now)
		if err != nil {
			t.Fatal(err)
		}
		out := fmt.Sprint(written)
		for _, c := range changes {
			out += " " + c.Kind
		}
		return out
	}
	const two = "name,telegram,phone,region,kind\nAna Quispe,111,987654321,Cusco,host\nLéo Martin,222,,Puno,volunteer\n"
	for _, step := range []struct{ what, text, want string }{
		{"a preview writes nothing", two, "false added added"},
	} {
		if got := kinds(step.text, false); got != step.want {
			t.Errorf("%s: %s", step.what, got)
		}
	}
	for _, step := range []struct{ what, text, want string }{
		{"a commit writes", two, "true added added"},
		{"the same again changes nothing", two, "true same same"},
		{"one bad row refuses all", "name,telegram,arrival\nAna Quispe,111,2027-01-01\nBad,333,31/02/2027\n", "false changed refused"},
		{"by phone, without a Telegram id", "name,phone,host\nAna Quispe,+51 987 654 321,SAIPE\n", "true changed"},
		{"two members in one row", "name,telegram,phone\nWho,222,987654321\n", "false refused"},
	} {
		if got := kinds(step.text, true); got != step.want {
			t.Errorf("%s: %s, want %s", step.what, got, step.want)
		}
	}
	ana, err := s.Member(ctx, 1)
	if err != nil || ana.Host != "SAIPE" || ana.Arrival != "" || ana.Consent != community.Enrolled || !ana.MayBeWrittenTo() {
		t.Errorf("%+v, %v", ana, err)
	}
	if err := s.Erase(ctx, 2, "operator", now); err != nil {
		t.Fatal(err)
	}
	if got := kinds(two, true); got != "false same refused" {
		t.Errorf("somebody who asked to be forgotten was enrolled again: %s", got)
	}
}

func TestReadersNeverWaitForTheWriterForLong(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 8)
	for w := range 4 {
		go func() {
			for i := range 25 {
				d := outbox.Draft{Lane: outbox.Reply, To: channel.Address{Network: channel.Telegram, ID: fmt.Sprint(w*100 + i)}}
				if err := s.Enqueue(ctx, []outbox.Draft{d}, now); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		go func() {
			for range 25 {
				if _, err := s.Figures(ctx, now); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if f, err := s.Figures(ctx, now); err != nil || f.Queued != 100 {
		t.Errorf("%d queued, %v", f.Queued, err)
	}
}

// keysOnly says nothing but the key of a text.
type keysOnly struct{}

func (keysOnly) T(_ i18n.Lang, key string, _ ...any) string { return key }

// Whoever restores a backup of last week must not have last week's reminders sent again.
func TestNothingDueBeforeARestoreIsSentAfterIt(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	s := open(t, dir)
	if err := s.AddStaff(ctx, channel.Address{Network: channel.Telegram, ID: "ana"}, community.Admin, now); err != nil {
		t.Fatal(err)
	}
	db := raw(t, dir)
	starts := now.Add(26 * time.Hour)
	for _, statement := range []string{
		`INSERT INTO event (uid, title_fr, title_es, start_wall, zone, audience, state, created_at, updated_at) VALUES ('u', 'Goûter', 'Lonche', '2026-11-25 12:00', 'America/Lima', 'all', 'planned', 0, 0)`,
		fmt.Sprintf(`INSERT INTO occurrence (event_id, rule_date, start_wall, starts_at, ends_at) VALUES (1, '2026-11-25', '2026-11-25 12:00', %d, %d)`, starts.UnixMilli(), starts.Add(time.Hour).UnixMilli()),
		`INSERT INTO rsvp (occurrence_id, member_id, answer, rank, at) VALUES (1, 1, 'yes', 1, 0)`,
		fmt.Sprintf(`INSERT INTO reminder (occurrence_id, kind, starts_at, due_at) VALUES (1, '1d', %d, %d), (1, '1h', %d, %d)`,
			starts.UnixMilli(), starts.Add(-24*time.Hour).UnixMilli(), starts.UnixMilli(), starts.Add(-time.Hour).UnixMilli()),
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := errors.Join(s.Backup(ctx, copied), s.Close()); err != nil {
		t.Fatal(err)
	}
	restored := now.Add(3 * time.Hour)
	if _, err := store.Restore(ctx, copied, filepath.Join(dir, "chasqui.db"), restored); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer s.Close()
	keeper := agenda.Timekeeper{Store: s, Voice: agenda.Voice{Texts: keysOnly{}, Home: time.UTC}, Log: slog.New(slog.DiscardHandler), Wake: func() {}}
	waiting := func(lane outbox.Lane) (n int) {
		if err := raw(t, dir).QueryRow(`SELECT COUNT(*) FROM delivery WHERE lane = $1`, lane).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if err := keeper.Tick(ctx, restored); err != nil {
		t.Fatal(err)
	}
	if r, told := waiting(outbox.Reminder), waiting(outbox.Reply); r != 0 || told != 1 {
		t.Errorf("%d reminders of before the restore, told %d times", r, told)
	}
	if err := keeper.Tick(ctx, starts.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if r := waiting(outbox.Reminder); r != 1 {
		t.Errorf("%d reminders of after it", r)
	}
}

func TestTheSampleCalendarIsImportedOnce(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	data, err := os.ReadFile("../agenda/sample/calendar-2025.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, _, err := agenda.ReadSheet(data, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{0, len(rows)} {
		known, written, err := s.ImportEvents(t.Context(), rows, true, now)
		if err != nil || !written || len(known) != want {
			t.Errorf("import %d: %d known, %v, %v", i+1, len(known), written, err)
		}
	}
	events, err := s.Events(t.Context(), now)
	if err != nil || len(events) != len(rows) {
		t.Errorf("%d events, %v", len(events), err)
	}
	keeper := agenda.Timekeeper{Store: s, Voice: agenda.Voice{Texts: keysOnly{}, Home: time.UTC}, Log: slog.New(slog.DiscardHandler), Wake: func() {}}
	if err := keeper.Tick(t.Context(), now); err != nil {
		t.Error(err)
	}
	if f, err := s.Figures(t.Context(), now); err != nil || f.Queued != 0 {
		t.Errorf("a calendar of the past makes %d deliveries, %v", f.Queued, err)
	}
}
