package bot

import (
	"context"
	"strings"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/community"
)

// audienceMenu lets the audience be tapped together, with the count after each tap.
func (b *Bot) audienceMenu(ctx context.Context, t Turn, a broadcast.Announcement, part string) (Outcome, error) {
	audience, _ := community.ParseAudience(a.Audience)
	lines := []string{b.T(t, "announce.ask.audience")}
	if a.Audience != "" {
		p, err := b.Store.Preview(ctx, a)
		if err != nil {
			return Outcome{}, err
		}
		lines = append(lines, "")
		lines = append(lines, b.audienceLines(ctx, t, a, p)...)
	}
	choices, err := b.audienceChoices(ctx, t, part)
	if err != nil {
		return Outcome{}, err
	}
	var buttons []channel.Button
	for _, c := range choices {
		label := c.label
		if audience.Has(c.term) {
			label = "✓ " + label
		}
		buttons = append(buttons, button(label, "n:tog:"+part+":"+c.term.String()))
	}
	rows := inRows(buttons, 2)
	if part == "" {
		rows = append(rows, row(button(b.T(t, "audience.regions"), "n:aud:region"), button(b.T(t, "audience.groups"), "n:aud:group"), button(b.T(t, "audience.schemes"), "n:aud:scheme")))
	} else {
		rows = append(rows, row(button(b.T(t, "announce.back"), "n:aud")))
	}
	rows = append(rows, row(button(b.T(t, "announce.done"), "n:card")))
	return b.show(t, strings.Join(lines, "\n"), rows...).asking(Conversation{Question: "announce.audience", Expires: t.Now.Add(draftFor)}), nil
}

type audienceChoice struct {
	term  community.Term
	label string
}

func (b *Bot) audienceChoices(ctx context.Context, t Turn, part string) ([]audienceChoice, error) {
	var choices []audienceChoice
	add := func(kind community.TermKind, value, label string) {
		choices = append(choices, audienceChoice{community.Term{Kind: kind, Value: value}, label})
	}
	switch part {
	case "region":
		for _, r := range community.Regions {
			add(community.InRegion, r.Slug, b.regionName(t.Language, r.Slug))
		}
	case "scheme":
		for _, s := range community.Schemes {
			add(community.OfScheme, s, b.T(t, "scheme."+s))
		}
	case "group":
		groups, err := b.Store.Catalogue(ctx)
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			if g.Kind != community.RegionKind {
				add(community.InGroup, g.Slug, g.Title(t.Language))
			}
		}
	default:
		add(community.Everybody, "", b.T(t, "audience.all"))
		for _, k := range community.Kinds {
			add(community.OfKind, string(k), b.T(t, "kind."+string(k)))
		}
	}
	return choices, nil
}

func (b *Bot) pressAudience(ctx context.Context, t Turn, a broadcast.Announcement, part string) (Outcome, error) {
	return b.audienceMenu(ctx, t, a, part)
}

func (b *Bot) pressToggle(ctx context.Context, t Turn, a broadcast.Announcement, data string) (Outcome, error) {
	part, rule, _ := strings.Cut(data, ":")
	tapped, err := community.ParseAudience(rule)
	if err != nil || len(tapped.AnyOf) != 1 || len(tapped.AnyOf[0]) != 1 {
		return b.say(t, b.T(t, "button.old")), nil
	}
	audience, _ := community.ParseAudience(a.Audience)
	if audience = audience.Toggle(tapped.AnyOf[0][0]); len(audience.AnyOf) == 0 {
		a.Audience = ""
	} else {
		a.Audience = audience.String()
	}
	o, err := b.audienceMenu(ctx, t, a, part)
	return o.saving(a, t), err
}

// takeAudience reads a rule that was typed, or the name of a region, a kind or a group.
func (b *Bot) takeAudience(ctx context.Context, t Turn, a broadcast.Announcement, text string) (Outcome, error) {
	audience, err := community.ParseAudience(text)
	if err != nil {
		if audience, err = b.audienceNamed(ctx, t, text); err != nil {
			return Outcome{}, err
		}
	}
	if len(audience.AnyOf) == 0 {
		return b.say(t, b.T(t, "announce.badaudience"), row(button(b.T(t, "announce.who"), "n:aud"))), nil
	}
	a.Audience = audience.String()
	if _, err := b.Store.Preview(ctx, a); err != nil {
		return b.say(t, b.T(t, "announce.badaudience"), row(button(b.T(t, "announce.who"), "n:aud"))), nil
	}
	o, err := b.draftCard(ctx, t, a, "")
	return o.saving(a, t), err
}

