package broadcast

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"chasqui/channel"
	"chasqui/i18n"
	"chasqui/outbox"
)

// RunnerStore is what a Runner needs kept.
type RunnerStore interface {
	// OpenAnnouncements lists those that are approved, on their way or being taken back.
	OpenAnnouncements(ctx context.Context) ([]Announcement, error)
	// Start freezes one that is approved; false says that somebody was faster.
	Start(ctx context.Context, a Announcement, now time.Time) (started bool, err error)
	// Finish ends one of which nothing is left to send, and says so in the same transaction. It reports
	// false when something is left after all.
	Finish(ctx context.Context, id int64, say []outbox.Draft, now time.Time) (finished bool, err error)
	MarkLate(ctx context.Context, id int64, ask []outbox.Draft, now time.Time) error
	Standing(ctx context.Context, id int64) (Standing, bool, error)
	Retract(ctx context.Context, a Announcement, n int, content func(Variant) channel.Content, now time.Time) (done bool, err error)
	RetractionTexts(ctx context.Context, id int64) (map[i18n.Lang]string, error)
	Enqueue(ctx context.Context, drafts []outbox.Draft, now time.Time) error
	// Paused says since when reminders and news are held everywhere; zero when they are not.
	Paused(ctx context.Context) (since time.Time, restored bool, err error)
	// RefusedLately counts, of the last n sends since staff let it go on, how many there were and how many were
	// refused by people who blocked the bot or left.
	RefusedLately(ctx context.Context, id int64, n int) (sends, refused int, err error)
	// Publishers are those who may stop an announcement or let it go on.
	Publishers(ctx context.Context) ([]Publisher, error)
	// Halt pauses one by itself and says so; false says that somebody was faster.
	Halt(ctx context.Context, id int64, say []outbox.Draft, now time.Time) (halted bool, err error)
}

// Runner moves announcements along: it starts those whose time has come, shows their progress, ends them
// and takes back what was retracted. Everything it does is safe to do twice, and in two processes.
type Runner struct {
	store RunnerStore
	texts i18n.Texts
	zone  *time.Location
	now   func() time.Time
	wake  func(channel.Network)
	log   *slog.Logger
	shown map[int64]progress
	paces map[int64]pace
	// held is true while reminders and news are held everywhere.
	held bool
}

// progress is what was last shown of an announcement.
type progress struct {
	text string
	at   time.Time
}

// NewRunner makes a Runner. wake is told which networks have something new to send.
func NewRunner(store RunnerStore, texts i18n.Texts, zone *time.Location, now func() time.Time, wake func(channel.Network), log *slog.Logger) *Runner {
	return &Runner{store: store, texts: texts, zone: zone, now: now, wake: wake, log: log, shown: map[int64]progress{}, paces: map[int64]pace{}}
}

// stepEvery is how often a Runner looks: somebody who confirmed waits for no longer than that.
const stepEvery = time.Second

