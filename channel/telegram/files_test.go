package telegram_test

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"chasqui/channel"
	"chasqui/channel/telegram"
	"chasqui/channel/telegramtest"
)

// people are n persons who wrote to the bot.
func (n *network) people(count int) []*telegramtest.User {
	var all []*telegramtest.User
	for i := range count {
		u := n.server.User(int64(7000+i), "P", "fr")
		u.Say("bonjour")
		all = append(all, u)
	}
	return all
}

func (n *network) sendTo(u *telegramtest.User, c channel.Content) (string, error) {
	return n.channel.Send(n.t.Context(), channel.Outgoing{Key: "k", To: channel.Address{Network: channel.Telegram, ID: strconv.FormatInt(u.ID, 10)}, Content: c})
}

// uploads counts the calls of a method that carried bytes.
func (n *network) uploads(method string) (count int) {
	for _, call := range n.server.Calls(method) {
		if call.File != "" {
			count++
		}
	}
	return count
}

func picture() *channel.File {
	return &channel.File{Name: "map.png", Data: telegramtest.Picture(60, 40), Image: true, Key: "map-1"}
}

func TestAPictureIsUploadedOnceForEverybody(t *testing.T) {
	n := fresh(t)
	people := n.people(16)
	var all sync.WaitGroup
	for _, u := range people {
		all.Go(func() {
			if _, err := n.sendTo(u, channel.Content{Text: "*La carte*", File: picture()}); err != nil {
				t.Errorf("%d: %v", u.ID, err)
			}
		})
	}
	all.Wait()
	for _, u := range people {
		if got := u.Inbox(); len(got) != 1 || !got[0].Photo || got[0].Text != "La carte" || !bytes.Equal(got[0].Data(), picture().Data) {
			t.Errorf("%d sees %+v", u.ID, got)
		}
	}
	if got, calls := n.uploads("sendPhoto"), len(n.server.Calls("sendPhoto")); got != 1 || calls != len(people) {
		t.Errorf("%d uploads in %d calls", got, calls)
	}
}

