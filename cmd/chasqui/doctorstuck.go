package main

import (
	"context"
	"fmt"
	"time"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/outbox"
	"chasqui/store"
)

// stuckAfter is how long something may be due, or be tried again, before doctor calls it stuck.
const stuckAfter = time.Hour

// examineStuck says what does not move by itself, one line each with what to do: what should have left is
// a failure, what waits for a person's word is a note.
func (p *program) examineStuck(ctx context.Context, st *store.Store, s settings) []remark {
	late, err := p.overdue(ctx, st, s)
	if err != nil {
		return []remark{{what: "deliveries", fix: err.Error()}}
	}
	if len(late) == 0 {
		late = []remark{{ok: true, what: "deliveries: none is overdue"}}
	}
	all, err := st.Announcements(ctx, 0)
	if err != nil {
		return append(late, remark{what: "announcements", fix: err.Error()})
	}
	for _, a := range all {
		more, err := p.stuckAnnouncement(ctx, st, s, a)
		if err != nil {
			return append(late, remark{what: "announcements", fix: err.Error()})
		}
		late = append(late, more...)
	}
	return late
}

// turnedOn reports whether serve sends on a network. What waits elsewhere waits for a setting, not for help.
func turnedOn(n channel.Network, s settings) bool {
	return n == channel.Web || n == channel.Telegram && s.TelegramToken != ""
}

// overdue are the deliveries that should have left an hour ago. Of what a pause holds nothing is said here: the
// pause itself is.
func (p *program) overdue(ctx context.Context, st *store.Store, s settings) ([]remark, error) {
	lowest := outbox.News
	since, restored, err := st.Paused(ctx)
	if err != nil || restored {
		return nil, err
	}
	if !since.IsZero() {
		lowest = outbox.Reply
	}
	all, err := st.Overdue(ctx, p.now().Add(-stuckAfter), lowest)
	if err != nil {
		return nil, err
	}
	var out []remark
	for _, o := range all {
		if !turnedOn(o.Network, s) {
			continue
		}
		if o.Waiting > 0 {
			out = append(out, remark{what: fmt.Sprintf("deliveries on %s", o.Network), fix: fmt.Sprintf("%d have been due for more than an hour: see whether chasqui serve runs and what its log says of %s", o.Waiting, o.Network)})
		}
		if o.Retried > 0 {
			out = append(out, remark{what: fmt.Sprintf("deliveries on %s", o.Network), fix: fmt.Sprintf("%d have been tried again for more than an hour: the log of chasqui serve says why, see whether %s can be reached", o.Retried, o.Network)})
		}
	}
	return out, nil
}

// stuckAnnouncement says what one announcement waits for.
func (p *program) stuckAnnouncement(ctx context.Context, st *store.Store, s settings, a broadcast.Announcement) ([]remark, error) {
	what := fmt.Sprintf("announcement %d", a.ID)
	note := func(format string, args ...any) remark {
		return remark{note: true, what: what, fix: fmt.Sprintf(format, args...)}
	}
	switch a.State {
	case broadcast.Late:
		return []remark{note("its time passed while nothing ran: chasqui announce start-late or cancel %d", a.ID)}, nil
	case broadcast.Sending, broadcast.Done:
	default:
		return nil, nil
	}
	standing, _, err := st.Standing(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	var out []remark
	if standing.Undecided > 0 {
		out = append(out, note("nobody knows whether %d arrived: chasqui announce names %d --state unknown, then announce resolve %d --send or --leave", standing.Undecided, a.ID, a.ID))
	}
	if a.State == broadcast.Sending && !a.PausedAt.IsZero() {
		return append(out, note("paused since %s with %d left: chasqui announce resume or cancel %d", a.PausedAt.In(s.zone).Format("02/01/2006 15:04"), standing.Open(), a.ID)), nil
	}
	stands, err := p.standsStill(ctx, st, s, standing)
	if err != nil || !stands {
		return out, err
	}
	return append(out, remark{what: what, fix: fmt.Sprintf("%d are left and none left for an hour: see whether chasqui serve runs, or chasqui announce cancel %d", standing.Open(), a.ID)}), nil
}

// standsStill reports whether nothing of an announcement left for an hour although it could have.
func (p *program) standsStill(ctx context.Context, st *store.Store, s settings, standing broadcast.Standing) (bool, error) {
	before := p.now().Add(-stuckAfter)
	if standing.State != broadcast.Sending || standing.UpdatedAt.After(before) {
		return false, nil
	}
	if since, _, err := st.Paused(ctx); err != nil || !since.IsZero() && standing.Class != broadcast.Alert {
		return false, err
	}
	ended, err := st.EndedSince(ctx, standing.ID, before)
	if err != nil {
		return false, err
	}
	for n := range standing.Networks {
		if turnedOn(n, s) && standing.OpenOn(n) > 0 && ended[n] == 0 {
			return true, nil
		}
	}
	return false, nil
}
