package telegramtest

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// chat is a private chat or a room.
type chat struct {
	id       int64
	kind     string
	title    string
	started  bool
	blocked  bool
	migrated int64
	messages []*Shown
}

// Shown is a message as people see it.
type Shown struct {
	ID      int
	Topic   int
	Text    string
	Bold    []string
	Buttons [][]Button
	Edited  bool
	FromBot bool
	// File is the name of what is attached, Photo true when it is shown as a picture.
	File  string
	Photo bool
	// Deleted messages stay in an inbox, for the test to look at; nobody sees them any more.
	Deleted bool
	Silent  bool
	ReplyTo int
	Reacted string
	At      time.Time
	file    *file
	html    string
	markup  string
}

// Data is what the attached file holds.
func (m Shown) Data() []byte {
	if m.file == nil {
		return nil
	}
	return m.file.data
}

// Button is a button as people see it.
type Button struct{ Label, Data, URL string }

// User is a simulated person.
type User struct {
	server *Server
	ID     int64
	name   string
	lang   string
}

// User makes a person who has not written to the bot yet.
func (s *Server) User(id int64, name, lang string) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chats[id] = &chat{id: id, kind: "private", title: name}
	return &User{server: s, ID: id, name: name, lang: lang}
}

func (u *User) from() map[string]any {
	return map[string]any{"id": u.ID, "is_bot": false, "first_name": u.name, "language_code": u.lang}
}

func (c *chat) json() map[string]any {
	out := map[string]any{"id": c.id, "type": c.kind}
	if c.kind == "private" {
		out["first_name"] = c.title
	} else {
		out["title"] = c.title
	}
	return out
}

// Opened lets the bot write to this person, as if they had pressed Start long ago: the bot hears nothing.
func (u *User) Opened() {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	u.server.chats[u.ID].started = true
}

// Blocked keeps the bot from writing to this person, as if they had blocked it long ago: the bot hears nothing.
func (u *User) Blocked() {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	u.server.chats[u.ID].blocked = true
}

// Say writes to the bot in private. A text that begins with a slash is a command.
func (u *User) Say(text string) int { return u.send(map[string]any{"text": text}, 0) }

// Reply writes an answer to one of the bot's messages.
func (u *User) Reply(to int, text string) int { return u.send(map[string]any{"text": text}, to) }

// SayVoice sends a voice message.
func (u *User) SayVoice() int {
	return u.send(map[string]any{"voice": map[string]any{"file_id": "v", "file_unique_id": "v", "duration": 3}}, 0)
}

// SendPhoto sends a picture with a caption, which may be empty. Any bytes will do.
func (u *User) SendPhoto(data []byte, caption string) int {
	return u.sendFile("photo.jpg", true, data, caption)
}

// SendDocument sends a document with a caption, which may be empty.
func (u *User) SendDocument(name string, data []byte, caption string) int {
	return u.sendFile(name, false, data, caption)
}

func (u *User) sendFile(name string, photo bool, data []byte, caption string) int {
	u.server.mu.Lock()
	content := u.server.keep(name, photo, data).json()
	u.server.mu.Unlock()
	if caption != "" {
		content["caption"] = caption
	}
	return u.send(content, 0)
}

// SharePhone sends the person's own contact.
func (u *User) SharePhone(phone string) int {
	return u.send(map[string]any{"contact": map[string]any{"phone_number": phone, "first_name": u.name, "user_id": u.ID}}, 0)
}

func (u *User) send(content map[string]any, replyTo int) int {
	s := u.server
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chats[u.ID]
	c.started, c.blocked = true, false
	return s.post(c, u.from(), content, 0, replyTo)
}

// post puts a person's message into a chat and tells the bot; the lock is held.
func (s *Server) post(c *chat, from, content map[string]any, topic, replyTo int) int {
	s.message++
	m := map[string]any{"message_id": s.message, "from": from, "chat": c.json(), "date": s.o.Now().Unix()}
	for k, v := range content {
		m[k] = v
	}
	text, written := content["text"].(string)
	kind := "entities"
	if !written {
		text, _ = content["caption"].(string)
		kind = "caption_entities"
	}
	if entities := s.entities(text); len(entities) > 0 {
		m[kind] = entities
	}
	if topic != 0 {
		m["message_thread_id"], m["is_topic_message"] = topic, true
	}
	if replyTo != 0 {
		quoted := map[string]any{"message_id": replyTo, "chat": c.json(), "date": s.o.Now().Unix()}
		if shown := c.find(replyTo); shown != nil && shown.FromBot {
			quoted["from"] = s.self()
			quoted["text"] = shown.Text
		}
		m["reply_to_message"] = quoted
	}
	c.messages = append(c.messages, &Shown{ID: s.message, Topic: topic, Text: text, ReplyTo: replyTo, At: s.o.Now()})
	s.deliver("message", m)
	return s.message
}

// entities marks commands and mentions as Telegram does.
func (s *Server) entities(text string) []map[string]any {
	var out []map[string]any
	if strings.HasPrefix(text, "/") {
		name, _, _ := strings.Cut(text, " ")
		out = append(out, map[string]any{"type": "bot_command", "offset": 0, "length": len(name)})
	}
	if i := strings.Index(text, "@"+s.o.Username); i >= 0 && !strings.HasPrefix(text, "/") {
		out = append(out, map[string]any{"type": "mention", "offset": units(text[:i]), "length": len(s.o.Username) + 1})
	}
	return out
}

