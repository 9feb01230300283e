package bot

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"chasqui/channel"
	"chasqui/community"
	"chasqui/i18n"
)

// The steps of the short profile, in order. Each may be skipped, and the rest taken up again later.
const (
	stepKind    = "kind"
	stepScheme  = "scheme"
	stepRegion  = "region"
	stepArrival = "arrival"
	stepEnd     = "end"
)

var steps = []string{stepKind, stepScheme, stepRegion, stepArrival, stepEnd}

// needs says whether a step makes sense for a member.
func needs(step string, m community.Member) bool {
	onMission := m.Kind == community.Volunteer || m.Kind == community.Reciprocity
	switch step {
	case stepKind:
		return true
	case stepRegion:
		return m.Kind == community.Volunteer || m.Kind == community.Host
	}
	return onMission
}

func firstStep(m community.Member) string {
	if slices.Contains(steps, m.Profile) && needs(m.Profile, m) {
		return m.Profile
	}
	return stepKind
}

// nextStep is the first step after this one that makes sense and has no answer yet, or "" when the
// profile is done: who corrects one answer is not asked the others again.
func nextStep(after string, m community.Member) string {
	answers := map[string]string{stepScheme: m.Scheme, stepRegion: m.Region, stepArrival: string(m.Arrival), stepEnd: string(m.End)}
	for _, s := range steps[slices.Index(steps, after)+1:] {
		if needs(s, m) && answers[s] == "" {
			return s
		}
	}
	return ""
}

// ask puts one step's question, with what was just done above it. The member is kept as they are now,
// so that a profile left here is taken up here.
func (b *Bot) ask(t Turn, above, step string) Outcome {
	if step == "" {
		return b.profileDone(t, above)
	}
	t.Member.Profile = step
	text := b.T(t, "profile.ask."+step)
	if above != "" {
		text = above + "\n\n" + text
	}
	rows := append(b.stepButtons(t, step), row(button(b.T(t, "profile.skip"), "p:"+step+":-"), button(b.T(t, "profile.later"), "p:later")))
	return b.show(t, text, rows...).with(t.Member).asking(Conversation{Question: "profile." + step, Expires: t.Now.Add(openFor)})
}

func (b *Bot) stepButtons(t Turn, step string) [][]channel.Button {
	var buttons []channel.Button
	switch step {
	case stepKind:
		for _, k := range community.Kinds {
			if k != community.Staff {
				buttons = append(buttons, button(b.T(t, "kind."+string(k)), "p:kind:"+string(k)))
			}
		}
		return inRows(buttons, 2)
	case stepScheme:
		for _, s := range community.Schemes {
			buttons = append(buttons, button(b.T(t, "scheme."+s), "p:scheme:"+s))
		}
		return inRows(buttons, 2)
	case stepRegion:
		for _, r := range community.Regions {
			if r.Slug != community.FranceRegion {
				buttons = append(buttons, button(r.Name, "p:region:"+r.Slug))
			}
		}
		return inRows(buttons, 3)
	}
	return nil
}

// profile shows what is known and lets each part be changed.
func (b *Bot) profile(_ context.Context, t Turn) (Outcome, error) {
	if t.Member.Profile != community.ProfileDone && t.Member.Kind == "" {
		return b.ask(t, "", firstStep(t.Member)), nil
	}
	return b.show(t, b.T(t, "profile.title")+"\n\n"+b.profileLines(t), b.profileButtons(t)...), nil
}

func (b *Bot) profileLines(t Turn) string {
	m := t.Member
	lines := []string{b.field(t, "name", m.Name), b.field(t, "language", b.T(t, "language.name"))}
	if m.Kind != "" {
		lines = append(lines, b.field(t, "kind", b.T(t, "kind."+string(m.Kind))))
	} else {
		lines = append(lines, b.field(t, "kind", ""))
	}
	values := map[string]string{stepScheme: m.Scheme, stepRegion: b.regionName(t.Language, m.Region), stepArrival: m.Arrival.Slashed(), stepEnd: m.End.Slashed()}
	for _, s := range steps[1:] {
		if needs(s, m) || values[s] != "" {
			lines = append(lines, b.field(t, s, values[s]))
		}
	}
	if m.Host != "" {
		lines = append(lines, b.field(t, "host", m.Host))
	}
	return strings.Join(lines, "\n")
}

// regionName is a region as people of a language write it: the departments are the same everywhere.
func (b *Bot) regionName(l i18n.Lang, slug string) string {
	if slug == community.FranceRegion {
		return b.Texts.T(l, "region.france")
	}
	return community.RegionName(slug)
}

func (b *Bot) field(t Turn, name, value string) string {
	if value == "" {
		value = b.T(t, "profile.empty")
	}
	return b.T(t, "profile.field", "label", b.T(t, "profile.label."+name), "value", value)
}

