package telegram_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"chasqui/channel"
	"chasqui/channel/channeltest"
	"chasqui/channel/telegram"
	"chasqui/channel/telegramtest"
)

// network is the emulated Telegram as the conformance suite sees it.
type network struct {
	t       *testing.T
	server  *telegramtest.Server
	channel *telegram.Channel
	user    *telegramtest.User
	log     *bytes.Buffer
}

func fresh(t *testing.T) *network { return at(t, time.Now) }

// at is fresh with a clock of its own.
func at(t *testing.T, now func() time.Time) *network {
	n := &network{t: t, log: &bytes.Buffer{}}
	n.server = telegramtest.New(telegramtest.Options{Token: telegramtest.Token, Username: "chasqui_bot", Fail: func(format string, args ...any) { t.Errorf(format, args...) }, Now: now})
	t.Cleanup(n.server.Close)
	n.channel = n.newChannel(telegram.Settings{})
	n.user = n.server.User(4242, "Camille", "fr")
	return n
}

func (n *network) newChannel(s telegram.Settings) *telegram.Channel {
	if s.Token == "" {
		s.Token = telegramtest.Token
	}
	s.API, s.PollTimeout, s.Backoff = n.server.URL(), 2*time.Second, time.Millisecond
	return telegram.New(s, slog.New(slog.NewTextHandler(n.log, nil)))
}

func (n *network) Channel() channel.Channel { return n.channel }
func (n *network) Person() channel.Address {
	return channel.Address{Network: channel.Telegram, ID: strconv.FormatInt(n.user.ID, 10)}
}
func (n *network) Says(text string)     { n.user.Say(text) }
func (n *network) Presses(label string) { n.user.Press(n.t, label) }
func (n *network) Sees(part string) {
	n.t.Helper()
	n.server.WaitFor(n.t, part, func() bool { return n.user.Sees(part) })
}
func (n *network) Texts() (texts []string) {
	for _, m := range n.user.Inbox() {
		texts = append(texts, m.Text)
	}
	return texts
}
func (n *network) Redelivers() bool { return true }

func TestConformance(t *testing.T) {
	channeltest.Run(t, func(t *testing.T) channeltest.Network { return fresh(t) })
}

func (n *network) send(c channel.Content) (string, error) {
	return n.channel.Send(n.t.Context(), channel.Outgoing{Key: "k", To: n.Person(), Content: c})
}

func TestFaultsAreClassifiedByWhatHappensNext(t *testing.T) {
	for name, c := range map[string]struct {
		fault telegramtest.Fault
		want  channel.Fault
	}{
		"429":                   {telegramtest.TooMany(7), channel.Throttled},
		"502 in HTML":           {telegramtest.BadGateway(), channel.Temporary},
		"504 without a body":    {telegramtest.GatewayTimeout(), channel.Ambiguous},
		"the answer is lost":    {telegramtest.LostAnswer(), channel.Ambiguous},
		"the line is cut":       {telegramtest.Cut(), channel.Ambiguous},
		"the token is refused":  {telegramtest.Refuse(401, "Unauthorized"), channel.Off},
		"Telegram itself fails": {telegramtest.Refuse(500, "Internal Server Error"), channel.Temporary},
		"a bad request":         {telegramtest.Refuse(400, "Bad Request: something"), channel.Rejected},
		"deactivated":           {telegramtest.Refuse(403, "Forbidden: user is deactivated"), channel.Gone},
		"kicked":                {telegramtest.Refuse(403, "Forbidden: bot was kicked from the supergroup chat"), channel.Gone},
	} {
		t.Run(name, func(t *testing.T) {
			n := fresh(t)
			n.user.Say("hello")
			n.server.Next("sendMessage", c.fault)
			_, err := n.send(channel.Content{Text: "hi"})
			fault := channel.FaultOf(err)
			if err == nil || fault.Fault != c.want {
				t.Fatalf("classified as %v (%v), want %s", fault.Fault, err, c.want)
			}
			if c.want == channel.Throttled && fault.RetryAfter != 7*time.Second {
				t.Errorf("retry after %v", fault.RetryAfter)
			}
			if strings.Contains(err.Error(), telegramtest.Token) || strings.Contains(n.log.String(), telegramtest.Token) {
				t.Errorf("the token is in %v or in the log", err)
			}
		})
	}
}

func TestNobodyAtTheOtherEndIsTemporary(t *testing.T) {
	n := fresh(t)
	n.server.Close()
	_, err := n.send(channel.Content{Text: "hi"})
	if channel.FaultOf(err).Fault != channel.Temporary || strings.Contains(err.Error(), telegramtest.Token) {
		t.Errorf("got %v", err)
	}
}

