package telegram_test

import (
	"context"
	"strings"
	"testing"

	"chasqui/channel"
)

func TestWhoComesAndGoesInARoomIsHeard(t *testing.T) {
	n := fresh(t)
	got := make(chan channel.Message, 10)
	stop := n.run(func(_ context.Context, m channel.Message) error { got <- m; return nil })
	n.user.Say("hello")
	<-got // the bot has said by now which updates it wants
	room := n.server.Room(-100, "Cusco")
	ana := n.server.User(77, "Ana", "es")
	seen := map[string]bool{}
	for _, c := range []struct {
		name string
		does func()
		want channel.Kind
	}{
		{"joins", func() { room.Join(ana) }, channel.Joined},
		{"is restricted", func() { room.Restrict(ana, true) }, channel.Joined},
		{"leaves", func() { room.Leave(ana) }, channel.Departed},
		{"is restricted outside", func() { room.Restrict(ana, false) }, channel.Departed},
	} {
		c.does()
		m := <-got
		if m.Kind != c.want || m.Chat.ID != "-100" || m.From.ID != "77" || m.From.Name != "Ana" || !m.Room || m.Addressed || m.At.IsZero() || seen[m.ID] || !strings.HasPrefix(m.ID, "ev:") {
			t.Errorf("%s: arrived as %+v", c.name, m)
		}
		seen[m.ID] = true
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
