package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/caarlos0/env/v11"
	"github.com/spf13/pflag"
)

// settingError is a setting that cannot be used: exit code 2, one line, with what to do.
type settingError struct{ text string }

func (e *settingError) Error() string { return e.text }

// wrongSetting keeps the promise of one line, whatever the wrong value holds.
func wrongSetting(format string, args ...any) error {
	return &settingError{strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")}
}

// settings are what an operator can set. The file's keys are the names in the toml tags; the
// environment's come with CHASQUI_ before them.
type settings struct {
	Data         string `toml:"data" env:"DATA"`
	Database     string `toml:"database" env:"DATABASE"`
	Listen       string `toml:"listen" env:"LISTEN"`
	PublicURL    string `toml:"public_url" env:"PUBLIC_URL"`
	TrustedProxy string `toml:"trusted_proxy" env:"TRUSTED_PROXY"`
	Webchat      string `toml:"webchat" env:"WEBCHAT"`
	Timezone     string `toml:"timezone" env:"TIMEZONE"`

	TelegramToken     string  `toml:"telegram_token" env:"TELEGRAM_TOKEN"`
	TelegramTokenFile string  `toml:"telegram_token_file" env:"TELEGRAM_TOKEN_FILE"`
	TelegramAPI       string  `toml:"telegram_api" env:"TELEGRAM_API"`
	TelegramRate      float64 `toml:"telegram_rate" env:"TELEGRAM_RATE"`
	TelegramWebhook   string  `toml:"telegram_webhook" env:"TELEGRAM_WEBHOOK"`

	// MetricsToken lets others than this machine scrape /metrics.
	MetricsToken string `toml:"metrics_token" env:"METRICS_TOKEN"`

	// Clock makes time run from an instant, for demonstrations and tests.
	Clock string `toml:"clock" env:"CLOCK"`

	zone    *time.Location
	proxies []netip.Prefix
	clock   time.Time
}

func defaultSettings() settings {
	return settings{
		Data: "./data", Database: "sqlite:", Listen: "127.0.0.1:8080", Timezone: "America/Lima",
		TelegramAPI: "https://api.telegram.org", TelegramRate: 25,
	}
}

// flagSettings are the flags as given; what was not given stays empty and changes nothing.
type flagSettings struct {
	config, data, database, listen, publicURL, timezone string
}

func (f *flagSettings) register(set *pflag.FlagSet) {
	set.StringVar(&f.config, "config", "", "settings file (default chasqui.toml, if there is one)")
	set.StringVar(&f.data, "data", "", "data directory (default ./data)")
	set.StringVar(&f.database, "database", "", "database, sqlite: by default")
	set.StringVar(&f.listen, "listen", "", "address of the console (default 127.0.0.1:8080; :0 chooses a port)")
	set.StringVar(&f.publicURL, "public-url", "", "address at which people reach the console")
	set.StringVar(&f.timezone, "timezone", "", "the community's time zone (default America/Lima)")
}

// settings reads flags over environment over file, and checks the result once.
func (p *program) settings() (settings, error) {
	s := defaultSettings()
	if err := s.readFile(p.flags.config); err != nil {
		return s, err
	}
	if err := s.readEnvironment(p.environ); err != nil {
		return s, err
	}
	for given, set := range map[string]*string{
		p.flags.data: &s.Data, p.flags.database: &s.Database, p.flags.listen: &s.Listen, p.flags.publicURL: &s.PublicURL, p.flags.timezone: &s.Timezone,
	} {
		if given != "" {
			*set = given
		}
	}
	if err := s.check(); err != nil {
		return s, err
	}
	if began := time.Now(); !s.clock.IsZero() {
		p.now = func() time.Time { return s.clock.Add(time.Since(began)) }
	}
	return s, nil
}

func (s *settings) readFile(name string) error {
	optional := name == ""
	if optional {
		name = "chasqui.toml"
	}
	data, err := os.ReadFile(name)
	if optional && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return wrongSetting("cannot read the settings file %s: %v", name, errors.Unwrap(err))
	}
	return s.parse(name, data)
}

