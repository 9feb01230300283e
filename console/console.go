// Package console is what a browser sees: for now the chat page on which anybody may talk with the bot.
//
// What must stay true: nothing is loaded from elsewhere and nothing runs that is not in a file of ours,
// which the content security policy enforces; every action works without JavaScript.
package console

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"chasqui/channel/webchat"
	"chasqui/i18n"
)

// Chat is the network behind the chat page.
type Chat interface {
	Say(ctx context.Context, chat, messageID, lang, text string) error
	Press(ctx context.Context, chat, messageID, lang, onMessage, data string) error
	History(chat string) []webchat.Line
	After(chat string, seq int) ([]webchat.Line, <-chan struct{})
}

// Options are what the console needs.
type Options struct {
	Chat  Chat
	Texts i18n.Texts
	// Open lets others than loopback use the chat page.
	Open bool
	// Secure is set when people reach the console over https: its cookie then never travels in clear.
	Secure bool
	// Trusted are the proxies whose forwarding headers are believed.
	Trusted []netip.Prefix
	// Ready says whether everything behind the console works.
	Ready func(context.Context) error
	// Calendars are people's calendar feeds, or nil.
	Calendars Calendars
	// Webhook is where Telegram calls, or nil.
	Webhook http.Handler
	// Metrics shows the figures at /metrics, or is nil; MetricsToken lets others than loopback see them.
	Metrics      http.Handler
	MetricsToken string
	// Stopping is closed when the server goes down: open streams end then, and pages come back by
	// themselves.
	Stopping <-chan struct{}
	Now      func() time.Time
	Log      *slog.Logger
}

// Calendars gives the calendar file that a secret opens, and false when it opens none.
type Calendars interface {
	Calendar(ctx context.Context, secret string) ([]byte, bool, error)
}

// WebhookPath is where Options.Webhook is served.
const WebhookPath = "/telegram"

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

type server struct {
	Options
	assets assets
	limits *limits
}

// New makes the console's handler.
func New(o Options) (http.Handler, error) {
	a, err := loadAssets()
	if err != nil {
		return nil, err
	}
	s := &server{Options: o, assets: a, limits: newLimits(o.Now)}
	pages := http.NewServeMux()
	pages.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/chat", http.StatusSeeOther) })
	pages.Handle("GET /chat", s.chatOnly(s.page))
	pages.Handle("POST /chat/say", s.chatOnly(s.say))
	pages.Handle("POST /chat/press", s.chatOnly(s.press))
	pages.Handle("GET /chat/events", s.chatOnly(s.events))
	pages.Handle("GET /assets/", a)

	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", s.ready)
	if o.Metrics != nil {
		mux.HandleFunc("GET /metrics", s.metrics)
	}
	if o.Webhook != nil {
		mux.Handle(WebhookPath, o.Webhook)
	}
	if o.Calendars != nil {
		mux.HandleFunc("GET /calendar/{file}", s.calendar)
	}
	mux.Handle("/", http.NewCrossOriginProtection().Handler(compressed(pages)))
	return headers(mux), nil
}

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // the caller has gone if this fails
}

func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		s.Log.Warn("not ready", "error", err)
		writeText(w, http.StatusServiceUnavailable, "not ready\n")
		return
	}
	writeText(w, http.StatusOK, "ready\n")
}

// client is the address of whoever asks: the connection's own, or what a trusted proxy says.
func (s *server) client(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap()
	forwarded := strings.Split(r.Header.Get("X-Forwarded-For"), ",")
	// From the right: each trusted proxy vouches for the one before it, and nobody for what lies beyond.
	for i := len(forwarded) - 1; i >= 0 && s.trusts(addr); i-- {
		before, err := netip.ParseAddr(strings.TrimSpace(forwarded[i]))
		if err != nil {
			break
		}
		addr = before.Unmap()
	}
	return addr
}

func (s *server) trusts(addr netip.Addr) bool {
	for _, p := range s.Trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// local reports whether the person sits at this machine. A proxy that is not declared makes everybody
// look local, so any forwarding header rules it out.
func (s *server) local(r *http.Request) bool {
	for _, h := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip"} {
		if r.Header.Get(h) != "" && len(s.Trusted) == 0 {
			return false
		}
	}
	return s.client(r).IsLoopback()
}

func (s *server) chatOnly(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.Open && !s.local(r) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(http.StatusForbidden)
			s.render(w, r, closedPage(view{texts: s.Texts, lang: language(r), assets: s.assets}))
			return
		}
		next(w, r)
	})
}
