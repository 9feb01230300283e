package telegram

import (
	"context"
	"sync"
	"time"
)

// mostUploads is how many files are remembered. A community has a few at a time; what is forgotten is
// only uploaded once more.
const mostUploads = 100

// uploadKey is a file as the rest of Chasqui names it. The same bytes have one id as a picture and
// another one as a document.
type uploadKey struct {
	key   string
	image bool
}

// uploaded is a file as Telegram keeps it.
type uploaded struct {
	form form
	id   string
}

// uploads remembers what Telegram has already.
//
// What must stay true: one file is uploaded by one sender at a time. Thirty senders who begin an
// announcement together would otherwise share the line for the same picture, until all of them
// take too long.
type uploads struct {
	mu    sync.Mutex
	known map[uploadKey]uploaded
	// order is known's keys, oldest first.
	order []uploadKey
	busy  map[uploadKey]chan struct{}
}

func newUploads() *uploads {
	return &uploads{known: map[uploadKey]uploaded{}, busy: map[uploadKey]chan struct{}{}}
}

// begin waits until nobody uploads the file, as long as patience allows. Then it says under which id
// Telegram has it, or ok is false and the caller uploads it and calls end, whatever came of it.
func (u *uploads) begin(ctx context.Context, key uploadKey, patience time.Duration) (file uploaded, ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		u.mu.Lock()
		file, ok = u.known[key]
		done, taken := u.busy[key]
		if !ok && !taken {
			u.busy[key] = make(chan struct{})
		}
		u.mu.Unlock()
		if ok || !taken {
			return file, ok, nil
		}
		select {
		case <-done:
		case <-ctx.Done():
			return uploaded{}, false, ctx.Err()
		}
	}
}

// end remembers an upload, unless it has no id, and lets the next sender go on.
func (u *uploads) end(key uploadKey, file uploaded) {
	u.mu.Lock()
	defer u.mu.Unlock()
	close(u.busy[key])
	delete(u.busy, key)
	if file.id == "" {
		return
	}
	u.known[key] = file
	if u.order = append(u.order, key); len(u.order) > mostUploads {
		delete(u.known, u.order[0])
		u.order = u.order[1:]
	}
}

// forget drops an id that Telegram refused, unless another sender has uploaded the file again meanwhile.
func (u *uploads) forget(key uploadKey, id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.known[key].id != id {
		return
	}
	delete(u.known, key)
	for i, k := range u.order {
		if k == key {
			u.order = append(u.order[:i], u.order[i+1:]...)
			return
		}
	}
}
