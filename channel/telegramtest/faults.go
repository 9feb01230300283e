package telegramtest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// Fault is something that goes wrong with one call.
type Fault struct {
	status     int
	html       string
	retryAfter int
	text       string
	hang       bool
	cut, lost  bool
}

// TooMany asks to wait.
func TooMany(seconds int) Fault {
	return Fault{status: http.StatusTooManyRequests, retryAfter: seconds, text: fmt.Sprintf("Too Many Requests: retry after %d", seconds)}
}

// BadGateway is the HTML that a gateway answers with.
func BadGateway() Fault {
	return Fault{status: http.StatusBadGateway, html: "<html><h1>502 Bad Gateway</h1></html>"}
}

// GatewayTimeout is an empty answer of a gateway.
func GatewayTimeout() Fault { return Fault{status: http.StatusGatewayTimeout, html: " "} }

// Hang never answers, until the caller has gone.
func Hang() Fault { return Fault{hang: true} }

// Cut closes the connection before anything happens.
func Cut() Fault { return Fault{cut: true} }

// LostAnswer does what was asked and closes the connection instead of saying so.
func LostAnswer() Fault { return Fault{lost: true} }

// Refuse answers with this status and description.
func Refuse(status int, text string) Fault { return Fault{status: status, text: text} }

// Next makes the next calls of a method go wrong, one fault each.
func (s *Server) Next(method string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[method] = append(s.faults[method], faults...)
}

func (s *Server) takeFault(method string) *Fault {
	waiting := s.faults[method]
	if len(waiting) == 0 {
		return nil
	}
	s.faults[method] = waiting[1:]
	return &waiting[0]
}

// before plays a fault that keeps the call from happening.
func (f *Fault) before(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case f.hang:
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	case f.cut:
		hangUp(w)
	case f.html != "":
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(f.status)
		_, _ = io.WriteString(w, strings.TrimSpace(f.html))
	case f.status != 0:
		answer(w, nil, &failure{code: f.status, description: f.text, retryAfter: f.retryAfter})
	default:
		return false
	}
	return true
}

func (f *Fault) lose(w http.ResponseWriter) bool {
	if f.lost {
		hangUp(w)
	}
	return f.lost
}

func hangUp(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset, as a lost line looks from here
	}
	_ = conn.Close()
}
