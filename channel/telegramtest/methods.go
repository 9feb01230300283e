package telegramtest

import (
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// methods are what the server knows, with the parameters that the bot may use.
var methods = map[string]method{
	"getMe":                  {run: func(s *Server, _ *http.Request, _ Call) (any, *failure) { return s.self(), nil }},
	"getUpdates":             {optional: []string{"offset", "limit", "timeout", "allowed_updates"}},
	"setWebhook":             {required: []string{"url"}, optional: []string{"secret_token", "allowed_updates", "max_connections", "drop_pending_updates"}, run: (*Server).setWebhook},
	"deleteWebhook":          {optional: []string{"drop_pending_updates"}, run: (*Server).setWebhook},
	"setMyCommands":          {required: []string{"commands"}, optional: []string{"scope", "language_code"}, run: (*Server).setMyCommands},
	"sendMessage":            {required: []string{"chat_id", "text"}, optional: messageOptions, run: (*Server).sendMessage},
	"sendDocument":           {required: []string{"chat_id", "document"}, optional: fileOptions, run: (*Server).sendMessage},
	"sendPhoto":              {required: []string{"chat_id", "photo"}, optional: fileOptions, run: (*Server).sendMessage},
	"getFile":                {required: []string{"file_id"}, run: (*Server).getFile},
	"editMessageText":        {required: []string{"chat_id", "message_id", "text"}, optional: []string{"parse_mode", "link_preview_options", "reply_markup"}, run: (*Server).editMessage},
	"editMessageReplyMarkup": {required: []string{"chat_id", "message_id"}, optional: []string{"reply_markup"}, run: (*Server).editMessage},
	"deleteMessage":          {required: []string{"chat_id", "message_id"}, run: (*Server).deleteMessage},
	"answerCallbackQuery":    {required: []string{"callback_query_id"}, optional: []string{"text", "show_alert"}, run: (*Server).answerCallback},
	"setMessageReaction":     {required: []string{"chat_id", "message_id"}, optional: []string{"reaction"}, run: (*Server).react},
}

var (
	messageOptions = []string{"message_thread_id", "parse_mode", "link_preview_options", "disable_notification", "reply_parameters", "reply_markup"}
	fileOptions    = []string{"message_thread_id", "caption", "parse_mode", "disable_notification", "reply_parameters", "reply_markup"}
)

func (s *Server) setWebhook(_ *http.Request, call Call) (any, *failure) {
	s.webhook = webhook{call.Params["url"], call.Params["secret_token"]}
	if refused := s.allow(call); refused != nil {
		return nil, refused
	}
	return true, nil
}

func (s *Server) setMyCommands(_ *http.Request, call Call) (any, *failure) {
	var commands []struct{ Command, Description string }
	if err := json.Unmarshal([]byte(call.Params["commands"]), &commands); err != nil || len(commands) > 100 {
		return nil, bad("can't parse commands")
	}
	for _, c := range commands {
		if !regexp.MustCompile(`^[a-z0-9_]{1,32}$`).MatchString(c.Command) || c.Description == "" || len(c.Description) > 256 {
			return nil, bad("BOT_COMMAND_INVALID")
		}
	}
	s.menus[call.Params["language_code"]] = call.Params["commands"]
	return true, nil
}

// chatFor finds the chat that the bot may write to, or says in Telegram's words why it may not.
func (s *Server) chatFor(call Call) (*chat, *failure) {
	id, err := strconv.ParseInt(call.Params["chat_id"], 10, 64)
	c := s.chats[id]
	switch {
	case err != nil || c == nil || !c.started:
		return nil, bad("chat not found")
	case c.migrated != 0:
		f := bad("group chat was upgraded to a supergroup chat")
		f.migrateTo = c.migrated
		return nil, f
	case c.blocked:
		return nil, &failure{code: http.StatusForbidden, description: "Forbidden: bot was blocked by the user"}
	}
	return c, nil
}

func (s *Server) sendMessage(_ *http.Request, call Call) (any, *failure) {
	c, refused := s.chatFor(call)
	if refused != nil {
		return nil, refused
	}
	m := &Shown{FromBot: true, At: s.o.Now(), Silent: call.Params["disable_notification"] == "true"}
	m.Topic, _ = strconv.Atoi(call.Params["message_thread_id"])
	if refused := m.read(call, call.Method == "sendMessage"); refused != nil {
		return nil, refused
	}
	if refused := s.attach(m, call); refused != nil {
		return nil, refused
	}
	if p := call.Params["reply_parameters"]; p != "" {
		var reply struct {
			MessageID int  `json:"message_id"`
			Allow     bool `json:"allow_sending_without_reply"`
		}
		if err := json.Unmarshal([]byte(p), &reply); err != nil {
			return nil, bad("can't parse reply parameters JSON object")
		}
		if c.find(reply.MessageID) == nil && !reply.Allow {
			return nil, bad("message to be replied not found")
		}
		m.ReplyTo = reply.MessageID
	}
	if refused := s.limits.take(c, s.o.Now()); refused != nil {
		return nil, refused
	}
	s.message++
	m.ID = s.message
	c.messages = append(c.messages, m)
	return s.sent(c, m), nil
}

func (s *Server) sent(c *chat, m *Shown) map[string]any {
	out := map[string]any{"message_id": m.ID, "chat": c.json(), "date": m.At.Unix(), "from": s.self()}
	if m.file == nil {
		out["text"] = m.Text
		return out
	}
	out["caption"] = m.Text
	for field, content := range m.file.json() {
		out[field] = content
	}
	return out
}

// read takes text and buttons out of a call and holds them against the documented limits.
func (m *Shown) read(call Call, isText bool) *failure {
	text, most := call.Params["text"], 4096
	if !isText {
		text, most = call.Params["caption"], 1024
	}
	plain, bold := text, []string(nil)
	if call.Params["parse_mode"] == "HTML" {
		var refused *failure
		if plain, bold, refused = parseHTML(text); refused != nil {
			return refused
		}
	} else if mode := call.Params["parse_mode"]; mode != "" {
		return bad("unsupported parse_mode")
	}
	switch {
	case isText && strings.TrimSpace(plain) == "":
		return bad("message text is empty")
	case units(plain) > most && isText:
		return bad("message is too long")
	case units(plain) > most:
		return bad("message caption is too long")
	}
	if p := call.Params["link_preview_options"]; p != "" && !json.Valid([]byte(p)) {
		return bad("can't parse link preview options")
	}
	m.Text, m.Bold, m.html, m.markup = plain, bold, text, call.Params["reply_markup"]
	return m.readButtons(call.Params["reply_markup"])
}

func (m *Shown) readButtons(markup string) *failure {
	m.Buttons = nil
	if markup == "" {
		return nil
	}
	var keyboard struct {
		Rows [][]struct {
			Text string `json:"text"`
			Data string `json:"callback_data"`
			URL  string `json:"url"`
		} `json:"inline_keyboard"`
	}
	if err := json.Unmarshal([]byte(markup), &keyboard); err != nil {
		return bad("can't parse reply keyboard markup JSON object")
	}
	for _, row := range keyboard.Rows {
		var line []Button
		for _, b := range row {
			if b.Text == "" || (b.Data == "") == (b.URL == "") {
				return bad("BUTTON_TYPE_INVALID")
			}
			if len(b.Data) > 64 {
				return bad("BUTTON_DATA_INVALID")
			}
			line = append(line, Button{b.Text, b.Data, b.URL})
		}
		m.Buttons = append(m.Buttons, line)
	}
	return nil
}

func (s *Server) editMessage(_ *http.Request, call Call) (any, *failure) {
	c, refused := s.chatFor(call)
	if refused != nil {
		return nil, refused
	}
	id, _ := strconv.Atoi(call.Params["message_id"])
	old := c.find(id)
	switch {
	case old == nil:
		return nil, bad("message to edit not found")
	case !old.FromBot:
		return nil, bad("message can't be edited")
	case old.File != "" && call.Method == "editMessageText":
		return nil, bad("there is no text in the message to edit")
	}
	edited := *old
	if call.Method == "editMessageReplyMarkup" {
		if refused := edited.readButtons(call.Params["reply_markup"]); refused != nil {
			return nil, refused
		}
		edited.markup = call.Params["reply_markup"]
	} else if refused := edited.read(call, true); refused != nil {
		return nil, refused
	}
	if edited.html == old.html && edited.markup == old.markup {
		return nil, bad("message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message")
	}
	edited.Edited = true
	*old = edited
	return s.sent(c, old), nil
}

func (s *Server) deleteMessage(_ *http.Request, call Call) (any, *failure) {
	c, refused := s.chatFor(call)
	if refused != nil {
		return nil, refused
	}
	id, _ := strconv.Atoi(call.Params["message_id"])
	m := c.find(id)
	switch {
	case m == nil:
		return nil, bad("message to delete not found")
	case s.o.Now().Sub(m.At) > deletable:
		return nil, bad("message can't be deleted for everyone")
	}
	m.Deleted = true
	return true, nil
}

// deletable is how old a message may be that a bot deletes.
const deletable = 48 * time.Hour

func (s *Server) answerCallback(_ *http.Request, call Call) (any, *failure) {
	id := call.Params["callback_query_id"]
	done, known := s.pending[id]
	switch {
	case !known || done:
		return nil, bad("query is too old and response timeout expired or query ID is invalid")
	case len(call.Params["text"]) > 200:
		return nil, bad("MESSAGE_TOO_LONG")
	}
	s.pending[id] = true
	return true, nil
}

func (s *Server) react(_ *http.Request, call Call) (any, *failure) {
	c, refused := s.chatFor(call)
	if refused != nil {
		return nil, refused
	}
	id, _ := strconv.Atoi(call.Params["message_id"])
	m := c.find(id)
	if m == nil {
		return nil, bad("message to react not found")
	}
	var reaction []struct{ Type, Emoji string }
	if err := json.Unmarshal([]byte(call.Params["reaction"]), &reaction); err != nil || len(reaction) != 1 || reaction[0].Type != "emoji" {
		return nil, bad("REACTION_INVALID")
	}
	m.Reacted = reaction[0].Emoji
	return true, nil
}

var tag = regexp.MustCompile(`<(/?)([a-z]+)>`)

// parseHTML reads the markup that Telegram knows and gives the text people see.
func parseHTML(text string) (plain string, bold []string, refused *failure) {
	var out strings.Builder
	var open []string
	start := 0
	for len(text) > 0 {
		i := strings.IndexByte(text, '<')
		if i < 0 {
			i = len(text)
		}
		out.WriteString(html.UnescapeString(text[:i]))
		if text = text[i:]; text == "" {
			break
		}
		found := tag.FindStringSubmatch(text)
		if found == nil || !strings.HasPrefix(text, found[0]) || !contains([]string{"b", "i", "u", "s", "code", "pre"}, found[2]) {
			return "", nil, bad("can't parse entities: unsupported start tag at byte offset %d", out.Len())
		}
		switch {
		case found[1] == "":
			open = append(open, found[2])
			start = out.Len()
		case len(open) == 0 || open[len(open)-1] != found[2]:
			return "", nil, bad("can't parse entities: unexpected end tag at byte offset %d", out.Len())
		default:
			open = open[:len(open)-1]
			if found[2] == "b" {
				bold = append(bold, out.String()[start:])
			}
		}
		text = text[len(found[0]):]
	}
	if len(open) > 0 {
		return "", nil, bad("can't parse entities: can't find end tag corresponding to start tag %s", open[0])
	}
	return out.String(), bold, nil
}

func units(text string) int { return len(utf16.Encode([]rune(text))) }

// limits are Telegram's, as its FAQ for bots documents them: a bucket that fills at the given rate and
// holds a short burst.
type limits struct {
	overall          bucket
	perChat, perRoom float64
	chats            map[int64]*bucket
}

type bucket struct {
	rate, burst, tokens float64
	at                  time.Time
}

func newLimits(o Options) limits {
	return limits{overall: bucket{rate: o.Overall, burst: o.Overall, tokens: o.Overall}, perChat: o.PerChat, perRoom: o.PerRoom / 60, chats: map[int64]*bucket{}}
}

func (b *bucket) take(now time.Time) (wait time.Duration) {
	if !b.at.IsZero() {
		b.tokens = min(b.burst, b.tokens+now.Sub(b.at).Seconds()*b.rate)
	}
	b.at = now
	if b.tokens < 1 {
		return time.Duration((1 - b.tokens) / b.rate * float64(time.Second))
	}
	b.tokens--
	return 0
}

// chatBurst is the short burst that one chat may get.
const chatBurst = 20

func (l *limits) take(c *chat, now time.Time) *failure {
	b := l.chats[c.id]
	if b == nil {
		b = &bucket{rate: l.perChat, burst: chatBurst, tokens: chatBurst}
		if c.kind != "private" {
			b = &bucket{rate: l.perRoom, burst: l.perRoom * 60, tokens: l.perRoom * 60}
		}
		l.chats[c.id] = b
	}
	wait := max(b.take(now), l.overall.take(now))
	if wait == 0 {
		return nil
	}
	seconds := int(wait.Seconds()) + 1
	return &failure{code: http.StatusTooManyRequests, description: "Too Many Requests: retry after " + strconv.Itoa(seconds), retryAfter: seconds}
}
