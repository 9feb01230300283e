package telegramtest_test

import (
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
	for _, call := range s.Calls("") {
		check(t, call)
	}
	if len(s.Calls("")) < 4 {
		t.Fatalf("only %d calls were recorded", len(s.Calls("")))
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
