package store

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// named lists the columns that name a member: those that reference one, and those that are called so.
func named(t *testing.T, s *Store) []string {
	t.Helper()
	var columns []string
	for _, query := range []string{
		`SELECT t.name || '.' || f."from" FROM sqlite_master t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table' AND f."table" = 'member'`,
		`SELECT t.name || '.' || c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND c.name LIKE '%member\_id' ESCAPE '\'`,
	} {
		err := each(t.Context(), s.read, func(rows *sql.Rows) error {
			var column string
			err := rows.Scan(&column)
			if !slices.Contains(columns, column) {
				columns = append(columns, column)
			}
			return err
		}, query)
		if err != nil {
			t.Fatal(err)
		}
	}
	return columns
}

func TestAMergeKnowsEveryTableThatNamesAMember(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "chasqui.db"), time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	columns := named(t, s)
	if len(columns) < 10 {
		t.Fatalf("the schema names members only in %v", columns)
	}
	var known []string
	for _, m := range mergedTables {
		known = append(known, m.table+"."+m.column)
	}
	for _, c := range columns {
		if !slices.Contains(known, c) {
			t.Errorf("%s names a member and mergedTables lacks it: what it keeps would be lost when two members are made one", c)
		}
	}
	for _, k := range known {
		if !slices.Contains(columns, k) {
			t.Errorf("mergedTables names %s, which names no member", k)
		}
	}
	// The check itself finds a table that is new.
	if _, err := s.write.ExecContext(t.Context(), `CREATE TABLE later (person INTEGER REFERENCES member(id))`); err != nil {
		t.Fatal(err)
	}
	if columns := named(t, s); !slices.ContainsFunc(columns, func(c string) bool { return strings.HasPrefix(c, "later.") }) {
		t.Errorf("a new table is not seen among %v", columns)
	}
}
