package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"chasqui/broadcast"
	"chasqui/store"
)

const (
	// watchEvery is how often the counters are read: they are few rows, whatever the size of the audience.
	watchEvery = 500 * time.Millisecond
	// stillAfter is how long nothing may move before it is said: most often no serve runs.
	stillAfter = 30 * time.Second
)

func (p *program) announceWatch() *cobra.Command {
	return p.onAnnouncement("watch", "Show the progress of one until it is over; Ctrl-C leaves it running", p.watch)
}

// progressView shows how far an announcement is: a bar for a person, lines for a file.
type progressView interface {
	// show is called again and again; words say what a count does not.
	show(st broadcast.Standing, words string) error
	// end leaves the line that the view writes on.
	end() error
}

// watch follows an announcement until nothing of it can leave any more. It only reads: whoever stops it stops
// nothing else.
func (p *program) watch(ctx context.Context, st *store.Store, id int64) error {
	var view progressView = &progressLines{w: p.stdout}
	if isTerminal(p.stdout) {
		view = &progressBar{w: p.stdout}
	}
	still := &stillness{}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		over, err := p.watchOnce(ctx, st, id, view, still)
		if ctx.Err() != nil {
			return p.leaveRunning(view, id)
		}
		if over || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return p.leaveRunning(view, id)
		case <-tick.C:
		}
	}
}

func (p *program) leaveRunning(view progressView, id int64) error {
	if err := view.end(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.stdout, "announcement %d goes on without you: chasqui announce watch %d\n", id, id)
	return err
}

// watchOnce shows how it stands now and reports whether it is over.
func (p *program) watchOnce(ctx context.Context, st *store.Store, id int64, view progressView, still *stillness) (over bool, err error) {
	standing, ok, err := st.Standing(ctx, id)
	if err != nil {
		return false, err
	}
	if !ok {
		return false, fmt.Errorf("there is no announcement %d", id)
	}
	switch standing.State {
	case broadcast.Draft:
		return false, fmt.Errorf("announcement %d is a draft: nobody has let it go", id)
	case broadcast.Late:
		return false, fmt.Errorf("announcement %d waits for a person: chasqui announce start-late or cancel %d", id, id)
	case broadcast.Done, broadcast.Cancelled:
		return true, p.endWatch(view, standing)
	}
	if standing.Left, err = st.TimeLeft(ctx, standing, p.now()); err != nil {
		return false, err
	}
	if err := view.show(standing, watchWords(standing, p.now())); err != nil {
		return false, fmt.Errorf("show the progress: %w", err)
	}
	if still.noted(standing, p.now()) {
		if err := view.end(); err != nil {
			return false, err
		}
		fmt.Fprintf(p.stdout, "nothing of announcement %d has left for %d s: see whether chasqui serve runs, and chasqui doctor\n", id, int(stillAfter.Seconds()))
	}
	return false, nil
}

// endWatch shows the last of the way and the final counts.
func (p *program) endWatch(view progressView, st broadcast.Standing) error {
	if st.State == broadcast.Done {
		if err := view.show(st, ""); err != nil {
			return fmt.Errorf("show the progress: %w", err)
		}
	}
	if err := view.end(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.stdout, "announcement %d %s: %s\n", st.ID, stateOf(st), countsLine(st))
	return err
}

// watchWords say what a count does not: that it waits for its time, is held, or how long it still takes.
func watchWords(st broadcast.Standing, now time.Time) string {
	switch {
	case st.State == broadcast.Approved:
		return "starts at " + st.StartAt.In(now.Location()).Format("2006-01-02 15:04:05")
	case !st.PausedAt.IsZero():
		return "paused"
	}
	return leftWords(st.Left)
}

// leftWords say how long the rest takes, rounded up; nothing when nobody can say.
func leftWords(left time.Duration) string {
	switch {
	case left <= 0:
		return ""
	case left <= time.Minute:
		return "a minute left at most"
	case left < 100*time.Minute:
		return fmt.Sprintf("about %d min left", (left+time.Minute-1)/time.Minute)
	}
	return fmt.Sprintf("about %d h left", (left+time.Hour-1)/time.Hour)
}

// stillness notices when nothing moves although it should, and says so once.
type stillness struct {
	open  int
	since time.Time
	said  bool
}

func (s *stillness) noted(st broadcast.Standing, now time.Time) bool {
	if open := st.Open(); s.since.IsZero() || open != s.open || st.State != broadcast.Sending || !st.PausedAt.IsZero() {
		s.open, s.since, s.said = open, now, false
		return false
	}
	if s.said || now.Sub(s.since) < stillAfter {
		return false
	}
	s.said = true
	return true
}

// progressLines writes a line for every tenth of the way, and when it starts, is held or goes on.
type progressLines struct {
	w    io.Writer
	last lineKey
}

// lineKey is what makes a line worth writing when it changes.
type lineKey struct {
	written, moving, paused bool
	tenth                   int
}

func (l *progressLines) show(st broadcast.Standing, words string) error {
	done := st.Total - st.Open()
	key := lineKey{written: true, moving: st.State != broadcast.Approved, paused: !st.PausedAt.IsZero()}
	if st.Total > 0 {
		key.tenth = 10 * done / st.Total
	}
	if key == l.last {
		return nil
	}
	l.last = key
	line := fmt.Sprintf("announcement %d", st.ID)
	if key.moving {
		line += fmt.Sprintf(": %d %%, %d of %d", 10*key.tenth, done, st.Total)
	}
	if words != "" {
		line += ", " + words
	}
	_, err := fmt.Fprintln(l.w, line)
	return err
}

func (l *progressLines) end() error { return nil }

// progressBar fills a line of a terminal.
type progressBar struct {
	w     io.Writer
	bar   *progressbar.ProgressBar
	title string
}

func (b *progressBar) show(st broadcast.Standing, words string) error {
	title := fmt.Sprintf("announcement %d", st.ID)
	if words != "" {
		title += ", " + words
	}
	if st.State == broadcast.Approved || st.Total == 0 {
		_, err := fmt.Fprintf(b.w, "\r\033[K%s", title)
		return err
	}
	if b.bar == nil {
		// The library's own guess of the time left knows neither pauses nor networks.
		b.bar = progressbar.NewOptions(st.Total, progressbar.OptionSetWriter(b.w), progressbar.OptionSetWidth(30), progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false))
		b.title = ""
	}
	if title != b.title {
		b.title = title
		b.bar.Describe(title)
	}
	return b.bar.Set(st.Total - st.Open())
}

// end keeps the bar as it is and goes to the next line; what follows makes a new one.
func (b *progressBar) end() error {
	b.bar = nil
	_, err := fmt.Fprintln(b.w)
	return err
}
