package console

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	perChat   = 20 // messages a minute, for one browser
	perClient = 60 // and for one address, behind which a whole office may sit
	// keptLimits bounds the memory that strangers can use; beyond it everybody starts anew.
	keptLimits = 4096
)

// limits slow down who writes too fast.
type limits struct {
	now   func() time.Time
	mu    sync.Mutex
	chats map[string]*rate.Limiter
	addrs map[netip.Addr]*rate.Limiter
}

func newLimits(now func() time.Time) *limits {
	return &limits{now: now, chats: map[string]*rate.Limiter{}, addrs: map[netip.Addr]*rate.Limiter{}}
}

func (l *limits) allow(chat string, addr netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	byAddr := limiter(l.addrs, addr, perClient)
	return limiter(l.chats, chat, perChat).AllowN(now, 1) && byAddr.AllowN(now, 1)
}

func limiter[K comparable](all map[K]*rate.Limiter, key K, aMinute int) *rate.Limiter {
	if l, ok := all[key]; ok {
		return l
	}
	if len(all) >= keptLimits {
		clear(all)
	}
	l := rate.NewLimiter(rate.Every(time.Minute/time.Duration(aMinute)), aMinute/2)
	all[key] = l
	return l
}
