package bot

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"chasqui/agenda"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/i18n"
	"chasqui/outbox"
)

// The steps of writing an event, in order; after the last one comes the preview.
const (
	eventWhen     = "when"
	eventEnd      = "end"
	eventZone     = "zone"
	eventPlace    = "place"
	eventSeats    = "seats"
	eventAudience = "audience"
	eventRepeat   = "repeat"
	eventPreview  = "preview"
)

// eventOpenFor is how long a question about an event waits for a typed answer: while it is open, what its
// author types is a title, even a cry. The draft stays for /event to go on with.
const eventOpenFor = time.Hour

var eventSteps = []string{string(i18n.French), string(i18n.Spanish), string(i18n.English), eventWhen, eventEnd, eventZone, eventPlace, eventSeats, eventAudience, eventRepeat}

// eventZones are the clocks that a button offers; audiences and repetitions likewise. Anything else can be
// typed.
var (
	eventZones = []struct{ label, zone string }{{"event.zone.lima", "America/Lima"}, {"event.zone.paris", "Europe/Paris"}}

	eventAudiences = []struct{ label, rule string }{
		{"event.audience.all", "all"}, {"event.audience.volunteer", "kind:volunteer"}, {"event.audience.reciprocity", "kind:reciprocity"},
		{"event.audience.host", "kind:host"}, {"event.audience.lima", "region:lima"}, {"event.audience.cusco", "region:cusco"}, {"event.audience.france", "region:france"},
	}
)

// event begins or goes on with writing one, or with a number shows one to who runs it.
//
// Who: publishers. Works: a question at a time, a preview, one tap to publish; a draft survives anything.
// Fails: what cannot be read is asked again with an example.
func (b *Bot) event(ctx context.Context, t Turn) (Outcome, error) {
	if t.Args != "" {
		return b.followEvent(ctx, t)
	}
	e, ok, err := b.Store.Draft(ctx, t.Member.ID)
	switch {
	case err != nil:
		return Outcome{}, err
	case ok && e.Step == eventPreview:
		return b.previewEvent(t, e), nil
	case ok && slices.Contains(eventSteps, e.Step):
		return b.askEvent(t, e, e.Step, b.T(t, "event.resumed"), false), nil
	}
	return b.askEvent(t, agenda.Event{Titles: map[i18n.Lang]string{}, Zone: b.Zone.String(), Audience: string(community.Everybody)}, eventSteps[0], "", false), nil
}

// askEvent puts one step's question and keeps the draft as it is. back is true when the answer leads back
// to the preview.
func (b *Bot) askEvent(t Turn, e agenda.Event, step, above string, back bool) Outcome {
	text := b.T(t, "event.ask."+step)
	if above != "" {
		text = above + "\n\n" + text
	}
	c := Conversation{Question: "event." + step, Expires: t.Now.Add(eventOpenFor)}
	if back {
		c.Data = map[string]string{"back": "yes"}
	} else {
		e.Step = step
	}
	o := b.show(t, text, b.eventStepButtons(t, e, step)...).asking(c)
	o.Agenda = []agenda.Change{agenda.SaveDraft{Event: e}}
	return o
}

func (b *Bot) eventStepButtons(t Turn, e agenda.Event, step string) [][]channel.Button {
	answer := func(key, value string) channel.Button { return button(b.T(t, key), agenda.Verb+":new:"+step+"="+value) }
	var buttons []channel.Button
	switch step {
	case string(i18n.English), eventEnd, eventPlace:
		buttons = append(buttons, answer("event.skip", ""))
	case eventSeats:
		buttons = append(buttons, answer("event.unlimited", "0"))
	case eventZone:
		for _, z := range eventZones {
			buttons = append(buttons, answer(z.label, z.zone))
		}
	case eventAudience:
		for _, a := range eventAudiences {
			buttons = append(buttons, answer(a.label, a.rule))
		}
	case eventRepeat:
		buttons = append(buttons, answer("event.repeat.none", ""), answer("event.repeat.weekly", agenda.Weekly),
			answer("event.repeat.monthly", agenda.MonthlyLike(e.Start.Date())))
	}
	return inRows(buttons, 2)
}

