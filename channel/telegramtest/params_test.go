package telegramtest_test

import (
	"context"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mymmrac/telego"

	"chasqui/channel"
	"chasqui/channel/telegram"
	"chasqui/channel/telegramtest"
)

// params are the parameter types of another library, written by other people from the same
// documentation: what the bot calls must fit them too.
var params = map[string]any{
	"getMe":               struct{}{},
	"getUpdates":          telego.GetUpdatesParams{},
	"setWebhook":          telego.SetWebhookParams{},
	"deleteWebhook":       telego.DeleteWebhookParams{},
	"setMyCommands":       telego.SetMyCommandsParams{},
	"sendMessage":         telego.SendMessageParams{},
	"sendDocument":        telego.SendDocumentParams{},
	"sendPhoto":           telego.SendPhotoParams{},
	"getFile":             telego.GetFileParams{},
	"deleteMessage":       telego.DeleteMessageParams{},
	"editMessageText":     telego.EditMessageTextParams{},
	"answerCallbackQuery": telego.AnswerCallbackQueryParams{},
	"setMessageReaction":  telego.SetMessageReactionParams{},
}

func TestEveryCallFitsTheDocumentedParameters(t *testing.T) {
	s := telegramtest.ForTest(t)
	u := s.User(7, "Ana", "es")
	c := telegram.New(telegram.Settings{Token: telegramtest.Token, API: s.URL(), PollTimeout: time.Second, Backoff: time.Millisecond,
		Commands: map[string][]telegram.Command{"fr": {{Name: "help", Description: "aide"}}}}, slog.New(slog.DiscardHandler))
	asked := u.Say("hello")
	to := channel.Address{Network: channel.Telegram, ID: "7"}
	send := func(content channel.Content) string {
		t.Helper()
		id, err := c.Send(t.Context(), channel.Outgoing{To: to, Content: content})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	id := send(channel.Content{Text: "*hi*", ReplyTo: strconv.Itoa(asked), Silent: true, Buttons: [][]channel.Button{{{Label: "a", Data: "a"}, {Label: "b", URL: "https://example.org"}}}})
	send(channel.Content{Text: "edited", Edit: id})
	send(channel.Content{React: "👍", ReplyTo: strconv.Itoa(asked)})
	send(channel.Content{Text: "file", File: &channel.File{Name: "a.json", Data: []byte("{}")}})
	picture := &channel.File{Name: "a.png", Data: telegramtest.Picture(30, 20), Image: true, Key: "a"}
	whole := channel.Content{Text: "*hi*", File: picture, ReplyTo: strconv.Itoa(asked), Silent: true, Buttons: [][]channel.Button{{{Label: "a", Data: "a"}}}}
	send(whole)
	id = send(whole)
	send(channel.Content{Text: "taken back", Edit: id, Withdraw: true})
	u.SendPhoto([]byte("a picture"), "")
	got := make(chan channel.Message, 2)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx, func(_ context.Context, m channel.Message) error { got <- m; return nil }) }()
	<-got // the greeting
	if _, err := c.Fetch(t.Context(), *(<-got).File); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for method := range params {
		if method != "setWebhook" && method != "answerCallbackQuery" && len(s.Calls(method)) == 0 {
			t.Errorf("%s was never called, so nothing says that it fits", method)
		}
	}
	for _, call := range s.Calls("") {
		if call.Method != telegramtest.Download {
			check(t, call)
		}
	}
}

func check(t *testing.T, call telegramtest.Call) {
	t.Helper()
	known, ok := params[call.Method]
	if !ok {
		t.Errorf("no parameter type stands for %s", call.Method)
		return
	}
	names := map[string]bool{}
	for f := range fields(reflect.TypeOf(known)) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		names[name] = true
		if !strings.Contains(options, "omitempty") && name != "" && name != "-" && call.Params[name] == "" {
			t.Errorf("%s was called without %s", call.Method, name)
		}
	}
	for name := range call.Params {
		if !names[name] {
			t.Errorf("%s was called with %s, which is not documented", call.Method, name)
		}
	}
}

func fields(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}
