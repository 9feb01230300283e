package bot

import (
	"context"
	"slices"
	"strings"
	"time"

	"chasqui/channel"
	"chasqui/community"
	"chasqui/i18n"
)

// openFor is how long a question of the profile waits for a typed answer; its buttons work for ever.
const openFor = 24 * time.Hour

// start welcomes. Nothing is asked of somebody who answered already.
//
// Who: anybody who opens the chat. Works: three lines, the language at one tap, one question. Fails:
// an unknown link payload is ignored, since old posters and new bots will always meet.
func (b *Bot) start(ctx context.Context, t Turn) (Outcome, error) {
	if t.Room {
		return b.inPrivate(t), nil
	}
	kind, value, _ := strings.Cut(t.Args, "_")
	if kind == "link" {
		return b.link(ctx, t, value)
	}
	o, err := b.welcome(ctx, t)
	if err != nil {
		return o, err
	}
	switch kind {
	case "faq":
		if _, ok := b.FAQ.Entry(value); ok {
			return b.answerWith(t, value).and(o), nil
		}
	case "ev":
		return b.startEvent(ctx, t, o, value)
	case "region":
		if r, ok := community.FindRegion(value); ok && r.Slug != community.FranceRegion && t.Member.Region == "" {
			m := memberOf(t, o)
			m.Region = r.Slug
			return o.with(m), nil
		}
	case "group":
		// Who comes by a group's link has said yes to it; the question would ask the same again.
		joined, err := b.join(ctx, t, value)
		if err != nil || joined == nil {
			return o, err
		}
		return joined.settled(), nil
	}
	return o, nil
}

// memberOf is the member as the outcome so far leaves them.
func memberOf(t Turn, o Outcome) community.Member {
	if o.Member != nil {
		return *o.Member
	}
	return t.Member
}

func (b *Bot) welcome(_ context.Context, t Turn) (Outcome, error) {
	if t.Member.Stopped() {
		return b.say(t, b.T(t, "start.stopped", "name", b.comma(t.Member)), row(button(b.T(t, "stop.undo"), "s:undo"))), nil
	}
	text := b.T(t, "start.welcome", "name", b.comma(t.Member))
	switch {
	case t.Member.Consent == community.NeverAsked || t.Member.Consent == "":
		text += "\n\n" + b.T(t, "consent.ask")
		o := b.say(t, text, b.consentRow(t), b.languageRow(t))
		return o.asking(Conversation{Question: "consent", Expires: t.Now.Add(openFor)}), nil
	case t.Member.Profile != community.ProfileDone:
		return b.say(t, text, b.languageRow(t), row(button(b.T(t, "profile.resume"), "p:go")), row(button(b.T(t, "command.help"), "c:help"))), nil
	}
	return b.say(t, text, append([][]channel.Button{b.languageRow(t)}, b.helpButtons(t)...)...), nil
}

// languageRow offers the other languages, each in its own words.
func (b *Bot) languageRow(t Turn) []channel.Button {
	var buttons []channel.Button
	for _, l := range i18n.Langs {
		if l != t.Language {
			buttons = append(buttons, button(b.Texts.T(l, "language.name"), "l:"+string(l)))
		}
	}
	return buttons
}

func (b *Bot) language(_ context.Context, t Turn) (Outcome, error) {
	if t.Room {
		return b.inPrivate(t), nil
	}
	return b.show(t, b.T(t, "language.ask"), b.languageRow(t)), nil
}

func (b *Bot) pressLanguage(ctx context.Context, t Turn, tag string) (Outcome, error) {
	l, ok := i18n.ParseLang(tag)
	if !ok {
		return b.say(t, b.T(t, "button.old")), nil
	}
	t.Member.Language, t.Member.LanguageChosen, t.Language = l, true, l
	if t.Conversation.Question == "consent" {
		// The question stays open, now in words the person reads.
		o, err := b.welcome(ctx, t)
		if err != nil {
			return o, err
		}
		if t.OnMessage != "" {
			o.Send[0].Content.Edit = t.OnMessage
		}
		return o.with(t.Member), nil
	}
	return b.show(t, b.T(t, "language.done"), b.helpButtons(t)...).with(t.Member), nil
}

func (b *Bot) consentRow(t Turn) []channel.Button {
	return row(button(b.T(t, "consent.yes"), "a:yes"), button(b.T(t, "consent.no"), "a:no"))
}

func (b *Bot) pressConsent(ctx context.Context, t Turn, answer string) (Outcome, error) {
	return b.consent(ctx, t, answer == "yes", "button")
}

func (b *Bot) typedConsent(ctx context.Context, t Turn) (Outcome, bool, error) {
	agreed, ok := yesOrNo(t.Text)
	if !ok {
		return Outcome{}, false, nil
	}
	o, err := b.consent(ctx, t, agreed, "typed")
	return o, true, err
}

// yesOrNo reads an answer of one or two words; anything longer is about something else.
func yesOrNo(text string) (yes, ok bool) {
	word := strings.Trim(community.Fold(text), " .!,")
	switch {
	case slices.Contains([]string{"oui", "si", "yes", "ok", "d'accord", "daccord", "dale", "claro", "ouais", "yep", "y", "o", "1"}, word):
		return true, true
	case slices.Contains([]string{"non", "no", "nop", "nope", "n", "2"}, word):
		return false, true
	}
	return false, false
}

func (b *Bot) consent(_ context.Context, t Turn, agreed bool, how string) (Outcome, error) {
	if !agreed {
		t.Member.Consent = community.Refused
		o := b.show(t, b.T(t, "consent.refused"), b.helpButtons(t)...).with(t.Member).settled()
		o.Consents = []community.ConsentChange{{Change: community.ConsentRefused, How: how}}
		return o, nil
	}
	t.Member.Consent, t.Member.StoppedAt = community.Given, time.Time{}
	o := b.ask(t, b.T(t, "consent.given"), firstStep(t.Member))
	o.Consents = []community.ConsentChange{{Change: community.ConsentGiven, How: how}}
	o.Join = []string{community.Announcements}
	return o, nil
}

// help lists what the bot can do for this person.
func (b *Bot) help(_ context.Context, t Turn) (Outcome, error) {
	if t.Room {
		return b.say(t, b.T(t, "help.room")), nil
	}
	var lines []string
	for _, c := range Commands() {
		if c.Name == "start" || c.Name == "help" || c.Name == "staff" || !t.Role.May(c.Role) {
			continue
		}
		lines = append(lines, "/"+c.Name+" – "+b.T(t, "command."+c.Name))
	}
	// «Help» alone may be a cry; the numbers cost two lines.
	text := b.T(t, "help.text") + "\n\n" + strings.Join(lines, "\n") + "\n\n" + b.T(t, "help.danger")
	return b.show(t, text, b.helpButtons(t)...), nil
}

func (b *Bot) helpButtons(t Turn) [][]channel.Button {
	second := button(b.T(t, "profile.button"), "c:profile")
	if t.Member.Profile != community.ProfileDone && t.Member.Profile != "" {
		second = button(b.T(t, "profile.resume"), "p:go")
	}
	return [][]channel.Button{
		{button(b.T(t, "groups.button"), "c:groups"), second},
		{button(b.T(t, "human.button"), "h:ask")},
	}
}
