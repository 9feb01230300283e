package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"chasqui/channel"
	"chasqui/community"
)

// Store keeps deliveries. One Advance is one transaction.
type Store interface {
	// Advance records results and claims what leaves next, and says when the earliest of the rest is
	// due (zero: nothing waits). Consent, pause and expiry are checked here, at the last moment.
	Advance(ctx context.Context, a Account, now time.Time, results []Result, c Claim) (claimed []Delivery, next time.Time, err error)
	// Recover decides over what a crash left in flight: a reply or an alert that never was in doubt before
	// is queued again, everything else becomes unknown.
	Recover(ctx context.Context, a Account, now time.Time) (requeued, unknown int, err error)
	// BringForward brings forward what was planned by a clock that was ahead: what was made or is tried again at a
	// time that lies further away than any wait of its own. It returns how many.
	BringForward(ctx context.Context, a Account, now time.Time) (int, error)
}

// Sender is the part of a channel that the outbox needs.
type Sender interface {
	Send(ctx context.Context, out channel.Outgoing) (id string, err error)
}

// Options set an Outbox's pace.
type Options struct {
	// Rate is how many deliveries a second may leave; zero means as fast as the network takes them.
	Rate float64
	// Window is how many may be in flight at once; zero means what 200 ms of Rate allow, between 1 and 32:
	// a crash leaves no more than that uncertain.
	Window int
	// SendTimeout bounds one try; zero means 30 s.
	SendTimeout time.Duration
	// Chat and Room are how fast one chat and one room may be written to; zero means as fast as Rate.
	Chat, Room Pace
	// IsRoom tells a room by its id; nil means that there are none.
	IsRoom func(chat string) bool
	// Zone is the community's own: at night news arrives without a sound. Nil means UTC.
	Zone *time.Location
	// Observe is told what each try came to; nil means that nobody is.
	Observe Observe
}

const (
	mostInFlight = 32
	// pollEvery is the safety net for deliveries that another process committed.
	pollEvery = time.Second
	// offPause is how long an account that cannot send at all is left alone.
	offPause = time.Minute
	// patience is how long collect waits for one more result: less than a transaction takes.
	patience = 50 * time.Microsecond
	// clockBack is how far the clock must go back to be noticed: less than that may simply be waited for.
	clockBack = time.Minute
)

// Outbox drains one account.
type Outbox struct {
	store   Store
	sender  Sender
	account Account
	log     *slog.Logger
	now     func() time.Time
	limiter *rate.Limiter
	window  int
	timeout time.Duration
	zone    *time.Location
	observe Observe
	zones   sync.Map
	wake    chan struct{}
	done    chan ended
	meters  *meters

	inFlight int
	pending  []Result
	// newsFrom is when reminders and news may leave again after the network asked to slow down.
	newsFrom time.Time
	// offUntil is when an account that could not send at all is tried again.
	offUntil time.Time
	// latest is the latest time that the clock on the wall showed.
	latest time.Time
}

// New makes an Outbox. Nothing leaves before Run or Drain.
func New(store Store, sender Sender, account Account, o Options, log *slog.Logger, now func() time.Time) *Outbox {
	window := o.Window
	if window == 0 {
		window = mostInFlight
		if o.Rate > 0 {
			window = max(1, min(mostInFlight, int(o.Rate/5)))
		}
	}
	limit, burst := rate.Inf, window
	if o.Rate > 0 {
		// A tenth of a second's worth may leave together: more would run into the network's own limit
		// at the start of a long announcement.
		limit, burst = rate.Limit(o.Rate), max(1, min(window, int(o.Rate/10)))
	}
	timeout := o.SendTimeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	zone := o.Zone
	if zone == nil {
		zone = time.UTC
	}
	return &Outbox{
		store: store, sender: sender, account: account, log: log, now: now, zone: zone,
		limiter: rate.NewLimiter(limit, burst), window: window, timeout: timeout, observe: o.Observe,
		wake: make(chan struct{}, 1), done: make(chan ended, mostInFlight+window), meters: newMeters(o),
	}
}

