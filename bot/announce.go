package bot

import (
	"context"
	"crypto/rand"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/i18n"
)

// draftFor is how long a question about a draft waits for a typed answer. The draft itself stays.
const draftFor = 24 * time.Hour

// announce opens the draft that a publisher is writing, or begins one; with a number it shows how far
// that announcement is, and with a rule it begins one for that audience.
//
// Who: a publisher, on a phone. Works: the languages one after the other, who gets it with a count and
// names, a preview, one confirmation, half a minute to think again, progress in place. Fails: what is
// missing is named, and nothing leaves.
func (b *Bot) announce(ctx context.Context, t Turn) (Outcome, error) {
	if id, err := strconv.ParseInt(strings.TrimPrefix(t.Args, "#"), 10, 64); err == nil {
		return b.standing(ctx, t, id)
	}
	a, found, err := b.Store.DraftOf(ctx, t.Member.ID)
	if err != nil {
		return Outcome{}, err
	}
	if t.Args != "" {
		audience, err := community.ParseAudience(t.Args)
		if err != nil {
			return b.say(t, b.T(t, "announce.usage")), nil
		}
		a.Audience = audience.String()
	}
	if found && len(a.Texts) > 0 {
		return b.draftCard(ctx, t, a, "")
	}
	if !found {
		a = broadcast.Announcement{Class: broadcast.News, AuthorID: t.Member.ID, Audience: a.Audience, Zone: b.Zone.String(), Texts: map[i18n.Lang]string{}}
	}
	return b.askText(t, a, i18n.French, "").saving(a, t), nil
}

// saving keeps the draft with the turn.
func (o Outcome) saving(a broadcast.Announcement, t Turn) Outcome {
	a.AuthorID = t.Member.ID
	o.Announce = append(o.Announce, broadcast.Change{Verb: broadcast.Save, Announcement: a})
	return o
}

// askText asks for one language, with what is written in the others in sight.
func (b *Bot) askText(t Turn, a broadcast.Announcement, l i18n.Lang, above string) Outcome {
	parts := []string{b.T(t, "announce.ask."+string(l))}
	if above != "" {
		parts = slices.Insert(parts, 0, above)
	}
	for _, other := range i18n.Langs {
		if other != l && a.Texts[other] != "" {
			parts = append(parts, b.T(t, "announce.beside", "language", b.Texts.T(other, "language.name"), "text", a.Texts[other]))
		}
	}
	buttons := row(button(b.T(t, "announce.back"), "n:card"), button(b.T(t, "announce.discard"), "n:drop"))
	rows := [][]channel.Button{buttons}
	switch {
	case l == i18n.English:
		rows = [][]channel.Button{row(button(b.T(t, "announce.noenglish"), "n:noen")), buttons}
	case len(a.Texts) == 0:
		rows = [][]channel.Button{row(button(b.T(t, "announce.latest"), "n:list")), row(button(b.T(t, "announce.discard"), "n:drop"))}
	}
	return b.say(t, strings.Join(parts, "\n\n"), rows...).asking(Conversation{Question: "announce." + string(l), Expires: t.Now.Add(draftFor)})
}

// typedAnnounce takes what a publisher writes while a question about the draft is open.
func (b *Bot) typedAnnounce(ctx context.Context, t Turn, step string) (Outcome, bool, error) {
	if !t.Role.May(community.Publisher) {
		return Outcome{}, false, nil
	}
	if step == "retract" {
		o, err := b.takeBack(ctx, t, t.Conversation.Data["id"], i18n.InLanguages(t.Text, t.Language))
		return b.offerCry(t, o), true, err
	}
	a, found, err := b.Store.DraftOf(ctx, t.Member.ID)
	if err != nil || !found {
		return Outcome{}, false, err
	}
	var o Outcome
	switch step {
	case "fr", "es", "en":
		o, err = b.takeText(ctx, t, a, i18n.Lang(step))
	case "audience":
		o, err = b.takeAudience(ctx, t, a, t.Text)
	case "when":
		o, err = b.takeWhen(ctx, t, a, t.Text)
	case "word":
		o, err = b.takeWord(ctx, t, a)
	default:
		return Outcome{}, false, nil
	}
	return b.offerCry(t, o), true, err
}

