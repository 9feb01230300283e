package bot

import (
	"context"
	"strconv"

	"chasqui/agenda"
	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/i18n"
)

// announceEvent begins an announcement of an event: its words, its audience, and the answers as buttons. It is
// a draft like any other, to be read, changed and confirmed.
func (b *Bot) announceEvent(ctx context.Context, t Turn, number string) (Outcome, error) {
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return b.say(t, b.T(t, "button.old")), nil
	}
	c, ok, err := b.Store.Card(ctx, t.Member.ID, id)
	if err != nil {
		return Outcome{}, err
	}
	if !ok || c.Occurrence.State == agenda.Cancelled || c.Over(t.Now) {
		return b.say(t, b.T(t, "event.gone")), nil
	}
	a, _, err := b.Store.DraftOf(ctx, t.Member.ID)
	if err != nil {
		return Outcome{}, err
	}
	if len(a.Texts) > 0 {
		return b.draftCard(ctx, t, a, b.T(t, "announce.busy"))
	}
	a.Class, a.Audience, a.Zone = broadcast.News, c.Event.Audience, b.Zone.String()
	a.Texts, a.Buttons = map[i18n.Lang]string{}, map[broadcast.Variant][][]channel.Button{}
	v := b.voice()
	for _, l := range i18n.Langs {
		if c.Titles[l] == "" {
			continue
		}
		a.Texts[l] = v.Head(l, c, c.Location(), t.Now) + "\n\n" + b.Texts.T(l, "event.invite")
		a.Buttons[broadcast.Variant(l)] = [][]channel.Button{v.AnswerButtons(l, agenda.Card{Event: c.Event, Occurrence: c.Occurrence})}
	}
	// In a room nobody's tap is their own: the link leads each to their own card.
	a.Buttons[broadcast.Both] = nil
	if link := b.eventURL(t.Chat.Network, c.Event.ID); link != "" {
		a.Buttons[broadcast.Both] = [][]channel.Button{{{Label: b.Texts.T(i18n.French, "event.answer") + " / " + b.Texts.T(i18n.Spanish, "event.answer"), URL: link}}}
	}
	o, err := b.draftCard(ctx, t, a, "")
	return o.saving(a, t), err
}

// announceData is what the button that announces an occurrence carries.
func announceData(occurrenceID int64) string { return "n:event:" + strconv.FormatInt(occurrenceID, 10) }
