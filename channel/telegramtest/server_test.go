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

// call calls a method and reads its result.
func call[T any](t *testing.T, s *telegramtest.Server, method string, params url.Values) (result T) {
	t.Helper()
	resp, err := http.PostForm(s.URL()+"/bot"+telegramtest.Token+"/"+method, params)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body struct {
		OK          bool
		Description string
		Result      T
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil || !body.OK {
		t.Fatalf("%s: %v %s", method, err, body.Description)
	}
	return body.Result
}

// polled are the updates that wait, each as the field that it carries.
func polled(t *testing.T, s *telegramtest.Server, offset int, allowed string) (kinds []string, next int) {
	t.Helper()
	params := url.Values{"offset": {fmt.Sprint(offset)}, "timeout": {"0"}}
	if allowed != "" {
		params.Set("allowed_updates", allowed)
	}
	next = offset
	for _, u := range call[[]map[string]json.RawMessage](t, s, "getUpdates", params) {
		for name, value := range u {
			if name != "update_id" {
				kinds = append(kinds, name)
				continue
			}
			if err := json.Unmarshal(value, &next); err != nil {
				t.Fatal(err)
			}
			next++
		}
	}
	return kinds, next
}

func TestFilesAreRefusedAsTelegramRefusesThem(t *testing.T) {
	s := telegramtest.ForTest(t)
	u := s.User(7, "Ana", "es")
	u.SendDocument("a.pdf", []byte("%PDF"), "")
	u.SendPhoto([]byte("a picture"), "")
	updates := call[[]struct {
		Message struct {
			Document struct {
				ID string `json:"file_id"`
			}
			Photo []struct {
				ID string `json:"file_id"`
			}
		}
	}](t, s, "getUpdates", url.Values{"timeout": {"0"}})
	document, photo := updates[0].Message.Document.ID, updates[1].Message.Photo[1].ID
	for _, c := range []struct{ method, field, id, want string }{
		{"sendPhoto", "photo", photo, ""},
		{"sendDocument", "document", document, ""},
		{"sendPhoto", "photo", document, "can't use file of type Document as Photo"},
		{"sendDocument", "document", photo, "can't use file of type Photo as Document"},
		{"sendPhoto", "photo", "AgAC999999", "wrong file identifier"},
		{"sendDocument", "document", "https://example.org/a.pdf", "wrong file identifier"},
		{"getFile", "file_id", "AgAC999999", "wrong file_id"},
		{"getFile", "file_id", document, ""},
	} {
		params := url.Values{c.field: {c.id}}
		if c.method != "getFile" {
			params.Set("chat_id", "7")
		}
		ok, description, _ := post(t, s, c.method, params)
		if ok != (c.want == "") || !strings.Contains(description, c.want) {
			t.Errorf("%s of %s: %v %q", c.method, c.id, ok, description)
		}
	}
	sent := u.Inbox()[0]
	if ok, description, _ := post(t, s, "editMessageText", url.Values{"chat_id": {"7"}, "message_id": {fmt.Sprint(sent.ID)}, "text": {"x"}}); ok || !strings.Contains(description, "no text in the message") {
		t.Errorf("the text of a picture was edited: %q", description)
	}
	s.Forget()
	if ok, description, _ := post(t, s, "sendPhoto", url.Values{"chat_id": {"7"}, "photo": {photo}}); ok || !strings.Contains(description, "wrong file identifier") {
		t.Errorf("a forgotten id: %q", description)
	}
	for _, path := range []string{"/file/bot" + telegramtest.Token + "/documents/none", "/file/bot123:wrong/documents/" + document} {
		resp, err := http.Get(s.URL() + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			t.Errorf("%s was given out", path)
		}
	}
}

func TestOldMessagesAreNotDeleted(t *testing.T) {
	now := time.Now()
	s := telegramtest.New(telegramtest.Options{Token: telegramtest.Token, Now: func() time.Time { return now }, Fail: t.Errorf})
	defer s.Close()
	u := s.User(7, "Ana", "es")
	u.Say("hi")
	for range 2 {
		post(t, s, "sendMessage", url.Values{"chat_id": {"7"}, "text": {"x"}})
	}
	first, second := fmt.Sprint(u.Inbox()[0].ID), fmt.Sprint(u.Inbox()[1].ID)
	now = now.Add(48 * time.Hour)
	if ok, description, _ := post(t, s, "deleteMessage", url.Values{"chat_id": {"7"}, "message_id": {first}}); !ok || !u.Inbox()[0].Deleted {
		t.Errorf("after two days to the second: %q", description)
	}
	if _, description, _ := post(t, s, "deleteMessage", url.Values{"chat_id": {"7"}, "message_id": {first}}); description != "Bad Request: message to delete not found" {
		t.Errorf("twice: %q", description)
	}
	if _, description, _ := post(t, s, "editMessageText", url.Values{"chat_id": {"7"}, "message_id": {first}, "text": {"y"}}); description != "Bad Request: message to edit not found" {
		t.Errorf("a deleted one was edited: %q", description)
	}
	now = now.Add(time.Second)
	if _, description, _ := post(t, s, "deleteMessage", url.Values{"chat_id": {"7"}, "message_id": {second}}); description != "Bad Request: message can't be deleted for everyone" || u.Inbox()[1].Deleted {
		t.Errorf("a second later: %q", description)
	}
}

func TestWhoComesAndGoesIsToldOnlyToThoseWhoAsk(t *testing.T) {
	s := telegramtest.ForTest(t)
	u, room := s.User(7, "Ana", "es"), s.Room(-100, "Cusco")
	room.Join(u)
	u.Say("hi")
	kinds, next := polled(t, s, 1, `["message","chat_member"]`)
	if strings.Join(kinds, " ") != "message" {
		t.Errorf("before the bot asked: %q", kinds)
	}
	// A call that does not say leaves the list as it was.
	if kinds, _ = polled(t, s, next, ""); len(kinds) != 0 {
		t.Errorf("what was lost came all the same: %q", kinds)
	}
	room.Leave(u)
	room.Join(u)
	u.Block()
	if kinds, next = polled(t, s, next, `["message"]`); strings.Join(kinds, " ") != "chat_member chat_member" {
		t.Errorf("after the bot asked: %q", kinds)
	}
	room.Leave(u)
	u.Say("hi")
	if kinds, _ = polled(t, s, next, ""); strings.Join(kinds, " ") != "message" {
		t.Errorf("after the bot asked for less: %q", kinds)
	}
}

func TestThousandsOfPeopleAreServedAHundredAtATime(t *testing.T) {
	s := telegramtest.New(telegramtest.Options{Token: telegramtest.Token, Now: time.Now, Fail: t.Errorf, Overall: 1e6})
	defer s.Close()
	const people = 3000
	for i := range int64(people) {
		s.User(i+1, "P", "fr").Say("hi")
	}
	// An answer brings a hundred at most, so that what waits is not written out again with each.
	next, polls := 1, 0
	for taken := 0; taken < people; polls++ {
		var kinds []string
		if kinds, next = polled(t, s, next, ""); len(kinds) == 0 || len(kinds) > 100 {
			t.Fatalf("an answer brought %d", len(kinds))
		}
		taken += len(kinds)
	}
	if polls != people/100 {
		t.Errorf("%d polls", polls)
	}
	for i := range people {
		if ok, description, _ := post(t, s, "sendMessage", url.Values{"chat_id": {fmt.Sprint(i + 1)}, "text": {"x"}}); !ok {
			t.Fatal(description)
		}
	}
}
