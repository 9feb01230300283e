package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"chasqui/community"
	"chasqui/i18n"
)

//go:embed migrations/*.sql
var migrations embed.FS

// NewerSchemaError says that the database was written by a newer Chasqui.
type NewerSchemaError struct{ Have, Know int }

func (e *NewerSchemaError) Error() string {
	return fmt.Sprintf("the database has schema %d and this Chasqui knows %d: start the newer Chasqui that wrote it, or restore a backup", e.Have, e.Know)
}

// migrate runs the migrations that the database has not seen. Each one is a transaction that also
// moves user_version, so that an interrupted one leaves the schema before it.
func (s *Store) migrate(ctx context.Context, from fs.FS, now time.Time) error {
	files, err := fs.Glob(from, "migrations/*.sql")
	if err != nil {
		return fmt.Errorf("list migrations: %w", err)
	}
	var have int
	if err := s.write.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&have); err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if have > len(files) {
		return &NewerSchemaError{Have: have, Know: len(files)}
	}
	for i := have; i < len(files); i++ {
		// A database that was made just now holds nothing to keep.
		if have > 0 {
			if err := s.copyBefore(ctx, i+1, now); err != nil {
				return err
			}
		}
		if err := s.apply(ctx, from, files[i], i+1); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) copyBefore(ctx context.Context, version int, now time.Time) error {
	dir := filepath.Join(filepath.Dir(s.path), "backups")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the backup directory: %w", err)
	}
	name := fmt.Sprintf("before-schema-%04d-%s.db", version, now.UTC().Format("20060102-150405"))
	if err := vacuumInto(ctx, s.write, filepath.Join(dir, name)); err != nil {
		return fmt.Errorf("copy the database before schema %d: %w", version, err)
	}
	return nil
}

func (s *Store) apply(ctx context.Context, from fs.FS, file string, version int) error {
	statements, err := fs.ReadFile(from, file)
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, string(statements)); err != nil {
			return fmt.Errorf("run %s: %w", file, err)
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, version)); err != nil {
			return fmt.Errorf("set the schema's version: %w", err)
		}
		return nil
	})
}

const seedGroup = `
INSERT INTO catalogue (slug, kind, region, title_fr, title_es, title_en, position)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (slug) DO NOTHING`

// seed puts in what a database must have: its own secret and the groups. What staff changed since stays. A
// database that has it all is only read: a command that asks how things stand must not wait for the
// writer while a process sends.
func (s *Store) seed(ctx context.Context) error {
	groups := community.BuiltinGroups()
	var have int
	err := s.read.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM setting WHERE key = 'instance') + (SELECT COUNT(*) FROM catalogue WHERE slug IN (SELECT value FROM json_each($1)))`, slugs(groups)).Scan(&have)
	if err != nil {
		return fmt.Errorf("look for the groups: %w", err)
	}
	if have == 1+len(groups) {
		return nil
	}
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO setting (key, value) VALUES ('instance', $1) ON CONFLICT (key) DO NOTHING`, newKey()); err != nil {
			return fmt.Errorf("write the instance key: %w", err)
		}
		for i, g := range groups {
			_, err := tx.ExecContext(ctx, seedGroup, g.Slug, g.Kind, g.Region,
				g.Title(i18n.French), g.Title(i18n.Spanish), g.Title(i18n.English), i)
			if err != nil {
				return fmt.Errorf("write group %s: %w", g.Slug, err)
			}
		}
		return nil
	})
}

// slugs writes the groups' slugs for json_each.
func slugs(groups []community.Group) string {
	var quoted []string
	for _, g := range groups {
		quoted = append(quoted, strconv.Quote(g.Slug))
	}
	return "[" + strings.Join(quoted, ",") + "]"
}