// typedEvent takes what was typed for the open question of an event.
func (b *Bot) typedEvent(ctx context.Context, t Turn, step string) (Outcome, bool, error) {
	stop, _ := findCommand("stop")
	if !t.Role.May(community.Publisher) || slices.Contains(stop.Words, community.Fold(t.Text)) {
		return Outcome{}, false, nil
	}
	if t.Conversation.Data["occurrence"] != "" {
		o, err := b.typedOrganiser(ctx, t, step)
		return b.offerCry(t, o), true, err
	}
	e, ok, err := b.Store.Draft(ctx, t.Member.ID)
	if err != nil {
		return Outcome{}, true, err
	}
	if !ok {
		return b.say(t, b.T(t, "event.nodraft")).settled(), true, nil
	}
	return b.offerCry(t, b.takeEvent(t, e, step, t.Text)), true, nil
}

// pressDraft takes a tap while an event is written: an answer, a step to change, publishing, dropping.
func (b *Bot) pressDraft(ctx context.Context, t Turn, data string) (Outcome, error) {
	if !t.Role.May(community.Publisher) {
		return b.say(t, b.T(t, "button.old")), nil
	}
	e, ok, err := b.Store.Draft(ctx, t.Member.ID)
	if err != nil {
		return Outcome{}, err
	}
	if !ok {
		return b.show(t, b.T(t, "event.nodraft")).settled(), nil
	}
	step, value, answered := strings.Cut(data, "=")
	switch {
	case data == "publish":
		return b.publishEvent(t, e), nil
	case data == "drop":
		o := b.show(t, b.T(t, "event.dropped")).settled()
		o.Agenda = []agenda.Change{agenda.DropDraft{}}
		return o, nil
	case !slices.Contains(eventSteps, step):
		return b.say(t, b.T(t, "button.old")), nil
	case !answered:
		return b.askEvent(t, e, step, "", true), nil
	case t.Conversation.Question != "event."+step:
		// An old question's button: show where the draft is.
		if e.Step == eventPreview {
			return b.previewEvent(t, e), nil
		}
		return b.askEvent(t, e, e.Step, "", false), nil
	}
	return b.takeEvent(t, e, step, value), nil
}

// takeEvent puts one answer into the draft and goes on, or says what was wrong with it.
func (b *Bot) takeEvent(t Turn, e agenda.Event, step, value string) Outcome {
	value = strings.TrimSpace(value)
	back := t.Conversation.Data["back"] != ""
	if wrong := b.setEvent(t, &e, step, value); wrong != "" {
		return b.askEvent(t, e, step, b.T(t, "event.bad."+wrong), back)
	}
	if back {
		return b.previewEvent(t, e)
	}
	for _, next := range eventSteps[slices.Index(eventSteps, step)+1:] {
		if e.Titles[i18n.Lang(next)] == "" && !(next == eventEnd && e.End != "") {
			return b.askEvent(t, e, next, "", false)
		}
	}
	return b.previewEvent(t, e)
}

// setEvent changes the draft, or names what is wrong.
func (b *Bot) setEvent(t Turn, e *agenda.Event, step, value string) (wrong string) {
	switch step {
	case eventWhen:
		return b.setStart(t, e, value)
	case eventEnd:
		e.End = ""
		if value != "" {
			end, err := agenda.ParseEnd(value, e.Start)
			if err != nil {
				return "end"
			}
			e.End = end
		}
	case eventZone:
		if zone, err := time.LoadLocation(value); err != nil || zone == time.Local || value == "" {
			return "zone"
		}
		e.Zone = value
	case eventPlace:
		e.Place, e.Link = agenda.ParsePlace(value)
	case eventSeats:
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || n > 100_000 {
			return "seats"
		}
		e.Seats = n
	case eventAudience:
		a, err := community.ParseAudience(value)
		if err != nil {
			return "audience"
		}
		e.Audience = a.String()
	case eventRepeat:
		if value != "" && agenda.CheckRule(value) != nil {
			return "repeat"
		}
		e.Rule = value
	default:
		for l, title := range agenda.ParseTitles(value, i18n.Lang(step)) {
			e.Titles[l] = title
		}
	}
	return ""
}

