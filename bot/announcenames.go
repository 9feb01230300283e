package bot

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/outbox"
)

// shownRecipients is how many names stand in one message.
const shownRecipients = 30

// countedStates are the numbers behind which staff may look: those that need somebody first.
var countedStates = []outbox.State{outbox.Failed, outbox.Unknown, outbox.Stopped, outbox.Expired, broadcast.Waiting, outbox.Sent, outbox.Delivered, outbox.Read}

// namesBehind lists who stands behind the counts, page by page, with the reason in words.
func (b *Bot) namesBehind(ctx context.Context, t Turn, st broadcast.Standing, more string) (Outcome, error) {
	name, page, _ := strings.Cut(more, ":")
	state := outbox.State(name)
	if state == outbox.Queued { // a button from before those in flight were counted with them
		state = broadcast.Waiting
	}
	if !slices.Contains(countedStates, state) {
		return b.askWhichNames(t, st), nil
	}
	names, next, err := b.pageBehind(ctx, st, state, page)
	if err != nil {
		return Outcome{}, err
	}
	lines := []string{"*" + b.T(t, "announce.count."+string(state), "n", st.In(state)) + "*"}
	for _, r := range names {
		lines = append(lines, "- "+b.behind(t, r))
	}
	if state == outbox.Stopped && next == "" && st.Erased > 0 {
		lines = append(lines, b.T(t, "announce.behind.erased", "n", st.Erased))
	}
	var rows [][]channel.Button
	if next != "" {
		rows = append(rows, row(button(b.T(t, "announce.next"), fmt.Sprintf("n:who:%d:%s:%s", st.ID, state, next))))
	}
	rows = append(rows, row(button(b.T(t, "announce.back"), fmt.Sprintf("n:who:%d", st.ID))))
	return b.show(t, strings.Join(lines, "\n"), rows...), nil
}

func (b *Bot) askWhichNames(t Turn, st broadcast.Standing) Outcome {
	var buttons []channel.Button
	for _, s := range countedStates {
		if n := st.In(s); n > 0 {
			buttons = append(buttons, button(b.T(t, "announce.count."+string(s), "n", n), fmt.Sprintf("n:who:%d:%s", st.ID, s)))
		}
	}
	rows := append(inRows(buttons, 2), row(button(b.T(t, "announce.back"), fmt.Sprintf("n:show:%d", st.ID))))
	return b.show(t, b.T(t, "announce.names.which"), rows...)
}

// behind is one name with the reason in words.
func (b *Bot) behind(t Turn, r broadcast.Recipient) string {
	name := named(community.Member{Name: r.Name})
	if r.Erased() {
		name = b.T(t, "announce.behind.noname")
	}
	if why := r.WhyKey(); why != "" {
		return name + " : " + b.T(t, why)
	}
	return name
}

// unmadeMark begins the page of those for whom no delivery was made; before it come those who have one,
// from the delivery that the page names.
const unmadeMark = "m"

// pageBehind reads one page of names, and which page follows; "" when none does.
func (b *Bot) pageBehind(ctx context.Context, st broadcast.Standing, state outbox.State, page string) (names []broadcast.Recipient, next string, err error) {
	from, unmade := strings.CutPrefix(page, unmadeMark)
	start, _ := strconv.ParseInt(from, 10, 64)
	skip := 0
	if unmade {
		skip = int(start)
	} else {
		names, err = b.Store.NamesBehind(ctx, st.ID, state, start, shownRecipients+1)
		if err != nil {
			return nil, "", err
		}
		if len(names) > shownRecipients {
			return names[:shownRecipients], fmt.Sprint(names[shownRecipients-1].DeliveryID), nil
		}
		if state != st.Unmade() {
			return names, "", nil
		}
	}
	room := shownRecipients - len(names)
	rest, err := b.Store.NotMade(ctx, st.ID, skip, room+1)
	if err != nil {
		return nil, "", err
	}
	if len(rest) > room {
		rest, next = rest[:room], unmadeMark+fmt.Sprint(skip+room)
	}
	for _, r := range rest {
		if state == outbox.Stopped {
			r.State, r.Reason = outbox.Stopped, broadcast.WasCancelled
		}
		names = append(names, r)
	}
	return names, next, nil
}

// getsIt stands in a button for those who get an announcement; the others are named by the reason.
const getsIt = "gets"

// previewNames lists who would get a draft and who not, page by page: the names for which its card has no room.
func (b *Bot) previewNames(ctx context.Context, t Turn, a broadcast.Announcement, data string) (Outcome, error) {
	p, err := b.Store.Preview(ctx, a)
	if err != nil {
		return Outcome{}, err
	}
	group, page, _ := strings.Cut(data, ":")
	count := previewCount(p, group)
	if count == 0 {
		return b.askWhichPreview(t, p), nil
	}
	why := broadcast.Reason(group)
	if group == getsIt {
		why = ""
	}
	skip, _ := strconv.Atoi(page)
	names, err := b.Store.PreviewNames(ctx, a, why, skip, shownRecipients+1)
	if err != nil {
		return Outcome{}, err
	}
	lines := []string{"*" + b.T(t, "announce.preview."+group, "n", count) + "*"}
	for _, c := range names[:min(len(names), shownRecipients)] {
		name := named(community.Member{Name: c.Name})
		if why == "" && c.Reads {
			name = b.T(t, "announce.preview.reads", "name", name)
		}
		lines = append(lines, "- "+name)
	}
	var rows [][]channel.Button
	if len(names) > shownRecipients {
		rows = append(rows, row(button(b.T(t, "announce.next"), fmt.Sprintf("n:names:%s:%d", group, skip+shownRecipients))))
	}
	return b.show(t, strings.Join(lines, "\n"), append(rows, row(button(b.T(t, "announce.back"), "n:names")))...), nil
}

// previewCount is the number of a preview that a button names; 0 for a button that names none.
func previewCount(p broadcast.Preview, group string) int {
	if group == getsIt {
		return p.Reached()
	}
	for _, e := range p.Excluded {
		if string(e.Why) == group {
			return e.N
		}
	}
	return 0
}

func (b *Bot) askWhichPreview(t Turn, p broadcast.Preview) Outcome {
	groups := []string{getsIt}
	for _, e := range p.Excluded {
		groups = append(groups, string(e.Why))
	}
	var rows [][]channel.Button
	for _, g := range groups {
		if n := previewCount(p, g); n > 0 {
			rows = append(rows, row(button(b.T(t, "announce.preview."+g, "n", n), "n:names:"+g)))
		}
	}
	return b.show(t, b.T(t, "announce.names.which"), append(rows, row(button(b.T(t, "announce.back"), "n:card")))...)
}
