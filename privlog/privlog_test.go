package privlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"chasqui/privlog"
)

// secrets are what must never be written, in forms that people and libraries give them.
var secrets = []string{
	"+51 987 654 321", "987654321", "(01) 200-1000 22", "ana.quispe@example.org", "123456789:AAF-emulated_token-of-thirty-five-c",
	"https://api.telegram.org/bot123456789:AAF-emulated_token-of-thirty-five-c/getMe", "postgres://chasqui:s3cret@db/chasqui",
}

type stranger struct{ phone string }

func (s stranger) LogValue() slog.Value { return slog.StringValue(s.phone) }

func TestNothingPrivateIsWritten(t *testing.T) {
	for _, secret := range secrets {
		var out bytes.Buffer
		log := slog.New(privlog.New(slog.NewJSONHandler(&out, nil)))
		failure := fmt.Errorf("send: %w", errors.New("dial "+secret))
		log.With("error", failure).WithGroup("g").Error("to "+secret, "error", failure, "reason", secret, "who", stranger{secret},
			slog.Group("deep", "er", slog.GroupValue(slog.Any("error", failure))), "list", []string{secret}, "struct", struct{ X string }{secret})
		for _, part := range []string{secret, "987 654", "987654321", "AAF-emulated", "quispe@", "s3cret"} {
			if strings.Contains(secret, part) && strings.Contains(out.String(), part) {
				t.Errorf("%q is in %s", part, out.String())
			}
		}
	}
}

func TestKeysThatMayNameAPersonAreHiddenWhole(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(privlog.New(slog.NewJSONHandler(&out, nil)))
	log.Info("x", "name", "Ana Quispe", "text", "estoy en Cusco", "Phone", "nine eight seven", slog.Group("member", "name", "Ana Quispe"), "network", "telegram", "delivery", 12)
	got := out.String()
	if strings.Contains(got, "Ana") || strings.Contains(got, "Cusco") || strings.Contains(got, "nine") {
		t.Errorf("wrote %s", got)
	}
	if !strings.Contains(got, `"network":"telegram"`) || !strings.Contains(got, `"delivery":12`) {
		t.Errorf("hid what is needed: %s", got)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range secrets {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := privlog.Text(s)
		if again := privlog.Text(once); again != once {
			t.Errorf("%q still holds something: %q then %q", s, once, again)
		}
		if !strings.HasSuffix(privlog.Text(s+" 123456789:AAF-emulated_token-of-thirty-five-c"), "[hidden]") {
			t.Errorf("a token after %q is shown", s)
		}
	})
}