// ended is a delivery whose try is over, and where it went.
type ended struct {
	Result
	chat string
}

// Wake says that something was committed for this account. It never blocks.
func (o *Outbox) Wake() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Run sends until ctx ends, then waits for what is in flight and records it. What it cannot record
// any more becomes unknown, or is tried again, at the next start.
func (o *Outbox) Run(ctx context.Context) error {
	requeued, unknown, err := o.store.Recover(ctx, o.account, o.now())
	if err != nil {
		return fmt.Errorf("recover deliveries: %w", err)
	}
	if requeued+unknown > 0 {
		o.log.Warn("deliveries were in flight at the last stop", "network", o.account.Network, "requeued", requeued, "unknown", unknown)
	}
	// A machine that starts with a wrong clock sets it while nothing runs: nobody saw it go back.
	if err := o.replan(ctx, o.now()); err != nil {
		return err
	}
	for ctx.Err() == nil {
		pause, err := o.step(ctx)
		if err != nil {
			if ctx.Err() != nil {
				break
			}
			o.log.Error("outbox step failed", "network", o.account.Network, "error", err)
			pause = pollEvery
		}
		o.rest(ctx, pause)
	}
	return o.finish()
}

// step takes the tokens first and chooses the deliveries second, so that what is claimed leaves at
// once and an alert never waits behind news that was claimed early. It returns how long nothing can
// happen unless somebody wakes it.
func (o *Outbox) step(ctx context.Context) (time.Duration, error) {
	o.collect()
	now := o.now()
	if err := o.followClock(ctx, now); err != nil {
		return 0, err
	}
	tokens := int(o.limiter.TokensAt(now))
	if o.limiter.Limit() == rate.Inf {
		tokens = o.window
	}
	claim := Claim{Want: max(0, min(tokens, o.window-o.inFlight)), Lowest: o.lowest(now)}
	if now.Before(o.offUntil) {
		claim.Want = 0
	}
	if claim.Want == 0 && len(o.pending) == 0 {
		return o.untilToken(now), nil
	}
	held, opens := o.meters.held(now)
	claim.Held = held
	claimed, next, err := o.store.Advance(ctx, o.account, now, o.pending, claim)
	if err != nil {
		return 0, fmt.Errorf("advance deliveries: %w", err)
	}
	o.pending = nil
	if len(claimed) > 0 {
		o.limiter.ReserveN(now, len(claimed))
	}
	for _, d := range claimed {
		o.inFlight++
		o.meters.took(d.To.ID, now)
		go func() { o.done <- ended{o.send(context.WithoutCancel(ctx), d), d.To.ID} }()
	}
	if len(claimed) == claim.Want {
		return o.untilToken(now), nil
	}
	if next.IsZero() || !opens.IsZero() && opens.Before(next) {
		next = opens
	}
	if !next.IsZero() {
		return max(time.Millisecond, min(pollEvery, next.Sub(now))), nil
	}
	return pollEvery, nil
}

// followClock notices that the clock on the wall went back. What was planned by the later time would wait until that
// comes again, perhaps for days: the database plans it anew, and what is remembered here is forgotten, since the
// network says again what it still wants.
func (o *Outbox) followClock(ctx context.Context, now time.Time) error {
	wall := now.Round(0)
	if o.latest.Sub(wall) < clockBack {
		if wall.After(o.latest) {
			o.latest = wall
		}
		return nil
	}
	if err := o.replan(ctx, now); err != nil {
		return err
	}
	o.latest, o.newsFrom, o.offUntil = wall, time.Time{}, time.Time{}
	o.meters.reopen()
	// The limiter counts on from the last time that it was told of.
	o.limiter.AllowN(now, 0)
	return nil
}

func (o *Outbox) replan(ctx context.Context, now time.Time) error {
	replanned, err := o.store.BringForward(ctx, o.account, now)
	if err != nil {
		return fmt.Errorf("plan deliveries anew: %w", err)
	}
	if replanned > 0 {
		o.log.Warn("the clock went back", "network", o.account.Network, "replanned", replanned)
	}
	return nil
}