func (s *Server) self() map[string]any {
	return map[string]any{"id": 123456789, "is_bot": true, "first_name": "Chasqui", "username": s.o.Username}
}

func (c *chat) find(id int) *Shown {
	// Ids only grow, so that a long chat is searched as fast as a short one.
	i, found := slices.BinarySearchFunc(c.messages, id, func(m *Shown, id int) int { return m.ID - id })
	if !found || c.messages[i].Deleted {
		return nil
	}
	return c.messages[i]
}

// Press taps the button with this label under the newest message that has it, and returns the tap's id.
func (u *User) Press(t testing.TB, label string) string {
	t.Helper()
	s := u.server
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chats[u.ID]
	for _, m := range slices.Backward(c.messages) {
		if m.Deleted {
			continue
		}
		for _, row := range m.Buttons {
			for _, b := range row {
				if b.Label == label && b.Data != "" {
					return s.tap(u, c, m, b.Data)
				}
			}
		}
	}
	t.Fatalf("%d sees no button %q", u.ID, label)
	return ""
}

// PressData taps a button that carries data, as an old or forged one may.
func (u *User) PressData(messageID int, data string) string {
	s := u.server
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chats[u.ID]
	return s.tap(u, c, c.find(messageID), data)
}

func (s *Server) tap(u *User, c *chat, m *Shown, data string) string {
	id := "tap" + strconv.Itoa(s.nextID)
	s.pending[id] = false
	body := map[string]any{"id": id, "from": u.from(), "chat_instance": "1", "data": data}
	if m != nil {
		body["message"] = map[string]any{"message_id": m.ID, "chat": c.json(), "date": s.o.Now().Unix(), "from": s.self(), "text": m.Text}
	}
	s.deliver("callback_query", body)
	return id
}

// Answered reports whether a tap's wheel was stopped.
func (s *Server) Answered(tap string) bool { return s.pending[tap] }

// Block blocks the bot; Unblock lets it write again.
func (u *User) Block() { u.membership("kicked", true) }

// Unblock lets the bot write again.
func (u *User) Unblock() { u.membership("member", false) }

func (u *User) membership(status string, blocked bool) {
	s := u.server
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chats[u.ID]
	c.blocked = blocked
	member := func(status string) map[string]any { return map[string]any{"user": s.self(), "status": status} }
	before := "member"
	if !blocked {
		before = "kicked"
	}
	s.deliver("my_chat_member", map[string]any{"chat": c.json(), "from": u.from(), "date": s.o.Now().Unix(),
		"old_chat_member": member(before), "new_chat_member": member(status)})
}

// Inbox lists what the bot has shown this person, in order; the lock must not be held.
func (u *User) Inbox() []Shown {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	return u.server.chats[u.ID].fromBot()
}

// Sees reports whether the bot has shown a text that contains part. It is for WaitFor.
func (u *User) Sees(part string) bool {
	return slices.ContainsFunc(u.server.chats[u.ID].fromBot(), func(m Shown) bool { return !m.Deleted && strings.Contains(m.Text, part) })
}

func (c *chat) fromBot() []Shown {
	var out []Shown
	for _, m := range c.messages {
		if m.FromBot {
			out = append(out, *m)
		}
	}
	return out
}

// Room is a group in which people and the bot are.
type Room struct {
	server *Server
	ID     int64
}

// Room makes a supergroup.
func (s *Server) Room(id int64, title string) *Room {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chats[id] = &chat{id: id, kind: "supergroup", title: title, started: true}
	return &Room{server: s, ID: id}
}

// Say writes in the room, in a topic unless it is 0.
func (r *Room) Say(u *User, text string, topic int) int {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	return r.server.post(r.server.chats[r.ID], u.from(), map[string]any{"text": text}, topic, 0)
}

// Join brings somebody into the room.
func (r *Room) Join(u *User) { r.presence(u, "left", "member") }

// Leave takes somebody out of the room.
func (r *Room) Leave(u *User) { r.presence(u, "member", "left") }

// Restrict takes rights from somebody, who is in the room or not.
func (r *Room) Restrict(u *User, inside bool) {
	r.change(u, map[string]any{"status": "member"}, map[string]any{"status": "restricted", "is_member": inside})
}

func (r *Room) presence(u *User, before, after string) {
	r.change(u, map[string]any{"status": before}, map[string]any{"status": after})
}

// change tells the bot, which is an administrator of every room here; only to those Telegram tells it.
func (r *Room) change(u *User, before, after map[string]any) {
	s := r.server
	s.mu.Lock()
	defer s.mu.Unlock()
	before["user"], after["user"] = u.from(), u.from()
	s.deliver("chat_member", map[string]any{"chat": s.chats[r.ID].json(), "from": u.from(), "date": s.o.Now().Unix(),
		"old_chat_member": before, "new_chat_member": after})
}

// Inbox lists what the bot wrote in the room.
func (r *Room) Inbox() []Shown {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	return r.server.chats[r.ID].fromBot()
}

// Migrate gives the room a new id, which the bot is told.
func (r *Room) Migrate(to int64) {
	s := r.server
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.chats[r.ID]
	s.chats[to] = &chat{id: to, kind: "supergroup", title: old.title, started: true}
	old.migrated = to
	s.message++
	s.deliver("message", map[string]any{"message_id": s.message, "chat": old.json(), "date": s.o.Now().Unix(), "migrate_to_chat_id": to,
		"from": map[string]any{"id": 1, "is_bot": false, "first_name": "Owner"}})
}
