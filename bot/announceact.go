package bot

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"chasqui/agenda"
	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/i18n"
	"chasqui/outbox"
)

func (b *Bot) pressWhen(ctx context.Context, t Turn, a broadcast.Announcement, data string) (Outcome, error) {
	switch data {
	case "now":
		a.StartAt, a.StartLocal = time.Time{}, ""
		o, err := b.draftCard(ctx, t, a, "")
		return o.saving(a, t), err
	case "Lima", "Paris":
		a.Zone = map[string]string{"Lima": "America/Lima", "Paris": "Europe/Paris"}[data]
		a.StartAt, a.StartLocal = time.Time{}, ""
		return b.askWhen(t, a, "").saving(a, t), nil
	}
	return b.askWhen(t, a, ""), nil
}

func (b *Bot) askWhen(t Turn, a broadcast.Announcement, above string) Outcome {
	text := b.T(t, "announce.ask.when", "zone", broadcast.City(a.Zone))
	if above != "" {
		text = above + "\n\n" + text
	}
	other := "Paris"
	if a.Zone == "Europe/Paris" {
		other = "Lima"
	}
	return b.show(t, text, row(button(b.T(t, "announce.now"), "n:when:now"), button(b.T(t, "announce.zone", "zone", other), "n:when:"+other)),
		row(button(b.T(t, "announce.back"), "n:card"))).asking(Conversation{Question: "announce.when", Expires: t.Now.Add(draftFor)})
}

func (b *Bot) takeWhen(ctx context.Context, t Turn, a broadcast.Announcement, text string) (Outcome, error) {
	zone := community.Location(a.Zone, b.Zone)
	wall, err := agenda.ParseWhen(text, community.DateAt(t.Now, zone))
	if err != nil || wall.AllDay() {
		return b.askWhen(t, a, b.T(t, "announce.badwhen")), nil
	}
	at := wall.In(zone).In(zone)
	if agenda.WallAt(at, zone) != wall {
		// The clocks skip that time: what was meant is for the person to say.
		return b.askWhen(t, a, b.T(t, "announce.badwhen")), nil
	}
	if at.Before(t.Now) {
		return b.askWhen(t, a, b.T(t, "announce.past", "time", at.Format("02/01/2006 15:04"))), nil
	}
	a.StartAt, a.StartLocal = at, string(wall)
	o, err := b.draftCard(ctx, t, a, "")
	return o.saving(a, t), err
}

// whenText says when a draft would start.
func (b *Bot) whenText(t Turn, a broadcast.Announcement) string {
	if a.StartLocal == "" {
		return b.T(t, "announce.now")
	}
	return a.StartAt.In(community.Location(a.Zone, b.Zone)).Format("02/01/2006 15:04") + " (" + broadcast.City(a.Zone) + ")"
}

func (b *Bot) pressClass(ctx context.Context, t Turn, a broadcast.Announcement, data string) (Outcome, error) {
	class, ok := broadcast.ParseClass(data)
	if !ok {
		var buttons []channel.Button
		for _, c := range []broadcast.Class{broadcast.News, broadcast.Reminder, broadcast.Alert} {
			buttons = append(buttons, button(b.T(t, "announce.class."+string(c)), "n:class:"+string(c)))
		}
		return b.show(t, b.T(t, "announce.ask.class"), inRows(buttons, 1)...), nil
	}
	a.Class = class
	if class == broadcast.Alert && a.ValidFor == 0 {
		o, err := b.pressValid(ctx, t, a, "")
		return o.saving(a, t), err
	}
	o, err := b.draftCard(ctx, t, a, "")
	return o.saving(a, t), err
}

// validities are how long an alert may hold, in hours.
var validities = []int{2, 6, 12, 24, 48}

func (b *Bot) pressValid(ctx context.Context, t Turn, a broadcast.Announcement, data string) (Outcome, error) {
	if hours, err := strconv.Atoi(data); err == nil && hours > 0 && hours <= int(broadcast.LongestValidity.Hours()) {
		a.ValidFor = time.Duration(hours) * time.Hour
		o, err := b.draftCard(ctx, t, a, "")
		return o.saving(a, t), err
	}
	var buttons []channel.Button
	for _, h := range validities {
		buttons = append(buttons, button(b.T(t, "announce.hours", "n", h), fmt.Sprintf("n:valid:%d", h)))
	}
	return b.show(t, b.T(t, "announce.ask.valid"), inRows(buttons, 3)...), nil
}

