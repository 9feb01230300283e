package telegram

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"chasqui/channel"
)

// Send implements channel.Channel. A text too long for one message leaves as several, the buttons
// under the last. When one of the later parts fails, the whole counts as ambiguous: the first has
// arrived, so trying again must be a decision.
func (c *Channel) Send(ctx context.Context, out channel.Outgoing) (string, error) {
	markup, err := keyboard(out.Content.Buttons)
	if err != nil {
		return "", &channel.SendError{Fault: channel.Rejected, Err: err}
	}
	switch {
	case out.Content.React != "":
		return c.react(ctx, out)
	case out.Content.Withdraw && out.Content.Edit != "":
		return c.withdraw(ctx, out, markup)
	case out.Content.File != nil:
		return c.sendFile(ctx, out, markup)
	}
	parts := split(out.Content.Text, longestText)
	if out.Content.Edit != "" && len(parts) == 1 {
		id, err := c.edit(ctx, out, parts[0], markup)
		if !uneditable(err) {
			return id, err
		}
	}
	return c.sendParts(ctx, out, parts, 0, markup)
}

// sendParts sends a text from the part numbered first on; the ones before it have arrived.
func (c *Channel) sendParts(ctx context.Context, out channel.Outgoing, parts []string, first int, markup string) (string, error) {
	var id string
	for i := first; i < len(parts); i++ {
		p := base(out)
		if markup != "" && i == len(parts)-1 {
			p["reply_markup"] = markup
		}
		if i > 0 {
			delete(p, "reply_parameters")
		}
		sent, err := c.sendText(ctx, "sendMessage", p, parts[i])
		if err != nil {
			if i > 0 {
				err = halfSent(err, fmt.Sprintf("part %d of %d", i+1, len(parts)))
			}
			return "", err
		}
		id = sent
	}
	return id, nil
}

// halfSent is what the failure of a later part means for the whole, of which something has arrived.
// Who has gone in between gets nothing more, whatever anybody decides.
func halfSent(err error, what string) error {
	fault := channel.FaultOf(err)
	s := &channel.SendError{Fault: channel.Ambiguous, Err: fmt.Errorf("%s: %w", what, fault.Err)}
	if fault.Fault == channel.Gone {
		s.Fault = channel.Gone
	}
	return s
}

// base are the parameters that every kind of message has.
func base(out channel.Outgoing) tg.Params {
	p := tg.Params{"chat_id": out.To.ID}
	if out.To.Topic != "" {
		p["message_thread_id"] = out.To.Topic
	}
	if out.Content.Silent {
		p["disable_notification"] = "true"
	}
	if !out.Content.Preview {
		p["link_preview_options"] = `{"is_disabled":true}`
	}
	if n, err := strconv.Atoi(out.Content.ReplyTo); err == nil {
		p["reply_parameters"] = fmt.Sprintf(`{"message_id":%d,"allow_sending_without_reply":true}`, n)
	}
	return p
}

// sendText sends or edits with markup, and once more without it should Telegram not understand the
// markup: a text without bold letters is better than none.
func (c *Channel) sendText(ctx context.Context, method string, p tg.Params, text string) (string, error) {
	p["text"], p["parse_mode"] = render(text), "HTML"
	raw, err := c.call(ctx, method, p)
	if says(err, "can't parse entities") {
		c.log.Error("telegram did not understand the markup", "method", method)
		delete(p, "parse_mode")
		p["text"] = text
		raw, err = c.call(ctx, method, p)
	}
	if err != nil {
		return "", err
	}
	return sentID(raw)
}

func sentID(raw json.RawMessage) (string, error) {
	var sent struct {
		ID int `json:"message_id"`
	}
	if err := json.Unmarshal(raw, &sent); err != nil {
		return "", &channel.SendError{Fault: channel.Ambiguous, Err: fmt.Errorf("read the sent message's id: %w", err)}
	}
	return strconv.Itoa(sent.ID), nil
}

