package bot

import (
	"context"
	"slices"
	"strings"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/i18n"
)

// attached takes a picture or document that was asked for.
func (b *Bot) attached(ctx context.Context, t Turn) (Outcome, bool, error) {
	question, step, _ := strings.Cut(t.Conversation.Question, ".")
	if t.Kind != channel.Media || question != "announce" || !t.Role.May(community.Publisher) {
		return Outcome{}, false, nil
	}
	a, found, err := b.Store.DraftOf(ctx, t.Member.ID)
	if err != nil || !found {
		return Outcome{}, false, err
	}
	if t.File == nil || b.Fetch == nil {
		return b.say(t, b.T(t, "announce.badfile")), true, nil
	}
	f, err := b.Fetch(ctx, t.Chat.Network, *t.File)
	if err != nil {
		b.Log.Warn("an attachment could not be fetched", "network", t.Chat.Network, "error", err)
		return b.say(t, b.T(t, "announce.badfile")), true, nil
	}
	a.File = &broadcast.Attachment{Name: f.Name, Image: f.Image, Size: int64(len(f.Data))}
	var o Outcome
	if l := i18n.Lang(step); slices.Contains(i18n.Langs, l) && t.Text != "" {
		// A picture with the text under it, as people send one: both are taken.
		o, err = b.takeText(ctx, t, a, l)
	} else {
		o, err = b.draftCard(ctx, t, a, "")
		o = o.saving(a, t)
	}
	for i := range o.Announce {
		o.Announce[i].File = &f
	}
	return o, true, err
}

func (b *Bot) pressFile(ctx context.Context, t Turn, a broadcast.Announcement, data string) (Outcome, error) {
	if data == "none" {
		a.File = nil
		o, err := b.draftCard(ctx, t, a, "")
		return o.saving(a, t), err
	}
	rows := [][]channel.Button{{button(b.T(t, "announce.back"), "n:card")}}
	if a.File != nil {
		rows = append([][]channel.Button{{button(b.T(t, "announce.nofile"), "n:file:none")}}, rows...)
	}
	return b.show(t, b.T(t, "announce.ask.file"), rows...).asking(Conversation{Question: "announce.file", Expires: t.Now.Add(draftFor)}), nil
}
