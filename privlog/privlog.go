// Package privlog is the log's handler. It writes what happened without saying to whom: phones, mail
// addresses, tokens and whatever stands under a key that may hold a name or a text are cut out.
//
// What must stay true: nothing reaches the underlying handler unredacted, however deep it is nested:
// message, attribute, group, error, stringer.
package privlog

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
)

// hidden is what stands in for what was cut out.
const hidden = "[hidden]"

var (
	token = regexp.MustCompile(`\d{5,}(?::|%3[Aa])[A-Za-z0-9_-]{20,}`)
	mail  = regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`)
	// phone is eight digits or more with what people put between them; a plus makes seven enough.
	phone = regexp.MustCompile(`\+\d[\d ().-]{5,}\d|\b\d(?:[ ().-]?\d){7,}\b`)
	// userinfo is a password in an address such as postgres://user:secret@host.
	userinfo = regexp.MustCompile(`://[^/\s@]+@`)
)

// private are the keys whose values may name a person or repeat what they wrote.
var private = map[string]bool{
	"name": true, "text": true, "body": true, "message_text": true, "phone": true, "email": true, "token": true, "chat": true,
	"from": true, "to": true, "address": true, "question": true, "query": true, "secret": true, "password": true, "code": true, "username": true,
}

// Text cuts out of s what may lead to a person or open a door. What one cut leaves may join into another
// thing to cut, so it goes on until nothing is left; each round only ever makes more hidden.
func Text(s string) string {
	for range mostRounds {
		next := cut(s)
		if next == s {
			return s
		}
		s = next
	}
	return hidden
}

// mostRounds is far more than any text of a log needs; what needs more is hidden whole.
const mostRounds = 8

func cut(s string) string {
	s = token.ReplaceAllString(s, hidden)
	s = userinfo.ReplaceAllString(s, "://"+hidden+"@")
	s = mail.ReplaceAllString(s, hidden)
	return phone.ReplaceAllString(s, hidden)
}

// Handler redacts and passes on.
type Handler struct{ next slog.Handler }

// New wraps next.
func New(next slog.Handler) *Handler { return &Handler{next: next} }

// Enabled implements slog.Handler.
func (h *Handler) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

// Handle implements slog.Handler.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, Text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(redact(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

// WithAttrs implements slog.Handler.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = redact(a)
	}
	return &Handler{next: h.next.WithAttrs(clean)}
}

// WithGroup implements slog.Handler.
func (h *Handler) WithGroup(name string) slog.Handler { return &Handler{next: h.next.WithGroup(name)} }

func redact(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	if private[strings.ToLower(a.Key)] {
		return slog.String(a.Key, hidden)
	}
	switch v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, Text(v.String()))
	case slog.KindGroup:
		members := v.Group()
		clean := make([]any, len(members))
		for i, m := range members {
			clean[i] = redact(m)
		}
		return slog.Group(a.Key, clean...)
	case slog.KindAny:
		// Errors and everything else are logged as their text, so that no handler looks inside them.
		return slog.String(a.Key, Text(fmt.Sprint(v.Any())))
	}
	return a
}
