package telegram

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"chasqui/channel"
)

// allowedUpdates is what the bot asks for. It is always sent: without it Telegram keeps the list of
// whoever polled last, and who comes and goes in rooms is told only to those who ask.
const allowedUpdates = `["message","callback_query","my_chat_member","chat_member"]`

// update is what the library knows of an update and what it does not. The outer fields stand in for
// the library's own of the same name.
type update struct {
	tg.Update
	Message       *message  `json:"message"`
	CallbackQuery *callback `json:"callback_query"`
}

type message struct {
	tg.Message
	ThreadID       int      `json:"message_thread_id"`
	IsTopicMessage bool     `json:"is_topic_message"`
	ReplyToMessage *message `json:"reply_to_message"`
}

type callback struct {
	ID      string   `json:"id"`
	From    *tg.User `json:"from"`
	Message *message `json:"message"`
	Data    string   `json:"data"`
}

func decodeUpdate(raw []byte) (update, error) {
	var u update
	if err := json.Unmarshal(raw, &u); err != nil {
		return u, fmt.Errorf("read an update: %w", err)
	}
	return u, nil
}

// read turns an update into a message, or says that it is nothing for the bot.
func (c *Channel) read(u update) (channel.Message, bool) {
	switch {
	case u.CallbackQuery != nil:
		return readPress(u.CallbackQuery)
	case u.Message != nil:
		return c.readMessage(u.Message)
	case u.MyChatMember != nil:
		return readMembership(u)
	case u.ChatMember != nil:
		return c.readPresence(u)
	}
	return channel.Message{}, false
}

func (c *Channel) readMessage(in *message) (channel.Message, bool) {
	if in.Chat == nil {
		return channel.Message{}, false
	}
	m := channel.Message{
		Kind: channel.Text, ID: strconv.Itoa(in.MessageID), Chat: chatOf(in), At: time.Unix(int64(in.Date), 0).UTC(),
		Room: !in.Chat.IsPrivate(), Text: cmp.Or(in.Text, in.Caption),
	}
	if in.MigrateToChatID != 0 {
		m.Kind, m.MovedTo = channel.Moved, strconv.FormatInt(in.MigrateToChatID, 10)
		return m, true
	}
	// A channel's posts and what a room writes about itself come from nobody.
	if in.From == nil || in.SenderChat != nil {
		return m, false
	}
	m.From = senderOf(in.From)
	if in.ReplyToMessage != nil && !in.ReplyToMessage.opensTopic(in.ThreadID) {
		m.ReplyTo = strconv.Itoa(in.ReplyToMessage.MessageID)
	}
	if !readContent(in, &m) {
		return m, false
	}
	m.Addressed = c.address(in, &m)
	return m, true
}

// opensTopic reports whether the quoted message is only the topic's own beginning, which Telegram
// quotes in every message of a topic.
func (m *message) opensTopic(thread int) bool { return thread != 0 && m.MessageID == thread }

func chatOf(in *message) channel.Address {
	a := channel.Address{Network: channel.Telegram, ID: strconv.FormatInt(in.Chat.ID, 10)}
	if in.IsTopicMessage {
		a.Topic = strconv.Itoa(in.ThreadID)
	}
	return a
}

func senderOf(u *tg.User) channel.Sender {
	return channel.Sender{
		ID: strconv.FormatInt(u.ID, 10), Name: strings.TrimSpace(u.FirstName + " " + u.LastName),
		Language: u.LanguageCode, Bot: u.IsBot,
	}
}

// readContent says what kind of message it is; false for a room's service messages.
func readContent(in *message, m *channel.Message) bool {
	switch {
	case in.Text != "":
	case in.Voice != nil || in.Audio != nil || in.VideoNote != nil:
		m.Kind = channel.Voice
	case in.Location != nil:
		m.Kind, m.Latitude, m.Longitude = channel.Place, in.Location.Latitude, in.Location.Longitude
	case in.Contact != nil:
		m.Kind = channel.Card
		if in.Contact.UserID == in.From.ID {
			m.Phone = "+" + strings.TrimPrefix(in.Contact.PhoneNumber, "+")
		}
	case len(in.Photo) > 0 || in.Document != nil || in.Video != nil || in.Sticker != nil || in.Animation != nil || in.Poll != nil:
		m.Kind = channel.Media
		if !m.Room {
			m.File = fileOf(in)
		}
	default:
		return false
	}
	return true
}

