package console_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"chasqui/channel"
	"chasqui/channel/webchat"
	"chasqui/console"
	"chasqui/i18n"
)

// page is a running console with a browser's cookie jar.
type page struct {
	t      *testing.T
	web    *webchat.Channel
	server *httptest.Server
	client *http.Client
	now    time.Time
}

// answers is a bot of three lines: the page is tested here, the bot elsewhere.
func answers(web *webchat.Channel) channel.Receive {
	return func(ctx context.Context, m channel.Message) error {
		if strings.Contains(m.Text, "lock") {
			return errors.New("the database is locked")
		}
		c := channel.Content{Text: "*Answer* to " + m.Text + m.Data + "\n- see diplomatie.gouv.fr.", Buttons: [][]channel.Button{{{Label: "More about this", Data: "q:more"}, {Label: "Talk to the team", Data: "h:ask"}}}}
		if m.Kind == channel.Press {
			c.Edit = m.OnMessage
		}
		_, err := web.Send(ctx, channel.Outgoing{Key: m.ID, To: m.Chat, Content: c})
		return err
	}
}

func newPage(t *testing.T, change func(*console.Options)) *page {
	t.Helper()
	texts, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	p := &page{t: t, now: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return p.now }
	p.web = webchat.New(clock)
	o := console.Options{Chat: p.web, Texts: texts, Ready: func(context.Context) error { return nil }, Stopping: make(chan struct{}), Now: clock, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	handler, err := console.New(o)
	if err != nil {
		t.Fatal(err)
	}
	p.server = httptest.NewServer(handler)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = p.web.Run(ctx, answers(p.web)) }()
	t.Cleanup(func() { p.server.CloseClientConnections(); p.server.Close(); cancel(); <-done })
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p.client = &http.Client{Jar: jar}
	// The channel takes messages from the moment that Run has begun.
	for p.web.Say(ctx, "probe", "probe", "fr", "probe") != nil {
		time.Sleep(time.Millisecond)
	}
	return p
}

func (p *page) do(method, path string, form url.Values, header map[string]string) (*http.Response, string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	resp, err := p.client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp, string(body)
}

func TestTheWholeConversationWorksWithoutJavaScript(t *testing.T) {
	p := newPage(t, nil)
	resp, body := p.do("GET", "/", nil, map[string]string{"Accept-Language": "es-PE,es;q=0.9"})
	if resp.StatusCode != 200 || !strings.Contains(body, `lang="es"`) || !strings.Contains(body, "Escribe tu pregunta") {
		t.Fatalf("%d %.300s", resp.StatusCode, body)
	}
	form := url.Values{"text": {"<script>alert(1)</script> ¿cuántos días?"}, "lang": {"es"}, "id": {"00112233445566778899aabbccddeeff"}}
	for range 2 { // sent twice, as an impatient thumb does
		_, body = p.do("POST", "/chat/say", form, nil)
	}
	if strings.Count(body, `class="line you"`) != 1 || strings.Contains(body, "<script>alert") || !strings.Contains(body, "<strong>Answer</strong>") {
		t.Errorf("the page shows %s", body)
	}
	if !strings.Contains(body, `<a href="https://diplomatie.gouv.fr"`) {
		t.Error("an address is not a link")
	}
	_, body = p.do("POST", "/chat/press", url.Values{"on": {"bot-00112233445566778899aabbccddeeff"}, "data": {"q:more"}, "lang": {"es"}}, nil)
	if !strings.Contains(body, "q:more") || strings.Count(body, `class="line bot"`) != 1 {
		t.Errorf("a tap did not change the line in place: %s", body)
	}
}

func TestBadInputLosesNothingAndSaysOneSentence(t *testing.T) {
	p := newPage(t, nil)
	for name, c := range map[string]struct {
		text, want string
		status     int
	}{
		"empty":            {"  ", "Écris d&#39;abord ton message.", 422},
		"too long":         {strings.Repeat("é", 4001), "trop long", 422},
		"the bot is stuck": {"the lock", "est encore là", 503},
	} {
		form := url.Values{"text": {c.text}, "lang": {"fr"}}
		resp, body := p.do("POST", "/chat/say", form, map[string]string{"HX-Request": "true"})
		if resp.StatusCode != c.status || !strings.Contains(body, c.want) || !strings.Contains(body, `role="alert"`) || strings.Contains(body, "textarea") {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
		}
		// Without JavaScript the whole page comes back, with what was typed.
		resp, body = p.do("POST", "/chat/say", form, nil)
		if resp.StatusCode != c.status || !strings.Contains(body, c.want) || c.status == 503 && !strings.Contains(body, c.text+"</textarea>") {
			t.Errorf("%s, without JavaScript: %d %s", name, resp.StatusCode, body)
		}
	}
}

