package telegram

import (
	"html"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"chasqui/channel"
)

func FuzzRender(f *testing.F) {
	f.Add("*105* police & <more> 👩‍👩‍👧")
	f.Add(strings.Repeat("palabra ", 700) + "*x*")
	f.Add("* * ** *a\nb* \"")
	tags := regexp.MustCompile(`</?b>`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, part := range split(text, longestText) {
			if units(part) > longestText {
				t.Fatalf("a part of %d units", units(part))
			}
			out := render(part)
			depth := 0
			for _, tag := range tags.FindAllString(out, -1) {
				if depth = depth + 1; tag == "</b>" {
					depth -= 2
				}
				if depth < 0 || depth > 1 {
					t.Fatalf("unbalanced: %q", out)
				}
			}
			if depth != 0 {
				t.Fatalf("unbalanced: %q", out)
			}
			bare := tags.ReplaceAllString(out, "")
			if strings.ContainsAny(bare, "<>") {
				t.Fatalf("unescaped: %q", out)
			}
			if got, want := strings.ReplaceAll(html.UnescapeString(bare), "*", ""), strings.ReplaceAll(part, "*", ""); got != want {
				t.Fatalf("rendered %q as %q", want, got)
			}
		}
		if got, want := strings.Join(strings.Fields(strings.Join(split(text, longestText), " ")), ""), strings.Join(strings.Fields(text), ""); got != want {
			t.Fatal("splitting lost something")
		}
	})
}

func FuzzUpdate(f *testing.F) {
	f.Add([]byte(`{"update_id":1,"message":{"message_id":2,"chat":{"id":3,"type":"private"},"from":{"id":3},"text":"/help@x y","entities":[{"type":"bot_command","offset":0,"length":7}]}}`))
	f.Add([]byte(`{"update_id":1,"callback_query":{"id":"q","from":{"id":3},"data":"v1:a","message":{"message_id":2,"date":0,"chat":{"id":3,"type":"private"}}}}`))
	f.Add([]byte(`{"update_id":1,"my_chat_member":{"chat":{"id":3,"type":"group"},"new_chat_member":{"status":"left"}}}`))
	f.Add([]byte(`{"update_id":1,"message":{"message_id":2,"chat":{"id":3},"from":{"id":3},"text":"é","entities":[{"type":"mention","offset":-1,"length":900}]}}`))
	f.Add([]byte(`{"update_id":1,"chat_member":{"chat":{"id":-3,"type":"supergroup"},"new_chat_member":{"status":"restricted","is_member":true,"user":{"id":4}}}}`))
	f.Add([]byte(`{"update_id":1,"message":{"message_id":2,"chat":{"id":3,"type":"private"},"from":{"id":3},"caption":"x","photo":[{"file_id":"a","width":-1,"height":9},{"file_id":"b"}]}}`))
	f.Add([]byte(`{"update_id":1,"message":{"message_id":2,"chat":{"id":3,"type":"private"},"from":{"id":3},"document":{"file_id":"a","file_name":"../../x","file_size":-1}}}`))
	c := New(Settings{Token: "1:x"}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		u, err := decodeUpdate(raw)
		if err != nil {
			return
		}
		m, ok := c.read(u)
		if ok && (m.ID == "" || m.Chat.ID == "" || m.Kind == "") {
			t.Errorf("%s became %+v", raw, m)
		}
	})
}

func FuzzCallback(f *testing.F) {
	f.Add("v1:t:take:12")
	f.Add("v2:x")
	f.Fuzz(func(t *testing.T, data string) {
		got := unversioned(data)
		if got != "" && dataVersion+got != data {
			t.Errorf("%q became %q", data, got)
		}
		if len(data) > 64 && got != "" {
			t.Errorf("%d bytes were taken", len(data))
		}
		markup, err := keyboard([][]channel.Button{{{Label: "x", Data: data}}})
		if (err == nil) != (len(data) >= 1 && len(data) <= 61) {
			t.Errorf("%d bytes gave %q, %v", len(data), markup, err)
		}
	})
}
