// Package telegramtest is an emulated Bot API server with people and rooms behind it, for tests and
// for showing the bot without an account.
//
// What must stay true: it takes only what the real server documents. A method or a parameter that it
// does not know is reported through Options.Fail, and every documented limit that a bot can run into
// is enforced, so that a test that passes here says something about Telegram.
package telegramtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options set a server up.
type Options struct {
	// Token is what the bot must call with.
	Token string
	// Username is the bot's own name.
	Username string
	// Fail reports a call that the real server would not understand.
	Fail func(format string, args ...any)
	Now  func() time.Time
	// Overall is how many messages a second the bot may send, PerChat how many to one person and PerRoom
	// how many a minute to one room; zero means Telegram's documented 30, 1 and 20.
	Overall, PerChat, PerRoom float64
}

// Call is one request of the bot.
type Call struct {
	Method string
	Params map[string]string
	At     time.Time
	// File is the name of an uploaded file.
	File string
	// data is what an uploaded file holds.
	data []byte
}

// Server is the emulated server.
type Server struct {
	http *httptest.Server
	o    Options

	mu      sync.Mutex
	changed chan struct{}
	calls   []Call
	chats   map[int64]*chat
	updates []update
	allowed []string
	files   map[string]*file
	fileID  int
	nextID  int
	message int
	polling bool
	webhook webhook
	faults  map[string][]Fault
	menus   map[string]string
	pending map[string]bool
	limits  limits
}

type update struct {
	id   int
	body map[string]any
}

type webhook struct{ url, secret string }

// Token is what tests use when they do not care.
const Token = "123456789:AAF-emulated-token-of-thirty-five-c"

// ForTest starts a server for one test: what it does not understand fails the test.
func ForTest(t testing.TB) *Server {
	t.Helper()
	s := New(Options{Token: Token, Username: "chasqui_bot", Fail: func(format string, args ...any) { t.Errorf(format, args...) }, Now: time.Now})
	t.Cleanup(s.Close)
	return s
}

// New starts a server on loopback.
func New(o Options) *Server {
	if o.Overall == 0 {
		o.Overall = 30
	}
	if o.PerChat == 0 {
		o.PerChat = 1
	}
	if o.PerRoom == 0 {
		o.PerRoom = 20
	}
	s := &Server{
		o: o, changed: make(chan struct{}), chats: map[int64]*chat{}, nextID: 1, faults: map[string][]Fault{},
		menus: map[string]string{}, pending: map[string]bool{}, files: map[string]*file{},
	}
	s.limits = newLimits(o)
	s.http = httptest.NewServer(s)
	return s
}

// URL is the base address for the bot's settings.
func (s *Server) URL() string { return s.http.URL }

// Close stops the server.
func (s *Server) Close() {
	s.http.CloseClientConnections()
	s.http.Close()
}

// changes wakes whoever waits; the lock is held.
func (s *Server) changes() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// WaitFor returns when what holds, or fails the test after ten seconds. The lock is held while what is
// asked, so it may look at everything but call nothing of the server's.
func (s *Server) WaitFor(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	for {
		s.mu.Lock()
		done, changed := holds(), s.changed
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-deadline.C:
			t.Fatalf("waited ten seconds for %s", what)
		}
	}
}

// Calls lists what the bot called, in order.
func (s *Server) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Called(method)
}

// Called is Calls for use in WaitFor, which holds the lock.
func (s *Server) Called(method string) []Call {
	var out []Call
	for _, c := range s.calls {
		if method == "" || c.Method == method {
			out = append(out, c)
		}
	}
	return out
}

// Count is how many calls there were.
func (s *Server) Count(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for i := range s.calls {
		if s.calls[i].Method == method {
			n++
		}
	}
	return n
}

// failure is an answer that refuses.
type failure struct {
	code        int
	description string
	retryAfter  int
	migrateTo   int64
}

func (f *failure) Error() string { return f.description }

