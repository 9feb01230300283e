package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDoctorSeesALogThatOnlyGrows lets the log be as large as a reader makes it that never ends, and no larger than usual.
func TestDoctorSeesALogThatOnlyGrows(t *testing.T) {
	for size, want := range map[int64]string{
		16 << 20:  "ok    log: 16 MB",
		201 << 20: "FAIL  log: chasqui.db-wal has 201 MB: something reads the database without end",
	} {
		data := t.TempDir()
		file, err := os.Create(filepath.Join(data, "chasqui.db-wal"))
		if err != nil {
			t.Fatal(err)
		}
		if err := file.Truncate(size); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		if _, out, stderr := command(t, "doctor", "--data", data); !strings.Contains(out, want) {
			t.Errorf("with %d MB doctor says %q %q", size>>20, out, stderr)
		}
	}
}