func (b *Bot) profileButtons(t Turn) [][]channel.Button {
	var buttons []channel.Button
	for _, s := range steps {
		if needs(s, t.Member) {
			buttons = append(buttons, button(b.T(t, "profile.label."+s), "p:edit:"+s))
		}
	}
	rows := inRows(buttons, 2)
	if t.Member.Profile != community.ProfileDone && t.Member.Profile != "" {
		rows = append(rows, row(button(b.T(t, "profile.resume"), "p:go")))
	}
	return append(rows, row(button(b.T(t, "language.button"), "c:language"), button(b.T(t, "groups.button"), "c:groups")),
		row(button(b.T(t, "link.button"), "k:new")))
}

func (b *Bot) pressProfile(_ context.Context, t Turn, data string) (Outcome, error) {
	step, value, _ := strings.Cut(data, ":")
	switch {
	case data == "go":
		return b.ask(t, "", firstStep(t.Member)), nil
	case data == "later":
		return b.show(t, b.T(t, "profile.left"), row(button(b.T(t, "profile.resume"), "p:go"))).settled(), nil
	case step == "edit" && slices.Contains(steps, value):
		return b.ask(t, "", value), nil
	case value == "-" && slices.Contains(steps, step):
		return b.ask(t, "", nextStep(step, t.Member)), nil
	}
	if o, ok := b.answerStep(t, step, value); ok {
		return o, nil
	}
	return b.say(t, b.T(t, "button.old"), row(button(b.T(t, "profile.button"), "c:profile"))), nil
}

// typedProfile takes an answer that fits the question, and leaves everything else to the rest of the
// bot: a question asked in the middle of the profile is a question.
func (b *Bot) typedProfile(t Turn, step string) (Outcome, bool, error) {
	text := strings.TrimSpace(t.Text)
	if step == stepKind {
		text = b.kindNamed(t, text)
	}
	if o, ok := b.answerStep(t, step, text); ok {
		return o, true, nil
	}
	if (step == stepArrival || step == stepEnd) && looksLikeDate(text) {
		return b.say(t, b.T(t, "profile.date.bad")), true, nil
	}
	return Outcome{}, false, nil
}

// kindNamed finds the kind whose label was typed.
func (b *Bot) kindNamed(t Turn, text string) string {
	for _, k := range community.Kinds {
		if k != community.Staff && community.Fold(b.T(t, "kind."+string(k))) == community.Fold(text) {
			return string(k)
		}
	}
	return text
}

// looksLikeDate tells a mistyped date from a question with a number in it.
func looksLikeDate(text string) bool {
	digits, others := 0, 0
	for _, r := range text {
		switch {
		case unicode.IsDigit(r):
			digits++
		case !strings.ContainsRune("/-. ", r):
			others++
		}
	}
	return digits >= 2 && digits > 2*others && len(text) <= 20
}

// answerStep takes one answer in, or returns false when it does not fit.
func (b *Bot) answerStep(t Turn, step, value string) (Outcome, bool) {
	var join, leave []string
	switch step {
	case stepKind:
		k, ok := community.ParseKind(value)
		if !ok || k == community.Staff {
			return Outcome{}, false
		}
		t.Member.Kind = k
		if k == community.Reciprocity {
			t.Member.Region = community.FranceRegion
		} else if t.Member.Region == community.FranceRegion {
			t.Member.Region = ""
		}
	case stepScheme:
		s, ok := community.ParseScheme(value)
		if !ok {
			return Outcome{}, false
		}
		t.Member.Scheme = s
	case stepRegion:
		r, ok := community.FindRegion(value)
		if !ok || r.Slug == community.FranceRegion {
			return Outcome{}, false
		}
		// The region's group follows the region: what is announced in the old one is no longer theirs.
		if old := t.Member.Region; old != "" && old != r.Slug {
			leave = []string{"region-" + old}
		}
		t.Member.Region = r.Slug
		join = []string{"region-" + r.Slug}
	case stepArrival, stepEnd:
		return b.answerDate(t, step, value)
	default:
		return Outcome{}, false
	}
	o := b.ask(t, "", nextStep(step, t.Member))
	o.Leave = leave
	if t.Member.MayBeWrittenTo() {
		o.Join = join
	}
	return o, true
}

func (b *Bot) answerDate(t Turn, step, value string) (Outcome, bool) {
	d, err := community.ParseDate(value)
	if err != nil {
		return Outcome{}, false
	}
	arrival, end := t.Member.Arrival, t.Member.End
	if step == stepArrival {
		arrival = d
	} else {
		end = d
	}
	if arrival != "" && end != "" && arrival > end {
		return b.say(t, b.T(t, "profile.date.order", "arrival", arrival.Slashed(), "end", end.Slashed())), true
	}
	t.Member.Arrival, t.Member.End = arrival, end
	return b.ask(t, "", nextStep(step, t.Member)), true
}

// profileDone thanks and proposes the groups that fit.
func (b *Bot) profileDone(t Turn, above string) Outcome {
	t.Member.Profile = community.ProfileDone
	text := b.T(t, "profile.done") + "\n\n" + b.profileLines(t)
	if above != "" {
		text = above + "\n\n" + text
	}
	return b.show(t, text, b.helpButtons(t)...).with(t.Member).settled()
}
