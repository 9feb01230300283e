package store

import (
	"database/sql"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"chasqui/outbox"
)

// grown are our migrations and more, as a later version will have them.
func grown(t *testing.T, more ...string) fs.FS {
	t.Helper()
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	out := fstest.MapFS{}
	for _, f := range files {
		data, err := migrations.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[f] = &fstest.MapFile{Data: data}
	}
	for i, m := range more {
		out["migrations/99"+string(rune('0'+i))+"_later.sql"] = &fstest.MapFile{Data: []byte(m)}
	}
	return out
}

func TestACopyIsTakenBeforeEachMigration(t *testing.T) {
	dir, now := t.TempDir(), time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	s, err := Open(t.Context(), filepath.Join(dir, "chasqui.db"), now)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	copies := func() []string {
		found, err := filepath.Glob(filepath.Join(dir, "backups", "before-schema-*.db"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if len(copies()) != 0 {
		t.Error("a fresh database was copied")
	}
	if err := s.migrate(t.Context(), grown(t, `CREATE TABLE later (x); INSERT INTO later VALUES (1)`, `DROP TABLE later`), now); err != nil {
		t.Fatal(err)
	}
	found := copies()
	if len(found) != 2 {
		t.Fatalf("copies: %q", found)
	}
	if info, err := os.Stat(found[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	db, err := open(found[1], false)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var x int
	if err := db.QueryRow(`SELECT x FROM later`).Scan(&x); err != nil || x != 1 {
		t.Errorf("the copy before the second migration does not hold what it dropped: %v", err)
	}
}

func TestAFailedMigrationLeavesTheSchemaBeforeIt(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "chasqui.db"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var before, after int
	version := func(v *int) {
		if err := s.write.QueryRow(`PRAGMA user_version`).Scan(v); err != nil {
			t.Fatal(err)
		}
	}
	version(&before)
	if err := s.migrate(t.Context(), grown(t, `CREATE TABLE half (x); CREATE TABLE half (x)`), time.Now()); err == nil {
		t.Fatal("a broken migration was taken")
	}
	version(&after)
	if _, err := s.write.Exec(`SELECT * FROM half`); err == nil || before != after {
		t.Errorf("half a migration is left, version %d after %d", after, before)
	}
}

// asBefore makes a database as it was before the migration whose name ends so, whatever its number.
func asBefore(t *testing.T, ending string) (path string, db *sql.DB) {
	t.Helper()
	all := grown(t).(fstest.MapFS)
	names := slices.Sorted(maps.Keys(all))
	at := slices.IndexFunc(names, func(name string) bool { return strings.HasSuffix(name, ending) })
	if at < 1 {
		t.Fatalf("no migration before one that ends in %s", ending)
	}
	early := fstest.MapFS{}
	for _, name := range names[:at] {
		early[name] = all[name]
	}
	path = filepath.Join(t.TempDir(), "chasqui.db")
	db, err := open(path, false)
	if err != nil {
		t.Fatal(err)
	}
	s := &Store{path: path, write: db}
	if err := s.migrate(t.Context(), early, time.Now()); err != nil {
		t.Fatal(err)
	}
	return path, db
}

func TestConsentsOutliveTheirTableBeingMadeAnew(t *testing.T) {
	path, db := asBefore(t, "_roster.sql")
	if _, err := db.Exec(`INSERT INTO member (id, consent, created_at, updated_at) VALUES (7, 'given', 0, 0);
		INSERT INTO consent (id, member_id, change, how, at) VALUES (3, 7, 'enrolled', 'import', 1), (9, 7, 'given', 'button', 2)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Integrity(t.Context()); err != nil {
		t.Error(err)
	}
	var kept string
	if err := s.write.QueryRow(`SELECT group_concat(id || ' ' || change || ' ' || how || ' ' || at) FROM consent WHERE member_id = 7`).Scan(&kept); err != nil || kept != "3 enrolled import 1,9 given button 2" {
		t.Errorf("the consents are %q, %v", kept, err)
	}
	var changes int
	if _, err := s.write.Exec(`DELETE FROM member WHERE id = 7`); err != nil {
		t.Fatal(err)
	}
	if err := s.write.QueryRow(`SELECT COUNT(*) FROM consent`).Scan(&changes); err != nil || changes != 0 {
		t.Errorf("%d consents of nobody are left, %v", changes, err)
	}
}

// TestDeliveriesOutliveTheirTableBeingMadeAnew takes a database of before through the migration: what stood in it is
// there, is counted as before but for what is in flight, and no number is given twice.
func TestDeliveriesOutliveTheirTableBeingMadeAnew(t *testing.T) {
	path, db := asBefore(t, "_outbox.sql")
	if _, err := db.Exec(`INSERT INTO announcement (id, text_fr, text_es, audience, created_at, updated_at) VALUES (5, 'a', 'b', 'all', 0, 0);
		INSERT INTO delivery (id, key, lane, network, chat, body, state, due_at, created_at, claimed_at, done_at, announcement_id, variant, cause) VALUES
			(1, 'a', 3, 'telegram', '1', '{}', 'sent', 0, 0, NULL, 1, 5, 'fr', ''), (2, 'b', 3, 'telegram', '2', '{}', 'sending', 0, 0, 1, NULL, 5, 'es', ''),
			(3, 'c', 1, 'web', '3', '{"text":"x"}', 'queued', 0, 0, NULL, NULL, NULL, '', 'once'), (9, 'd', 1, 'web', '3', '{}', 'sent', 0, 0, NULL, 1, NULL, '', '');
		DELETE FROM delivery WHERE id = 9`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Integrity(t.Context()); err != nil {
		t.Error(err)
	}
	var kept string
	if err := s.write.QueryRow(`SELECT group_concat(id || ' ' || key || ' ' || state || ' ' || variant || cause) FROM delivery`).Scan(&kept); err != nil || kept != "1 a sent fr,2 b sending es,3 c queued once" {
		t.Errorf("the deliveries are %q, %v", kept, err)
	}
	if wrong, err := s.Recount(t.Context()); err != nil || len(wrong) > 0 {
		t.Errorf("the counts of %v are wrong, %v", wrong, err)
	}
	if st, _, err := s.Standing(t.Context(), 5); err != nil || st.In(outbox.Sending) != 1 || st.In(outbox.Sent) != 1 || st.Total != 2 {
		t.Errorf("it stands at %+v, %v", st.Networks, err)
	}
	var next int
	if err := s.write.QueryRow(`INSERT INTO delivery (key, lane, network, chat, body, due_at, created_at) VALUES ('e', 1, 'web', '4', '{}', 0, 0) RETURNING id`).Scan(&next); err != nil || next != 10 {
		t.Errorf("the next one is number %d, %v", next, err)
	}
}
