package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chasqui/channel/telegramtest"
)

// TestAnnouncementOnTelegram sends a picture with a text in two languages through the emulated network, to people of
// whom one never opened the bot, follows it from the chat, and takes it back.
func TestAnnouncementOnTelegram(t *testing.T) {
	telegram := telegramtest.ForTest(t)
	data := filepath.Join(t.TempDir(), "data")
	people := filepath.Join(t.TempDir(), "people.csv")
	picture := filepath.Join(t.TempDir(), "plan.png")
	for name, content := range map[string][]byte{
		people: []byte("name,telegram,language\nLéa,22,fr\nInti,33,es\nPaul,44,fr\n"), picture: telegramtest.Picture(40, 30),
	} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if code, _, stderr := command(t, "member", "import", people, "--commit", "--data", data); code != 0 {
		t.Fatal(stderr)
	}
	if code, _, stderr := command(t, "staff", "add", "--channel", "telegram", "--id", "11", "--role", "publisher", "--data", data); code != 0 {
		t.Fatal(stderr)
	}
	s := serve(t, map[string]string{"CHASQUI_TELEGRAM_TOKEN": telegramtest.Token, "CHASQUI_TELEGRAM_API": telegram.URL()}, "--data", data)
	ana, lea, inti := telegram.User(11, "Ana", "fr"), telegram.User(22, "Léa", "fr"), telegram.User(33, "Inti", "es")
	for _, u := range []*telegramtest.User{ana, lea, inti} {
		u.Opened()
	}
	paul := telegram.User(44, "Paul", "fr")
	paul.Opened()
	// The bot learns it when it writes to him: had it heard before, he would not be in the audience.
	paul.Blocked()

	code, out, stderr := command(t, "announce", "--to", "all", "--fr", "Voici le plan.", "--es", "Aquí está el plano.", "--file", picture, "--yes", "--data", data)
	if code != 0 {
		t.Fatalf("announce said %q %q", out, stderr)
	}
	telegram.WaitFor(t, "the announcement", func() bool { return lea.Sees("Voici le plan") && inti.Sees("Aquí está el plano") })
	got := lea.Inbox()
	if len(got) != 1 || !got[0].Photo || !bytes.Equal(got[0].Data(), telegramtest.Picture(40, 30)) {
		t.Errorf("Léa sees %+v", got)
	}
	waitUntil(t, func() bool { return finished(t, data) })
	ana.Say("/announce 1")
	telegram.WaitFor(t, "how it stands", func() bool { return ana.Sees("Terminée : 2 sur 3") && ana.Sees("1 : a bloqué le bot") })
	ana.Press(t, "Qui ?")
	telegram.WaitFor(t, "who", func() bool { return ana.Sees("Qui veux-tu voir") })
	ana.Press(t, "Échecs : 1")
	telegram.WaitFor(t, "the name behind the number", func() bool { return ana.Sees("- Paul : a bloqué le bot") })

	if code, _, stderr := command(t, "announce", "retract", "1", "--fr", "Le plan était faux.", "--es", "El plano estaba mal.", "--data", data); code != 0 {
		t.Fatal(stderr)
	}
	telegram.WaitFor(t, "the taking back", func() bool { return lea.Sees("Le plan était faux") && inti.Sees("El plano estaba mal") })
	if lea.Sees("Voici le plan") {
		t.Error("the picture is still there")
	}
	if code, out, _ := command(t, "announce", "status", "1", "--data", data); code != 0 || !strings.Contains(out, "1 news retracted to all") {
		t.Errorf("status %d: %s", code, out)
	}
	s.stop()
	for _, secret := range []string{"Voici", "Léa", telegramtest.Token} {
		if strings.Contains(s.stderr.String(), secret) {
			t.Errorf("the log says %q", secret)
		}
	}
}
