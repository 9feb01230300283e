package console

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"

	"chasqui/channel/webchat"
	"chasqui/i18n"
)

const (
	cookieName = "chasqui_chat"
	// longestText is in characters, as the page's field has it.
	longestText = 4000
	// keepAlive is under the minute after which proxies cut a silent stream.
	keepAlive = 20 * time.Second
)

// language is what the page speaks: what its link says, else what the browser asks for.
func language(r *http.Request) i18n.Lang {
	if l, ok := i18n.ParseLang(r.FormValue("lang")); ok {
		return l
	}
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(part, ";")
		if l, ok := i18n.ParseLang(tag); ok {
			return l
		}
	}
	return i18n.French
}

// chat is the id of the browser's chat; the cookie's own value is in no table, only its hash.
func (s *server) chat(w http.ResponseWriter, r *http.Request) string {
	name := cookieName
	if s.Secure {
		name = "__Host-" + name
	}
	token := ""
	if c, err := r.Cookie(name); err == nil && len(c.Value) == 32 {
		token = c.Value
	} else {
		token = newID()
		http.SetCookie(w, &http.Cookie{Name: name, Value: token, Path: "/", HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode, MaxAge: 30 * 24 * 3600})
	}
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func newID() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails: crypto/rand.Read ends the process instead
	return hex.EncodeToString(b)
}

func (s *server) view(r *http.Request) view {
	return view{texts: s.Texts, lang: language(r), messageID: newID(), assets: s.assets}
}

func (s *server) page(w http.ResponseWriter, r *http.Request) {
	v := s.view(r)
	v.lines = s.Chat.History(s.chat(w, r))
	for _, l := range v.lines {
		v.seq = max(v.seq, l.Seq)
	}
	s.html(w, http.StatusOK)
	s.render(w, r, chatPage(v))
}

func (s *server) html(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
}

func (s *server) render(w http.ResponseWriter, r *http.Request, c templ.Component) {
	if err := c.Render(r.Context(), w); err != nil && r.Context().Err() == nil {
		s.Log.Warn("a page was not written", "error", err)
	}
}

func (s *server) say(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	chat := s.chat(w, r)
	text := strings.TrimSpace(r.FormValue("text"))
	switch {
	case text == "":
		s.refuse(w, r, http.StatusUnprocessableEntity, "console.fault.empty", "")
	case utf8.RuneCountInString(text) > longestText || !utf8.ValidString(text):
		s.refuse(w, r, http.StatusUnprocessableEntity, "console.fault.long", "")
	case !s.limits.allow(chat, s.client(r)):
		s.refuse(w, r, http.StatusTooManyRequests, "console.fault.fast", text)
	default:
		err := s.Chat.Say(r.Context(), chat, messageID(r), string(language(r)), text)
		s.taken(w, r, err, text)
	}
}

func (s *server) press(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	chat := s.chat(w, r)
	if !s.limits.allow(chat, s.client(r)) {
		s.refuse(w, r, http.StatusTooManyRequests, "console.fault.fast", "")
		return
	}
	err := s.Chat.Press(r.Context(), chat, newID(), string(language(r)), r.FormValue("on"), r.FormValue("data"))
	s.taken(w, r, err, "")
}

// messageID is the form's own number, so that a form sent twice counts once; anything that the page
// did not make is replaced.
func messageID(r *http.Request) string {
	id := r.FormValue("id")
	if raw, err := hex.DecodeString(id); err == nil && len(raw) == 16 {
		return id
	}
	return newID()
}

// taken answers after the bot took a message, or did not: what was typed is given back then.
func (s *server) taken(w http.ResponseWriter, r *http.Request, err error, text string) {
	if err != nil {
		s.Log.Warn("a message of the chat page was not taken", "error", err)
		s.refuse(w, r, http.StatusServiceUnavailable, "console.fault.later", text)
		return
	}
	if r.Header.Get("HX-Request") == "" {
		http.Redirect(w, r, "/chat?lang="+string(language(r)), http.StatusSeeOther)
		return
	}
	s.html(w, http.StatusOK)
	s.render(w, r, taken(s.view(r)))
}

func (s *server) refuse(w http.ResponseWriter, r *http.Request, status int, key, draft string) {
	v := s.view(r)
	v.fault, v.draft = s.Texts.T(v.lang, key), draft
	s.html(w, status)
	if r.Header.Get("HX-Request") != "" {
		s.render(w, r, fault(v))
		return
	}
	v.lines = s.Chat.History(s.chat(w, r))
	s.render(w, r, chatPage(v))
}

// events streams what is said to a page. A page that comes back says with Last-Event-ID what it has.
func (s *server) events(w http.ResponseWriter, r *http.Request) {
	chat := s.chat(w, r)
	seq := webchat.ParseSeq(r.FormValue("after"))
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		seq = webchat.ParseSeq(last)
	}
	out := http.NewResponseController(w)
	// The server's own write deadline would cut the stream.
	if err := out.SetWriteDeadline(time.Time{}); err != nil {
		s.Log.Warn("a stream keeps its deadline", "error", err)
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		lines, changed := s.Chat.After(chat, seq)
		for _, l := range lines {
			if err := s.event(r.Context(), w, r, l); err != nil {
				return
			}
			seq = l.Seq
		}
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case <-changed:
		case <-tick.C:
			if _, err := fmt.Fprint(w, ": still here\n\n"); err != nil {
				return
			}
		case <-s.Stopping:
			return
		case <-r.Context().Done():
			return
		}
	}
}

func (s *server) event(ctx context.Context, w http.ResponseWriter, r *http.Request, l webchat.Line) error {
	var b bytes.Buffer
	if err := line(s.view(r), l).Render(ctx, &b); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "id: %d\nevent: line\ndata: %s\n\n", l.Seq, strings.ReplaceAll(b.String(), "\n", " "))
	return err
}