// askConfirmation shows once more who gets it and asks. An alert is confirmed by a second person, or by
// typing the name of those it goes to: nobody sends one with two slips of the thumb.
func (b *Bot) askConfirmation(ctx context.Context, t Turn, a broadcast.Announcement, _ string) (Outcome, error) {
	if faults := a.Faults(t.Now); len(faults) > 0 {
		return b.draftCard(ctx, t, a, b.T(t, "announce.lacks."+string(faults[0])))
	}
	p, err := b.Store.Preview(ctx, a)
	if err != nil {
		return Outcome{}, err
	}
	if p.Reached() == 0 {
		return b.draftCard(ctx, t, a, b.T(t, "announce.lacks.nobody"))
	}
	asked := broadcast.Announcement{Nonce: newNonce(), NonceUntil: t.Now.Add(broadcast.ConfirmWithin)}
	lines := []string{b.T(t, "announce.confirm", "n", p.Reached(), "when", b.whenText(t, a))}
	lines = append(lines, b.audienceLines(ctx, t, a, p)...)
	var o Outcome
	if a.Class == broadcast.Alert {
		word := b.audienceWords(ctx, t, a.Audience)
		lines = append(lines, b.T(t, "announce.also"), "", b.T(t, "announce.typeword", "word", word))
		o = b.show(t, strings.Join(lines, "\n"), row(button(b.T(t, "announce.second"), "n:second:"+asked.Nonce)), row(button(b.T(t, "announce.notyet"), "n:card"))).
			asking(Conversation{Question: "announce.word", Expires: asked.NonceUntil, Data: map[string]string{"word": word, "nonce": asked.Nonce}})
	} else {
		o = b.show(t, strings.Join(lines, "\n"), row(button(b.T(t, "announce.yes", "n", p.Reached()), "n:go:"+asked.Nonce)), row(button(b.T(t, "announce.notyet"), "n:card"))).settled()
	}
	o.Announce = []broadcast.Change{{Verb: broadcast.Ask, ID: a.ID, Announcement: asked}}
	return o, nil
}

// takeWord compares what was typed with the name of those the alert goes to.
func (b *Bot) takeWord(ctx context.Context, t Turn, a broadcast.Announcement) (Outcome, error) {
	if community.Fold(t.Text) != community.Fold(t.Conversation.Data["word"]) {
		return b.say(t, b.T(t, "announce.wrongword", "word", t.Conversation.Data["word"]), row(button(b.T(t, "announce.notyet"), "n:card"))), nil
	}
	return b.approve(ctx, t, a, t.Conversation.Data["nonce"])
}

func (b *Bot) confirmed(ctx context.Context, t Turn, a broadcast.Announcement, nonce string) (Outcome, error) {
	if a.Class == broadcast.Alert {
		return b.askConfirmation(ctx, t, a, "")
	}
	return b.approve(ctx, t, a, nonce)
}

// approve lets an announcement go, half a minute from now or at its time. What was changed or confirmed
// meanwhile makes the confirmation void.
func (b *Bot) approve(ctx context.Context, t Turn, a broadcast.Announcement, nonce string) (Outcome, error) {
	switch {
	case nonce == "" || a.State != broadcast.Draft || a.Nonce != nonce:
		return b.say(t, b.T(t, "announce.void"), row(button(b.T(t, "announce.title", "id", a.ID), fmt.Sprintf("n:show:%d", a.ID)))), nil
	case t.Now.After(a.NonceUntil):
		return b.say(t, b.T(t, "announce.over"), row(button(b.T(t, "announce.send"), "n:ask"))), nil
	case len(a.Faults(t.Now)) > 0:
		return b.draftCard(ctx, t, a, b.T(t, "announce.lacks."+string(a.Faults(t.Now)[0])))
	}
	if a.StartAt.IsZero() {
		a.StartAt = t.Now.Add(broadcast.UndoFor)
	}
	a.State = broadcast.Approved
	card := broadcast.Card(b.Texts, t.Language, b.Zone, broadcast.Standing{Announcement: a})
	o := b.show(t, card.Text, card.Buttons...).settled()
	a.Shown, a.ShownMessage, a.ShownLanguage = t.Chat, t.OnMessage, t.Language
	o.Announce = []broadcast.Change{{Verb: broadcast.Approve, ID: a.ID, Announcement: a}}
	return o, nil
}