func TestWhoWritesTooFastWaits(t *testing.T) {
	p := newPage(t, nil)
	refused := 0
	for range 30 {
		resp, body := p.do("POST", "/chat/say", url.Values{"text": {"hi"}, "lang": {"en"}}, map[string]string{"HX-Request": "true"})
		if resp.StatusCode == http.StatusTooManyRequests {
			refused++
			if !strings.Contains(body, "You write very fast") {
				t.Fatalf("the refusal says %s", body)
			}
		}
	}
	if refused != 20 {
		t.Errorf("%d of 30 were refused", refused)
	}
	p.now = p.now.Add(time.Minute)
	if resp, _ := p.do("POST", "/chat/say", url.Values{"text": {"hi"}}, map[string]string{"HX-Request": "true"}); resp.StatusCode != 200 {
		t.Errorf("a minute later: %d", resp.StatusCode)
	}
}

func TestOnlyThisMachineUnlessOpened(t *testing.T) {
	proxy := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for name, c := range map[string]struct {
		change  func(*console.Options)
		forward string
		want    int
	}{
		"loopback":                      {nil, "", 200},
		"somebody behind a proxy":       {nil, "203.0.113.9", 403},
		"behind a trusted proxy":        {func(o *console.Options) { o.Trusted = proxy }, "203.0.113.9", 403},
		"loopback behind a trusted one": {func(o *console.Options) { o.Trusted = proxy }, "127.0.0.1", 200},
		"a forged header":               {func(o *console.Options) { o.Trusted = proxy }, "127.0.0.1, 203.0.113.9", 403},
		"opened":                        {func(o *console.Options) { o.Open = true }, "203.0.113.9", 200},
	} {
		p := newPage(t, c.change)
		header := map[string]string{}
		if c.forward != "" {
			header["X-Forwarded-For"] = c.forward
		}
		if resp, body := p.do("GET", "/chat", nil, header); resp.StatusCode != c.want || !strings.Contains(body, "Chasqui") {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
}

func TestHeadersAndForeignSites(t *testing.T) {
	p := newPage(t, func(o *console.Options) { o.Secure = true })
	resp, body := p.do("GET", "/chat", nil, nil)
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	if cookie := resp.Header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "__Host-") || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "Secure") {
		t.Errorf("cookie %q", cookie)
	}
	if resp, _ := p.do("POST", "/chat/say", url.Values{"text": {"hi"}}, map[string]string{"Sec-Fetch-Site": "cross-site"}); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a foreign site posted with %d", resp.StatusCode)
	}
	for _, quote := range []string{`href="/assets/`, `src="/assets/`} {
		_, rest, _ := strings.Cut(body, quote)
		asset, _, _ := strings.Cut(rest, `"`)
		resp, _ := p.do("GET", "/assets/"+asset, nil, nil)
		if resp.StatusCode != 200 || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", asset, resp.StatusCode, resp.Header)
		}
	}
	if resp, _ := p.do("GET", "/assets/000000000000/style.css", nil, nil); resp.StatusCode != 404 {
		t.Errorf("an asset of another version: %d", resp.StatusCode)
	}
}

func TestHealth(t *testing.T) {
	p := newPage(t, func(o *console.Options) { o.Ready = func(context.Context) error { return errors.New("no") } })
	if resp, _ := p.do("GET", "/healthz", nil, nil); resp.StatusCode != 200 {
		t.Errorf("healthz %d", resp.StatusCode)
	}
	if resp, _ := p.do("GET", "/readyz", nil, nil); resp.StatusCode != 503 {
		t.Errorf("readyz %d", resp.StatusCode)
	}
}

