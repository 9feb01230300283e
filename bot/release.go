package bot

import (
	"context"
	"fmt"
	"time"

	"chasqui/channel"
	"chasqui/desk"
	"chasqui/outbox"
)

// Releases is what auto-release needs of the store.
type Releases interface {
	// Abandoned lists held tickets in which nobody wrote since before.
	Abandoned(ctx context.Context, before time.Time) ([]desk.Ticket, error)
	// Release closes a ticket that is still as it was read, and queues what is said about it, in one
	// transaction. It reports false when the ticket has moved on.
	Release(ctx context.Context, k desk.Ticket, say []outbox.Draft, now time.Time) (bool, error)
}

// ReleaseAbandoned gives the bot back the chats of tickets that somebody holds and in which nobody
// has written for desk.ReleaseAfter: a person must not talk to nobody for ever.
func (b *Bot) ReleaseAbandoned(ctx context.Context, store Releases) error {
	now := b.Now()
	tickets, err := store.Abandoned(ctx, now.Add(-desk.ReleaseAfter))
	if err != nil {
		return fmt.Errorf("find abandoned tickets: %w", err)
	}
	for _, k := range tickets {
		o := b.toPerson(k, b.Texts.T(k.Language, "human.released"), row(button(b.Texts.T(k.Language, "human.button"), "h:ask")))
		staff, err := b.Store.Staff(ctx)
		if err != nil {
			return fmt.Errorf("list the team: %w", err)
		}
		for _, s := range staff {
			if s.MemberID == k.HolderID {
				o.Send = append(o.Send, outbox.Draft{Lane: outbox.Reply, To: s.To, MemberID: s.MemberID, TicketID: k.ID,
					Content: channel.Content{Text: b.Texts.T(s.Language, "ticket.released", "id", k.ID), Buttons: b.ticketButtons(s.Language, fmt.Sprint(k.ID), desk.Closed)}})
			}
		}
		released, err := store.Release(ctx, k, o.Send, now)
		if err != nil {
			return fmt.Errorf("release ticket %d: %w", k.ID, err)
		}
		if released {
			b.wake(o.Send)
		}
	}
	return nil
}