// askSecond asks the other publishers to approve an alert.
func (b *Bot) askSecond(ctx context.Context, t Turn, a broadcast.Announcement, nonce string) (Outcome, error) {
	if a.Nonce != nonce || a.Class != broadcast.Alert {
		return b.say(t, b.T(t, "announce.void")), nil
	}
	staff, err := b.Store.Staff(ctx)
	if err != nil {
		return Outcome{}, err
	}
	p, err := b.Store.Preview(ctx, a)
	if err != nil {
		return Outcome{}, err
	}
	o := b.show(t, b.T(t, "announce.secondasked"), row(button(b.T(t, "announce.back"), "n:card"))).settled()
	for _, s := range staff {
		if s.MemberID == t.Member.ID || !s.Role.May(community.Publisher) {
			continue
		}
		theirs := t
		theirs.Language = s.Language
		lines := []string{"*" + b.T(theirs, "announce.secondask", "name", named(t.Member)) + "*", ""}
		lines = append(lines, b.audienceLines(ctx, theirs, a, p)...)
		lines = append(lines, "", a.Bodies()[broadcast.Both].Text)
		o.Send = append(o.Send, outbox.Draft{Lane: outbox.Alert, To: s.To, MemberID: s.MemberID, Content: channel.Content{Text: strings.Join(lines, "\n"),
			Buttons: [][]channel.Button{{button(b.T(theirs, "announce.approve"), fmt.Sprintf("n:ok:%d:%s", a.ID, nonce))}}}})
	}
	if len(o.Send) == 1 {
		return b.say(t, b.T(t, "announce.nosecond")), nil
	}
	return o, nil
}

// standing shows how far an announcement is.
func (b *Bot) standing(ctx context.Context, t Turn, id int64) (Outcome, error) {
	st, ok, err := b.Store.Standing(ctx, id)
	if err != nil {
		return Outcome{}, err
	}
	if !ok || st.State == broadcast.Draft {
		return b.say(t, b.T(t, "announce.nosuch", "id", id)), nil
	}
	if st.Left, err = b.Store.TimeLeft(ctx, st, t.Now); err != nil {
		return Outcome{}, err
	}
	card := broadcast.Card(b.Texts, t.Language, b.Zone, st)
	return b.show(t, card.Text, card.Buttons...), nil
}

// standingVerbs are the buttons that change an announcement by themselves.
var standingVerbs = map[string]broadcast.Verb{
	"undo": broadcast.Undo, "pause": broadcast.Pause, "resume": broadcast.Resume, "cancel": broadcast.Cancel,
	"retry": broadcast.Retry, "usend": broadcast.SendUnknown, "uleave": broadcast.LeaveUnknown, "late": broadcast.StartLate,
}

// pressStanding acts on an announcement that is no draft any more. Each tap is checked against what is
// now: the message with the button may be hours old.
func (b *Bot) pressStanding(ctx context.Context, t Turn, verb, rest string) (Outcome, error) {
	number, more, _ := strings.Cut(rest, ":")
	id, _ := strconv.ParseInt(number, 10, 64)
	if verb == "list" {
		return b.announcements(ctx, t)
	}
	st, ok, err := b.Store.Standing(ctx, id)
	if err != nil {
		return Outcome{}, err
	}
	switch {
	case !ok:
		return b.say(t, b.T(t, "announce.nosuch", "id", id)), nil
	case verb == "show":
		return b.standing(ctx, t, id)
	case verb == "ok":
		return b.approve(ctx, t, st.Announcement, more)
	case verb == "who":
		return b.namesBehind(ctx, t, st, more)
	case verb == "back":
		return b.askTakeBack(ctx, t, st)
	case verb == "backnow":
		return b.takeBack(ctx, t, number, nil)
	case standingVerbs[verb] != "":
		return b.act(ctx, t, st, standingVerbs[verb])
	}
	return b.say(t, b.T(t, "button.old")), nil
}