// setStart moves the draft to another start; it lasts as long as before.
func (b *Bot) setStart(t Turn, e *agenda.Event, value string) (wrong string) {
	start, err := agenda.ParseWhen(value, b.today(t))
	switch {
	case err != nil:
		return "when"
	case start.Date() < b.today(t):
		return "past"
	}
	if e.Start != "" {
		e.End = agenda.Occurrence{Start: e.Start, End: e.End}.MovedTo(start).End
	}
	e.Start = start
	return ""
}

// previewEvent shows the event as people will read it, French and Spanish one under the other.
func (b *Bot) previewEvent(t Turn, e agenda.Event) Outcome {
	e.Step = eventPreview
	c := agenda.Card{Event: e, Occurrence: e.On(e.Start.Date())}
	v, zone := b.voice(), e.Location()
	text := b.T(t, "event.preview") + "\n\n" + v.Head(i18n.French, c, zone, t.Now) + "\n\n" + v.Head(i18n.Spanish, c, zone, t.Now)
	seats := b.T(t, "event.unlimited")
	if e.Seats > 0 {
		seats = b.T(t, "event.preview.seats", "n", e.Seats)
	}
	text += "\n\n" + b.T(t, "event.preview.audience", "audience", b.audienceName(t, e.Audience)) + " · " + seats + " · " + b.repeatName(t, e)
	var buttons []channel.Button
	for _, step := range eventSteps {
		buttons = append(buttons, button(b.T(t, "event.label."+step), agenda.Verb+":new:"+step))
	}
	rows := append([][]channel.Button{{button(b.T(t, "event.publish"), agenda.Verb+":new:publish")}}, inRows(buttons, 3)...)
	rows = append(rows, row(button(b.T(t, "event.drop"), agenda.Verb+":new:drop")))
	o := b.show(t, text, rows...).settled()
	o.Agenda = []agenda.Change{agenda.SaveDraft{Event: e}}
	return o
}

func (b *Bot) audienceName(t Turn, rule string) string {
	for _, a := range eventAudiences {
		if a.rule == rule {
			return b.T(t, a.label)
		}
	}
	return rule
}

func (b *Bot) repeatName(t Turn, e agenda.Event) string {
	switch e.Rule {
	case "":
		return b.T(t, "event.repeat.none")
	case agenda.Weekly:
		return b.T(t, "event.repeat.weekly")
	case agenda.MonthlyLike(e.Start.Date()):
		return b.T(t, "event.repeat.monthly")
	}
	return b.T(t, "event.repeat.rule", "rule", e.Rule)
}

func (b *Bot) publishEvent(t Turn, e agenda.Event) Outcome {
	switch {
	case e.Titles[i18n.French] == "":
		return b.askEvent(t, e, string(i18n.French), "", true)
	case e.Titles[i18n.Spanish] == "":
		return b.askEvent(t, e, string(i18n.Spanish), "", true)
	case e.Start == "" || e.Start.Date() < b.today(t):
		return b.askEvent(t, e, eventWhen, b.T(t, "event.bad.past"), true)
	case e.Check() != nil:
		return b.askEvent(t, e, eventEnd, b.T(t, "event.bad.end"), true)
	}
	o := Outcome{Audit: "published an event"}.settled()
	o.Agenda = []agenda.Change{agenda.Publish{Say: func(e agenda.Event, first agenda.Occurrence) []outbox.Draft {
		text := b.T(t, "event.published", "id", e.ID) + "\n" + b.eventLink(t, e.ID)
		return b.show(t, text, row(button(b.T(t, "event.do.announce"), announceData(first.ID))), row(button(b.T(t, "event.number", "id", e.ID), agenda.Data("follow", first.ID)))).Send
	}}}
	return o
}

// eventLink leads to an event's card, or is what to write where the network has no links.
func (b *Bot) eventLink(t Turn, id int64) string {
	if url := b.eventURL(t.Chat.Network, id); url != "" {
		return url
	}
	return "/start ev_" + strconv.FormatInt(id, 10)
}

// eventURL opens the bot at an event's card; "" where the network has no links.
func (b *Bot) eventURL(n channel.Network, id int64) string {
	base, _, linked := strings.Cut(b.Link(n), "?start=")
	if base == "" && !linked {
		return ""
	}
	return base + "?start=ev_" + strconv.FormatInt(id, 10)
}
