package bot

import (
	"context"
	"strings"
	"unicode"

	"chasqui/channel"
	"chasqui/desk"
	"chasqui/faq"
	"chasqui/i18n"
)

// mostChoices is how many answers are offered when the bot is not sure; more is a menu to study.
const mostChoices = 3

// question answers from the FAQ, offers choices, or hands over.
//
// Who: anybody, at any moment, before /start too. Works: the answer with its source and the day it
// was checked. Fails: a person of the team gets the question and the asker is told when.
func (b *Bot) question(ctx context.Context, t Turn) (Outcome, bool, error) {
	if !readable(t.Text) {
		if t.Room || t.Late {
			return Outcome{}, true, nil
		}
		return b.say(t, b.T(t, "question.unclear"), b.helpButtons(t)...), true, nil
	}
	d := b.FAQ.Decide(faq.Query{Text: t.Text, Lang: t.Language})
	o, err := b.answer(ctx, t, d)
	if err != nil || t.Late {
		return o, true, err
	}
	topic := ""
	if e, ok := b.FAQ.Entry(d.Entry); ok && d.Kind == faq.Answer {
		topic = e.Topic
	}
	o, err = b.alertFirst(ctx, t, topic, o)
	return o, true, err
}

// answer does what the FAQ decided.
func (b *Bot) answer(ctx context.Context, t Turn, d faq.Decision) (Outcome, error) {
	waiting := t.Ticket != nil && t.Ticket.State == desk.Waiting
	switch {
	case t.Late && !t.Room:
		o, err := b.handOver(ctx, t, desk.Late, "")
		o.Requests = []desk.Request{b.request(t, d, "handover")}
		return o, err
	case d.Kind == faq.Answer:
		o := b.answerWith(t, d.Entry)
		o.Requests = []desk.Request{b.request(t, d, "answer")}
		if waiting && t.Ticket.Reason == desk.Danger {
			told, err := b.forward(ctx, t)
			o.Send = append(o.Send, told...)
			return b.languageHint(t, o), err
		}
		return b.languageHint(t, o), nil
	case t.Room:
		// In a room the bot answers when it is sure and leaves the rest to a private talk.
		return b.inPrivate(t), nil
	case waiting && t.Ticket.Reason != desk.Unanswered:
		o, err := b.passOn(ctx, t)
		return o, err
	case d.Kind == faq.Choose:
		o := b.choices(t, d)
		o.Requests = []desk.Request{b.request(t, d, "choose")}
		return b.languageHint(t, o), nil
	}
	o, err := b.handOver(ctx, t, desk.Unanswered, "")
	o.Requests = []desk.Request{b.request(t, d, "handover")}
	return o, err
}

// readable tells words from a slip of the thumb: two letters in a row are the least.
func readable(text string) bool {
	run := 0
	for _, r := range text {
		if unicode.IsLetter(r) {
			if run++; run >= 2 {
				return true
			}
			continue
		}
		run = 0
	}
	return false
}

func (b *Bot) request(t Turn, d faq.Decision, decision string) desk.Request {
	topic := ""
	if e, ok := b.FAQ.Entry(d.Entry); ok && decision != "handover" {
		topic = e.Topic
	}
	r := desk.NewRequest(t.Member, t.Chat.Network, topic, b.today(t))
	r.Decision = decision
	if decision != "handover" {
		r.Entry = d.Entry
	}
	return r
}

// answerWith gives an entry's answer with where it comes from and what stands near it.
func (b *Bot) answerWith(t Turn, slug string) Outcome {
	e, ok := b.FAQ.Entry(slug)
	if !ok {
		return b.say(t, b.T(t, "question.gone"), b.helpButtons(t)...)
	}
	text, ok := e.Texts[t.Language]
	if !ok {
		for _, l := range i18n.Langs {
			if text, ok = e.Texts[l]; ok {
				break
			}
		}
	}
	if t.Room {
		return b.say(t, text.Answer+"\n\n"+b.sourceLine(t, e))
	}
	var rows [][]channel.Button
	for _, near := range e.Related {
		if r, ok := b.FAQ.Entry(near); ok && len(rows) < 2 && r.Texts[t.Language].Title != "" {
			rows = append(rows, row(button(r.Texts[t.Language].Title, "q:show:"+near)))
		}
	}
	rows = append(rows, row(button(b.T(t, "human.button"), "h:ask")))
	if t.Conversation.Question != "" && strings.HasPrefix(t.Conversation.Question, "profile.") {
		rows = append(rows, row(button(b.T(t, "profile.resume"), "p:go")))
	}
	return b.say(t, text.Answer+"\n\n"+b.sourceLine(t, e), rows...)
}

// sourceLine says where an answer comes from and when somebody last checked it.
func (b *Bot) sourceLine(t Turn, e faq.Entry) string {
	var labels []string
	for _, s := range e.Sources {
		labels = append(labels, s.Label)
	}
	checked := e.Checked.Format("02/01/2006")
	if len(labels) == 0 {
		return b.T(t, "question.checked", "date", checked)
	}
	return b.T(t, "question.source", "source", strings.Join(labels, " ; "), "date", checked)
}

// choices offers what the question may have meant; each tap shows the answer, and the last one asks
// for a person.
func (b *Bot) choices(t Turn, d faq.Decision) Outcome {
	var rows [][]channel.Button
	for _, r := range d.Ranking {
		e, ok := b.FAQ.Entry(r.Entry)
		if !ok || len(rows) == mostChoices {
			continue
		}
		title := e.Texts[t.Language].Title
		if title == "" {
			title = e.Slug
		}
		rows = append(rows, row(button(title, "q:show:"+r.Entry)))
	}
	rows = append(rows, row(button(b.T(t, "question.none"), "q:none")))
	return b.say(t, b.T(t, "question.choose"), rows...)
}

func (b *Bot) pressQuestion(ctx context.Context, t Turn, data string) (Outcome, error) {
	verb, slug, _ := strings.Cut(data, ":")
	switch verb {
	case "show":
		return b.answerWith(t, slug), nil
	case "none":
		return b.handOver(ctx, t, desk.Unanswered, "")
	}
	return b.say(t, b.T(t, "button.old")), nil
}

// languageHint offers to stay in the language of a message that is not the person's own.
func (b *Bot) languageHint(t Turn, o Outcome) Outcome {
	if t.Room || !t.Member.LanguageChosen || t.Member.Language == t.Language || len(o.Send) == 0 {
		return o
	}
	last := &o.Send[len(o.Send)-1].Content
	last.Buttons = append(last.Buttons, row(button(b.T(t, "language.switch"), "l:"+string(t.Language))))
	return o
}
