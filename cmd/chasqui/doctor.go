package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"chasqui/channel/telegram"
	"chasqui/faq"
	"chasqui/store"
)

// remark is one line of doctor.
type remark struct {
	ok   bool
	what string
	// fix says what to do where it failed, or what is still to be done.
	fix string
	// note is for what is not wrong yet.
	note bool
}

func (p *program) doctorCommand() *cobra.Command {
	var running bool
	c := &cobra.Command{
		Use: "doctor", Short: "Check settings, database, clock, networks, disk and backups", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := p.settings()
			if err != nil {
				return err
			}
			if running {
				return p.askRunning(c.Context(), s)
			}
			bad := 0
			for _, r := range p.examine(c.Context(), s) {
				if r.note {
					fmt.Fprintf(p.stdout, "note  %s: %s\n", r.what, r.fix)
					continue
				}
				if r.ok {
					fmt.Fprintf(p.stdout, "ok    %s\n", r.what)
					continue
				}
				bad++
				fmt.Fprintf(p.stdout, "FAIL  %s: %s\n", r.what, r.fix)
			}
			if bad > 0 {
				return fmt.Errorf("%d checks failed", bad)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&running, "running", false, "only ask the serve that runs here whether it is ready")
	return c
}

// askRunning is what a container's health check calls: the image holds no other program.
func (p *program) askRunning(ctx context.Context, s settings) error {
	host, port, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return wrongSetting("listen %q is not an address", s.Listen)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("ask serve: %w", err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("serve does not answer: %w", err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("serve is not ready: status %d", resp.StatusCode)
	}
	_, err = fmt.Fprintln(p.stdout, "ready")
	return err
}

func (p *program) examine(ctx context.Context, s settings) []remark {
	remarks := []remark{{ok: true, what: fmt.Sprintf("settings: data in %s, zone %s, console on %s", s.Data, s.Timezone, s.Listen)}}
	// Before the database is opened: whoever closes it last cuts its log.
	remarks = append(remarks, examineLog(s.databaseFile()))
	remarks = append(remarks, p.examineDatabase(ctx, s)...)
	remarks = append(remarks, p.examineClock(), examineDisk(s.Data), p.examineBackups(s), p.examineTelegram(ctx, s), examineFAQ(p.now()))
	return remarks
}

func (p *program) examineDatabase(ctx context.Context, s settings) []remark {
	st, err := store.Open(ctx, s.databaseFile(), p.now())
	if err != nil {
		return []remark{{what: "database", fix: err.Error()}}
	}
	out := []remark{}
	if err := st.Integrity(ctx); err != nil {
		out = append(out, remark{what: "database", fix: err.Error() + ": restore the newest backup"})
	} else {
		out = append(out, remark{ok: true, what: "database: whole, all references hold"})
	}
	if since, _, err := st.Paused(ctx); err == nil && !since.IsZero() {
		out = append(out, remark{what: "sending", fix: "paused since " + since.In(s.zone).Format("02/01/2006 15:04") + ": a publisher sends /resume to the bot"})
	}
	out = append(out, recount(ctx, st))
	out = append(out, p.examineStuck(ctx, st, s)...)
	staff, err := st.Staff(ctx)
	switch {
	case err != nil:
		out = append(out, remark{what: "team", fix: err.Error()})
	case len(staff) == 0:
		out = append(out, remark{note: true, what: "team", fix: "nobody gets the tickets: run chasqui staff invite --role admin"})
	default:
		out = append(out, remark{ok: true, what: fmt.Sprintf("team: %d people get the tickets", len(staff))})
	}
	if err := st.Close(); err != nil {
		out = append(out, remark{what: "database", fix: err.Error()})
	}
	return out
}

// largestLog is far more than a night's work leaves in the log.
const largestLog = 200 << 20

// examineLog catches a reader that is stuck: for as long as it reads, nothing of the log can be used again.
func examineLog(database string) remark {
	info, err := os.Stat(database + "-wal")
	switch {
	case errors.Is(err, os.ErrNotExist):
		return remark{ok: true, what: "log: none, nothing has the database open"}
	case err != nil:
		return remark{what: "log", fix: err.Error()}
	case info.Size() > largestLog:
		return remark{what: "log", fix: fmt.Sprintf("%s-wal has %d MB: something reads the database without end. Close other programs that have it open, or restart chasqui serve; the next night cuts it",
			filepath.Base(database), info.Size()>>20)}
	}
	return remark{ok: true, what: fmt.Sprintf("log: %d MB", info.Size()>>20)}
}

// recount holds the counters of announcements against their deliveries.
func recount(ctx context.Context, st *store.Store) remark {
	wrong, err := st.Recount(ctx)
	if err != nil {
		return remark{what: "announcements", fix: err.Error()}
	}
	all, err := st.Announcements(ctx, 0)
	if err != nil {
		return remark{what: "announcements", fix: err.Error()}
	}
	if len(wrong) > 0 {
		return remark{what: "announcements", fix: fmt.Sprintf("the counts of %v are not those of their deliveries: restore the newest backup and report it", wrong)}
	}
	return remark{ok: true, what: fmt.Sprintf("announcements: the counts of all %d hold", len(all))}
}

// examineClock catches a machine whose clock was never set: certificates fail and dates are wrong.
func (p *program) examineClock() remark {
	if now := p.now(); now.Year() < 2026 {
		return remark{what: "clock", fix: "it says " + now.Format(time.RFC3339) + ": set the machine's time"}
	}
	return remark{ok: true, what: "clock: " + p.now().UTC().Format(time.RFC3339)}
}

// leastDisk leaves room for a backup of some years of data.
const leastDisk = 500 << 20

func examineDisk(dir string) remark {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return remark{what: "disk", fix: err.Error()}
	}
	free := st.Bavail * uint64(st.Bsize)
	if free < leastDisk {
		return remark{what: "disk", fix: fmt.Sprintf("%d MB are free: make room, 500 MB at least", free>>20)}
	}
	return remark{ok: true, what: fmt.Sprintf("disk: %d MB free", free>>20)}
}

// examineBackups accepts a database younger than its first night.
func (p *program) examineBackups(s settings) remark {
	found, err := filepath.Glob(filepath.Join(s.Data, "backups", "chasqui-????????.db"))
	if err != nil {
		return remark{what: "backups", fix: err.Error()}
	}
	if len(found) == 0 {
		return remark{ok: true, what: "backups: none yet, serve takes one every night"}
	}
	sort.Strings(found)
	info, err := os.Stat(found[len(found)-1])
	if err != nil {
		return remark{what: "backups", fix: err.Error()}
	}
	if age := p.now().Sub(info.ModTime()); age > 50*time.Hour {
		return remark{what: "backups", fix: fmt.Sprintf("the newest is %d days old: keep serve running at night, or run chasqui backup FILE", int(age.Hours()/24))}
	}
	return remark{ok: true, what: fmt.Sprintf("backups: %d kept, the newest of %s", len(found), info.ModTime().In(s.zone).Format("02/01/2006"))}
}

func (p *program) examineTelegram(ctx context.Context, s settings) remark {
	if s.TelegramToken == "" {
		return remark{ok: true, what: "telegram: off, no token is set"}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	name, err := telegram.New(telegram.Settings{Token: s.TelegramToken, API: s.TelegramAPI}, newLog(p.stderr)).Check(ctx)
	if err != nil {
		return remark{what: "telegram", fix: err.Error() + ": check the token with @BotFather and the way to " + s.TelegramAPI}
	}
	return remark{ok: true, what: "telegram: connected as @" + name}
}

func examineFAQ(now time.Time) remark {
	entries, err := faq.Builtin()
	if err != nil {
		return remark{what: "faq", fix: err.Error()}
	}
	overdue := 0
	for _, e := range entries {
		if e.Review.Before(now) {
			overdue++
		}
	}
	return remark{ok: true, what: fmt.Sprintf("faq: %d entries, %d due for review", len(entries), overdue)}
}
