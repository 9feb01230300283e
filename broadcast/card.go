package broadcast

import (
	"fmt"
	"strings"
	"time"

	"chasqui/channel"
	"chasqui/i18n"
	"chasqui/outbox"
)

// countedStates are those that staff see, in this order; those in between count as waiting.
var countedStates = []outbox.State{outbox.Sent, outbox.Delivered, outbox.Read, outbox.Failed, outbox.Stopped, outbox.Expired, outbox.Unknown}

// Card shows whoever let an announcement go how far it is and what they may do now.
func Card(texts i18n.Texts, l i18n.Lang, zone *time.Location, st Standing) channel.Content {
	t := func(key string, args ...any) string { return texts.T(l, key, args...) }
	lines := []string{"*" + t("announce.title", "id", st.ID) + "*", t(stateKey(st), "time", startTime(st, zone), "n", st.Arrived(), "total", st.Total)}
	if st.State == Sending && st.Total > 0 {
		lines = append(lines, bar(st.Total-st.Open(), st.Total))
		if left := leftKey(st.Left); left != "" {
			lines = append(lines, t(left, "n", roundLeft(st.Left)))
		}
	}
	if st.Total > 0 && st.State != Approved {
		lines = append(lines, "", strings.Join(counts(t, st), "\n"))
	}
	if !st.RetractedAt.IsZero() {
		lines = append(lines, "", t("announce.retracted"))
	}
	lines = append(lines, "", excerpt(st.Texts[l], st.Texts[i18n.French]))
	return channel.Content{Text: strings.Join(lines, "\n"), Buttons: cardButtons(t, st)}
}

func stateKey(st Standing) string {
	switch {
	case st.State == Approved && st.StartLocal == "":
		return "announce.state.soon"
	case st.State == Sending && !st.PausedAt.IsZero():
		return "announce.state.paused"
	}
	return "announce.state." + string(st.State)
}

// startTime is when it starts, with seconds when that is a matter of seconds.
func startTime(st Standing, zone *time.Location) string {
	switch {
	case st.StartAt.IsZero():
		return ""
	case st.StartLocal == "":
		return st.StartAt.In(zone).Format("15:04:05")
	}
	day, clock, _ := strings.Cut(st.StartLocal, " ")
	d, err := time.Parse("2006-01-02", day)
	if err != nil {
		return st.StartLocal
	}
	return fmt.Sprintf("%s %s (%s)", d.Format("02/01/2006"), clock, City(st.Zone))
}

// City names a time zone as people do, by its town: Lima for America/Lima.
func City(zone string) string {
	return strings.ReplaceAll(zone[strings.LastIndex(zone, "/")+1:], "_", " ")
}

// bar shows a share in ten steps.
func bar(done, total int) string {
	full := 10 * done / total
	return strings.Repeat("▓", full) + strings.Repeat("░", 10-full) + fmt.Sprintf(" %d %%", 100*done/total)
}

// leftKey is the text that says how long the rest takes; empty when nobody can say.
func leftKey(left time.Duration) string {
	switch {
	case left <= 0:
		return ""
	case left <= time.Minute:
		return "announce.left.soon"
	case left < 100*time.Minute:
		return "announce.left.minutes"
	}
	return "announce.left.hours"
}

// roundLeft is a time in the unit of its text, always rounded up: who waits forgives an early end.
func roundLeft(left time.Duration) int {
	unit := time.Minute
	if left >= 100*time.Minute {
		unit = time.Hour
	}
	return int((left + unit - 1) / unit)
}

func counts(t func(string, ...any) string, st Standing) []string {
	var lines []string
	if n := st.Open(); n > 0 {
		lines = append(lines, t("announce.count.waiting", "n", n))
	}
	for _, state := range countedStates {
		n := st.In(state)
		if n == 0 {
			continue
		}
		lines = append(lines, t("announce.count."+string(state), "n", n))
		if state != outbox.Failed {
			continue
		}
		for _, fault := range []channel.Fault{channel.Gone, channel.Rejected, channel.Temporary, channel.Off, channel.MovedAway, ""} {
			if n := st.Faults[fault]; n > 0 {
				lines = append(lines, "   "+t("announce.why", "n", n, "why", t(FaultKey(fault))))
			}
		}
	}
	return lines
}

// FaultKey is the text that says in words why a delivery failed.
func FaultKey(f channel.Fault) string {
	switch f {
	case channel.Gone, "":
		return "announce.fault.gone"
	case channel.Rejected, channel.MovedAway:
		return "announce.fault.rejected"
	case channel.Ambiguous:
		return "announce.fault.ambiguous"
	}
	return "announce.fault.unreachable"
}

// excerpt recalls which announcement it is.
func excerpt(texts ...string) string {
	const most = 160
	for _, text := range texts {
		text = strings.Join(strings.Fields(text), " ")
		if r := []rune(text); len(r) > most {
			text = string(r[:most]) + "…"
		}
		if text != "" {
			return "« " + text + " »"
		}
	}
	return ""
}

func cardButtons(t func(string, ...any) string, st Standing) [][]channel.Button {
	button := func(key, verb string, args ...any) channel.Button {
		return channel.Button{Label: t(key, args...), Data: fmt.Sprintf("n:%s:%d", verb, st.ID)}
	}
	var rows [][]channel.Button
	add := func(buttons ...channel.Button) { rows = append(rows, buttons) }
	switch st.State {
	case Approved:
		add(button("announce.undo", "undo"))
	case Late:
		add(button("announce.startlate", "late"), button("announce.drop", "cancel"))
	case Sending:
		if st.PausedAt.IsZero() {
			add(button("announce.pause", "pause"), button("announce.cancel", "cancel"))
		} else {
			add(button("announce.resume", "resume"), button("announce.cancel", "cancel"))
		}
	case Done:
		if n := st.In(outbox.Failed); n > 0 {
			add(button("announce.retry", "retry", "n", n))
		}
	}
	if st.Undecided > 0 && st.State != Cancelled {
		add(button("announce.sendunknown", "usend", "n", st.Undecided), button("announce.leaveunknown", "uleave"))
	}
	if !st.StartedAt.IsZero() {
		add(button("announce.names", "who"))
		if st.RetractedAt.IsZero() {
			add(button("announce.retract", "back"))
		}
	}
	return rows
}