func (o *Outbox) lowest(now time.Time) Lane {
	if now.Before(o.newsFrom) {
		return Reply
	}
	return News
}

// untilToken is how long until one more may leave. With the window full only a result can help, and
// that one wakes the loop.
func (o *Outbox) untilToken(now time.Time) time.Duration {
	if o.inFlight >= o.window || o.limiter.Limit() == rate.Inf {
		return pollEvery
	}
	missing := 1 - o.limiter.TokensAt(now)
	if missing <= 0 {
		return time.Millisecond
	}
	return time.Duration(missing / float64(o.limiter.Limit()) * float64(time.Second))
}

// collect takes the results that have come in, and for a moment those that follow: a transaction costs the disk as
// much for one as for all of them.
func (o *Outbox) collect() {
	var quiet time.Time
	for o.inFlight > 0 {
		select {
		case r := <-o.done:
			o.took(r)
			quiet = time.Time{}
		default:
			if quiet.IsZero() {
				quiet = time.Now().Add(patience)
			}
			if len(o.pending) == 0 || !time.Now().Before(quiet) {
				return
			}
			runtime.Gosched()
		}
	}
}

func (o *Outbox) took(r ended) {
	o.inFlight--
	o.pending = append(o.pending, r.Result)
	switch r.Fault {
	case channel.Throttled:
		// Whether its chat or the whole account was too fast is not said: the chat waits, and so does all that
		// nobody asked for.
		o.meters.hold(r.chat, r.Due, o.now())
		if r.Due.After(o.newsFrom) {
			o.newsFrom = r.Due
		}
	case channel.Off:
		o.offUntil = o.now().Add(offPause)
	}
}

func (o *Outbox) rest(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-o.wake:
	case r := <-o.done:
		o.took(r)
	}
}

// finish waits for what is in flight and records it, so that an orderly stop leaves nothing unknown.
func (o *Outbox) finish() error {
	for o.inFlight > 0 {
		o.took(<-o.done)
	}
	if len(o.pending) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, _, err := o.store.Advance(ctx, o.account, o.now(), o.pending, Claim{}); err != nil {
		return fmt.Errorf("record the last deliveries: %w", err)
	}
	o.pending = nil
	return nil
}

// Drain sends everything that is due, one after the other, and returns when nothing is: what a
// conversation in a terminal or a transcript waits for. It is not for use beside Run.
func (o *Outbox) Drain(ctx context.Context) error {
	var results []Result
	for {
		claimed, _, err := o.store.Advance(ctx, o.account, o.now(), results, Claim{Want: 1, Lowest: News})
		if err != nil {
			return fmt.Errorf("advance deliveries: %w", err)
		}
		if len(claimed) == 0 {
			return nil
		}
		results = []Result{o.send(ctx, claimed[0])}
	}
}

func (o *Outbox) send(ctx context.Context, d Delivery) Result {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	if d.Lane == News && community.AtNight(o.now(), o.zoneOf(d.Zone)) {
		d.Content.Silent = true
	}
	began := o.now()
	id, err := o.sender.Send(ctx, channel.Outgoing{Key: d.Key, To: d.To, Content: d.Content})
	r := judge(d, id, err, o.now(), jitter)
	o.observe.tell(d, r, o.now().Sub(began))
	if err != nil {
		o.log.Warn("delivery did not leave", "network", o.account.Network, "delivery", d.ID, "lane", d.Lane.String(),
			"attempt", d.Attempt, "state", r.State, "fault", r.Fault)
	}
	return r
}

// jitter spreads retries over up to a quarter more than their delay.
func jitter(d time.Duration) time.Duration { return d + time.Duration(rand.Int64N(int64(d)/4+1)) }

// zoneOf finds a zone by name. It remembers it: the files of zones are read once, not for each delivery.
func (o *Outbox) zoneOf(name string) *time.Location {
	if name == "" {
		return o.zone
	}
	if z, ok := o.zones.Load(name); ok {
		return z.(*time.Location)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		zone = o.zone
	}
	o.zones.Store(name, zone)
	return zone
}
