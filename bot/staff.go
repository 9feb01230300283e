package bot

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"chasqui/channel"
	"chasqui/community"
	"chasqui/desk"
	"chasqui/outbox"
)

// staffReply carries what a person of the team writes under a ticket's notice to whoever opened it.
//
// Who: the team, on their phones. Works: the person reads who answers, the bot falls silent, the team
// sees «sent». Fails: a ticket that somebody else holds is not answered over their head.
func (b *Bot) staffReply(ctx context.Context, t Turn) (Outcome, bool, error) {
	if t.Quoted == nil || !t.Role.May(community.Agent) || t.Command != "" || t.Kind == channel.Press {
		return Outcome{}, false, nil
	}
	if strings.TrimSpace(t.Text) == "" {
		return b.say(t, b.T(t, "ticket.textonly")), true, nil
	}
	o, err := b.answerTicket(ctx, t, *t.Quoted, t.Text)
	return o, true, err
}

// answerTicket writes to the person. The first answer takes the ticket; a closed one is opened again,
// since the person of the team has something to say.
func (b *Bot) answerTicket(ctx context.Context, t Turn, k desk.Ticket, text string) (Outcome, error) {
	if k.State == desk.Held && k.HolderID != t.Member.ID {
		return b.say(t, b.T(t, "ticket.others", "name", staffName(k.HolderName), "id", k.ID),
			row(button(b.T(t, "ticket.takeover"), "t:over:"+strconv.FormatInt(k.ID, 10)))), nil
	}
	key := "ticket.answer"
	if k.State != desk.Held {
		key = "ticket.answer.first"
	}
	o := b.say(t, b.T(t, "ticket.sent", "name", named(community.Member{Name: k.Name})), b.ticketButtons(t.Language, strconv.FormatInt(k.ID, 10), desk.Held)...)
	o.Send[0].TicketID = k.ID
	o = o.and(b.toPerson(k, b.Texts.T(k.Language, key, "name", staffName(t.Member.Name), "text", text)))
	o.Said = append(o.Said, Said{MemberID: k.MemberID, Who: desk.ByStaff, Text: text})
	o.Move = &TicketMove{ID: k.ID, From: k.State, To: desk.Held, Holder: t.Member.ID, Answered: true}
	if k.State != desk.Held {
		others, err := b.tellOthers(ctx, t, k)
		o.Send = append(o.Send, others...)
		return o, err
	}
	return o, nil
}

func (b *Bot) toPerson(k desk.Ticket, text string, rows ...[]channel.Button) Outcome {
	return Outcome{Send: []outbox.Draft{{Lane: outbox.Reply, To: k.Chat, MemberID: k.MemberID, Content: channel.Content{Text: text, Buttons: rows}}}}
}

// tellOthers lets the rest of the team see who took a ticket, without a sound.
func (b *Bot) tellOthers(ctx context.Context, t Turn, k desk.Ticket) ([]outbox.Draft, error) {
	staff, err := b.Store.Staff(ctx)
	if err != nil {
		return nil, err
	}
	var drafts []outbox.Draft
	for _, s := range staff {
		if s.MemberID == t.Member.ID {
			continue
		}
		drafts = append(drafts, outbox.Draft{Lane: outbox.Reply, To: s.To, MemberID: s.MemberID, TicketID: k.ID, Content: channel.Content{
			Text: b.Texts.T(s.Language, "ticket.taken", "id", k.ID, "name", staffName(t.Member.Name)), Silent: true,
		}})
	}
	return drafts, nil
}

// pressTicket takes, closes and reopens. The role is checked at every tap: a button outlives a role.
func (b *Bot) pressTicket(ctx context.Context, t Turn, data string) (Outcome, error) {
	verb, number, _ := strings.Cut(data, ":")
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil || !t.Role.May(community.Agent) {
		return b.say(t, b.T(t, "button.old")), nil
	}
	k, ok, err := b.Store.Ticket(ctx, id)
	if err != nil {
		return Outcome{}, err
	}
	if !ok {
		return b.say(t, b.T(t, "ticket.nosuch", "id", id)), nil
	}
	switch {
	case verb == "take" && k.State == desk.Waiting, verb == "over" && k.State == desk.Held && k.HolderID != t.Member.ID:
		return b.takeTicket(ctx, t, k)
	case verb == "take" && k.State == desk.Held && k.HolderID != t.Member.ID:
		return b.say(t, b.T(t, "ticket.others", "name", staffName(k.HolderName), "id", k.ID), row(button(b.T(t, "ticket.takeover"), "t:over:"+number))), nil
	case verb == "close" && k.State != desk.Closed:
		return b.closeTicket(t, k), nil
	case verb == "open" && k.State == desk.Closed:
		return b.takeTicket(ctx, t, k)
	}
	return b.say(t, b.T(t, "ticket.is."+string(k.State), "id", k.ID, "name", staffName(k.HolderName))), nil
}

func (b *Bot) takeTicket(ctx context.Context, t Turn, k desk.Ticket) (Outcome, error) {
	o := b.say(t, b.T(t, "ticket.yours", "id", k.ID, "name", named(community.Member{Name: k.Name})), b.ticketButtons(t.Language, strconv.FormatInt(k.ID, 10), desk.Held)...)
	o.Send[0].TicketID = k.ID
	o = o.and(b.toPerson(k, b.Texts.T(k.Language, "human.taken", "name", staffName(t.Member.Name))))
	o.Move = &TicketMove{ID: k.ID, From: k.State, To: desk.Held, Holder: t.Member.ID}
	o.Audit = "took a ticket"
	others, err := b.tellOthers(ctx, t, k)
	o.Send = append(o.Send, others...)
	return o, err
}

