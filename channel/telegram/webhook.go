package telegram

import (
	"crypto/subtle"
	"io"
	"net/http"
	"strings"

	"chasqui/channel"
)

const (
	// webhookInside is how many updates may be taken in at once; Telegram keeps the rest and comes again.
	webhookInside = 16
	// largestUpdate is far above any update; what is larger is not from Telegram.
	largestUpdate = 1 << 20
)

// Webhook is where Telegram calls. It answers 200 only after the update is committed.
func (c *Channel) Webhook() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := r.Header.Get("X-Telegram-Bot-Api-Secret-Token")
		switch receive := c.receive.Load(); {
		case r.Method != http.MethodPost:
			http.Error(w, "only POST", http.StatusMethodNotAllowed)
		case subtle.ConstantTimeCompare([]byte(given), []byte(c.secret)) != 1:
			http.Error(w, "not from Telegram", http.StatusUnauthorized)
		case !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
			http.Error(w, "only JSON", http.StatusUnsupportedMediaType)
		case receive == nil:
			w.Header().Set("Retry-After", "5")
			http.Error(w, "not ready", http.StatusServiceUnavailable)
		default:
			c.serveUpdate(w, r, *receive)
		}
	})
}

func (c *Channel) serveUpdate(w http.ResponseWriter, r *http.Request, receive channel.Receive) {
	select {
	case c.inside <- struct{}{}:
		defer func() { <-c.inside }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "full", http.StatusServiceUnavailable)
		return
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestUpdate))
	if err != nil {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	if err := c.handle(r.Context(), raw, receive); err != nil {
		c.log.Warn("an update was not taken in", "error", err)
		http.Error(w, "try again", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusOK)
}
