package telegram_test

import (
	"strings"
	"testing"
	"time"

	"chasqui/channel"
	"chasqui/channel/telegramtest"
)

// withdraw takes a message back and returns what the person can read now.
func (n *network) withdraw(id, text string) []string {
	n.t.Helper()
	if _, err := n.send(channel.Content{Text: text, Edit: id, Withdraw: true}); err != nil {
		n.t.Fatal(err)
	}
	return n.readable()
}

func (n *network) readable() (texts []string) {
	for _, m := range n.user.Inbox() {
		if !m.Deleted {
			texts = append(texts, m.Text)
		}
	}
	return texts
}

func same(got []string, want ...string) bool {
	return strings.Join(got, "|") == strings.Join(want, "|")
}

func TestWhatIsTakenBackIsNotReadAnyMore(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	n := at(t, func() time.Time { return now })
	n.user.Say("hello")
	send := func(c channel.Content) string {
		t.Helper()
		id, err := n.send(c)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	text := send(channel.Content{Text: "Rendez-vous à midi", Buttons: [][]channel.Button{{{Label: "Oui", Data: "yes"}}}})
	if got := n.withdraw(text, "C'était une erreur."); !same(got, "C'était une erreur.") || n.user.Inbox()[0].Buttons != nil {
		t.Errorf("a text: %q", got)
	}
	photo := send(channel.Content{Text: "La carte", File: picture()})
	if got := n.withdraw(photo, "La carte est fausse."); !same(got, "C'était une erreur.", "La carte est fausse.") {
		t.Errorf("a picture: %q", got)
	}
	if got := n.user.Inbox()[1]; !got.Deleted || !got.Photo {
		t.Errorf("the picture is %+v", got)
	}
	document := send(channel.Content{Text: "Le guide", File: &channel.File{Name: "guide.pdf", Data: []byte("%PDF")}})
	now = now.Add(47 * time.Hour)
	if got := n.withdraw(document, "Le guide est vieux."); !same(got, "C'était une erreur.", "La carte est fausse.", "Le guide est vieux.") {
		t.Errorf("a document of two days: %q", got)
	}
}

func TestWhatIsTooOldToBeDeletedIsCorrectedAllTheSame(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	n := at(t, func() time.Time { return now })
	n.user.Say("hello")
	id, err := n.send(channel.Content{Text: "La carte", File: picture()})
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(49 * time.Hour)
	if got := n.withdraw(id, "La carte est fausse."); !same(got, "La carte", "La carte est fausse.") {
		t.Errorf("the person reads %q", got)
	}
	if !strings.Contains(n.log.String(), "can still be read") {
		t.Error("nobody is told that the picture stays")
	}
}

func TestWhatIsGoneAlreadyIsCorrectedByANewMessage(t *testing.T) {
	n := fresh(t)
	n.user.Say("hello")
	if got := n.withdraw("999999", "C'était une erreur."); !same(got, "C'était une erreur.") {
		t.Errorf("the person reads %q", got)
	}
	id, err := n.send(channel.Content{Text: "old"})
	if err != nil {
		t.Fatal(err)
	}
	n.server.Next("editMessageText", telegramtest.Refuse(400, "Bad Request: message can't be edited"))
	if got := n.withdraw(id, "Corrigé."); !same(got, "C'était une erreur.", "Corrigé.") {
		t.Errorf("what can only be deleted: %q", got)
	}
}

func TestALongCorrectionBeginsInThePlaceOfTheOldText(t *testing.T) {
	n := fresh(t)
	n.user.Say("hello")
	id, err := n.send(channel.Content{Text: "old"})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.TrimSpace(strings.Repeat("palabra ", 700)) + " END"
	last, err := n.send(channel.Content{Text: long, Edit: id, Withdraw: true, Buttons: [][]channel.Button{{{Label: "Ok", Data: "ok"}}}})
	if err != nil || last == id {
		t.Fatal(last, err)
	}
	got := n.user.Inbox()
	if len(got) != 2 || !got[0].Edited || got[0].Buttons != nil || len(got[1].Buttons) != 1 || strings.Count(got[0].Text+" "+got[1].Text, "palabra") != 700 {
		t.Errorf("the person sees %+v", got)
	}
	n.server.Next("sendMessage", telegramtest.BadGateway())
	if _, err := n.send(channel.Content{Text: long, Edit: id, Withdraw: true}); channel.FaultOf(err).Fault != channel.Ambiguous {
		t.Errorf("half a correction: %v", err)
	}
}

func TestTakingBackIsTriedAgainUntilItIsDone(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		fault  telegramtest.Fault
		file   *channel.File
	}{
		"the answer to an edit is lost":     {"editMessageText", telegramtest.LostAnswer(), nil},
		"a gateway waited too long":         {"editMessageText", telegramtest.GatewayTimeout(), nil},
		"the answer to a deletion is lost":  {"deleteMessage", telegramtest.LostAnswer(), picture()},
		"the line is cut at a deletion":     {"deleteMessage", telegramtest.Cut(), picture()},
		"the new text meets a full gateway": {"sendMessage", telegramtest.BadGateway(), picture()},
	} {
		t.Run(name, func(t *testing.T) {
			n := fresh(t)
			n.user.Say("hello")
			id, err := n.send(channel.Content{Text: "old", File: c.file})
			if err != nil {
				t.Fatal(err)
			}
			n.server.Next(c.method, c.fault)
			if _, err := n.send(channel.Content{Text: "new", Edit: id, Withdraw: true}); channel.FaultOf(err).Fault != channel.Temporary {
				t.Errorf("got %v, which nobody would try again", err)
			}
			if got := n.withdraw(id, "new"); !same(got, "new") {
				t.Errorf("the person reads %q", got)
			}
			if strings.Contains(n.log.String(), "can still be read") {
				t.Error("the log says of what is gone that it can be read")
			}
		})
	}
}

func TestTakingBackFromWhoBlockedTheBotIsGone(t *testing.T) {
	n := fresh(t)
	n.user.Say("hello")
	id, err := n.send(channel.Content{File: picture()})
	if err != nil {
		t.Fatal(err)
	}
	n.user.Block()
	if _, err := n.send(channel.Content{Text: "new", Edit: id, Withdraw: true}); channel.FaultOf(err).Fault != channel.Gone {
		t.Errorf("got %v", err)
	}
}
