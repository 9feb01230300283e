package chasqui_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// domain is what the rest is about.
var domain = []string{"agenda", "community", "faq", "desk", "outbox", "broadcast"}

// mayImport says which of our packages each of them may import; ARCHITECTURE.md shows the same table.
// What is not listed may import nothing of ours.
var mayImport = map[string][]string{
	"channel":              {},
	"i18n":                 {},
	"privlog":              {},
	"channel/telegram":     {"channel"},
	"channel/terminal":     {"channel"},
	"channel/webchat":      {"channel"},
	"channel/telegramtest": {},
	"channel/channeltest":  {"channel"},
	"community":            {"channel", "i18n"},
	"faq":                  {"i18n"},
	"desk":                 {"channel", "community", "i18n"},
	"outbox":               {"channel", "community"},
	"broadcast":            {"channel", "community", "i18n", "outbox"},
	"agenda":               {"channel", "community", "i18n", "outbox"},
	"metrics":              {"broadcast", "channel", "outbox"},
	"bot":                  append([]string{"channel", "i18n"}, domain...),
	"console":              append([]string{"channel", "channel/webchat", "i18n"}, domain...),
	"store":                append([]string{"bot", "channel", "i18n"}, domain...),
	"bench":                append([]string{"channel", "i18n", "store"}, domain...),
	"store/storetest":      append([]string{"bot", "channel", "i18n"}, domain...),
}

// onlyIn says which single package may import a library.
var onlyIn = map[string]string{
	"github.com/go-telegram-bot-api/telegram-bot-api/v5": "channel/telegram",
	"modernc.org/sqlite":                                        "store",
	"github.com/nicksnyder/go-i18n/v2/i18n":                     "i18n",
	"github.com/xuri/excelize/v2":                               "community",
	"github.com/nyaruka/phonenumbers":                           "community",
	"github.com/prometheus/client_golang/prometheus":            "metrics",
	"github.com/prometheus/client_golang/prometheus/collectors": "metrics",
	"github.com/prometheus/client_golang/prometheus/promhttp":   "metrics",
	"github.com/schollz/progressbar/v3":                         "cmd/chasqui",
	"github.com/robfig/cron/v3":                                 "cmd/chasqui",
	"github.com/spf13/cobra":                                    "cmd/chasqui",
	"github.com/teambition/rrule-go":                            "agenda",
	"github.com/arran4/golang-ical":                             "agenda",
}

func TestImportsGoOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for list := json.NewDecoder(strings.NewReader(string(out))); ; seen++ {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := list.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		from := strings.TrimPrefix(p.ImportPath, "chasqui/")
		allowed, listed := mayImport[from]
		if !listed && from != "cmd/chasqui" && from != "chasqui" {
			t.Errorf("%s stands in no line of the table", from)
		}
		for _, imported := range p.Imports {
			if ours, ok := strings.CutPrefix(imported, "chasqui/"); ok && from != "cmd/chasqui" && !slices.Contains(allowed, ours) {
				t.Errorf("%s must not import %s", from, ours)
			}
			if only, ok := onlyIn[imported]; ok && from != only {
				t.Errorf("%s must not import %s: only %s does", from, imported, only)
			}
		}
	}
	if seen < 15 {
		t.Errorf("only %d packages were looked at", seen)
	}
}