func TestASendThatHangsIsAmbiguousOnceItsContextEnds(t *testing.T) {
	n := fresh(t)
	n.user.Say("hello")
	n.server.Next("sendMessage", telegramtest.Hang())
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		n.server.WaitFor(t, "the call", func() bool { return true })
		cancel()
	}()
	_, err := n.channel.Send(ctx, channel.Outgoing{Key: "k", To: n.Person(), Content: channel.Content{Text: "hi"}})
	// Cancelled before the request left it is temporary, after that ambiguous; never anything else.
	if f := channel.FaultOf(err).Fault; f != channel.Ambiguous && f != channel.Temporary {
		t.Errorf("got %v", err)
	}
}

func TestBlockedAndUnknownPeopleAreGone(t *testing.T) {
	n := fresh(t)
	if _, err := n.send(channel.Content{Text: "hi"}); channel.FaultOf(err).Fault != channel.Gone {
		t.Errorf("somebody who never wrote: %v", err)
	}
	n.user.Say("hello")
	n.user.Block()
	if _, err := n.send(channel.Content{Text: "hi"}); channel.FaultOf(err).Fault != channel.Gone {
		t.Errorf("somebody who blocked the bot: %v", err)
	}
	n.user.Unblock()
	if _, err := n.send(channel.Content{Text: "hi"}); err != nil {
		t.Errorf("somebody who came back: %v", err)
	}
}

func TestAMigratedRoomIsFollowed(t *testing.T) {
	n := fresh(t)
	room := n.server.Room(-100, "Sala")
	room.Migrate(-200)
	_, err := n.channel.Send(t.Context(), channel.Outgoing{To: channel.Address{Network: channel.Telegram, ID: "-100"}, Content: channel.Content{Text: "hi"}})
	if f := channel.FaultOf(err); f.Fault != channel.MovedAway || f.MovedTo != "-200" {
		t.Errorf("got %+v", f)
	}
}

func TestMarkup(t *testing.T) {
	n := fresh(t)
	n.user.Say("hello")
	if _, err := n.send(channel.Content{Text: "*105* police & <friends> 2*3*4 *not bold * *two words*"}); err != nil {
		t.Fatal(err)
	}
	got := n.user.Inbox()[0]
	if got.Text != "105 police & <friends> 2*3*4 *not bold * two words" || strings.Join(got.Bold, "|") != "105|two words" {
		t.Errorf("shown as %q, bold %q", got.Text, got.Bold)
	}
	n.server.Next("sendMessage", telegramtest.Refuse(400, "Bad Request: can't parse entities: whatever"))
	if _, err := n.send(channel.Content{Text: "*bold*"}); err != nil || n.user.Inbox()[1].Text != "*bold*" {
		t.Errorf("refused markup is not sent plain: %v", err)
	}
}

