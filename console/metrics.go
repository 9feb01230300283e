package console

import (
	"crypto/subtle"
	"net/http"
	"strings"
)

// metrics gives the figures to a machine that watches: to this machine, and elsewhere to who has the token.
// Without a token nobody elsewhere learns that there is anything here.
func (s *server) metrics(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if s.local(r) {
		s.Metrics.ServeHTTP(w, r)
		return
	}
	if s.MetricsToken == "" {
		http.NotFound(w, r)
		return
	}
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || subtle.ConstantTimeCompare([]byte(given), []byte(s.MetricsToken)) != 1 {
		w.Header().Set("WWW-Authenticate", `Bearer realm="metrics"`)
		writeText(w, http.StatusUnauthorized, "the token is missing or wrong\n")
		return
	}
	s.Metrics.ServeHTTP(w, r)
}