// audienceNamed finds «Puno, Cusco et Arequipa» as regions, kinds and groups by their names.
func (b *Bot) audienceNamed(ctx context.Context, t Turn, text string) (community.Audience, error) {
	var audience community.Audience
	var all []audienceChoice
	for _, part := range []string{"", "region", "scheme", "group"} {
		choices, err := b.audienceChoices(ctx, t, part)
		if err != nil {
			return audience, err
		}
		all = append(all, choices...)
	}
	split := strings.NewReplacer(" et ", ",", " y ", ",", " and ", ",", " e ", ",", "+", ",", "\n", ",")
	for name := range strings.SplitSeq(split.Replace(text), ",") {
		name = community.Fold(name)
		if name == "" {
			continue
		}
		found := false
		for _, c := range all {
			label := community.Fold(c.label)
			// «voluntarios» is who «Voluntario/a en Perú» names.
			if label == name || len(name) > 5 && strings.HasPrefix(label, strings.TrimSuffix(name, "s")) {
				audience, found = audience.Toggle(c.term), true
				break
			}
		}
		if r, ok := community.FindRegion(name); !found && ok {
			audience, found = audience.Toggle(community.Term{Kind: community.InRegion, Value: r.Slug}), true
		}
		if !found {
			return community.Audience{}, nil
		}
	}
	return audience, nil
}

// audienceLines say in words who gets it and who does not.
func (b *Bot) audienceLines(ctx context.Context, t Turn, a broadcast.Announcement, p broadcast.Preview) []string {
	lines := []string{b.T(t, "announce.for", "audience", b.audienceWords(ctx, t, a.Audience)), b.T(t, "announce.people", "n", p.Reached(), "networks", b.networkCounts(t, p))}
	if len(p.Names) > 0 {
		lines = append(lines, b.T(t, "announce.among", "names", strings.Join(p.Names, ", ")))
	}
	for _, r := range p.Rooms {
		lines = append(lines, b.T(t, "announce.room", "title", b.groupTitle(ctx, t, r.Slug), "network", networkName(r.Network), "n", r.Readers))
	}
	for _, e := range p.Excluded {
		names := strings.Join(e.Names, ", ")
		if e.N > len(e.Names) {
			names += ", …"
		}
		lines = append(lines, b.T(t, "announce.not."+string(e.Why), "n", e.N, "names", names))
	}
	return lines
}

func (b *Bot) networkCounts(t Turn, p broadcast.Preview) string {
	var parts []string
	for _, n := range []channel.Network{channel.WhatsApp, channel.Telegram, channel.Web, channel.Terminal} {
		if count := p.ByNetwork[n]; count > 0 {
			parts = append(parts, b.T(t, "announce.on", "n", count, "network", networkName(n)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func (b *Bot) groupTitle(ctx context.Context, t Turn, slug string) string {
	groups, err := b.Store.Catalogue(ctx)
	if err != nil {
		return slug
	}
	for _, g := range groups {
		if g.Slug == slug {
			return g.Title(t.Language)
		}
	}
	return slug
}

// audienceWords writes a rule as people say it.
func (b *Bot) audienceWords(ctx context.Context, t Turn, rule string) string {
	audience, err := community.ParseAudience(rule)
	if err != nil {
		return rule
	}
	words := func(term community.Term) string {
		switch term.Kind {
		case community.Everybody:
			return b.T(t, "audience.all")
		case community.InGroup:
			return b.groupTitle(ctx, t, term.Value)
		case community.InRegion:
			return b.regionName(t.Language, term.Value)
		case community.OfKind:
			return b.T(t, "kind."+term.Value)
		case community.OfScheme:
			return b.T(t, "scheme."+term.Value)
		}
		return b.T(t, "audience.member", "id", term.Value)
	}
	var any []string
	for _, terms := range audience.AnyOf {
		var all []string
		for _, term := range terms {
			all = append(all, words(term))
		}
		any = append(any, strings.Join(all, " + "))
	}
	out := strings.Join(any, " · ")
	var not []string
	for _, term := range audience.Not {
		not = append(not, words(term))
	}
	if len(not) > 0 {
		out = b.T(t, "audience.except", "audience", out, "not", strings.Join(not, ", "))
	}
	return out
}