func bad(format string, args ...any) *failure {
	return &failure{code: http.StatusBadRequest, description: "Bad Request: " + fmt.Sprintf(format, args...)}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if rest, ok := strings.CutPrefix(r.URL.Path, "/file/bot"); ok {
		s.serveFile(w, r, rest)
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/bot")
	token, method, named := strings.Cut(rest, "/")
	if !ok || !named {
		http.NotFound(w, r)
		return
	}
	call := Call{Method: method, Params: map[string]string{}, At: s.o.Now()}
	if err := readParams(r, &call); err != nil {
		s.o.Fail("%s: unreadable parameters: %v", method, err)
		answer(w, nil, bad("unreadable"))
		return
	}
	fault := s.record(call)
	if token != s.o.Token {
		answer(w, nil, &failure{code: http.StatusUnauthorized, description: "Unauthorized"})
		return
	}
	if fault != nil && fault.before(w, r) {
		return
	}
	result, err := s.dispatch(r, call)
	if fault != nil && fault.lose(w) {
		return
	}
	answer(w, result, err)
}

// record keeps a call for the test to look at, without what an uploaded file holds, and says what is
// to go wrong with it.
func (s *Server) record(call Call) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	call.data = nil
	s.calls = append(s.calls, call)
	s.changes()
	return s.takeFault(call.Method)
}

func readParams(r *http.Request, call *Call) error {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		if err := r.ParseMultipartForm(64 << 20); err != nil {
			return err
		}
		for name, values := range r.MultipartForm.Value {
			call.Params[name] = values[0]
		}
		for name, files := range r.MultipartForm.File {
			if call.Params[name] != "" {
				return fmt.Errorf("%s is given as a file and as an id", name)
			}
			call.Params[name], call.File = attached, files[0].Filename
			f, err := files[0].Open()
			if err != nil {
				return err
			}
			defer f.Close()
			if call.data, err = io.ReadAll(f); err != nil {
				return err
			}
		}
		return nil
	}
	if err := r.ParseForm(); err != nil {
		return err
	}
	for name, values := range r.Form {
		call.Params[name] = values[0]
	}
	return nil
}

func answer(w http.ResponseWriter, result any, refused *failure) {
	body := map[string]any{"ok": refused == nil}
	status := http.StatusOK
	if refused != nil {
		status = refused.code
		body["error_code"], body["description"] = refused.code, refused.description
		parameters := map[string]any{}
		if refused.retryAfter > 0 {
			parameters["retry_after"] = refused.retryAfter
			w.Header().Set("Retry-After", strconv.Itoa(refused.retryAfter))
		}
		if refused.migrateTo != 0 {
			parameters["migrate_to_chat_id"] = refused.migrateTo
		}
		if len(parameters) > 0 {
			body["parameters"] = parameters
		}
	} else {
		body["result"] = result
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that has gone is a client's business
}

// method is what the server knows of one method of the Bot API.
type method struct {
	required, optional []string
	run                func(*Server, *http.Request, Call) (any, *failure)
}

func (s *Server) dispatch(r *http.Request, call Call) (any, *failure) {
	m, ok := methods[call.Method]
	if !ok {
		s.o.Fail("the bot called %s, which the emulated server does not know", call.Method)
		return nil, &failure{code: http.StatusNotFound, description: "Not Found"}
	}
	for name := range call.Params {
		if !contains(m.required, name) && !contains(m.optional, name) {
			s.o.Fail("%s was called with %s, which the emulated server does not know", call.Method, name)
		}
	}
	for _, name := range m.required {
		if call.Params[name] == "" {
			return nil, bad("parameter %q is required", name)
		}
	}
	if call.Method == "getUpdates" {
		return s.getUpdates(r, call)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.changes()
	return m.run(s, r, call)
}

func contains(list []string, name string) bool {
	for _, l := range list {
		if l == name {
			return true
		}
	}
	return false
}