func (b *Bot) closeTicket(t Turn, k desk.Ticket) Outcome {
	o := b.say(t, b.T(t, "ticket.closed", "id", k.ID), b.ticketButtons(t.Language, strconv.FormatInt(k.ID, 10), desk.Closed)...)
	o.Send[0].TicketID = k.ID
	o = o.and(b.toPerson(k, b.Texts.T(k.Language, "human.closed"), row(button(b.Texts.T(k.Language, "human.button"), "h:ask"))))
	o.Move = &TicketMove{ID: k.ID, From: k.State, To: desk.Closed}
	o.Audit = "closed a ticket"
	return o
}

// tickets lists what is open, shows one, or answers one: «/tickets», «/tickets 12», «/tickets 12
// Bonjour…». The last form is for networks on which one cannot reply to a message.
func (b *Bot) tickets(ctx context.Context, t Turn) (Outcome, error) {
	number, text, _ := strings.Cut(t.Args, " ")
	if number == "" {
		return b.openTickets(ctx, t)
	}
	id, err := strconv.ParseInt(strings.TrimPrefix(number, "#"), 10, 64)
	if err != nil {
		return b.say(t, b.T(t, "tickets.usage")), nil
	}
	k, ok, err := b.Store.Ticket(ctx, id)
	if err != nil {
		return Outcome{}, err
	}
	switch {
	case !ok:
		return b.say(t, b.T(t, "ticket.nosuch", "id", id)), nil
	case strings.TrimSpace(text) != "":
		return b.answerTicket(ctx, t, k, strings.TrimSpace(text))
	}
	lines, err := b.Store.Lines(ctx, k.MemberID, shownLines)
	if err != nil {
		return Outcome{}, err
	}
	o := b.say(t, b.ticketLine(t, k)+"\n\n"+b.saidText(t.Language, lines)+"\n\n"+b.T(t, "ticket.how"), b.ticketButtons(t.Language, strconv.FormatInt(k.ID, 10), k.State)...)
	o.Send[0].TicketID = k.ID
	return o, nil
}

func (b *Bot) openTickets(ctx context.Context, t Turn) (Outcome, error) {
	open, err := b.Store.OpenTickets(ctx)
	if err != nil {
		return Outcome{}, err
	}
	if len(open) == 0 {
		return b.say(t, b.T(t, "tickets.none")), nil
	}
	lines := []string{b.T(t, "tickets.count", "n", len(open))}
	for _, k := range open {
		lines = append(lines, b.ticketLine(t, k))
	}
	return b.say(t, strings.Join(lines, "\n")), nil
}

func (b *Bot) ticketLine(t Turn, k desk.Ticket) string {
	title := b.T(t, "ticket.title", "id", k.ID, "reason", b.T(t, "ticket.reason."+string(k.Reason)))
	if k.Danger != "" {
		title = b.T(t, "ticket.urgent", "id", k.ID, "danger", b.T(t, "danger."+k.Danger))
	}
	who := b.whoText(t.Language, community.Member{Name: k.Name, Kind: k.Kind, Region: k.Region}, k.Chat.Network, k.Language)
	state := b.T(t, "ticket.state."+string(k.State), "name", staffName(k.HolderName), "since", b.since(t, k))
	return fmt.Sprintf("%s\n%s\n%s", title, who, state)
}

// since says how long a ticket has waited, in the largest unit that fits.
func (b *Bot) since(t Turn, k desk.Ticket) string {
	minutes := int(t.Now.Sub(k.OpenedAt).Minutes())
	switch {
	case minutes < 60:
		return b.T(t, "ago.minutes", "n", max(1, minutes))
	case minutes < 48*60:
		return b.T(t, "ago.hours", "n", minutes/60)
	}
	return b.T(t, "ago.days", "n", minutes/60/24)
}

func (b *Bot) stats(ctx context.Context, t Turn) (Outcome, error) {
	f, err := b.Store.Figures(ctx, t.Now.In(b.Zone))
	if err != nil {
		return Outcome{}, err
	}
	text := b.T(t, "stats.text", "members", f.Members, "subscribed", f.Subscribed, "stopped", f.Stopped, "requests", f.Requests,
		"answered", f.Answered, "waiting", f.Waiting, "held", f.Held, "queued", f.Queued, "unknown", f.Unknown)
	if f.Paused {
		text += "\n\n" + b.T(t, "pause.on")
	}
	return b.say(t, text), nil
}

func (b *Bot) pause(_ context.Context, t Turn) (Outcome, error) {
	o := b.say(t, b.T(t, "pause.done"))
	o.Pause, o.Audit = true, "paused reminders and news"
	return o, nil
}

// resume lets reminders and news leave again. After a restore it also lets go what the backup still
// had waiting, so that is said before.
func (b *Bot) resume(ctx context.Context, t Turn) (Outcome, error) {
	f, err := b.Store.Figures(ctx, t.Now.In(b.Zone))
	if err != nil {
		return Outcome{}, err
	}
	if !f.Paused {
		return b.say(t, b.T(t, "pause.off")), nil
	}
	if t.Args != "ok" && f.Queued > 0 {
		return b.say(t, b.T(t, "resume.ask", "n", f.Queued)), nil
	}
	o := b.say(t, b.T(t, "resume.done"))
	o.Resume, o.Audit = true, "resumed reminders and news"
	return o, nil
}