// Run steps until ctx ends.
func (r *Runner) Run(ctx context.Context) {
	tick := time.NewTicker(stepEvery)
	defer tick.Stop()
	for {
		if err := r.Step(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("announcements are not moving", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Step does what is due now. One announcement that fails does not hold up the others.
func (r *Runner) Step(ctx context.Context) error {
	open, err := r.store.OpenAnnouncements(ctx)
	if err != nil {
		return err
	}
	paused, _, err := r.store.Paused(ctx)
	if err != nil {
		return err
	}
	r.held = !paused.IsZero()
	maps.DeleteFunc(r.paces, func(id int64, _ pace) bool {
		return !slices.ContainsFunc(open, func(a Announcement) bool { return a.ID == id })
	})
	var failed []error
	for _, a := range open {
		if err := r.move(ctx, a); err != nil {
			failed = append(failed, fmt.Errorf("announcement %d: %w", a.ID, err))
		}
	}
	return errors.Join(failed...)
}

func (r *Runner) move(ctx context.Context, a Announcement) error {
	now := r.now()
	if a.State == Approved {
		if now.Before(a.StartAt) {
			return nil
		}
		if a.StartLocal != "" && now.Sub(a.StartAt) > LateAfter {
			return r.askLate(ctx, a, now)
		}
		started, err := r.store.Start(ctx, a, now)
		if err != nil || !started {
			return err
		}
		r.log.Info("an announcement starts", "announcement", a.ID, "class", a.Class)
		r.wakeAll()
	}
	if !a.RetractedAt.IsZero() {
		return r.retract(ctx, a, now)
	}
	return r.follow(ctx, a.ID, now)
}

// follow shows how far an announcement is, and ends it when nothing is left to send.
func (r *Runner) follow(ctx context.Context, id int64, now time.Time) error {
	st, ok, err := r.store.Standing(ctx, id)
	if err != nil || !ok || st.State != Sending {
		return err
	}
	st.Left = r.timeLeft(st, now)
	if st.Open() == 0 {
		st.State, st.FinishedAt = Done, now
		if _, err := r.store.Finish(ctx, id, r.progress(st), now); err != nil {
			return err
		}
		delete(r.shown, id)
		r.wake(st.Shown.Network)
		return nil
	}
	if halted, err := r.watch(ctx, st, now); err != nil || halted {
		return err
	}
	last := r.shown[id]
	// Where a message cannot change in place, only the end is told.
	if st.Shown.Network == channel.Terminal || st.ShownMessage == "" || now.Sub(last.at) < showEvery && !last.at.IsZero() {
		return nil
	}
	drafts := r.progress(st)
	if len(drafts) == 0 || drafts[0].Content.Text == last.text {
		return nil
	}
	if err := r.store.Enqueue(ctx, drafts, now); err != nil {
		return fmt.Errorf("show the progress: %w", err)
	}
	r.shown[id] = progress{drafts[0].Content.Text, now}
	r.wake(st.Shown.Network)
	return nil
}

// timeLeft notes how much is left and says how long that takes. While it is held nothing is said, and what was
// noted before says nothing about after.
func (r *Runner) timeLeft(st Standing, now time.Time) time.Duration {
	if !st.PausedAt.IsZero() || r.held && st.Class != Alert {
		delete(r.paces, st.ID)
		return 0
	}
	p := r.paces[st.ID].noted(st, now)
	r.paces[st.ID] = p
	return p.left(st, now)
}

// progress changes the message in which whoever let an announcement go follows it. Its cause keeps two
// processes, or a restart, from showing the same state twice.
func (r *Runner) progress(st Standing) []outbox.Draft {
	if st.Shown.IsZero() {
		return nil
	}
	card := Card(r.texts, st.ShownLanguage, r.zone, st)
	card.Edit = st.ShownMessage
	cause := fmt.Sprintf("progress %d %s %d/%d", st.ID, st.State, st.Open(), st.Total)
	if st.State == Done {
		cause = fmt.Sprintf("progress %d done %d", st.ID, st.FinishedAt.UnixMilli())
	}
	return []outbox.Draft{{Lane: outbox.Reply, To: st.Shown, Content: card, Cause: cause}}
}

// wakeAll wakes every network: a Runner does not know which of them the audience is on.
func (r *Runner) wakeAll() {
	for _, n := range []channel.Network{channel.Telegram, channel.WhatsApp, channel.Web, channel.Terminal} {
		r.wake(n)
	}
}

// askLate leaves the decision to a person: what was to be said at eight may be wrong at one. Whoever approved it is
// asked, or for one from the command line everybody who may.
func (r *Runner) askLate(ctx context.Context, a Announcement, now time.Time) error {
	ask := []Publisher{{To: a.Shown, Language: a.ShownLanguage}}
	if a.Shown.IsZero() {
		var err error
		if ask, err = r.store.Publishers(ctx); err != nil {
			return err
		}
	}
	st := Standing{Announcement: a}
	st.State = Late
	var drafts []outbox.Draft
	for _, p := range ask {
		drafts = append(drafts, outbox.Draft{Lane: outbox.Reply, To: p.To, MemberID: p.MemberID, Content: Card(r.texts, p.Language, r.zone, st)})
	}
	if err := r.store.MarkLate(ctx, a.ID, drafts, now); err != nil {
		return err
	}
	r.log.Warn("an announcement's time passed while nothing ran: a publisher decides", "announcement", a.ID)
	r.wakeAll()
	return nil
}

const (
	// showEvery is how often progress changes on a screen at most: Telegram takes one message a second and
	// chat, and a phone on a weak network fewer.
	showEvery = 3 * time.Second
	// retractAtOnce is how many are taken back in one transaction.
	retractAtOnce = 200
)

func (r *Runner) retract(ctx context.Context, a Announcement, now time.Time) error {
	texts, err := r.store.RetractionTexts(ctx, a.ID)
	if err != nil {
		return err
	}
	_, err = r.store.Retract(ctx, a, retractAtOnce, func(v Variant) channel.Content {
		return channel.Content{Text: r.withdrawal(a, texts, v)}
	}, now)
	if err != nil {
		return err
	}
	r.wakeAll()
	return nil
}

// withdrawal is what stands in the place of an announcement that was taken back.
func (r *Runner) withdrawal(a Announcement, texts map[i18n.Lang]string, v Variant) string {
	in := func(l i18n.Lang) string {
		text := r.texts.T(l, "announce.withdrawn", "date", a.StartedAt.In(r.zone).Format("02/01/2006 15:04"))
		if texts[l] != "" {
			text += "\n\n" + texts[l]
		}
		return text
	}
	if v != Both {
		return in(i18n.Lang(v))
	}
	all := ""
	for _, l := range i18n.Langs {
		if l == i18n.English && a.Texts[l] == "" {
			continue
		}
		if all != "" {
			all += "\n\n— — —\n\n"
		}
		all += in(l)
	}
	return all
}
