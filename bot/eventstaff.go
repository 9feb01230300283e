package bot

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"chasqui/agenda"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/outbox"
)

// What who runs an event may change about an occurrence by typing.
const (
	organiserMove  = "move"
	organiserWhere = "where"
	organiserSeats = "newseats"
)

// mostNames is how many names are shown of an answer: more do not fit a message.
const mostNames = 50

// followEvent shows an event to who runs it: «/event 12», or «/event 12 20270101» for one of its dates.
func (b *Bot) followEvent(ctx context.Context, t Turn) (Outcome, error) {
	number, day, _ := strings.Cut(t.Args, " ")
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return b.say(t, b.T(t, "event.usage")), nil
	}
	d := community.Date("")
	if day = strings.ReplaceAll(strings.TrimSpace(day), "-", ""); day != "" {
		if d, err = community.ParseDate(day[:min(4, len(day))] + "-" + day[min(4, len(day)):min(6, len(day))] + "-" + day[min(6, len(day)):]); err != nil {
			return b.say(t, b.T(t, "event.usage")), nil
		}
	}
	c, ok, err := b.Store.EventCard(ctx, t.Member.ID, id, d, t.Now)
	if err != nil {
		return Outcome{}, err
	}
	if !ok {
		return b.say(t, b.T(t, "event.gone")), nil
	}
	return b.organiserCard(ctx, t, c)
}

func runs(t Turn, e agenda.Event) bool {
	return t.Role.May(community.Publisher) || slices.Contains(e.Organisers, t.Member.ID)
}

// organiserCard shows names, which nobody but those who run the event and publishers see.
func (b *Bot) organiserCard(ctx context.Context, t Turn, c agenda.Card) (Outcome, error) {
	if !runs(t, c.Event) {
		return b.say(t, b.T(t, "button.old")), nil
	}
	guests, err := b.Store.Guests(ctx, c.Occurrence.ID)
	if err != nil {
		return Outcome{}, err
	}
	v := b.voice()
	text := b.T(t, "event.number", "id", c.Event.ID) + "\n" + v.Head(t.Language, c, t.Member.Zone(b.Zone), t.Now) + "\n\n" + v.Count(t.Language, c)
	names := map[string][]string{}
	for _, g := range guests {
		names[string(g.Answer)] = append(names[string(g.Answer)], named(g.Member))
		if g.Organiser {
			names["organiser"] = append(names["organiser"], named(g.Member))
		}
	}
	for _, group := range []string{string(agenda.Yes), string(agenda.Maybe), string(agenda.Waiting), string(agenda.No), "organiser"} {
		if len(names[group]) > 0 {
			text += "\n" + b.T(t, "event.names."+group, "names", b.someNames(t, names[group]))
		}
	}
	if c.Occurrence.State == agenda.Cancelled {
		return b.show(t, text+"\n\n"+b.T(t, "event.is.cancelled")), nil
	}
	return b.show(t, text, b.organiserButtons(t, c)...), nil
}

func (b *Bot) someNames(t Turn, names []string) string {
	if len(names) <= mostNames {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:mostNames], ", ") + " " + b.T(t, "event.names.more", "n", len(names)-mostNames)
}

func (b *Bot) organiserButtons(t Turn, c agenda.Card) [][]channel.Button {
	if c.Over(t.Now) {
		return nil
	}
	do := func(key, verb string) channel.Button { return button(b.T(t, key), agenda.Data(verb, c.Occurrence.ID)) }
	buttons := []channel.Button{do("event.do.move", organiserMove), do("event.do.where", organiserWhere), do("event.do.seats", organiserSeats), do("event.do.cancel", "cancel")}
	if c.Rule != "" {
		buttons = append(buttons, do("event.do.cancelall", "cancelall"))
	}
	if !slices.Contains(c.Organisers, t.Member.ID) {
		buttons = append(buttons, do("event.do.mine", "mine"))
	}
	if t.Role.May(community.Publisher) {
		buttons = append(buttons, button(b.T(t, "event.do.announce"), announceData(c.Occurrence.ID)))
	}
	return inRows(buttons, 2)
}