func TestAStreamThatComesBackGetsWhatItMissedOnce(t *testing.T) {
	p := newPage(t, nil)
	p.do("GET", "/chat", nil, nil)
	p.do("POST", "/chat/say", url.Values{"text": {"one"}}, nil)
	p.do("POST", "/chat/say", url.Values{"text": {"two"}}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", p.server.URL+"/chat/events?after=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Last-Event-ID", "2")
	resp, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	buf := make([]byte, 1<<16)
	got := ""
	for !strings.Contains(got, "id: 4") {
		n, err := resp.Body.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got += string(buf[:n])
	}
	if strings.Contains(got, "id: 1\n") || strings.Contains(got, "id: 2\n") || strings.Count(got, "event: line") != 2 {
		t.Errorf("the stream brought %s", got)
	}
}

// shelf is one calendar behind one secret.
type shelf struct{ broken bool }

func (s shelf) Calendar(_ context.Context, secret string) ([]byte, bool, error) {
	if s.broken {
		return nil, false, errors.New("the database is locked")
	}
	return []byte("BEGIN:VCALENDAR\r\n"), secret == "right", nil
}

func TestACalendarOpensToItsSecretAlone(t *testing.T) {
	for _, c := range []struct {
		path   string
		shelf  console.Calendars
		status int
	}{
		{"/calendar/right.ics", shelf{}, http.StatusOK},
		{"/calendar/wrong.ics", shelf{}, http.StatusNotFound},
		{"/calendar/right", shelf{}, http.StatusNotFound},
		{"/calendar/.ics", shelf{}, http.StatusNotFound},
		{"/calendar/right.ics", shelf{broken: true}, http.StatusInternalServerError},
		{"/calendar/right.ics", nil, http.StatusNotFound},
	} {
		p := newPage(t, func(o *console.Options) { o.Calendars = c.shelf })
		r, err := p.client.Get(p.server.URL + c.path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		if err := errors.Join(err, r.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if r.StatusCode != c.status || strings.Contains(string(body), "locked") {
			t.Errorf("%s: %d %s, want %d", c.path, r.StatusCode, body, c.status)
		}
		if c.status == http.StatusOK && (r.Header.Get("Content-Type") != "text/calendar; charset=utf-8" || !strings.Contains(r.Header.Get("Cache-Control"), "private") || string(body) != "BEGIN:VCALENDAR\r\n") {
			t.Errorf("%v %q", r.Header, body)
		}
	}
}

// The figures are for this machine; elsewhere only for who has the token, and without one there is nothing
// to be found.
func TestFiguresAreForThisMachineAndForTheToken(t *testing.T) {
	const token = "0123456789abcdef"
	figures := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "figures 1\n") })
	for name, c := range map[string]struct {
		token, forward, given string
		none                  bool
		want                  int
	}{
		"this machine":                      {want: 200},
		"this machine, with a token set":    {token: token, want: 200},
		"elsewhere, no token set":           {forward: "203.0.113.9", want: 404},
		"elsewhere, a guess, none set":      {forward: "203.0.113.9", given: "Bearer ", want: 404},
		"elsewhere, nothing given":          {token: token, forward: "203.0.113.9", want: 401},
		"elsewhere, a wrong one":            {token: token, forward: "203.0.113.9", given: "Bearer 0123456789abcdeX", want: 401},
		"elsewhere, half of it":             {token: token, forward: "203.0.113.9", given: "Bearer 01234567", want: 401},
		"elsewhere, as a password":          {token: token, forward: "203.0.113.9", given: "Basic " + token, want: 401},
		"elsewhere, the token":              {token: token, forward: "203.0.113.9", given: "Bearer " + token, want: 200},
		"nothing to show":                   {none: true, want: 404},
		"a forged header claims loopback":   {token: token, forward: "127.0.0.1", want: 401},
		"nothing to show, elsewhere, asked": {none: true, token: token, forward: "203.0.113.9", given: "Bearer " + token, want: 404},
	} {
		p := newPage(t, func(o *console.Options) {
			o.MetricsToken = c.token
			if !c.none {
				o.Metrics = figures
			}
		})
		header := map[string]string{}
		if c.forward != "" {
			header["X-Forwarded-For"] = c.forward
		}
		if c.given != "" {
			header["Authorization"] = c.given
		}
		resp, body := p.do("GET", "/metrics", nil, header)
		if resp.StatusCode != c.want || (c.want == 200) != strings.Contains(body, "figures") {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
		}
	}
}
