package bot

import (
	"context"
	"strings"
	"time"

	"chasqui/channel"
	"chasqui/community"
	"chasqui/desk"
	"chasqui/i18n"
	"chasqui/outbox"
)

const (
	// shownLines is how much of what was said a person of the team gets with a ticket.
	shownLines = 6
	// shownLength cuts a single line of it, so that one long message does not push the rest off a phone;
	// what the bot said matters less than what the person did.
	shownLength    = 600
	shownBotLength = 120
	// answersSince is over which time the usual wait is measured.
	answersSince = 60 * 24 * time.Hour
)

// human asks for a person.
//
// Who: anybody who would rather talk to somebody. Works: the team gets the last messages, the person an
// honest waiting time. Fails: with nobody on the team the ticket waits and the mail address is given.
func (b *Bot) human(ctx context.Context, t Turn) (Outcome, error) {
	if t.Ticket != nil && t.Ticket.State == desk.Held {
		return b.say(t, b.T(t, "human.held", "name", staffName(t.Ticket.HolderName))), nil
	}
	return b.handOver(ctx, t, desk.Asked, "")
}

func (b *Bot) pressHuman(ctx context.Context, t Turn, data string) (Outcome, error) {
	switch {
	case data == "ask":
		return b.human(ctx, t)
	case data == "bot" && t.Ticket != nil && t.Ticket.State == desk.Waiting && t.Ticket.Reason != desk.Danger:
		o := b.show(t, b.T(t, "human.nevermind"), b.helpButtons(t)...)
		o.Move = &TicketMove{ID: t.Ticket.ID, From: desk.Waiting, To: desk.Closed}
		return o, nil
	case data == "bot":
		return b.show(t, b.T(t, "human.nevermind")), nil
	}
	return b.say(t, b.T(t, "button.old")), nil
}

// handOver opens a ticket, tells the team, and tells the person what to expect.
func (b *Bot) handOver(ctx context.Context, t Turn, reason desk.Reason, danger string) (Outcome, error) {
	o := Outcome{Open: &TicketOpening{Reason: reason, Danger: danger, Urgent: danger != ""}}
	staff, err := b.Store.Staff(ctx)
	if err != nil {
		return o, err
	}
	o.Send, err = b.notices(ctx, t, staff, reason, danger)
	if err != nil {
		return o, err
	}
	if reason == desk.Danger {
		return o, nil
	}
	wait, err := b.waitText(ctx, t)
	if err != nil {
		return o, err
	}
	key := "human.passed"
	if reason == desk.Unanswered {
		key = "human.unanswered"
	}
	answer := b.say(t, b.T(t, key)+" "+wait, row(button(b.T(t, "human.bot"), "h:bot")))
	return answer.and(o), nil
}

// waitText says honestly when somebody will read: the usual wait when it is known, the team's hours
// when nobody is there.
func (b *Bot) waitText(ctx context.Context, t Turn) (string, error) {
	answers, err := b.Store.FirstAnswers(ctx, t.Now.Add(-answersSince))
	if err != nil {
		return "", err
	}
	w := desk.WaitAt(t.Now, b.Zone, answers)
	switch {
	case !w.Open:
		day := b.T(t, "day."+strings.ToLower(w.Next.Weekday().String()))
		if community.DateAt(w.Next, b.Zone) == b.today(t) {
			day = b.T(t, "day.today")
		}
		return b.T(t, "wait.closed", "day", day, "time", w.Next.Format("15:04")), nil
	case w.Usual == 0:
		return b.T(t, "wait.open"), nil
	case w.Usual < 2*time.Hour:
		return b.T(t, "wait.minutes", "n", int(w.Usual.Minutes())), nil
	}
	return b.T(t, "wait.hours", "n", int(w.Usual.Hours())), nil
}

// notices tell the team of a ticket: all of them, an urgent one in the alert lane.
func (b *Bot) notices(ctx context.Context, t Turn, staff []Staff, reason desk.Reason, danger string) ([]outbox.Draft, error) {
	lane := outbox.Reply
	if danger != "" {
		lane = outbox.Alert
	}
	var lines []desk.Line
	if t.Member.ID != 0 {
		var err error
		if lines, err = b.Store.Lines(ctx, t.Member.ID, shownLines); err != nil {
			return nil, err
		}
	}
	var drafts []outbox.Draft
	for _, s := range staff {
		if t.Ticket != nil && danger == "" && t.Ticket.State == desk.Held && t.Ticket.HolderID != s.MemberID {
			continue
		}
		drafts = append(drafts, outbox.Draft{
			Lane: lane, To: s.To, MemberID: s.MemberID, TicketID: ThisTicket,
			Content: channel.Content{
				Text:    b.noticeText(t, s.Language, reason, danger, lines),
				Buttons: b.ticketButtons(s.Language, TicketMark, desk.Waiting),
			},
		})
	}
	return drafts, nil
}

