package telegramtest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// getUpdates waits as the real server does, and refuses a second poller.
func (s *Server) getUpdates(r *http.Request, call Call) (any, *failure) {
	offset, _ := strconv.Atoi(call.Params["offset"])
	seconds, _ := strconv.Atoi(call.Params["timeout"])
	limit, err := strconv.Atoi(call.Params["limit"])
	if err != nil || limit < 1 || limit > mostUpdates {
		limit = mostUpdates
	}
	s.mu.Lock()
	if s.polling || s.webhook.url != "" {
		s.mu.Unlock()
		return nil, &failure{code: http.StatusConflict, description: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"}
	}
	s.polling = true
	refused := s.allow(call)
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.polling = false; s.mu.Unlock() }()
	if refused != nil {
		return nil, refused
	}
	deadline := time.NewTimer(time.Duration(seconds) * time.Second)
	defer deadline.Stop()
	for {
		s.mu.Lock()
		// An offset acknowledges everything before it.
		for len(s.updates) > 0 && s.updates[0].id < offset {
			s.updates = s.updates[1:]
		}
		out := []map[string]any{}
		for _, u := range s.updates[:min(limit, len(s.updates))] {
			out = append(out, u.body)
		}
		changed := s.changed
		s.mu.Unlock()
		if len(out) > 0 {
			return out, nil
		}
		select {
		case <-changed:
		case <-deadline.C:
			return out, nil
		case <-r.Context().Done():
			return out, nil
		}
	}
}

// mostUpdates is what one answer brings.
const mostUpdates = 100

// allow keeps which updates the bot asks for. A call that does not say leaves the list as it was.
func (s *Server) allow(call Call) *failure {
	given := call.Params["allowed_updates"]
	if given == "" {
		return nil
	}
	var kinds []string
	if err := json.Unmarshal([]byte(given), &kinds); err != nil {
		return bad("can't parse allowed updates JSON array")
	}
	s.allowed = kinds
	return nil
}

// asked reports whether the bot gets updates of a kind. Without a list those are all but the few that
// must be asked for.
func (s *Server) asked(kind string) bool {
	if len(s.allowed) == 0 {
		return kind != "chat_member"
	}
	return contains(s.allowed, kind)
}

// deliver queues an update, or calls the webhook; the lock is held. What the bot did not ask for is lost,
// as it is on the real server.
func (s *Server) deliver(kind string, body any) {
	if !s.asked(kind) {
		return
	}
	u := update{id: s.nextID, body: map[string]any{"update_id": s.nextID, kind: body}}
	s.nextID++
	s.updates = append(s.updates, u)
	s.changes()
}

// Acknowledged reports whether the bot has taken in everything that happened.
func (s *Server) Acknowledged() bool { return len(s.updates) == 0 }

// PostWebhook sends what is queued to the webhook once, as Telegram does, and returns the statuses.
func (s *Server) PostWebhook(t testing.TB, handler http.Handler, secret string) []int {
	t.Helper()
	s.mu.Lock()
	queued := s.updates
	if secret == "" {
		secret = s.webhook.secret
	}
	s.mu.Unlock()
	var statuses []int
	for _, u := range queued {
		body, err := json.Marshal(u.body)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/telegram", strings.NewReader(string(body)))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Telegram-Bot-Api-Secret-Token", secret)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		statuses = append(statuses, w.Code)
	}
	return statuses
}