func (b *Bot) takeText(ctx context.Context, t Turn, a broadcast.Announcement, asked i18n.Lang) (Outcome, error) {
	for l, text := range i18n.InLanguages(t.Text, asked) {
		if n := utf8.RuneCountInString(text); n > mostText(a) {
			return b.askText(t, a, asked, b.T(t, "announce.toolong", "n", n, "most", mostText(a))), nil
		}
		a.Texts[l] = text
	}
	for _, l := range []i18n.Lang{i18n.French, i18n.Spanish} {
		if a.Texts[l] == "" {
			return b.askText(t, a, l, "").saving(a, t), nil
		}
	}
	if a.Audience == "" {
		o, err := b.audienceMenu(ctx, t, a, "")
		return o.saving(a, t), err
	}
	o, err := b.draftCard(ctx, t, a, "")
	return o.saving(a, t), err
}

func mostText(a broadcast.Announcement) int {
	if a.Class == broadcast.Alert {
		return broadcast.LongestAlert
	}
	return broadcast.LongestText
}

// pressAnnounce routes the buttons of drafts and of announcements.
func (b *Bot) pressAnnounce(ctx context.Context, t Turn, data string) (Outcome, error) {
	if !t.Role.May(community.Publisher) {
		return b.say(t, b.T(t, "button.old")), nil
	}
	verb, rest, _ := strings.Cut(data, ":")
	if verb == "event" {
		return b.announceEvent(ctx, t, rest)
	}
	if handle, ok := b.draftButtons()[verb]; ok {
		a, found, err := b.Store.DraftOf(ctx, t.Member.ID)
		if err != nil {
			return Outcome{}, err
		}
		if !found {
			return b.say(t, b.T(t, "announce.nodraft"), row(button(b.T(t, "announce.new"), "c:announce"))), nil
		}
		return handle(ctx, t, a, rest)
	}
	return b.pressStanding(ctx, t, verb, rest)
}

type draftHandler func(context.Context, Turn, broadcast.Announcement, string) (Outcome, error)

func (b *Bot) draftButtons() map[string]draftHandler {
	return map[string]draftHandler{
		"card": func(ctx context.Context, t Turn, a broadcast.Announcement, _ string) (Outcome, error) {
			return b.draftCard(ctx, t, a, "")
		},
		"text": func(_ context.Context, t Turn, a broadcast.Announcement, l string) (Outcome, error) {
			if !slices.Contains(i18n.Langs, i18n.Lang(l)) {
				return b.say(t, b.T(t, "button.old")), nil
			}
			return b.askText(t, a, i18n.Lang(l), ""), nil
		},
		"noen": func(ctx context.Context, t Turn, a broadcast.Announcement, _ string) (Outcome, error) {
			delete(a.Texts, i18n.English)
			o, err := b.draftCard(ctx, t, a, "")
			return o.saving(a, t), err
		},
		"aud": b.pressAudience, "tog": b.pressToggle,
		"when": b.pressWhen, "class": b.pressClass, "valid": b.pressValid, "file": b.pressFile,
		"names": b.previewNames, "look": b.lookAt, "ask": b.askConfirmation, "go": b.confirmed, "second": b.askSecond,
		"drop": func(_ context.Context, t Turn, a broadcast.Announcement, _ string) (Outcome, error) {
			o := b.show(t, b.T(t, "announce.discarded"), row(button(b.T(t, "announce.new"), "c:announce"))).settled()
			o.Announce = []broadcast.Change{{Verb: broadcast.Discard, ID: a.ID}}
			return o, nil
		},
	}
}

