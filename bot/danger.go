package bot

import (
	"context"
	"time"

	"chasqui/channel"
	"chasqui/desk"
	"chasqui/faq"
	"chasqui/outbox"
)

// sameDanger is how long the same fixed text is not repeated: who writes five times in a minute needs
// a person to read it, not the same ten lines again.
const sameDanger = 10 * time.Minute

// danger answers people in danger with the fixed text of their kind and calls every person of the
// team who is an admin. It asks nothing, waits for nothing and stands before everything else.
//
// Who: anybody, any language, any state, a room that addresses the bot too. Works: numbers first, then
// what to do, and the team is told. Fails: with nobody on the team the text still comes; the ticket
// waits.
func (b *Bot) danger(ctx context.Context, t Turn) (Outcome, bool, error) {
	if t.Kind != channel.Text && t.Kind != channel.Media || t.Quoted != nil || writesEvent(t) {
		return Outcome{}, false, nil
	}
	text := t.Text
	if t.Command != "" {
		// «/human au secours» is a cry; what the team writes behind its own commands is for others.
		text = t.Args
	}
	kind, ok := faq.DangerOf(text)
	if !ok || t.Command != "" && t.Role != "" {
		return Outcome{}, false, nil
	}
	o := Outcome{crisis: true}
	country := faq.Country(t.Member.Country(b.today(t)))
	if b.toldAlready(t, kind) {
		o = o.and(b.say(t, b.T(t, "danger.passed")))
	} else {
		o = o.and(b.say(t, faq.DangerText(kind, t.Language, country)))
	}
	o.Send[0].Lane = outbox.Alert
	if t.Room && t.Member.ID == 0 {
		// Nobody known wrote this, so no ticket can be answered; the text is what can be given.
		return o, true, nil
	}
	told, err := b.handOver(ctx, t, desk.Danger, string(kind))
	if err != nil {
		return o, true, err
	}
	o = o.and(told)
	r := desk.NewRequest(t.Member, t.Chat.Network, "security", b.today(t))
	r.Decision = "crisis"
	o.Requests = []desk.Request{r}
	return o, true, nil
}

func (b *Bot) toldAlready(t Turn, kind faq.Danger) bool {
	return t.Ticket != nil && t.Ticket.Danger == string(kind) && t.Now.Sub(t.Ticket.DangerAt) < sameDanger
}