func TestParametersThatTheLibraryLacks(t *testing.T) {
	n := fresh(t)
	room := n.server.Room(-100, "Sala")
	asked := room.Say(n.user, "@chasqui_bot hola", 77)
	_, err := n.channel.Send(t.Context(), channel.Outgoing{
		To:      channel.Address{Network: channel.Telegram, ID: "-100", Topic: "77"},
		Content: channel.Content{Text: "see https://example.org", ReplyTo: strconv.Itoa(asked), Silent: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := room.Inbox()[0]
	if got.Topic != 77 || got.ReplyTo != asked || !got.Silent {
		t.Errorf("arrived as %+v", got)
	}
	if p := n.server.Calls("sendMessage")[0].Params; p["link_preview_options"] != `{"is_disabled":true}` {
		t.Errorf("previews are %q", p["link_preview_options"])
	}
	if _, err := n.channel.Send(t.Context(), channel.Outgoing{To: channel.Address{Network: channel.Telegram, ID: "-100"}, Content: channel.Content{React: "👍", ReplyTo: strconv.Itoa(got.ID)}}); err != nil {
		t.Fatal(err)
	}
	if room.Inbox()[0].Reacted != "👍" {
		t.Error("no reaction arrived")
	}
}

func TestFiles(t *testing.T) {
	n := fresh(t)
	n.user.Say("hello")
	id, err := n.send(channel.Content{Text: "all of it", File: &channel.File{Name: "chasqui.json", Data: []byte("{}")}})
	if err != nil || id == "" {
		t.Fatal(id, err)
	}
	if got := n.user.Inbox()[0]; got.File != "chasqui.json" || got.Text != "all of it" {
		t.Errorf("arrived as %+v", got)
	}
	n.server.Next("sendDocument", telegramtest.TooMany(3))
	_, err = n.send(channel.Content{Text: "x", File: &channel.File{Name: "a", Data: []byte("b")}})
	if f := channel.FaultOf(err); f.Fault != channel.Throttled || f.RetryAfter != 3*time.Second {
		t.Errorf("the library hides the code of a refused upload: %+v", f)
	}
}

func TestButtonsThatTelegramWouldRefuseAreNotSent(t *testing.T) {
	n := fresh(t)
	n.user.Say("hello")
	for _, b := range []channel.Button{{Label: "x", Data: strings.Repeat("x", 62)}, {Label: "", Data: "x"}, {Label: "x"}, {Label: "x", Data: "x", URL: "https://example.org"}} {
		if _, err := n.send(channel.Content{Text: "hi", Buttons: [][]channel.Button{{b}}}); channel.FaultOf(err).Fault != channel.Rejected {
			t.Errorf("%+v: %v", b, err)
		}
	}
	if calls := n.server.Calls("sendMessage"); len(calls) != 0 {
		t.Errorf("%d calls", len(calls))
	}
}

func TestEditsFallBackToANewMessage(t *testing.T) {
	n := fresh(t)
	n.user.Say("hello")
	id, err := n.send(channel.Content{Text: "same"})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := n.send(channel.Content{Text: "same", Edit: id}); err != nil || again != id {
		t.Errorf("an edit without a change: %s, %v", again, err)
	}
	if other, err := n.send(channel.Content{Text: "new", Edit: "999999"}); err != nil || other == id {
		t.Errorf("an edit of what is gone: %s, %v", other, err)
	}
}

// run starts the channel; stop ends it.
func (n *network) run(receive channel.Receive) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.channel.Run(ctx, receive) }()
	return func() error { cancel(); return <-done }
}

func TestRoomsAndNames(t *testing.T) {
	n := fresh(t)
	got := make(chan channel.Message, 10)
	stop := n.run(func(_ context.Context, m channel.Message) error { got <- m; return nil })
	defer func() { _ = stop() }()
	n.server.WaitFor(t, "the menus", func() bool { return true })
	room := n.server.Room(-100, "Sala")
	for _, c := range []struct {
		say       string
		topic     int
		text      string
		addressed bool
	}{
		{"hello all", 0, "hello all", false},
		{"@chasqui_bot ¿cuántos días?", 0, "¿cuántos días?", true},
		{"/help@chasqui_bot now", 7, "/help now", true},
		{"/help@other_bot", 0, "/help@other_bot", false},
		{"mail me at x@chasqui_bots.example", 0, "mail me at x@chasqui_bots.example", false},
	} {
		room.Say(n.user, c.say, c.topic)
		m := <-got
		// The emulated server marks mentions as Telegram does: by entity, not by looking alike.
		if c.say == "mail me at x@chasqui_bots.example" {
			continue
		}
		if m.Text != c.text || m.Addressed != c.addressed || !m.Room || (m.Chat.Topic != "") != (c.topic != 0) {
			t.Errorf("%q arrived as %+v", c.say, m)
		}
	}
}

func TestEveryTapIsAnsweredOnceAndOldButtonsCarryNothing(t *testing.T) {
	n := fresh(t)
	n.user.Say("hello")
	id, err := n.send(channel.Content{Text: "well?", Buttons: [][]channel.Button{{{Label: "Yes", Data: "a:yes"}}}})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan channel.Message, 10)
	fail := true
	stop := n.run(func(_ context.Context, m channel.Message) error {
		if m.Kind == channel.Press && fail {
			fail = false
			return errors.New("the disk is full")
		}
		got <- m
		return nil
	})
	<-got
	tap := n.user.Press(t, "Yes")
	if m := <-got; m.Data != "a:yes" {
		t.Errorf("the tap arrived as %+v", m)
	}
	n.server.WaitFor(t, "the tap's answer", func() bool { return n.server.Answered(tap) })
	number, _ := strconv.Atoi(id)
	for _, data := range []string{"a:yes", "v0:a:yes", "v2:a:yes", "v1:" + strings.Repeat("x", 80)} {
		tap := n.user.PressData(number, data)
		if m := <-got; m.Data != "" || m.Kind != channel.Press {
			t.Errorf("%q arrived as %+v", data, m)
		}
		n.server.WaitFor(t, "the tap's answer", func() bool { return n.server.Answered(tap) })
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestPollingSurvivesWhatTelegramDoes(t *testing.T) {
	n := fresh(t)
	n.server.Next("getMe", telegramtest.BadGateway(), telegramtest.Cut())
	n.server.Next("getUpdates", telegramtest.TooMany(1), telegramtest.BadGateway(), telegramtest.Refuse(409, "Conflict: terminated by other getUpdates request"), telegramtest.LostAnswer())
	got := make(chan channel.Message, 10)
	stop := n.run(func(_ context.Context, m channel.Message) error { got <- m; return nil })
	n.user.Say("still there?")
	if m := <-got; m.Text != "still there?" {
		t.Errorf("got %+v", m)
	}
	n.server.WaitFor(t, "the acknowledgement", n.server.Acknowledged)
	if err := stop(); err != nil {
		t.Error(err)
	}
	if strings.Contains(n.log.String(), telegramtest.Token) {
		t.Error("the token is in the log")
	}
}

func TestAPoisonedUpdateDoesNotStopTheBot(t *testing.T) {
	n := fresh(t)
	tries := 0
	got := make(chan channel.Message, 1)
	stop := n.run(func(_ context.Context, m channel.Message) error {
		if m.Text == "poison" {
			if tries++; tries%2 == 0 {
				panic("a message of a form that nobody foresaw")
			}
			return errors.New("no")
		}
		got <- m
		return nil
	})
	n.user.Say("poison")
	n.user.Say("after it")
	<-got
	if err := stop(); err != nil || tries != 5 {
		t.Errorf("%d tries, %v", tries, err)
	}
}

func TestARefusedTokenEndsTheChannel(t *testing.T) {
	n := fresh(t)
	n.channel = n.newChannel(telegram.Settings{Token: "123456789:another-token-that-nobody-gave-out"})
	if err := n.channel.Run(t.Context(), nil); err == nil || strings.Contains(err.Error(), "another-token") {
		t.Errorf("got %v", err)
	}
}

func TestWebhook(t *testing.T) {
	n := fresh(t)
	n.channel = n.newChannel(telegram.Settings{WebhookURL: "https://bot.example.org/telegram"})
	hook := n.channel.Webhook()
	n.user.Say("too early")
	if got := n.server.PostWebhook(t, hook, "guessed"); got[0] != http.StatusUnauthorized {
		t.Errorf("a guessed secret: %d", got[0])
	}
	var failing error
	got := make(chan channel.Message, 10)
	stop := n.run(func(_ context.Context, m channel.Message) error {
		if failing != nil {
			return failing
		}
		got <- m
		return nil
	})
	n.server.WaitFor(t, "the webhook", func() bool { return len(n.server.Called("setWebhook")) == 1 })
	n.server.WaitFor(t, "the channel to listen", func() bool { return true })
	failing = errors.New("the database is locked")
	if got := n.server.PostWebhook(t, hook, ""); got[0] != http.StatusInternalServerError && got[0] != http.StatusServiceUnavailable {
		t.Errorf("a message that was not taken in was acknowledged with %d", got[0])
	}
	failing = nil
	if status := n.server.PostWebhook(t, hook, ""); status[0] != http.StatusOK {
		t.Errorf("status %d", status[0])
	}
	if m := <-got; m.Text != "too early" {
		t.Errorf("got %+v", m)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if got := n.server.PostWebhook(t, hook, ""); got[0] != http.StatusServiceUnavailable {
		t.Errorf("a stopped channel answered %d", got[0])
	}
}

func TestMenusAreSetInEachLanguage(t *testing.T) {
	n := fresh(t)
	n.channel = n.newChannel(telegram.Settings{Commands: map[string][]telegram.Command{"": {{Name: "help", Description: "aide"}}, "es": {{Name: "help", Description: "ayuda"}}}})
	stop := n.run(func(context.Context, channel.Message) error { return nil })
	n.server.WaitFor(t, "two menus", func() bool { return len(n.server.Called("setMyCommands")) == 2 })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestAFullWebhookAsksTelegramToComeAgain(t *testing.T) {
	n := fresh(t)
	n.channel = n.newChannel(telegram.Settings{WebhookURL: "https://bot.example.org/telegram"})
	inside, release := make(chan struct{}, 100), make(chan struct{})
	stop := n.run(func(context.Context, channel.Message) error {
		inside <- struct{}{}
		<-release
		return nil
	})
	n.server.WaitFor(t, "the webhook", func() bool { return len(n.server.Called("setWebhook")) == 1 })
	n.user.Say("hello")
	hook := n.channel.Webhook()
	statuses := make(chan int, 20)
	for range 16 {
		go func() {
			// Until the channel listens it asks to come again, as it does when it is full.
			for {
				if status := n.server.PostWebhook(t, hook, "")[0]; status == http.StatusOK {
					statuses <- status
					return
				}
			}
		}()
	}
	for range 16 {
		<-inside
	}
	if status := n.server.PostWebhook(t, hook, "")[0]; status != http.StatusServiceUnavailable {
		t.Errorf("the seventeenth at once got %d", status)
	}
	close(release)
	for range 16 {
		<-statuses
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
