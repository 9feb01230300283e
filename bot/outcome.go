package bot

import (
	"chasqui/channel"
	"chasqui/community"
	"chasqui/outbox"
)

// say answers in the chat. In a room it quotes the question, so that everybody sees what was answered.
func (b *Bot) say(t Turn, text string, rows ...[]channel.Button) Outcome {
	c := channel.Content{Text: text, Buttons: rows}
	if t.Room {
		c.ReplyTo = t.ID
	}
	return Outcome{Send: []outbox.Draft{{Lane: outbox.Reply, To: t.Chat, Content: c}}}
}

// show answers a tap by changing the message that carries the button, so that a menu stays in one
// place; anything else gets a message of its own.
func (b *Bot) show(t Turn, text string, rows ...[]channel.Button) Outcome {
	o := b.say(t, text, rows...)
	if t.Kind == channel.Press {
		o.Send[0].Content.Edit = t.OnMessage
	}
	return o
}

// and joins two outcomes: what p sets wins, what both list is kept in order.
func (o Outcome) and(p Outcome) Outcome {
	o.Consents = append(o.Consents, p.Consents...)
	o.Join = append(o.Join, p.Join...)
	o.Leave = append(o.Leave, p.Leave...)
	o.Send = append(o.Send, p.Send...)
	o.Said = append(o.Said, p.Said...)
	o.Requests = append(o.Requests, p.Requests...)
	o.Announce = append(o.Announce, p.Announce...)
	o.Agenda = append(o.Agenda, p.Agenda...)
	if p.Member != nil {
		o.Member = p.Member
	}
	if p.Conversation != nil {
		o.Conversation = p.Conversation
	}
	if p.Open != nil {
		o.Open = p.Open
	}
	if p.Move != nil {
		o.Move = p.Move
	}
	o.crisis, o.secret = o.crisis || p.crisis, o.secret || p.secret
	return o
}

// with keeps changes to the member.
func (o Outcome) with(m community.Member) Outcome {
	o.Member = &m
	return o
}

// asking opens a question that the next message may answer.
func (o Outcome) asking(c Conversation) Outcome {
	o.Conversation = &c
	return o
}

// settled closes the open question.
func (o Outcome) settled() Outcome { return o.asking(Conversation{}) }

func button(label, data string) channel.Button { return channel.Button{Label: label, Data: data} }

func row(buttons ...channel.Button) []channel.Button { return buttons }

// inRows lays buttons out n to a row.
func inRows(buttons []channel.Button, n int) [][]channel.Button {
	var rows [][]channel.Button
	for len(buttons) > 0 {
		k := min(n, len(buttons))
		rows = append(rows, buttons[:k:k])
		buttons = buttons[k:]
	}
	return rows
}
