package bot

import (
	"context"
	"strings"

	"chasqui/broadcast"
	"chasqui/community"
	"chasqui/i18n"
)

// alertFirst puts a security alert that holds, and reached this person, above the answer to a question that
// may be about it: one about security, one that the FAQ cannot answer, or one that names the place. The
// alert is quoted with its time, never summed up.
func (b *Bot) alertFirst(ctx context.Context, t Turn, topic string, o Outcome) (Outcome, error) {
	if t.Room || t.Member.ID == 0 || len(o.Send) == 0 || o.Send[0].To != t.Chat {
		return o, nil
	}
	alerts, err := b.Store.AlertsFor(ctx, t.Member.ID, t.Now)
	if err != nil {
		return o, err
	}
	for _, a := range alerts {
		if topic != "security" && topic != "" && !names(t.Text, a) {
			continue
		}
		text := b.T(t, "alert.holds", "time", a.StartedAt.In(t.Member.Zone(b.Zone)).Format("02/01 15:04"))
		bodies := a.Bodies()
		body, ok := bodies[broadcast.Variant(t.Language)]
		if !ok {
			body = bodies[broadcast.Both]
		}
		quoted := b.say(t, text+"\n\n"+body.Text)
		return quoted.and(o), nil
	}
	return o, nil
}

// names reports whether a text names a place that the alert is about.
func names(text string, a broadcast.Announcement) bool {
	said := community.Fold(text)
	about := community.Fold(a.Texts[i18n.French] + " " + a.Audience)
	for word := range strings.FieldsFuncSeq(said, func(r rune) bool { return r == ' ' || r == '?' || r == ',' || r == '.' || r == '!' }) {
		if _, ok := community.FindRegion(word); ok && strings.Contains(about, word) {
			return true
		}
	}
	return false
}
