package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// Exit codes of the contract.
const (
	exitOK      = 0
	exitFailure = 1
	exitSetting = 2
)

// program is what every subcommand shares.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	flags          flagSettings
	now            func() time.Time
}

// run is the whole program but for the process around it, so that tests start it as a person does.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{stdin: stdin, stdout: stdout, stderr: stderr, environ: os.Environ(), now: time.Now}
	root := p.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "chasqui: %s\n", strings.ReplaceAll(redactText(err.Error()), "\n", "; "))
	var wrong *settingError
	if errors.As(err, &wrong) {
		return exitSetting
	}
	return exitFailure
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "chasqui",
		Short:         "Bot and notification service of a volunteer community, on Telegram, in the terminal and in the browser",
		Long:          "Chasqui answers questions, hands over to people, and carries messages of a volunteer community.\nWithout a command it serves: the bot on every network that has credentials, and the chat page on loopback.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return p.serve(c.Context()) },
	}
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &settingError{err.Error() + ": see chasqui help"} })
	p.flags.register(root.PersistentFlags())
	root.AddCommand(
		&cobra.Command{Use: "serve", Short: "Run the bot, the schedules and the console", Args: noArgs,
			RunE: func(c *cobra.Command, _ []string) error { return p.serve(c.Context()) }},
		p.chatCommand(), p.announceCommand(), p.groupCommand(), p.eventCommand(), p.staffCommand(), p.memberCommand(), p.faqCommand(), p.backupCommand(), p.restoreCommand(), p.doctorCommand(), p.benchCommand(),
		&cobra.Command{Use: "version", Short: "Print the version", Args: noArgs,
			RunE: func(*cobra.Command, []string) error {
				_, err := fmt.Fprintln(p.stdout, "chasqui", version())
				return err
			}},
	)
	return root
}

func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return &settingError{fmt.Sprintf("%s takes no %q: see chasqui help", c.CommandPath(), args[0])}
	}
	return nil
}

// number reads what numbers members, announcements and events.
func number(text, what string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, wrongSetting("%q is not %s", text, what)
	}
	return id, nil
}

func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return &settingError{fmt.Sprintf("%s needs %s: see chasqui help %s", c.CommandPath(), what, strings.TrimPrefix(c.CommandPath(), "chasqui "))}
		}
		return nil
	}
}

// version is the module's version and, for a build from a checkout, its commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "development"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 && !strings.Contains(v, s.Value[:12]) {
			v += " " + s.Value[:12]
		}
	}
	return v
}