func TestWhatHasNoKeyIsUploadedEachTime(t *testing.T) {
	n := fresh(t)
	for _, u := range n.people(2) {
		for _, f := range []channel.File{{Name: "a.json", Data: []byte("{}")}, {Name: "a.png", Data: telegramtest.Picture(9, 9), Image: true}} {
			if _, err := n.sendTo(u, channel.Content{File: &f}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if d, p := n.uploads("sendDocument"), n.uploads("sendPhoto"); d != 2 || p != 2 {
		t.Errorf("%d documents and %d pictures were uploaded", d, p)
	}
}

func TestTheSameBytesArePictureAndDocument(t *testing.T) {
	n := fresh(t)
	u := n.people(1)[0]
	for range 2 {
		for _, image := range []bool{true, false} {
			f := picture()
			f.Image = image
			if _, err := n.sendTo(u, channel.Content{File: f}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, got := range u.Inbox() {
		if got.Photo != (i%2 == 0) || got.File != "map.png" {
			t.Errorf("message %d is %+v", i, got)
		}
	}
	if d, p := n.uploads("sendDocument"), n.uploads("sendPhoto"); d != 1 || p != 1 {
		t.Errorf("%d documents and %d pictures were uploaded", d, p)
	}
}

func TestAPictureThatTelegramDoesNotTakeGoesAsADocument(t *testing.T) {
	for name, c := range map[string]struct {
		data   []byte
		fault  *telegramtest.Fault
		photos int
	}{
		"too tall":      {data: telegramtest.Picture(10, 900), photos: 1},
		"no picture":    {data: []byte("<svg/>"), photos: 1},
		"too many":      {data: make([]byte, 10<<20+1), photos: 0},
		"another word":  {data: telegramtest.Picture(9, 9), fault: refuse(400, "Bad Request: PHOTO should be uploaded as an InputFile"), photos: 1},
		"a large body":  {data: telegramtest.Picture(9, 9), fault: refuse(413, "Request Entity Too Large"), photos: 1},
		"its extension": {data: telegramtest.Picture(9, 9), fault: refuse(400, "Bad Request: PHOTO_EXT_INVALID"), photos: 1},
	} {
		t.Run(name, func(t *testing.T) {
			n := fresh(t)
			if c.fault != nil {
				n.server.Next("sendPhoto", *c.fault)
			}
			f := channel.File{Name: "plan.png", Data: c.data, Image: true, Key: "plan"}
			for _, u := range n.people(3) {
				if _, err := n.sendTo(u, channel.Content{Text: "le plan", File: &f}); err != nil {
					t.Fatal(err)
				}
				if got := u.Inbox(); len(got) != 1 || got[0].Photo || got[0].File != "plan.png" || got[0].Text != "le plan" {
					t.Errorf("arrived as %+v", got)
				}
			}
			if photos, documents := len(n.server.Calls("sendPhoto")), n.uploads("sendDocument"); photos != c.photos || documents != 1 {
				t.Errorf("%d tries as a picture, %d uploads as a document", photos, documents)
			}
		})
	}
}

func refuse(status int, text string) *telegramtest.Fault {
	f := telegramtest.Refuse(status, text)
	return &f
}

func TestAnIdThatTelegramForgotIsUploadedAgain(t *testing.T) {
	for _, words := range []string{"", "wrong remote file identifier specified: can't unserialize it", "FILE_REFERENCE_EXPIRED"} {
		n := fresh(t)
		people := n.people(3)
		if _, err := n.sendTo(people[0], channel.Content{File: picture()}); err != nil {
			t.Fatal(err)
		}
		if words == "" {
			n.server.Forget()
		} else {
			n.server.Next("sendPhoto", telegramtest.Refuse(400, "Bad Request: "+words))
		}
		for _, u := range people[1:] {
			if _, err := n.sendTo(u, channel.Content{File: picture()}); err != nil {
				t.Fatal(err)
			}
			if len(u.Inbox()) != 1 {
				t.Errorf("%d messages arrived", len(u.Inbox()))
			}
		}
		if got := n.uploads("sendPhoto"); got != 2 {
			t.Errorf("%q: %d uploads, 2 are right", words, got)
		}
	}
}

func TestAFailedUploadLeavesTheNextOneItsTurn(t *testing.T) {
	n := fresh(t)
	people := n.people(2)
	n.server.Next("sendPhoto", telegramtest.Refuse(403, "Forbidden: bot was blocked by the user"))
	if _, err := n.sendTo(people[0], channel.Content{File: picture()}); channel.FaultOf(err).Fault != channel.Gone {
		t.Errorf("got %v", err)
	}
	if _, err := n.sendTo(people[1], channel.Content{File: picture()}); err != nil || n.uploads("sendPhoto") != 2 {
		t.Errorf("the next one: %v after %d uploads", err, n.uploads("sendPhoto"))
	}
}

func TestWhoWaitsForAnUploadAsksToBeSentLater(t *testing.T) {
	n := fresh(t)
	n.channel = n.newChannel(telegram.Settings{UploadWait: 3 * time.Millisecond})
	people := n.people(2)
	n.server.Next("sendPhoto", telegramtest.Hang())
	ctx, cancel := context.WithCancel(t.Context())
	slow := make(chan error, 1)
	go func() {
		_, err := n.channel.Send(ctx, channel.Outgoing{To: channel.Address{Network: channel.Telegram, ID: "7000"}, Content: channel.Content{File: picture()}})
		slow <- err
	}()
	n.server.WaitFor(t, "the upload", func() bool { return len(n.server.Called("sendPhoto")) == 1 })
	// The second one must not stand in the way of replies, nor count as a try: nothing of it has left.
	_, err := n.sendTo(people[1], channel.Content{File: picture()})
	if f := channel.FaultOf(err); f.Fault != channel.Throttled || f.RetryAfter != 3*time.Millisecond {
		t.Errorf("got %v", err)
	}
	cancel()
	if err := <-slow; channel.FaultOf(err).Fault != channel.Ambiguous {
		t.Errorf("the upload that hung: %v", err)
	}
	if _, err := n.sendTo(people[1], channel.Content{File: picture()}); err != nil {
		t.Errorf("later: %v", err)
	}
}

func TestATextTooLongForACaptionFollowsItsFile(t *testing.T) {
	n := fresh(t)
	asked := n.user.Say("hello")
	long := channel.Content{Text: strings.Repeat("palabra ", 130) + "END", File: picture(), ReplyTo: strconv.Itoa(asked), Buttons: [][]channel.Button{{{Label: "Go", Data: "go"}}}}
	id, err := n.send(long)
	if err != nil {
		t.Fatal(err)
	}
	got := n.user.Inbox()
	if len(got) != 2 || !got[0].Photo || got[0].Text != "" || got[0].ReplyTo != asked || got[0].Buttons != nil {
		t.Fatalf("arrived as %+v", got)
	}
	if !strings.HasSuffix(got[1].Text, "END") || len(got[1].Buttons) != 1 || strconv.Itoa(got[1].ID) != id || got[1].ReplyTo != 0 {
		t.Errorf("the text is %+v, its id %s", got[1], id)
	}
}

func TestHalfOfAMessageIsAmbiguousUnlessThePersonHasGone(t *testing.T) {
	text := strings.Repeat("palabra ", 130)
	for name, c := range map[string]struct {
		content channel.Content
		method  string
		faults  []telegramtest.Fault
		want    channel.Fault
		arrived int
	}{
		"the file is asked to wait":     {channel.Content{Text: text, File: picture()}, "sendPhoto", []telegramtest.Fault{telegramtest.TooMany(2)}, channel.Throttled, 0},
		"the text after it has to wait": {channel.Content{Text: text, File: picture()}, "sendMessage", []telegramtest.Fault{telegramtest.TooMany(2)}, channel.Ambiguous, 1},
		"the text meets a gateway":      {channel.Content{Text: text, File: picture()}, "sendMessage", []telegramtest.Fault{telegramtest.BadGateway()}, channel.Ambiguous, 1},
		"the person goes in between":    {channel.Content{Text: text, File: picture()}, "sendMessage", []telegramtest.Fault{telegramtest.Refuse(403, "Forbidden: bot was blocked by the user")}, channel.Gone, 1},
		"the first of two texts waits":  {channel.Content{Text: strings.Repeat(text, 5)}, "sendMessage", []telegramtest.Fault{telegramtest.TooMany(2)}, channel.Throttled, 0},
	} {
		t.Run(name, func(t *testing.T) {
			n := fresh(t)
			n.user.Say("hello")
			n.server.Next(c.method, c.faults...)
			_, err := n.send(c.content)
			if got := channel.FaultOf(err).Fault; err == nil || got != c.want || len(n.user.Inbox()) != c.arrived {
				t.Errorf("%v with %d messages shown; %s with %d is right", err, len(n.user.Inbox()), c.want, c.arrived)
			}
		})
	}
}

func TestCaptions(t *testing.T) {
	n := fresh(t)
	n.user.Say("hello")
	n.server.Next("sendPhoto", telegramtest.Refuse(400, "Bad Request: can't parse entities: whatever"))
	if _, err := n.send(channel.Content{Text: "*bold*", File: picture()}); err != nil || n.user.Inbox()[0].Text != "*bold*" {
		t.Errorf("refused markup is not sent plain: %v", err)
	}
	// 1024 units, an emoji counting two, are still a caption.
	if _, err := n.send(channel.Content{Text: "*" + strings.Repeat("👋", 511) + "*", File: picture()}); err != nil || len(n.user.Inbox()) != 2 {
		t.Errorf("a caption as long as may be: %v, %d messages", err, len(n.user.Inbox()))
	}
}
