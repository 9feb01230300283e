package bot

import (
	"context"
	"slices"
	"strings"
	"time"

	"chasqui/channel"
	"chasqui/community"
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
	if t.Kind != channel.Text && t.Kind != channel.Media || t.Quoted != nil {
		return Outcome{}, false, nil
	}
	text := t.Text
	if t.Command != "" {
		// «/human au secours» is a cry; what the team writes behind its own commands is for others.
		text = t.Args
	}
	kind, ok := faq.DangerOf(text)
	if !ok || t.Command != "" && t.Role != "" || writing(t) {
		return Outcome{}, false, nil
	}
	o, err := b.cry(ctx, t, kind)
	return o, true, err
}

// composing reports whether a person of the team is at work on what goes to others.
func composing(t Turn) bool {
	question, _, _ := strings.Cut(t.Conversation.Question, ".")
	return t.Role.May(community.Publisher) && (question == "announce" || question == "event")
}

// writing reports whether they were asked for its very words: «séisme» in them is a warning, not a cry. Whoever
// takes the text offers the way out, with offerCry.
func writing(t Turn) bool {
	_, step, _ := strings.Cut(t.Conversation.Question, ".")
	return composing(t) && !t.Room && slices.Contains([]string{"fr", "es", "en", "retract", eventPlace, organiserWhere}, step)
}

// offerCry puts a button under the answer to a text that was taken for others although it sounds like a cry.
func (b *Bot) offerCry(t Turn, o Outcome) Outcome {
	kind, ok := faq.DangerOf(t.Text)
	if !ok || !writing(t) || len(o.Send) == 0 {
		return o
	}
	c := &o.Send[0].Content
	c.Buttons = append(c.Buttons, row(button(b.T(t, "danger.real"), "d:"+string(kind))))
	return o
}

// pressDanger takes a text that was meant for others as the cry that it was.
func (b *Bot) pressDanger(ctx context.Context, t Turn, kind string) (Outcome, error) {
	if faq.DangerText(faq.Danger(kind), t.Language, "") == "" {
		return b.say(t, b.T(t, "button.old")), nil
	}
	return b.cry(ctx, t, faq.Danger(kind))
}

// cry gives the fixed text and calls the team.
func (b *Bot) cry(ctx context.Context, t Turn, kind faq.Danger) (Outcome, error) {
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
		return o, nil
	}
	told, err := b.handOver(ctx, t, desk.Danger, string(kind))
	if err != nil {
		return o, err
	}
	o = o.and(told)
	r := desk.NewRequest(t.Member, t.Chat.Network, "security", b.today(t))
	r.Decision = "crisis"
	o.Requests = []desk.Request{r}
	return o, nil
}

func (b *Bot) toldAlready(t Turn, kind faq.Danger) bool {
	return t.Ticket != nil && t.Ticket.Danger == string(kind) && t.Now.Sub(t.Ticket.DangerAt) < sameDanger
}
