package broadcast

import (
	"time"

	"chasqui/channel"
)

// PaceOver is how far back it is looked to say how long the rest takes: long enough that one slow minute
// does not frighten, short enough that a network that has slowed down shows.
const PaceOver = 5 * time.Minute

const (
	// Less than this is too little to go by: a number that jumps is worse than none.
	shortestPace = 30 * time.Second
	fewestEnded  = 10
	// markEvery is how often a Runner notes how much is left.
	markEvery = 5 * time.Second
)

// TimeLeft is how long the rest of an announcement takes when each network goes on as it did over the time
// given, in which ended deliveries came to an end there. The slowest network decides. It is zero when
// nobody can say: nothing is on its way, it is held, or one network has not shown its pace yet.
func TimeLeft(st Standing, ended map[channel.Network]int, over time.Duration) time.Duration {
	if st.State != Sending || !st.PausedAt.IsZero() || over < shortestPace {
		return 0
	}
	longest := time.Duration(0)
	for n := range st.Networks {
		open := st.OpenOn(n)
		if open == 0 {
			continue
		}
		if ended[n] < fewestEnded {
			return 0
		}
		longest = max(longest, time.Duration(float64(over)*float64(open)/float64(ended[n])))
	}
	return longest
}

// pace is how much of an announcement was left, mark by mark, over the last minutes. It lives as long as its
// Runner: after a restart it has to be learnt anew.
type pace []mark

type mark struct {
	at   time.Time
	open map[channel.Network]int
}

// noted adds how much is left now. What was retried, or a clock that was put back, begins a new measure.
func (p pace) noted(st Standing, now time.Time) pace {
	m := mark{at: now, open: map[channel.Network]int{}}
	for n := range st.Networks {
		m.open[n] = st.OpenOn(n)
	}
	if len(p) > 0 {
		last := p[len(p)-1]
		for n := range m.open {
			if m.open[n] > last.open[n] {
				return pace{m}
			}
		}
		switch since := now.Sub(last.at); {
		case since < 0:
			return pace{m}
		case since < markEvery:
			return p
		}
	}
	for len(p) > 0 && now.Sub(p[0].at) > PaceOver {
		p = p[1:]
	}
	return append(p, m)
}

// left is how long the rest takes, by what was noted.
func (p pace) left(st Standing, now time.Time) time.Duration {
	if len(p) == 0 {
		return 0
	}
	ended := map[channel.Network]int{}
	for n, open := range p[0].open {
		ended[n] = open - st.OpenOn(n)
	}
	return TimeLeft(st, ended, now.Sub(p[0].at))
}