// fits says whether a verb can be done to an announcement as it is now.
func fits(st broadcast.Standing, verb broadcast.Verb) bool {
	switch verb {
	case broadcast.Undo:
		return st.State == broadcast.Approved || st.State == broadcast.Late
	case broadcast.StartLate:
		return st.State == broadcast.Late
	case broadcast.Pause:
		return st.State == broadcast.Sending && st.PausedAt.IsZero()
	case broadcast.Resume:
		return st.State == broadcast.Sending && !st.PausedAt.IsZero()
	case broadcast.Cancel:
		return st.State == broadcast.Approved || st.State == broadcast.Late || st.State == broadcast.Sending
	case broadcast.Retry:
		return st.In(outbox.Failed) > st.Faults[channel.Gone]+st.Faults[channel.Rejected] && st.State != broadcast.Cancelled
	case broadcast.SendUnknown, broadcast.LeaveUnknown:
		return st.Undecided > 0
	case broadcast.Retract:
		return !st.StartedAt.IsZero() && st.RetractedAt.IsZero()
	}
	return false
}

// tooLate answers a tap that came after its time with how the announcement stands.
func (b *Bot) tooLate(ctx context.Context, t Turn, id int64) (Outcome, error) {
	o, err := b.standing(ctx, t, id)
	return b.say(t, b.T(t, "announce.toolate")).and(o), err
}

func (b *Bot) act(ctx context.Context, t Turn, st broadcast.Standing, verb broadcast.Verb) (Outcome, error) {
	if !fits(st, verb) {
		return b.tooLate(ctx, t, st.ID)
	}
	change := broadcast.Change{Verb: verb, ID: st.ID}
	change.Announcement.Shown, change.Announcement.ShownMessage, change.Announcement.ShownLanguage = t.Chat, t.OnMessage, t.Language
	o := b.show(t, b.T(t, "announce.did."+string(verb), "id", st.ID), row(button(b.T(t, "announce.title", "id", st.ID), fmt.Sprintf("n:show:%d", st.ID))))
	if verb == broadcast.Undo {
		o = b.show(t, b.T(t, "announce.did.undo", "id", st.ID), row(button(b.T(t, "announce.draft"), "c:announce")))
	}
	o.Announce = []broadcast.Change{change}
	return o, nil
}

// shownAnnouncements is how many stand in one message.
const shownAnnouncements = 8

func (b *Bot) announcements(ctx context.Context, t Turn) (Outcome, error) {
	all, err := b.Store.Announcements(ctx, shownAnnouncements)
	if err != nil {
		return Outcome{}, err
	}
	if len(all) == 0 {
		return b.say(t, b.T(t, "announce.none"), row(button(b.T(t, "announce.new"), "c:announce"))), nil
	}
	var rows [][]channel.Button
	for _, a := range all {
		label := fmt.Sprintf("%d · %s", a.ID, a.CreatedAt.In(b.Zone).Format("02/01"))
		text := []rune(strings.Join(strings.Fields(a.Texts[t.Language]+" "+a.Texts[i18n.French]), " "))
		rows = append(rows, row(button(label+" · "+string(text[:min(len(text), 30)]), fmt.Sprintf("n:show:%d", a.ID))))
	}
	return b.show(t, b.T(t, "announce.recent"), rows...), nil
}

func (b *Bot) askTakeBack(ctx context.Context, t Turn, st broadcast.Standing) (Outcome, error) {
	if !fits(st, broadcast.Retract) {
		return b.tooLate(ctx, t, st.ID)
	}
	return b.say(t, b.T(t, "announce.ask.retract", "n", st.Arrived()), row(button(b.T(t, "announce.retractnow"), fmt.Sprintf("n:backnow:%d", st.ID))),
		row(button(b.T(t, "announce.notyet"), fmt.Sprintf("n:show:%d", st.ID)))).
		asking(Conversation{Question: "announce.retract", Expires: t.Now.Add(broadcast.ConfirmWithin), Data: map[string]string{"id": fmt.Sprint(st.ID)}}), nil
}

func (b *Bot) takeBack(ctx context.Context, t Turn, number string, texts map[i18n.Lang]string) (Outcome, error) {
	id, _ := strconv.ParseInt(number, 10, 64)
	st, ok, err := b.Store.Standing(ctx, id)
	if err != nil {
		return Outcome{}, err
	}
	if !ok || !fits(st, broadcast.Retract) {
		o, err := b.tooLate(ctx, t, id)
		return o.settled(), err
	}
	o := b.say(t, b.T(t, "announce.did.retract", "id", id), row(button(b.T(t, "announce.title", "id", id), fmt.Sprintf("n:show:%d", id)))).settled()
	o.Announce = []broadcast.Change{{Verb: broadcast.Retract, ID: id, Announcement: broadcast.Announcement{Texts: texts}}}
	return o, nil
}
