package bot

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"chasqui/agenda"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/outbox"
)

const (
	// mostEvents is how many are listed: more is a page to scroll through on a phone.
	mostEvents = 8
	// eventsWithin is how far ahead people look.
	eventsWithin = agenda.Horizon * 24 * time.Hour
)

func (b *Bot) voice() agenda.Voice { return agenda.Voice{Texts: b.Texts, Home: b.Zone} }

// events lists what is coming that the person may join. One event is shown whole at once.
//
// Who: anybody, before /start too. Works: dates by the person's clock, who comes, one tap to a card
// with the answers. Fails: with nothing ahead it says so and where dates are announced.
func (b *Bot) events(ctx context.Context, t Turn) (Outcome, error) {
	all, err := b.Store.Upcoming(ctx, t.Member.ID, t.Now, t.Now.Add(eventsWithin))
	if err != nil {
		return Outcome{}, err
	}
	var cards []agenda.Card
	shown := map[int64]bool{}
	for _, c := range all {
		// Of what repeats only the next time, and those that the person answered.
		if len(cards) < mostEvents && (c.Mine != "" || !shown[c.Event.ID] && c.Open(t.Member, t.Groups)) {
			shown[c.Event.ID] = true
			cards = append(cards, c)
		}
	}
	switch len(cards) {
	case 0:
		return b.show(t, b.T(t, "events.none"), b.helpButtons(t)...), nil
	case 1:
		return b.eventCard(t, cards[0], ""), nil
	}
	v, zone := b.voice(), t.Member.Zone(b.Zone)
	text := b.T(t, "events.title")
	var buttons []channel.Button
	for i, c := range cards {
		text += fmt.Sprintf("\n\n%d. %s\n%s", i+1, v.Head(t.Language, c, zone, t.Now), v.Count(t.Language, c))
		if c.Mine != "" {
			text += " " + b.T(t, "event.mine."+string(c.Mine), "n", c.Rank)
		}
		buttons = append(buttons, button(fmt.Sprintf("%d. %s", i+1, c.Title(t.Language)), agenda.Data("card", c.Occurrence.ID)))
	}
	return b.show(t, text, inRows(buttons, 1)...), nil
}

// eventCard shows one occurrence with the person's answer and what they can do.
func (b *Bot) eventCard(t Turn, c agenda.Card, above string) Outcome {
	v := b.voice()
	text := v.Card(t.Language, c, t.Member.Zone(b.Zone), t.Now)
	if above != "" {
		text = above + "\n\n" + text
	}
	list := button(b.T(t, "event.button.list"), "c:events")
	if c.Occurrence.State == agenda.Cancelled || c.Over(t.Now) {
		return b.show(t, text, row(list))
	}
	rows := [][]channel.Button{v.AnswerButtons(t.Language, c), {button(b.T(t, "event.button.ics"), agenda.Data("ics", c.Occurrence.ID)), list}}
	if t.Member.Stopped() {
		text += "\n\n" + b.T(t, "event.stopped")
		rows = append(rows, row(button(b.T(t, "stop.undo"), "s:undo")))
	}
	return b.show(t, text, rows...)
}

// startEvent takes who came by an event's link to its card; whoever is new is welcomed after it.
func (b *Bot) startEvent(ctx context.Context, t Turn, welcome Outcome, value string) (Outcome, error) {
	number, day, _ := strings.Cut(value, "_")
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return welcome, nil
	}
	if d, err := time.Parse("20060102", day); err == nil {
		day = d.Format("2006-01-02")
	} else {
		day = ""
	}
	c, ok, err := b.Store.EventCard(ctx, t.Member.ID, id, community.Date(day), t.Now)
	if err != nil {
		return Outcome{}, err
	}
	known := t.Member.Stopped() || t.Member.Consent != community.NeverAsked && t.Member.Consent != ""
	o := b.say(t, b.T(t, "event.gone"))
	switch {
	case ok && c.Mine == "" && !c.Open(t.Member, t.Groups):
		o = b.notForThem(t)
	case ok:
		o = b.eventCard(t, c, "")
	}
	if known {
		return o, nil
	}
	return o.and(welcome), nil
}