// draftCard shows the whole draft: what it says, who gets it, when, and what is still missing.
func (b *Bot) draftCard(ctx context.Context, t Turn, a broadcast.Announcement, above string) (Outcome, error) {
	lines := []string{"*" + b.T(t, "announce.draft") + "*"}
	if above != "" {
		lines = []string{above, "", lines[0]}
	}
	if a.Class != broadcast.News {
		lines = append(lines, b.T(t, "announce.class", "class", b.T(t, "announce.class."+string(a.Class))))
	}
	for _, l := range i18n.Langs {
		text := a.Texts[l]
		if text == "" {
			text = b.T(t, "announce.missing."+string(l))
		}
		lines = append(lines, "", strings.ToUpper(string(l))+" – "+text)
	}
	lines = append(lines, "")
	rows := b.draftRows(t, a)
	if a.Audience == "" {
		lines = append(lines, b.T(t, "announce.nobody"))
	} else {
		p, err := b.Store.Preview(ctx, a)
		if err != nil {
			return Outcome{}, err
		}
		lines = append(lines, b.audienceLines(ctx, t, a, p)...)
		if p.Shortened() {
			rows = slices.Insert(rows, 2, row(button(b.T(t, "announce.names"), "n:names")))
		}
	}
	lines = append(lines, b.T(t, "announce.when", "when", b.whenText(t, a)))
	if a.ValidFor > 0 {
		lines = append(lines, b.T(t, "announce.valid", "n", int(a.ValidFor.Hours())))
	}
	if a.File != nil {
		lines = append(lines, b.T(t, "announce.file", "name", a.File.Name))
	}
	return b.show(t, strings.Join(lines, "\n"), rows...).settled(), nil
}

func (b *Bot) draftRows(t Turn, a broadcast.Announcement) [][]channel.Button {
	rows := [][]channel.Button{
		{button("FR", "n:text:fr"), button("ES", "n:text:es"), button("EN", "n:text:en")},
		{button(b.T(t, "announce.who"), "n:aud"), button(b.T(t, "announce.time"), "n:when")},
		{button(b.T(t, "announce.attach"), "n:file"), button(b.T(t, "announce.kind"), "n:class")},
	}
	if len(a.Faults(t.Now)) == 0 {
		rows = append(rows, row(button(b.T(t, "announce.look"), "n:look")), row(button(b.T(t, "announce.send"), "n:ask")))
	} else if a.Class == broadcast.Alert && a.ValidFor == 0 {
		rows = append(rows, row(button(b.T(t, "announce.setvalid"), "n:valid")))
	}
	return append(rows, row(button(b.T(t, "announce.discard"), "n:drop")))
}

// lookAt shows the announcement as each kind of reader will see it.
func (b *Bot) lookAt(ctx context.Context, t Turn, a broadcast.Announcement, _ string) (Outcome, error) {
	p, err := b.Store.Preview(ctx, a)
	if err != nil {
		return Outcome{}, err
	}
	var o Outcome
	bodies := a.Bodies()
	for _, v := range []broadcast.Variant{"fr", "es", "en", broadcast.Both} {
		readers := p.ByVariant[v]
		if v == broadcast.Both {
			readers += p.Reading
		}
		body, written := bodies[v]
		if readers == 0 || !written {
			continue
		}
		head := b.T(t, "announce.seen."+string(v), "n", readers)
		body.Text = head + "\n\n" + body.Text
		said := b.say(t, body.Text, body.Buttons...)
		o = o.and(said)
	}
	return o.and(b.say(t, b.T(t, "announce.looked", "n", p.Reached()), row(button(b.T(t, "announce.send"), "n:ask")), row(button(b.T(t, "announce.back"), "n:card")))), nil
}

// newNonce is what one confirmation carries: 60 bits that fit into a button.
func newNonce() string { return rand.Text()[:12] }