// fileOf names what a picture or a document holds; nil for media of other kinds.
func fileOf(in *message) *channel.FileRef {
	switch {
	case len(in.Photo) > 0:
		largest := slices.MaxFunc(in.Photo, func(a, b tg.PhotoSize) int { return cmp.Compare(a.Width*a.Height, b.Width*b.Height) })
		return &channel.FileRef{ID: largest.FileID, Name: "photo.jpg", Image: true, Size: int64(largest.FileSize)}
	case in.Document != nil:
		return &channel.FileRef{ID: in.Document.FileID, Name: cmp.Or(in.Document.FileName, "document"), Size: int64(in.Document.FileSize)}
	}
	return nil
}

// address decides whether the bot is spoken to, and takes its own name out of the text. Names count
// only where Telegram marks them: a name inside a word or a link is not a call.
func (c *Channel) address(in *message, m *channel.Message) bool {
	own := c.Username()
	entities := in.Entities
	if in.Text == "" {
		entities = in.CaptionEntities
	}
	units := utf16.Encode([]rune(m.Text))
	addressed := !m.Room
	if in.ReplyToMessage != nil && in.ReplyToMessage.From != nil && own != "" && in.ReplyToMessage.From.UserName == own {
		addressed = true
	}
	cut := m.Text
	for _, e := range entities {
		if e.Offset < 0 || e.Length <= 0 || e.Offset+e.Length > len(units) {
			continue
		}
		part := string(utf16.Decode(units[e.Offset : e.Offset+e.Length]))
		switch {
		case e.Type == "bot_command" && e.Offset == 0:
			name, at, named := strings.Cut(part, "@")
			if named && !strings.EqualFold(at, own) {
				return false
			}
			addressed = true
			cut = name + cut[len(part):]
		case e.Type == "mention" && own != "" && strings.EqualFold(part, "@"+own):
			addressed = true
			cut = strings.TrimSpace(strings.Replace(cut, part, "", 1))
		}
	}
	m.Text = cut
	return addressed
}

func readPress(q *callback) (channel.Message, bool) {
	// A tap under a message that Telegram no longer shows us has no chat to answer in.
	if q.From == nil || q.Message == nil || q.Message.Chat == nil {
		return channel.Message{}, false
	}
	return channel.Message{
		Kind: channel.Press, ID: "cb:" + q.ID, Chat: chatOf(q.Message), From: senderOf(q.From), Room: !q.Message.Chat.IsPrivate(),
		Addressed: true, Data: unversioned(q.Data), OnMessage: strconv.Itoa(q.Message.MessageID),
	}, true
}

func readMembership(u update) (channel.Message, bool) {
	my := u.MyChatMember
	m := channel.Message{
		ID: "ev:" + strconv.Itoa(u.UpdateID), Chat: channel.Address{Network: channel.Telegram, ID: strconv.FormatInt(my.Chat.ID, 10)},
		From: senderOf(&my.From), Room: !my.Chat.IsPrivate(), Addressed: true, At: time.Unix(int64(my.Date), 0).UTC(),
	}
	switch my.NewChatMember.Status {
	case "kicked", "left":
		m.Kind = channel.Left
	case "member", "administrator":
		m.Kind = channel.Returned
	default:
		return m, false
	}
	return m, true
}

// readPresence says who is in a room now and who is not any more. About the bot itself Telegram says so
// in another way, which readMembership reads.
func (c *Channel) readPresence(u update) (channel.Message, bool) {
	who := u.ChatMember.NewChatMember
	me := c.self.Load()
	if u.ChatMember.Chat.IsPrivate() || who.User == nil || me != nil && who.User.ID == me.ID {
		return channel.Message{}, false
	}
	m := channel.Message{
		ID: "ev:" + strconv.Itoa(u.UpdateID), Chat: channel.Address{Network: channel.Telegram, ID: strconv.FormatInt(u.ChatMember.Chat.ID, 10)},
		From: senderOf(who.User), Room: true, At: time.Unix(int64(u.ChatMember.Date), 0).UTC(),
	}
	switch who.Status {
	case "member", "administrator", "creator":
		m.Kind = channel.Joined
	case "left", "kicked":
		m.Kind = channel.Departed
	case "restricted":
		// Somebody restricted may be in the room or not.
		m.Kind = channel.Departed
		if who.IsMember {
			m.Kind = channel.Joined
		}
	default:
		return m, false
	}
	return m, true
}

// dataVersion stands before what a button carries. A button of another version is old, or forged.
const dataVersion = "v1:"

func unversioned(data string) string {
	if rest, ok := strings.CutPrefix(data, dataVersion); ok && len(data) <= 64 {
		return rest
	}
	return ""
}