// parse reads the file's text. A key that nobody knows is refused with its line, since a typo in
// a setting is otherwise found in the worst hour.
func (s *settings) parse(name string, data []byte) error {
	meta, err := toml.Decode(string(data), s)
	var bad toml.ParseError
	if errors.As(err, &bad) {
		return wrongSetting("%s:%d: %s", name, bad.Position.Line, bad.Message)
	}
	if err != nil {
		return wrongSetting("%s: %v", name, err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		key := unknown[0].String()
		return wrongSetting("%s:%d: unknown key %s: see README.md for the settings", name, lineOf(data, unknown[0]), key)
	}
	return nil
}

// lineOf finds where a key is set. The library keeps no lines of keys that decoded into nothing.
func lineOf(data []byte, key toml.Key) int {
	last := key[len(key)-1]
	pattern := regexp.MustCompile(`^\s*(?:\[+.*)?["']?` + regexp.QuoteMeta(last) + `["']?\s*(?:=|\]|\.)`)
	for i, line := range strings.Split(string(data), "\n") {
		if pattern.MatchString(line) {
			return i + 1
		}
	}
	return 1
}

// otherVariables are read elsewhere than in settings, by their whole name.
var otherVariables = []string{"CHASQUI_CHROMIUM", "CHASQUI_REQUIRE_CHROMIUM", "CHASQUI_KILLS"}

func (s *settings) readEnvironment(environ []string) error {
	vars := map[string]string{}
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "CHASQUI_") && value != "" {
			vars[name] = value
		}
	}
	if err := env.ParseWithOptions(s, env.Options{Prefix: "CHASQUI_", Environment: vars}); err != nil {
		return wrongSetting("environment: %v", err)
	}
	known := knownVariables()
	for name := range vars {
		if !known[name] {
			return wrongSetting("environment: unknown setting %s: see README.md for the settings", name)
		}
	}
	return nil
}

func knownVariables() map[string]bool {
	known := map[string]bool{}
	for _, name := range otherVariables {
		known[name] = true
	}
	params, err := env.GetFieldParamsWithOptions(&settings{}, env.Options{Prefix: "CHASQUI_"})
	if err != nil {
		panic(fmt.Sprintf("the settings' own tags are wrong: %v", err))
	}
	for _, p := range params {
		if p.OwnKey != "" {
			known[p.Key] = true
		}
	}
	return known
}

func (s *settings) check() error {
	var err error
	if s.zone, err = time.LoadLocation(s.Timezone); err != nil || s.Timezone == "" {
		return wrongSetting("timezone %q is not known: write one such as America/Lima", s.Timezone)
	}
	if s.Database != "sqlite:" && s.Database != "sqlite" {
		return wrongSetting("database %q: this version knows sqlite: only", redactText(s.Database))
	}
	if _, _, err := net.SplitHostPort(s.Listen); err != nil {
		return wrongSetting("listen %q is not an address: write one such as 127.0.0.1:8080", s.Listen)
	}
	if s.PublicURL != "" && !webAddress(s.PublicURL) {
		return wrongSetting("public-url %q: write a whole address such as https://chasqui.example.org", s.PublicURL)
	}
	if s.Webchat != "" && s.Webchat != "on" && s.Webchat != "off" {
		return wrongSetting("webchat %q: write on or off", s.Webchat)
	}
	if s.MetricsToken != "" && !secretForm.MatchString(s.MetricsToken) {
		return wrongSetting("metrics_token: write at least 16 letters, digits or signs, such as openssl rand -hex 16 makes")
	}
	if s.Clock != "" {
		if s.clock, err = time.Parse(time.RFC3339, s.Clock); err != nil {
			return wrongSetting("clock %q: write an instant such as 2026-11-24T15:00:00-05:00", s.Clock)
		}
	}
	if err := s.checkProxies(); err != nil {
		return err
	}
	return s.checkTelegram()
}

// secretForm is what a header can carry and nobody guesses.
var secretForm = regexp.MustCompile(`^[!-~]{16,}$`)

func (s *settings) checkProxies() error {
	for text := range strings.FieldsSeq(strings.ReplaceAll(s.TrustedProxy, ",", " ")) {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			addr, err := netip.ParseAddr(text)
			if err != nil {
				return wrongSetting("trusted_proxy %q: write addresses or networks such as 10.0.0.0/8", text)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		s.proxies = append(s.proxies, prefix)
	}
	return nil
}

var tokenForm = regexp.MustCompile(`^\d{5,}:[A-Za-z0-9_-]{20,}$`)

func (s *settings) checkTelegram() error {
	if s.TelegramTokenFile != "" {
		data, err := os.ReadFile(s.TelegramTokenFile)
		if err != nil {
			return wrongSetting("cannot read the Telegram token file: %v", errors.Unwrap(err))
		}
		s.TelegramToken = strings.TrimSpace(string(data))
	}
	if s.TelegramToken != "" && !tokenForm.MatchString(s.TelegramToken) {
		return wrongSetting("the Telegram token does not look like one: copy it again from @BotFather, digits, a colon and letters")
	}
	if !webAddress(s.TelegramAPI) {
		return wrongSetting("telegram_api %q: write a whole address such as https://api.telegram.org", s.TelegramAPI)
	}
	if s.TelegramRate <= 0 || s.TelegramRate > 1000 {
		return wrongSetting("telegram_rate %v: write how many messages a second, 25 if you do not know", s.TelegramRate)
	}
	if s.TelegramWebhook != "" && !strings.HasPrefix(s.TelegramWebhook, "https://") {
		return wrongSetting("telegram_webhook %q: Telegram only calls https:// addresses", s.TelegramWebhook)
	}
	return nil
}

func webAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func (s settings) databaseFile() string { return filepath.Join(s.Data, "chasqui.db") }
