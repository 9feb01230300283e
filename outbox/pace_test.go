package outbox

import (
	"strings"
	"testing"
	"time"
)

// TestNoChatIsWrittenToFasterThanItsPace lets a sender that never rests meet the meters for an hour, by a clock
// of its own: in no minute does a room get more than twenty, and in the hour it gets nearly all that it may.
func TestNoChatIsWrittenToFasterThanItsPace(t *testing.T) {
	for _, c := range []struct {
		chat             string
		inAMinute, atAll int
	}{{"-100", 20, 890}, {"7", 65, 3590}} {
		m := newMeters(Options{Chat: Pace{5, time.Second}, Room: Pace{5, 4 * time.Second}, IsRoom: func(chat string) bool { return strings.HasPrefix(chat, "-") }})
		began := time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
		var left []time.Time
		for now := began; now.Before(began.Add(time.Hour)); {
			held, opens := m.held(now)
			if len(held) == 0 {
				m.took(c.chat, now)
				left = append(left, now)
				continue
			}
			if !opens.After(now) {
				t.Fatalf("%s is held and opens at %v, now", c.chat, opens)
			}
			now = opens
		}
		for i := c.inAMinute; i < len(left); i++ {
			if took := left[i].Sub(left[i-c.inAMinute]); took < time.Minute {
				t.Fatalf("%s got %d in %v", c.chat, c.inAMinute+1, took)
			}
		}
		if len(left) < c.atAll {
			t.Errorf("%s got %d in an hour, want %d at least", c.chat, len(left), c.atAll)
		}
	}
}

func TestAChatThatTheNetworkHeldWaitsAloneAndIsForgottenAfter(t *testing.T) {
	now := time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	m := newMeters(Options{})
	m.took("a", now)
	m.hold("a", now.Add(9*time.Second), now)
	m.hold("a", now.Add(3*time.Second), now)
	if held, opens := m.held(now); len(held) != 1 || held[0] != "a" || !opens.Equal(now.Add(9*time.Second)) {
		t.Errorf("held %v until %v", held, opens)
	}
	if held, _ := m.held(now.Add(9 * time.Second)); len(held) != 0 || len(m.of) != 0 {
		t.Errorf("after its time %v is held, %d remembered", held, len(m.of))
	}
}
