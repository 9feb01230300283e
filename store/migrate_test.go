package store

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"
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

func TestConsentsOutliveTheirTableBeingMadeAnew(t *testing.T) {
	early := fstest.MapFS{}
	for name, file := range grown(t).(fstest.MapFS) {
		if name < "migrations/0005" {
			early[name] = file
		}
	}
	path := filepath.Join(t.TempDir(), "chasqui.db")
	db, err := open(path, false)
	if err != nil {
		t.Fatal(err)
	}
	s := &Store{path: path, write: db}
	if err := s.migrate(t.Context(), early, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`INSERT INTO member (id, consent, created_at, updated_at) VALUES (7, 'given', 0, 0);
		INSERT INTO consent (id, member_id, change, how, at) VALUES (3, 7, 'enrolled', 'import', 1), (9, 7, 'given', 'button', 2)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = Open(t.Context(), path, time.Now())
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
