package telegram

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"chasqui/channel"
)

func readRaw(t *testing.T, raw string) (channel.Message, bool) {
	t.Helper()
	c := New(Settings{Token: "1:x"}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	c.self.Store(&tg.User{ID: 9, UserName: "chasqui_bot"})
	u, err := decodeUpdate([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return c.read(u)
}

func TestEveryStatusSaysWhetherAPersonIsInTheRoom(t *testing.T) {
	for status, want := range map[string]channel.Kind{
		`"status":"creator"`: channel.Joined, `"status":"administrator"`: channel.Joined, `"status":"member"`: channel.Joined,
		`"status":"restricted","is_member":true`: channel.Joined, `"status":"restricted","is_member":false`: channel.Departed,
		`"status":"left"`: channel.Departed, `"status":"kicked"`: channel.Departed, `"status":"something new"`: "",
	} {
		m, ok := readRaw(t, fmt.Sprintf(`{"update_id":5,"chat_member":{"chat":{"id":-3,"type":"supergroup"},"from":{"id":1},"date":1700000000,"new_chat_member":{"user":{"id":4,"first_name":"Léo"},%s}}}`, status))
		if ok != (want != "") || m.Kind != want {
			t.Errorf("%s became %q, %v", status, m.Kind, ok)
		}
		// Who was brought in by somebody else is meant, not who brought them.
		if ok && (m.From.ID != "4" || m.ID != "ev:5") {
			t.Errorf("%s: %+v", status, m)
		}
	}
	for what, raw := range map[string]string{
		"the bot itself": `{"update_id":5,"chat_member":{"chat":{"id":-3,"type":"group"},"new_chat_member":{"user":{"id":9,"is_bot":true},"status":"member"}}}`,
		"a private chat": `{"update_id":5,"chat_member":{"chat":{"id":4,"type":"private"},"new_chat_member":{"user":{"id":4},"status":"member"}}}`,
		"nobody":         `{"update_id":5,"chat_member":{"chat":{"id":-3,"type":"group"},"new_chat_member":{"status":"member"}}}`,
	} {
		if m, ok := readRaw(t, raw); ok {
			t.Errorf("%s became %+v", what, m)
		}
	}
}

func TestOnlyPicturesAndDocumentsOfPrivateChatsAreFiles(t *testing.T) {
	const photo = `"photo":[{"file_id":"s","width":90,"height":60},{"file_id":"L","width":1280,"height":853,"file_size":7},{"file_id":"m","width":320,"height":213}]`
	for raw, want := range map[string]*channel.FileRef{
		`"chat":{"id":3,"type":"private"},` + photo:                                                     {ID: "L", Name: "photo.jpg", Image: true, Size: 7},
		`"chat":{"id":3,"type":"private"},"document":{"file_id":"d","file_name":"a.pdf","file_size":3}`: {ID: "d", Name: "a.pdf", Size: 3},
		`"chat":{"id":3,"type":"private"},"document":{"file_id":"d"}`:                                   {ID: "d", Name: "document"},
		`"chat":{"id":3,"type":"private"},"sticker":{"file_id":"d"}`:                                    nil,
		`"chat":{"id":-3,"type":"group"},` + photo:                                                      nil,
	} {
		m, ok := readRaw(t, `{"update_id":1,"message":{"message_id":2,"from":{"id":3},`+raw+`}}`)
		if !ok || m.Kind != channel.Media || (m.File == nil) != (want == nil) || want != nil && *m.File != *want {
			t.Errorf("%s became %+v with %+v", raw, m, m.File)
		}
	}
}

func TestOnlySoManyUploadsAreRemembered(t *testing.T) {
	u := newUploads()
	key := func(i int) uploadKey { return uploadKey{fmt.Sprint(i), true} }
	for i := range 3 * mostUploads {
		if _, ok, err := u.begin(context.Background(), key(i), time.Second); ok || err != nil {
			t.Fatal(ok, err)
		}
		u.end(key(i), uploaded{asPhoto, fmt.Sprint("id", i)})
		if i%3 == 0 {
			u.forget(key(i), "another id")
			if _, ok, _ := u.begin(context.Background(), key(i), time.Second); !ok {
				t.Fatal("an id was forgotten that another sender has just given")
			}
			u.forget(key(i), fmt.Sprint("id", i))
		}
	}
	if len(u.known) != mostUploads || len(u.order) != mostUploads || len(u.busy) != 0 {
		t.Errorf("%d are known, %d in order, %d busy", len(u.known), len(u.order), len(u.busy))
	}
	last := 3*mostUploads - 1
	if file, ok, _ := u.begin(context.Background(), key(last), time.Second); !ok || file.id != fmt.Sprint("id", last) {
		t.Errorf("the newest is %+v", file)
	}
}