func (c *Channel) edit(ctx context.Context, out channel.Outgoing, text, markup string) (string, error) {
	p := base(out)
	for _, only := range []string{"message_thread_id", "disable_notification", "reply_parameters"} {
		delete(p, only)
	}
	p["message_id"] = out.Content.Edit
	if markup != "" {
		p["reply_markup"] = markup
	}
	id, err := c.sendText(ctx, "editMessageText", p, text)
	if says(err, "message is not modified") {
		return out.Content.Edit, nil
	}
	return id, err
}

// uneditable says that the message cannot be changed any more and a new one must be sent.
func uneditable(err error) bool {
	return says(err, "message to edit not found") || says(err, "message can't be edited") || says(err, "there is no text in the message to edit") ||
		says(err, "message_id_invalid")
}

// withdraw puts a text in the place of what must not be read any more. All of it may be done twice, up
// to the first new message: until then nothing is ambiguous, and the outbox simply tries again.
func (c *Channel) withdraw(ctx context.Context, out channel.Outgoing, markup string) (string, error) {
	parts := split(out.Content.Text, longestText)
	under := markup
	if len(parts) > 1 {
		under = ""
	}
	id, err := c.edit(ctx, out, parts[0], under)
	switch {
	case err == nil && len(parts) == 1:
		return id, nil
	case err == nil:
		return c.sendParts(ctx, out, parts, 1, markup)
	case !uneditable(err):
		return "", repeatable(err)
	}
	if err := c.remove(ctx, out); err != nil {
		return "", repeatable(err)
	}
	return c.sendParts(ctx, out, parts, 0, markup)
}

// remove deletes the message. One that Telegram will not delete, because it is older than two days or
// gone already, is no failure: the text that follows is all that can still be done.
func (c *Channel) remove(ctx context.Context, out channel.Outgoing) error {
	_, err := c.call(ctx, "deleteMessage", tg.Params{"chat_id": out.To.ID, "message_id": out.Content.Edit})
	if err == nil || says(err, "message to delete not found") {
		return nil
	}
	if channel.FaultOf(err).Fault == channel.Rejected {
		c.log.Warn("a message that was taken back can still be read", "error", err)
		return nil
	}
	return err
}

// repeatable is how a failure counts where doing the same twice changes nothing more: what may have
// happened is simply done again.
func repeatable(err error) error {
	fault := *channel.FaultOf(err)
	if fault.Fault == channel.Ambiguous {
		fault.Fault = channel.Temporary
	}
	return &fault
}

func (c *Channel) react(ctx context.Context, out channel.Outgoing) (string, error) {
	reaction, err := json.Marshal([]map[string]string{{"type": "emoji", "emoji": out.Content.React}})
	if err != nil {
		return "", &channel.SendError{Fault: channel.Rejected, Err: err}
	}
	_, err = c.call(ctx, "setMessageReaction", tg.Params{"chat_id": out.To.ID, "message_id": out.Content.ReplyTo, "reaction": string(reaction)})
	return "", orNil(err)
}

// orNil keeps a nil *channel.SendError from becoming an error that is not nil.
func orNil(err error) error {
	if err == nil {
		return nil
	}
	return channel.FaultOf(err)
}

// keyboard writes the buttons. What Telegram would refuse is refused here, before anything is sent.
func keyboard(rows [][]channel.Button) (string, error) {
	if len(rows) == 0 {
		return "", nil
	}
	type inline struct {
		Text string `json:"text"`
		Data string `json:"callback_data,omitempty"`
		URL  string `json:"url,omitempty"`
	}
	out := make([][]inline, 0, len(rows))
	for _, row := range rows {
		line := make([]inline, 0, len(row))
		for _, b := range row {
			i := inline{Text: b.Label, URL: b.URL}
			if b.URL == "" {
				i.Data = dataVersion + b.Data
			}
			if b.Label == "" || len(i.Data) > 64 || (b.URL == "") == (b.Data == "") {
				return "", fmt.Errorf("button with %d bytes of data: 1 to %d and a label are needed", len(b.Data), 64-len(dataVersion))
			}
			line = append(line, i)
		}
		out = append(out, line)
	}
	text, err := json.Marshal(map[string]any{"inline_keyboard": out})
	return string(text), err
}

// IsRoom reports whether a chat is a group or a channel: Telegram gives those negative numbers.
func IsRoom(chat string) bool { return strings.HasPrefix(chat, "-") }
