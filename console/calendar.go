package console

import (
	"net/http"
	"strings"
)

// calendar serves one person's events to their calendar application. The secret in the address is all that
// it takes, so nothing tells a wrong one from one that was ended, and nobody keeps a copy on the way.
func (s *server) calendar(w http.ResponseWriter, r *http.Request) {
	secret, isFile := strings.CutSuffix(r.PathValue("file"), ".ics")
	if !isFile || secret == "" {
		writeText(w, http.StatusNotFound, "there is no such calendar\n")
		return
	}
	file, ok, err := s.Calendars.Calendar(r.Context(), secret)
	if err != nil {
		s.Log.Error("a calendar was not written", "error", err)
		writeText(w, http.StatusInternalServerError, "the calendar is not available right now\n")
		return
	}
	if !ok {
		writeText(w, http.StatusNotFound, "there is no such calendar\n")
		return
	}
	w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
	w.Header().Set("Cache-Control", "private, no-store")
	w.Header().Set("X-Robots-Tag", "noindex")
	_, _ = w.Write(file) // the caller has gone if this fails
}
