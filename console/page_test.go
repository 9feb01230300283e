package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"chasqui/i18n"
)

// browser finds Chromium, or skips; with CHASQUI_REQUIRE_CHROMIUM set, as in CI, a missing one fails.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := os.Getenv("CHASQUI_CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path == "" {
			path, _ = exec.LookPath(name)
		}
	}
	if path == "" {
		if os.Getenv("CHASQUI_REQUIRE_CHROMIUM") != "" {
			t.Fatal("Chromium is required here and was not found")
		}
		t.Skip("no Chromium was found: install it, or name it in CHASQUI_CHROMIUM")
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() { cancel(); stop() })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return ctx
}

type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML string `json:"html"`
	} `json:"nodes"`
}

const runAxe = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
	.then(r => JSON.stringify(r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map(n => ({html: n.html}))}))))`

// TestPagesForEverybody opens the chat page as people do: on a small phone, a phone and a desktop, by
// day and by night, in three languages. axe finds faults of form; with CHASQUI_SHOTS set to a folder, the
// pictures are kept for eyes to look at.
func TestPagesForEverybody(t *testing.T) {
	ctx := browser(t)
	axe, err := os.ReadFile("testdata/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	p := newPage(t, nil)
	var mu sync.Mutex
	var complaints []string
	if err := chromedp.Listen(ctx, func(ev any) {
		if e, ok := ev.(*cdplog.EventEntryAdded); ok {
			mu.Lock()
			defer mu.Unlock()
			complaints = append(complaints, fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL))
		}
	}); err != nil {
		t.Fatal(err)
	}
	for _, width := range []int64{320, 390, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			for _, l := range i18n.Langs {
				t.Run(fmt.Sprintf("%d %s %s", width, scheme, l), func(t *testing.T) { p.looksRight(t, ctx, string(axe), width, scheme, l) })
			}
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(complaints) > 0 {
		t.Errorf("the browser complains: %q", complaints)
	}
}

func (p *page) looksRight(t *testing.T, ctx context.Context, axe string, width int64, scheme string, l i18n.Lang) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	media := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	})
	// Without its cookie the browser is somebody new, with an empty page.
	cookies := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.ClearBrowserCookies, cdp.Empty{})
		return err
	})
	must(t, chromedp.Do(ctx, chromedp.EmulateViewport(width, 760), media, cookies, chromedp.Navigate(p.server.URL+"/chat?lang="+string(l)), chromedp.WaitVisible("#text")))
	p.accessible(t, ctx, axe, fmt.Sprintf("empty-%d-%s-%s", width, scheme, l))
	must(t, chromedp.Do(ctx, chromedp.SendKeys("#text", "¿Cuántos días puedo quedarme?\r"), chromedp.WaitVisible(".line.bot .choice")))
	p.accessible(t, ctx, axe, fmt.Sprintf("talk-%d-%s-%s", width, scheme, l))
	overflow, err := chromedp.Run(ctx, chromedp.Evaluate[float64]("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
	if err != nil || overflow > 0 {
		t.Errorf("%v pixels wider than the screen, %v", overflow, err)
	}
	p.now = p.now.Add(time.Minute)
}

func (p *page) accessible(t *testing.T, ctx context.Context, axe, name string) {
	t.Helper()
	must(t, chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](axe)))
	result, err := chromedp.Run(ctx, chromedp.Evaluate[string](runAxe, chromedp.EvalAwaitPromise))
	must(t, err)
	var violations []violation
	must(t, json.Unmarshal([]byte(result), &violations))
	for _, v := range violations {
		t.Errorf("%s: %s (%s): %v", name, v.ID, v.Help, v.Nodes)
	}
	if dir := os.Getenv("CHASQUI_SHOTS"); dir != "" {
		shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, name+".png"), shot, 0o600))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition in the page.
func until(condition string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := chromedp.Poll[bool](condition)(ctx, target)
		return err
	})
}

func TestALiveConversation(t *testing.T) {
	ctx, cancel := context.WithTimeout(browser(t), time.Minute)
	defer cancel()
	p := newPage(t, nil)
	must(t, chromedp.Do(ctx, chromedp.EmulateViewport(390, 760), chromedp.Navigate(p.server.URL+"/chat?lang=en"), chromedp.WaitVisible("#text"),
		// Before its scripts run the page works by reloading, which is not what is looked at here.
		until("window.htmx !== undefined && document.readyState === 'complete'"),
		chromedp.Click(".starter"), chromedp.WaitVisible(".line.bot")))
	// One more, then a tap: the line changes where it stands, and nothing is there twice.
	must(t, chromedp.Do(ctx, chromedp.SendKeys("#text", "second\r"), chromedp.WaitVisible(".line.bot:nth-of-type(4) .choice"),
		chromedp.Click(".line.bot:nth-of-type(4) .choice")))
	must(t, chromedp.Do(ctx, until(`document.querySelectorAll(".line.bot")[1].textContent.includes("q:more")`)))
	text, err := chromedp.Run(ctx, chromedp.Text("#log"))
	must(t, err)
	if strings.Count(text, "second") != 1 {
		t.Errorf("the conversation reads %q", text)
	}
	lines, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`document.querySelectorAll("#log .line").length`))
	if err != nil || lines != 4 {
		t.Errorf("%v lines, %v", lines, err)
	}
	// What is being typed survives a tap; what was sent is gone.
	must(t, chromedp.Do(ctx, chromedp.SendKeys("#text", "half a thou"), chromedp.Click(".line.bot .choice"), until(`document.querySelectorAll(".line.bot")[0].textContent.includes("q:more")`)))
	if draft, err := chromedp.Run(ctx, chromedp.Value("#text")); err != nil || strings.TrimSpace(draft) != "half a thou" {
		t.Errorf("the field holds %q, %v", draft, err)
	}
	// What was not taken comes back, with a sentence that says so.
	must(t, chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](`document.getElementById("text").value = "the lock"`), chromedp.Click(".send"), chromedp.WaitVisible(".fault")))
	must(t, chromedp.Do(ctx, until(`document.getElementById("text").value === "the lock"`)))
}