func (b *Bot) notForThem(t Turn) Outcome {
	return b.say(t, b.T(t, "event.others"), row(button(b.T(t, "profile.button"), "c:profile"), button(b.T(t, "human.button"), "h:ask")))
}

// pressEvent routes a tap on anything about events. Whatever stood there when the button was made is looked
// up again.
func (b *Bot) pressEvent(ctx context.Context, t Turn, data string) (Outcome, error) {
	verb, number, _ := strings.Cut(data, ":")
	switch verb {
	case "feed":
		return b.feed(t), nil
	case "unfeed":
		o := b.show(t, b.T(t, "event.feed.ended"))
		o.Agenda = []agenda.Change{agenda.Subscribe{}}
		return o, nil
	case "new":
		return b.pressDraft(ctx, t, number)
	}
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return b.say(t, b.T(t, "button.old")), nil
	}
	c, ok, err := b.Store.Card(ctx, t.Member.ID, id)
	if err != nil {
		return Outcome{}, err
	}
	if !ok {
		return b.say(t, b.T(t, "event.gone")), nil
	}
	switch verb {
	case "card":
		return b.eventCard(t, c, ""), nil
	case "ics":
		return b.calendarFile(t, c), nil
	case string(agenda.Yes), string(agenda.Maybe), string(agenda.No):
		return b.answerEvent(t, c, agenda.Answer(verb)), nil
	}
	return b.pressOrganiser(ctx, t, c, verb)
}

// answerEvent takes an answer. What becomes of a yes, a seat or a place in the waiting list, the store
// decides when it commits; the same tap again changes nothing and shows where things stand.
func (b *Bot) answerEvent(t Turn, c agenda.Card, answer agenda.Answer) Outcome {
	switch {
	case c.Occurrence.State == agenda.Cancelled:
		return b.eventCard(t, c, "")
	case c.Over(t.Now):
		return b.say(t, b.T(t, "event.over"))
	case c.Mine == "" && !c.Open(t.Member, t.Groups):
		return b.notForThem(t)
	}
	return Outcome{Agenda: []agenda.Change{agenda.Reply{OccurrenceID: c.Occurrence.ID, Answer: answer,
		Say: func(now agenda.Card, up []agenda.Person) []outbox.Draft {
			own := b.eventCard(t, now, b.T(t, "event.said."+string(now.Mine)))
			return append(own.Send, b.voice().UpDrafts(now, up, t.Now)...)
		}}}}
}

// calendarFile gives the event as a file that a phone's calendar opens, or its time in words where the
// network carries no files.
func (b *Bot) calendarFile(t Turn, c agenda.Card) Outcome {
	rows := [][]channel.Button{{button(b.T(t, "event.button.feed"), agenda.Verb+":feed")}}
	if !t.Chat.Network.CarriesFiles() {
		when := b.voice().When(t.Language, c.Occurrence, c.Location(), t.Member.Zone(b.Zone), t.Now)
		return b.say(t, b.T(t, "event.nofile", "when", when), rows...)
	}
	o := b.say(t, b.T(t, "event.ics"), rows...)
	o.Send[0].Content.File = &channel.File{Name: fmt.Sprintf("chasqui-%d.ics", c.Event.ID), Data: agenda.Calendar(t.Language, "", []agenda.Card{c}, t.Now)}
	return o
}

// feed makes the person's own calendar link, in place of any earlier one: only its hash is kept, so it can
// be given once only.
func (b *Bot) feed(t Turn) Outcome {
	if b.PublicURL == "" {
		return b.say(t, b.T(t, "event.feed.none"))
	}
	secret := agenda.NewFeedSecret()
	url := strings.TrimRight(b.PublicURL, "/") + agenda.FeedPath(secret)
	return Outcome{Agenda: []agenda.Change{agenda.Subscribe{SecretHash: agenda.HashFeedSecret(secret), Say: func() []outbox.Draft {
		return b.say(t, b.T(t, "event.feed", "url", url), row(button(b.T(t, "event.button.unfeed"), agenda.Verb+":unfeed"))).Send
	}}}}
}
