package bot

import (
	"context"
	"strings"

	"chasqui/agenda"
	"chasqui/community"
)

// pressDeadline notes with one tap that a formality is done, and takes it back with another. A button that
// was about another date than the person's present one changes nothing.
func (b *Bot) pressDeadline(_ context.Context, t Turn, data string) (Outcome, error) {
	parts := strings.Split(data, ":")
	if len(parts) != 3 {
		return b.say(t, b.T(t, "button.old")), nil
	}
	verb, kind, anchor := parts[0], parts[1], community.Date(parts[2])
	if anchor == "" || agenda.Anchor(kind, t.Member) != anchor {
		return b.say(t, b.T(t, "deadline.changed"), row(button(b.T(t, "human.button"), "h:ask"))), nil
	}
	name := b.voice().DeadlineName(t.Language, kind)
	var o Outcome
	switch verb {
	case "done":
		o = b.show(t, b.T(t, "deadline.done", "name", name), row(button(b.T(t, "deadline.button.undo"), agenda.DeadlineData("undo", kind, anchor))))
	case "undo":
		o = b.show(t, b.T(t, "deadline.undone", "name", name), row(button(b.T(t, "deadline.button.done"), agenda.DeadlineData("done", kind, anchor))))
	default:
		return b.say(t, b.T(t, "button.old")), nil
	}
	o.Agenda = []agenda.Change{agenda.Settle{Kind: kind, Anchor: anchor, Done: verb == "done"}}
	return o, nil
}
