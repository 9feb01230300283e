package agenda

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"chasqui/channel"
	"chasqui/community"
	"chasqui/outbox"
)

// DueReminder is a reminder whose time has come.
type DueReminder struct {
	Reminder
	Card Card
	// Concerned counts those it is for: what nobody misses is not told.
	Concerned int
}

// DueDeadline is a deadline whose time has come, and whose it is.
type DueDeadline struct {
	Deadline
	Person Person
}

// Store is what the Timekeeper needs kept. Every method that changes something does it in one transaction
// and only if it was not done before, so that two ticks at once, or one after a crash, change nothing
// twice.
type Store interface {
	// Recurring lists the planned events that repeat and whose occurrences are not made as far ahead as they
	// should be, give or take a day.
	Recurring(ctx context.Context, now time.Time) ([]Event, error)
	// MakeOccurrences adds those that are not there, with their reminders.
	MakeOccurrences(ctx context.Context, e Event, now time.Time) error
	// RemindersFrom is the moment of the last restore, or zero.
	RemindersFrom(ctx context.Context) (time.Time, error)
	// DueReminders lists what is pending and due.
	DueReminders(ctx context.Context, now time.Time) ([]DueReminder, error)
	// FireReminder marks r as sent and queues what compose returns for those it concerns.
	FireReminder(ctx context.Context, r Reminder, now time.Time, compose func(Card, []Person) []outbox.Draft) error
	// SkipReminders marks them as skipped and queues what is said about it.
	SkipReminders(ctx context.Context, rs []Reminder, drafts []outbox.Draft, now time.Time) error
	// Overseers are the organisers of an event who can be reached, or else the admins.
	Overseers(ctx context.Context, eventID int64) ([]Person, error)
	// FillSeats moves up who waits where a seat is free, and queues what compose returns for them.
	FillSeats(ctx context.Context, now time.Time, compose func(Card, []Person) []outbox.Draft) error
	// Replan plans the deadlines anew of up to n members whose dates changed, and returns how many.
	Replan(ctx context.Context, n int, now time.Time, home *time.Location) (int, error)
	// DueDeadlines lists what is pending and due.
	DueDeadlines(ctx context.Context, now time.Time) ([]DueDeadline, error)
	// FireDeadline marks d as sent and queues the draft.
	FireDeadline(ctx context.Context, d Deadline, draft outbox.Draft, now time.Time) error
	// SkipDeadlines marks them as skipped and queues what is said about it.
	SkipDeadlines(ctx context.Context, ds []Deadline, drafts []outbox.Draft, now time.Time) error
}

// Timekeeper does what time brings: it makes occurrences, sends reminders, plans deadlines.
type Timekeeper struct {
	Store Store
	Voice Voice
	Log   *slog.Logger
	// Wake is told that something was queued.
	Wake func()
}

// replanned is how many members are planned anew in a tick: an upgrade plans everybody, and nobody
// should wait for it.
const replanned = 200

