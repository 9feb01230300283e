package bot

import (
	"context"
	"slices"
	"strings"
	"time"

	"chasqui/channel"
	"chasqui/community"
)

// groups shows what exists, what the person is in, and lets them join and leave.
//
// Who: any member. Works: one menu that changes in place. Fails: Annonces cannot be left alone, and
// the answer says that /stop is the way.
func (b *Bot) groups(ctx context.Context, t Turn) (Outcome, error) {
	return b.groupMenu(ctx, t, false)
}

func (b *Bot) groupMenu(ctx context.Context, t Turn, allRegions bool) (Outcome, error) {
	catalogue, err := b.Store.Catalogue(ctx)
	if err != nil {
		return Outcome{}, err
	}
	var lines []string
	var topics, regions []channel.Button
	for _, g := range catalogue {
		in := slices.Contains(t.Groups, g.Slug)
		switch {
		case g.Kind == community.Mandatory:
			lines = append(lines, b.T(t, "groups.mandatory", "title", g.Title(t.Language)))
		case in:
			lines = append(lines, b.T(t, "groups.in", "title", g.Title(t.Language)))
			if g.Open() {
				topics = append(topics, button(b.T(t, "groups.leave", "title", g.Title(t.Language)), "g:leave:"+g.Slug))
			}
		case g.Kind == community.TopicKind:
			topics = append(topics, button(b.T(t, "groups.join", "title", g.Title(t.Language)), "g:join:"+g.Slug))
		case g.Kind == community.RegionKind && (allRegions || g.Region == t.Member.Region):
			regions = append(regions, button(g.Title(t.Language), "g:join:"+g.Slug))
		}
	}
	rows := inRows(topics, 1)
	if allRegions {
		rows = append(rows, inRows(regions, 3)...)
	} else {
		for _, r := range regions {
			rows = append(rows, row(button(b.T(t, "groups.join", "title", r.Label), r.Data)))
		}
		rows = append(rows, row(button(b.T(t, "groups.regions"), "g:regions")))
	}
	text := b.T(t, "groups.title") + "\n" + strings.Join(lines, "\n")
	if !t.Member.MayBeWrittenTo() {
		text += "\n\n" + b.T(t, "groups.silent")
	}
	return b.show(t, text, rows...), nil
}

func (b *Bot) pressGroup(ctx context.Context, t Turn, data string) (Outcome, error) {
	verb, slug, _ := strings.Cut(data, ":")
	switch verb {
	case "regions":
		return b.groupMenu(ctx, t, true)
	case "join":
		joined, err := b.join(ctx, t, slug)
		if err != nil || joined != nil {
			return valueOf(joined), err
		}
	case "leave":
		left, err := b.leave(ctx, t, slug)
		if err != nil || left != nil {
			return valueOf(left), err
		}
	}
	return b.say(t, b.T(t, "button.old")), nil
}

func valueOf(o *Outcome) Outcome {
	if o == nil {
		return Outcome{}
	}
	return *o
}

// join returns nil when there is no such group to join. Joining says yes to being written to: that is
// what a group is.
func (b *Bot) join(ctx context.Context, t Turn, slug string) (*Outcome, error) {
	g, ok, err := b.openGroup(ctx, slug)
	if err != nil || !ok {
		return nil, err
	}
	t.Groups = append(slices.Clone(t.Groups), slug)
	var consents []community.ConsentChange
	if !t.Member.MayBeWrittenTo() {
		t.Member.Consent, t.Member.StoppedAt = community.Given, time.Time{}
		t.Groups = append(t.Groups, community.Announcements)
		consents = []community.ConsentChange{{Change: community.ConsentGiven, How: "joined a group"}}
	}
	o, err := b.groupMenu(ctx, t, false)
	if err != nil {
		return nil, err
	}
	o.Send[0].Content.Text = b.T(t, "groups.joined", "title", g.Title(t.Language)) + "\n\n" + o.Send[0].Content.Text
	o.Join, o.Consents = []string{slug, community.Announcements}, consents
	o = o.with(t.Member)
	return &o, nil
}

func (b *Bot) leave(ctx context.Context, t Turn, slug string) (*Outcome, error) {
	g, ok, err := b.openGroup(ctx, slug)
	if err != nil || !ok {
		return nil, err
	}
	t.Groups = slices.DeleteFunc(slices.Clone(t.Groups), func(s string) bool { return s == slug })
	o, err := b.groupMenu(ctx, t, false)
	if err != nil {
		return nil, err
	}
	o.Send[0].Content.Text = b.T(t, "groups.left", "title", g.Title(t.Language)) + "\n\n" + o.Send[0].Content.Text
	o.Leave = []string{slug}
	return &o, nil
}

func (b *Bot) openGroup(ctx context.Context, slug string) (community.Group, bool, error) {
	catalogue, err := b.Store.Catalogue(ctx)
	if err != nil {
		return community.Group{}, false, err
	}
	i := slices.IndexFunc(catalogue, func(g community.Group) bool { return g.Slug == slug && g.Open() })
	if i < 0 {
		return community.Group{}, false, nil
	}
	return catalogue[i], true, nil
}