// pressOrganiser does what those who run an event do with it. The right is checked at every tap.
func (b *Bot) pressOrganiser(ctx context.Context, t Turn, c agenda.Card, verb string) (Outcome, error) {
	if !runs(t, c.Event) {
		return b.say(t, b.T(t, "button.old")), nil
	}
	if verb == "follow" || c.Occurrence.State == agenda.Cancelled {
		return b.organiserCard(ctx, t, c)
	}
	if c.Over(t.Now) {
		return b.say(t, b.T(t, "event.over")), nil
	}
	number := strconv.FormatInt(c.Occurrence.ID, 10)
	when := b.voice().When(t.Language, c.Occurrence, c.Location(), t.Member.Zone(b.Zone), t.Now)
	keep := button(b.T(t, "event.sure.no"), agenda.Data("follow", c.Occurrence.ID))
	switch verb {
	case organiserMove, organiserWhere, organiserSeats:
		keys := map[string]string{organiserMove: "event.new.move", organiserWhere: "event.new.where", organiserSeats: "event.new.seats"}
		return b.say(t, b.T(t, keys[verb])).asking(Conversation{Question: "event." + verb, Data: map[string]string{"occurrence": number}, Expires: t.Now.Add(eventOpenFor)}), nil
	case "cancel":
		return b.show(t, b.T(t, "event.sure", "title", c.Title(t.Language), "when", when, "n", c.Coming+c.Unsure+c.Queue),
			row(button(b.T(t, "event.sure.yes"), agenda.Data("cancelled", c.Occurrence.ID)), keep)), nil
	case "cancelall":
		return b.show(t, b.T(t, "event.sure.all", "title", c.Title(t.Language)),
			row(button(b.T(t, "event.sure.yes"), agenda.Data("cancelledall", c.Occurrence.ID)), keep)), nil
	case "cancelled":
		return b.alterEvent(t, c, "cancelled an event's date", func(o agenda.Occurrence) agenda.Occurrence { o.State = agenda.Cancelled; return o }), nil
	case "cancelledall":
		o := Outcome{Audit: "cancelled an event"}
		o.Agenda = []agenda.Change{agenda.CancelAll{EventID: c.Event.ID, Say: func(e agenda.Event, concerned []agenda.Person) []outbox.Draft {
			told := b.voice().CancelDrafts(e, concerned)
			return append(b.show(t, b.T(t, "event.told", "n", len(told))).Send, told...)
		}}}
		return o, nil
	case "mine":
		o := b.show(t, b.T(t, "event.organised"), row(button(b.T(t, "event.number", "id", c.Event.ID), agenda.Data("follow", c.Occurrence.ID))))
		o.Agenda = []agenda.Change{agenda.Organise{EventID: c.Event.ID}}
		return o, nil
	}
	return b.say(t, b.T(t, "button.old")), nil
}

// alterEvent changes an occurrence, tells everybody concerned once, and says how many they were.
func (b *Bot) alterEvent(t Turn, c agenda.Card, audit string, to func(agenda.Occurrence) agenda.Occurrence) Outcome {
	o := Outcome{Audit: audit}.settled()
	o.Agenda = []agenda.Change{agenda.Alter{OccurrenceID: c.Occurrence.ID, To: to,
		Say: func(before, after agenda.Card, concerned, up []agenda.Person) []outbox.Draft {
			told := append(b.voice().ChangeDrafts(before, after, concerned, t.Now), b.voice().UpDrafts(after, up, t.Now)...)
			text := b.T(t, "event.told", "n", len(told))
			if before.Occurrence == after.Occurrence {
				text = b.T(t, "event.same")
			}
			own := b.show(t, text, row(button(b.T(t, "event.number", "id", c.Event.ID), agenda.Data("follow", c.Occurrence.ID))))
			return append(own.Send, told...)
		}}}
	return o
}

// typedOrganiser takes the new time, place or number of seats of an occurrence.
func (b *Bot) typedOrganiser(ctx context.Context, t Turn, step string) (Outcome, error) {
	id, err := strconv.ParseInt(t.Conversation.Data["occurrence"], 10, 64)
	if err != nil {
		return b.say(t, b.T(t, "event.gone")).settled(), nil
	}
	c, ok, err := b.Store.Card(ctx, t.Member.ID, id)
	if err != nil {
		return Outcome{}, err
	}
	if !ok || c.Occurrence.State == agenda.Cancelled || c.Over(t.Now) || !runs(t, c.Event) {
		return b.say(t, b.T(t, "event.gone")).settled(), nil
	}
	text := strings.TrimSpace(t.Text)
	switch step {
	case organiserMove:
		start, err := agenda.ParseWhen(text, community.DateAt(t.Now, c.Location()))
		if err != nil {
			return b.say(t, b.T(t, "event.bad.when")), nil
		}
		if start.In(c.Location()).Before(t.Now) && !start.AllDay() || start.Date() < community.DateAt(t.Now, c.Location()) {
			return b.say(t, b.T(t, "event.bad.past")), nil
		}
		return b.alterEvent(t, c, "moved an event", func(o agenda.Occurrence) agenda.Occurrence {
			if o.Start == start {
				return o
			}
			return o.MovedTo(start)
		}), nil
	case organiserWhere:
		place, link := agenda.ParsePlace(text)
		return b.alterEvent(t, c, "changed an event's place", func(o agenda.Occurrence) agenda.Occurrence { o.Place, o.Link = place, link; return o }), nil
	case organiserSeats:
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 100_000 {
			return b.say(t, b.T(t, "event.bad.seats")), nil
		}
		return b.alterEvent(t, c, "changed an event's seats", func(o agenda.Occurrence) agenda.Occurrence { o.Seats = n; return o }), nil
	}
	return b.say(t, b.T(t, "button.old")).settled(), nil
}
