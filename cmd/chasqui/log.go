package main

import (
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"

	"chasqui/privlog"
)

// newLog writes text to a terminal and JSON lines to everything else.
func newLog(w io.Writer) *slog.Logger {
	var next slog.Handler = slog.NewJSONHandler(w, nil)
	if isTerminal(w) {
		next = slog.NewTextHandler(w, nil)
	}
	return slog.New(privlog.New(next))
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func redactText(s string) string { return privlog.Text(s) }
