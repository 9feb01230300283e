package telegram_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"chasqui/channel"
	"chasqui/channel/telegram"
	"chasqui/channel/telegramtest"
)

var _ channel.Fetcher = (*telegram.Channel)(nil)

// received runs the bot until it has taken in what was sent, and returns it.
func (n *network) received(count int) []channel.Message {
	n.t.Helper()
	got := make(chan channel.Message, count)
	stop := n.run(func(_ context.Context, m channel.Message) error { got <- m; return nil })
	var all []channel.Message
	for range count {
		all = append(all, <-got)
	}
	if err := stop(); err != nil {
		n.t.Error(err)
	}
	return all
}

func TestWhatPeopleSendIsBroughtIn(t *testing.T) {
	n := fresh(t)
	shot := telegramtest.Picture(1200, 800)
	n.user.SendPhoto(shot, "la carte du jour")
	n.user.SendDocument("guía del voluntario.pdf", []byte("%PDF-1.7"), "")
	n.user.SayVoice()
	got := n.received(3)
	for i, want := range []channel.File{{Name: "photo.jpg", Data: shot, Image: true}, {Name: "guía del voluntario.pdf", Data: []byte("%PDF-1.7")}} {
		m := got[i]
		if m.Kind != channel.Media || m.File == nil || m.File.Size != int64(len(want.Data)) || m.File.Name != want.Name || m.File.Image != want.Image {
			t.Fatalf("%s arrived as %+v, %+v", want.Name, m, m.File)
		}
		f, err := n.channel.Fetch(t.Context(), *m.File)
		if err != nil || f.Name != want.Name || f.Image != want.Image || !bytes.Equal(f.Data, want.Data) {
			t.Errorf("fetched %s with %d bytes: %v", f.Name, len(f.Data), err)
		}
	}
	if got[0].Text != "la carte du jour" || got[2].File != nil {
		t.Errorf("the caption is %q, the voice's file %+v", got[0].Text, got[2].File)
	}
}

func TestAFileThatIsTooLargeIsNotBroughtIn(t *testing.T) {
	n := fresh(t)
	n.user.SendDocument("film.mp4", make([]byte, 10<<20+1), "")
	n.user.SendDocument("longer.mp4", make([]byte, 20<<20+1), "")
	n.user.SendDocument("just right.bin", make([]byte, 10<<20), "")
	got := n.received(3)
	for _, m := range got[:2] {
		unsized := *m.File
		unsized.Size = 0
		for _, f := range []channel.FileRef{*m.File, unsized} {
			if _, err := n.channel.Fetch(t.Context(), f); !errors.Is(err, channel.ErrTooLarge) || channel.FaultOf(err).Fault != channel.Rejected {
				t.Errorf("%s of %d bytes: %v", f.Name, f.Size, err)
			}
		}
	}
	if calls := n.server.Calls(telegramtest.Download); len(calls) != 0 {
		t.Errorf("%d of them were downloaded", len(calls))
	}
	if f, err := n.channel.Fetch(t.Context(), *got[2].File); err != nil || len(f.Data) != 10<<20 {
		t.Errorf("as large as may be: %d bytes, %v", len(f.Data), err)
	}
}

// fileServer is a Bot API that says of every file that it has one byte, and serves many.
func fileServer(t *testing.T, size int) *telegram.Channel {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/getFile") {
			_, _ = w.Write([]byte(`{"ok":true,"result":{"file_id":"a","file_size":1,"file_path":"documents/à propos ?.pdf"}}`))
			return
		}
		if !strings.HasSuffix(r.URL.Path, "/documents/à propos ?.pdf") {
			t.Errorf("%s was asked for", r.URL.Path)
		}
		_, _ = w.Write(make([]byte, size))
	}))
	t.Cleanup(s.Close)
	return telegram.New(telegram.Settings{Token: telegramtest.Token, API: s.URL}, slog.New(slog.DiscardHandler))
}

func TestAFileIsNotBelievedToBeAsSmallAsItIsSaidToBe(t *testing.T) {
	if f, err := fileServer(t, 10<<20).Fetch(t.Context(), channel.FileRef{ID: "a"}); err != nil || len(f.Data) != 10<<20 {
		t.Errorf("as large as may be: %d bytes, %v", len(f.Data), err)
	}
	if f, err := fileServer(t, 10<<20+1).Fetch(t.Context(), channel.FileRef{ID: "a"}); !errors.Is(err, channel.ErrTooLarge) || f.Data != nil {
		t.Errorf("one byte more: %d bytes, %v", len(f.Data), err)
	}
}

func TestAFailedDownloadSaysWhatHappensNextAndKeepsTheTokenIn(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		fault  telegramtest.Fault
		want   channel.Fault
	}{
		"asking is throttled":    {"getFile", telegramtest.TooMany(4), channel.Throttled},
		"the answer is lost":     {"getFile", telegramtest.LostAnswer(), channel.Temporary},
		"Telegram lost it":       {"getFile", telegramtest.Refuse(400, "Bad Request: wrong file_id or the file is temporarily unavailable"), channel.Rejected},
		"the line is cut":        {telegramtest.Download, telegramtest.Cut(), channel.Temporary},
		"a gateway":              {telegramtest.Download, telegramtest.BadGateway(), channel.Temporary},
		"downloads are slowed":   {telegramtest.Download, telegramtest.TooMany(4), channel.Throttled},
		"it is not there":        {telegramtest.Download, telegramtest.Refuse(404, "Not Found"), channel.Rejected},
		"the token was replaced": {telegramtest.Download, telegramtest.Refuse(401, "Unauthorized"), channel.Off},
	} {
		t.Run(name, func(t *testing.T) {
			n := fresh(t)
			n.user.SendDocument("a.pdf", []byte("%PDF"), "")
			ref := *n.received(1)[0].File
			// Go itself asks once more for a file whose line was cut.
			n.server.Next(c.method, c.fault, c.fault)
			_, err := n.channel.Fetch(t.Context(), ref)
			fault := channel.FaultOf(err)
			if err == nil || fault.Fault != c.want {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			if c.want == channel.Throttled && fault.RetryAfter != 4*time.Second {
				t.Errorf("retry after %v", fault.RetryAfter)
			}
			if strings.Contains(err.Error(), telegramtest.Token) || strings.Contains(n.log.String(), telegramtest.Token) {
				t.Errorf("the token is in %v or in the log", err)
			}
		})
	}
}

func TestADownloadThatHangsEndsWithItsContext(t *testing.T) {
	n := fresh(t)
	n.user.SendDocument("a.pdf", []byte("%PDF"), "")
	ref := *n.received(1)[0].File
	if f, err := n.channel.Fetch(t.Context(), ref); err != nil || string(f.Data) != "%PDF" {
		t.Errorf("before that: %q, %v", f.Data, err)
	}
	n.server.Next(telegramtest.Download, telegramtest.Hang())
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		n.server.WaitFor(t, "the download", func() bool { return len(n.server.Called(telegramtest.Download)) == 2 })
		cancel()
	}()
	if _, err := n.channel.Fetch(ctx, ref); channel.FaultOf(err).Fault != channel.Temporary || strings.Contains(err.Error(), telegramtest.Token) {
		t.Errorf("a download that hangs: %v", err)
	}
}
