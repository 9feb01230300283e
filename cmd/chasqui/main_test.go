package main

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	if os.Getenv("CRASH_AT") != "" {
		crashChild()
		return
	}
	if os.Getenv("SERVE_IN") != "" {
		ctx, stop := signalled()
		defer stop()
		os.Exit(run(ctx, []string{"serve"}, os.Stdin, os.Stdout, os.Stderr))
	}
	testscript.Main(m, map[string]func(){
		"chasqui": func() {
			ctx, stop := signalled()
			defer stop()
			os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

func signalled() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}

// TestStories runs the binary as an operator does.
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: func(env *testscript.Env) error {
		// Nothing that this machine has set may reach a story.
		env.Vars = append(env.Vars, "HOME="+env.WorkDir, "USER=operator")
		return nil
	}})
}

func FuzzSettings(f *testing.F) {
	f.Add("data = \"x\"\n")
	f.Add("telegram_rate = 25\n[unknown]\nx = 1\n")
	f.Add("listen = 5\n")
	f.Add("\"listne\" = ':0'")
	f.Fuzz(func(t *testing.T, text string) {
		s := defaultSettings()
		err := s.parse("chasqui.toml", []byte(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "chasqui.toml:") || strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("an error that does not say where: %q", err)
			}
			return
		}
		if err := s.check(); err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("an error of several lines: %q", err)
		}
	})
}