// noticeText is what staff read of a ticket: what it is, who, and what was said.
func (b *Bot) noticeText(t Turn, l i18n.Lang, reason desk.Reason, danger string, lines []desk.Line) string {
	title := b.Texts.T(l, "ticket.title", "id", TicketMark, "reason", b.Texts.T(l, "ticket.reason."+string(reason)))
	if danger != "" {
		title = b.Texts.T(l, "ticket.urgent", "id", TicketMark, "danger", b.Texts.T(l, "danger."+danger))
	}
	parts := []string{"*" + title + "*", b.whoText(l, t.Member, t.Chat.Network, t.Language)}
	said := append(lines, desk.Line{Who: desk.ByMember, Text: t.Text, At: t.Now})
	parts = append(parts, "", b.saidText(l, said), "", b.Texts.T(l, "ticket.how"))
	return strings.Join(parts, "\n")
}

// whoText names a person for staff: name, kind, region, network and the language to answer in.
func (b *Bot) whoText(l i18n.Lang, m community.Member, n channel.Network, spoken i18n.Lang) string {
	kind := b.Texts.T(l, "kind.unknown")
	if m.Kind != "" {
		kind = b.Texts.T(l, "kind."+string(m.Kind))
	}
	parts := []string{named(m), kind}
	if m.Region != "" {
		parts = append(parts, b.regionName(l, m.Region))
	}
	parts = append(parts, networkName(n), b.Texts.T(spoken, "language.name"))
	return strings.Join(parts, " · ")
}

func (b *Bot) saidText(l i18n.Lang, lines []desk.Line) string {
	var out []string
	for _, line := range lines {
		text := strings.TrimSpace(line.Text)
		if text == "" {
			continue
		}
		most := shownLength
		if line.Who == desk.ByBot {
			text, most = strings.Join(strings.Fields(text), " "), shownBotLength
		}
		if r := []rune(text); len(r) > most {
			text = string(r[:most]) + "…"
		}
		out = append(out, b.Texts.T(l, "ticket.line."+string(line.Who), "text", text))
	}
	return strings.Join(out, "\n")
}

func (b *Bot) ticketButtons(l i18n.Lang, id string, state desk.State) [][]channel.Button {
	switch state {
	case desk.Waiting:
		return [][]channel.Button{{button(b.Texts.T(l, "ticket.take"), "t:take:"+id), button(b.Texts.T(l, "ticket.close"), "t:close:"+id)}}
	case desk.Held:
		return [][]channel.Button{{button(b.Texts.T(l, "ticket.close"), "t:close:"+id)}}
	}
	return [][]channel.Button{{button(b.Texts.T(l, "ticket.reopen"), "t:open:"+id)}}
}

// held leaves a chat to the person of the team who holds it: what is written goes to them and the bot
// says nothing.
func (b *Bot) held(ctx context.Context, t Turn) (Outcome, bool, error) {
	if t.Room || !t.Ticket.Silences() {
		return Outcome{}, false, nil
	}
	drafts, err := b.forward(ctx, t)
	o := Outcome{Send: drafts}
	o.Move = &TicketMove{ID: t.Ticket.ID, From: desk.Held, To: desk.Held}
	return o, true, err
}

// passOn adds a message to a ticket that waits, and says so.
func (b *Bot) passOn(ctx context.Context, t Turn) (Outcome, error) {
	drafts, err := b.forward(ctx, t)
	if err != nil {
		return Outcome{}, err
	}
	o, err := b.added(ctx, t)
	if err != nil {
		return Outcome{}, err
	}
	o.Send = append(o.Send, drafts...)
	o.Move = &TicketMove{ID: t.Ticket.ID, From: desk.Waiting, To: desk.Waiting}
	return o, nil
}

// added says that a message reached a ticket that waits: to somebody in danger with the numbers once
// more, to others with when somebody will read it.
func (b *Bot) added(ctx context.Context, t Turn) (Outcome, error) {
	if t.Ticket.Reason == desk.Danger {
		o := b.say(t, b.T(t, "danger.passed"))
		o.crisis = true
		return o, nil
	}
	wait, err := b.waitText(ctx, t)
	if err != nil {
		return Outcome{}, err
	}
	return b.say(t, b.T(t, "human.added")+" "+wait, row(button(b.T(t, "human.bot"), "h:bot"))), nil
}

// forward gives a message to whoever holds the ticket, or to the whole team while nobody does.
func (b *Bot) forward(ctx context.Context, t Turn) ([]outbox.Draft, error) {
	staff, err := b.Store.Staff(ctx)
	if err != nil {
		return nil, err
	}
	lane := outbox.Reply
	if t.Ticket.Urgent {
		lane = outbox.Alert
	}
	var drafts []outbox.Draft
	for _, s := range staff {
		if t.Ticket.State == desk.Held && s.MemberID != t.Ticket.HolderID {
			continue
		}
		text := t.Text
		if text == "" {
			text = b.Texts.T(s.Language, "ticket.unreadable")
		}
		drafts = append(drafts, outbox.Draft{
			Lane: lane, To: s.To, MemberID: s.MemberID, TicketID: t.Ticket.ID,
			Content: channel.Content{Text: b.Texts.T(s.Language, "ticket.more", "id", t.Ticket.ID, "name", named(t.Member), "text", text)},
		})
	}
	return drafts, nil
}

func staffName(full string) string {
	if first, _, _ := strings.Cut(strings.TrimSpace(full), " "); first != "" {
		return first
	}
	return "France Volontaires"
}
