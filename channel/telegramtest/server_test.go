package telegramtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"chasqui/channel/telegramtest"
)

// post calls a method as any client would.
func post(t *testing.T, s *telegramtest.Server, method string, params url.Values) (ok bool, description string, retryAfter int) {
	t.Helper()
	resp, err := http.PostForm(s.URL()+"/bot"+telegramtest.Token+"/"+method, params)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body struct {
		OK          bool
		Description string
		Parameters  struct {
			RetryAfter int `json:"retry_after"`
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return body.OK, body.Description, body.Parameters.RetryAfter
}

func TestWhatTheServerDoesNotKnowFails(t *testing.T) {
	var failures []string
	s := telegramtest.New(telegramtest.Options{Token: telegramtest.Token, Now: time.Now, Fail: func(f string, a ...any) { failures = append(failures, fmt.Sprintf(f, a...)) }})
	defer s.Close()
	s.User(7, "Ana", "es").Say("hi")
	post(t, s, "sendCheesecake", nil)
	post(t, s, "sendMessage", url.Values{"chat_id": {"7"}, "text": {"hi"}, "disable_web_page_preview": {"true"}})
	if len(failures) != 2 || !strings.Contains(failures[0], "sendCheesecake") || !strings.Contains(failures[1], "disable_web_page_preview") {
		t.Errorf("failures: %q", failures)
	}
}

func TestDocumentedLimits(t *testing.T) {
	s := telegramtest.ForTest(t)
	s.User(7, "Ana", "es").Say("hi")
	for name, c := range map[string]struct {
		params url.Values
		want   string
	}{
		"empty":       {url.Values{"text": {"<b> </b>"}, "parse_mode": {"HTML"}}, "message text is empty"},
		"too long":    {url.Values{"text": {strings.Repeat("é", 4097)}}, "message is too long"},
		"wrong tag":   {url.Values{"text": {"<blink>x</blink>"}, "parse_mode": {"HTML"}}, "can't parse entities"},
		"open tag":    {url.Values{"text": {"<b>x"}, "parse_mode": {"HTML"}}, "can't parse entities"},
		"button data": {url.Values{"text": {"x"}, "reply_markup": {`{"inline_keyboard":[[{"text":"a","callback_data":"` + strings.Repeat("x", 65) + `"}]]}`}}, "BUTTON_DATA_INVALID"},
		"no such":     {url.Values{"text": {"x"}, "chat_id": {"8"}}, "chat not found"},
	} {
		if c.params.Get("chat_id") == "" {
			c.params.Set("chat_id", "7")
		}
		if ok, description, _ := post(t, s, "sendMessage", c.params); ok || !strings.Contains(description, c.want) {
			t.Errorf("%s: %v %q", name, ok, description)
		}
	}
}

func TestTooFastIsRefused(t *testing.T) {
	now := time.Now()
	s := telegramtest.New(telegramtest.Options{Token: telegramtest.Token, Now: func() time.Time { return now }, Fail: t.Errorf})
	defer s.Close()
	for i := range int64(40) {
		s.User(i+1, "P", "fr").Say("hi")
	}
	sent := 0
	for i := range 40 {
		ok, _, retry := post(t, s, "sendMessage", url.Values{"chat_id": {fmt.Sprint(i + 1)}, "text": {"x"}})
		if ok {
			sent++
		} else if retry == 0 {
			t.Error("a refusal does not say how long to wait")
		}
	}
	if sent != 30 {
		t.Errorf("%d messages in one instant", sent)
	}
	now = now.Add(time.Second)
	if ok, description, _ := post(t, s, "sendMessage", url.Values{"chat_id": {"40"}, "text": {"x"}}); !ok {
		t.Errorf("a second later: %s", description)
	}
}