// Tick does everything that is due at now. It may run at any time, twice at once, after a week without, or
// with a clock that went back. One thing that fails does not keep the others from being done.
func (k *Timekeeper) Tick(ctx context.Context, now time.Time) error {
	from, err := k.Store.RemindersFrom(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, step := range []func(context.Context, time.Time, time.Time) error{k.occurrences, k.seats, k.reminders, k.plans, k.deadlines} {
		if err := step(ctx, now, from); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (k *Timekeeper) occurrences(ctx context.Context, now, _ time.Time) error {
	events, err := k.Store.Recurring(ctx, now)
	if err != nil {
		return err
	}
	for _, e := range events {
		if err := k.Store.MakeOccurrences(ctx, e, now); err != nil {
			return fmt.Errorf("make occurrences of event %d: %w", e.ID, err)
		}
	}
	return nil
}

// seats finds what no turn did: somebody who came was erased, say.
func (k *Timekeeper) seats(ctx context.Context, now, _ time.Time) error {
	return k.Store.FillSeats(ctx, now, func(c Card, up []Person) []outbox.Draft { return k.Voice.UpDrafts(c, up, now) })
}

func (k *Timekeeper) reminders(ctx context.Context, now, from time.Time) error {
	due, err := k.Store.DueReminders(ctx, now)
	if err != nil {
		return err
	}
	missed := map[Miss][]DueReminder{}
	fired := 0
	for _, d := range due {
		if why := d.Verdict(now, from); why != "" {
			missed[why] = append(missed[why], d)
			continue
		}
		err := k.Store.FireReminder(ctx, d.Reminder, now, func(c Card, people []Person) []outbox.Draft {
			return k.Voice.reminderDrafts(d.Reminder, c, people, now)
		})
		if err != nil {
			return fmt.Errorf("send reminder %s of occurrence %d: %w", d.Kind, d.OccurrenceID, err)
		}
		fired++
	}
	for _, why := range []Miss{MissedLate, MissedRestored} {
		if err := k.skip(ctx, why, missed[why], now); err != nil {
			return err
		}
	}
	if len(due) > 0 {
		k.Log.Info("event reminders", "sent", fired, "late", len(missed[MissedLate]), "restored", len(missed[MissedRestored]))
		k.Wake()
	}
	return nil
}

// skip tells those who run the events, one message each, what did not leave.
func (k *Timekeeper) skip(ctx context.Context, why Miss, missed []DueReminder, now time.Time) error {
	if len(missed) == 0 {
		return nil
	}
	var rs []Reminder
	var people []Person
	lists := map[int64][]DueReminder{}
	for _, d := range missed {
		rs = append(rs, d.Reminder)
		if d.Concerned == 0 {
			continue
		}
		overseers, err := k.Store.Overseers(ctx, d.Card.Event.ID)
		if err != nil {
			return err
		}
		for _, p := range overseers {
			if lists[p.ID] == nil {
				people = append(people, p)
			}
			lists[p.ID] = append(lists[p.ID], d)
		}
	}
	var drafts []outbox.Draft
	for _, p := range people {
		drafts = append(drafts, outbox.Draft{Lane: outbox.Reply, To: p.To, MemberID: p.ID, Content: k.Voice.Missed(p, why, lists[p.ID], now)})
	}
	return k.Store.SkipReminders(ctx, rs, drafts, now)
}

// Missed tells who runs events which reminders did not leave, and why.
func (v Voice) Missed(p Person, why Miss, list []DueReminder, now time.Time) channel.Content {
	l := Language(p)
	text := v.Texts.T(l, "event.missed."+string(why))
	for _, d := range list {
		text += "\n" + v.Texts.T(l, "event.missed.line", "title", d.Card.Title(l), "kind", v.Texts.T(l, "event.kind."+d.Kind),
			"when", v.When(l, d.Card.Occurrence, d.Card.Location(), p.Member.Zone(v.Home), now))
	}
	return channel.Content{Text: text}
}

func (v Voice) reminderDrafts(r Reminder, c Card, people []Person, now time.Time) []outbox.Draft {
	kind, _ := reminderKind(r.Kind)
	var drafts []outbox.Draft
	for _, p := range people {
		if p.To.ID == "" || p.Answer != Yes && p.Answer != Maybe && !p.Organiser {
			continue
		}
		content := v.Reminder(p, c, now)
		content.Silent = !kind.Loud && community.AtNight(now, p.Member.Zone(v.Home))
		drafts = append(drafts, outbox.Draft{
			Lane: outbox.Reminder, To: p.To, MemberID: p.ID, Content: content, Asked: true, Expires: c.StartsAt,
			Cause: fmt.Sprintf("event %d %s %d", r.OccurrenceID, r.Kind, r.StartsAt.UnixMilli()),
		})
	}
	return drafts
}

// UpDrafts tell people that they moved up from the waiting list.
func (v Voice) UpDrafts(c Card, up []Person, now time.Time) []outbox.Draft {
	var drafts []outbox.Draft
	for _, p := range up {
		if p.To.ID != "" {
			drafts = append(drafts, outbox.Draft{Lane: outbox.Reply, To: p.To, MemberID: p.ID, Content: v.Up(p, c, now), Asked: true})
		}
	}
	return drafts
}

func (k *Timekeeper) plans(ctx context.Context, now, _ time.Time) error {
	_, err := k.Store.Replan(ctx, replanned, now, k.Voice.Home)
	return err
}

func (k *Timekeeper) deadlines(ctx context.Context, now, from time.Time) error {
	due, err := k.Store.DueDeadlines(ctx, now)
	if err != nil || len(due) == 0 {
		return err
	}
	var missed, unreachable []Deadline
	for _, d := range due {
		switch {
		case d.Person.To.ID == "":
			unreachable = append(unreachable, d.Deadline)
		case d.Due.Before(from) || now.After(d.Due.Add(deadlineLate)):
			missed = append(missed, d.Deadline)
		default:
			if err := k.Store.FireDeadline(ctx, d.Deadline, k.Voice.deadlineDraft(d.Person, d.Deadline, now), now); err != nil {
				return fmt.Errorf("send a deadline: %w", err)
			}
		}
	}
	if err := k.skipDeadlines(ctx, missed, unreachable, now); err != nil {
		return err
	}
	k.Log.Info("deadlines", "sent", len(due)-len(missed)-len(unreachable), "late", len(missed), "unreachable", len(unreachable))
	k.Wake()
	return nil
}

// skipDeadlines tells the admins how many did not leave; whose they were is not for a message.
func (k *Timekeeper) skipDeadlines(ctx context.Context, missed, unreachable []Deadline, now time.Time) error {
	var drafts []outbox.Draft
	if len(missed) > 0 {
		admins, err := k.Store.Overseers(ctx, 0)
		if err != nil {
			return err
		}
		for _, p := range admins {
			text := k.Voice.Texts.T(Language(p), "deadline.missed", "n", len(missed))
			drafts = append(drafts, outbox.Draft{Lane: outbox.Reply, To: p.To, MemberID: p.ID, Content: channel.Content{Text: text}})
		}
	}
	all := slices.Concat(missed, unreachable)
	if len(all) == 0 {
		return nil
	}
	return k.Store.SkipDeadlines(ctx, all, drafts, now)
}
