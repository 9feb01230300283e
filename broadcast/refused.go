package broadcast

import (
	"context"
	"fmt"
	"time"

	"chasqui/channel"
	"chasqui/i18n"
	"chasqui/outbox"
)

const (
	// watchedSends is over how many of an announcement's last sends refusals are counted.
	watchedSends = 100
	// leastRefused is how many people must have refused before it means anything: in a small audience three
	// who blocked the bot are three people, not a fault.
	leastRefused = 20
)

// Publisher is somebody of the team who may stop an announcement, where they are told things.
type Publisher struct {
	MemberID int64
	To       channel.Address
	Language i18n.Lang
}

// abnormal reports whether so many refused that something is wrong with the audience or the bot, and a network
// would soon hold it against the account.
func abnormal(sends, refused int) bool { return refused >= leastRefused && 3*refused > sends }

// watch pauses an announcement that an abnormal share refuses, and tells who may let it go on.
func (r *Runner) watch(ctx context.Context, st Standing, now time.Time) (halted bool, err error) {
	if !st.PausedAt.IsZero() || st.In(outbox.Failed) < leastRefused {
		return false, nil
	}
	sends, refused, err := r.store.RefusedLately(ctx, st.ID, watchedSends)
	if err != nil || !abnormal(sends, refused) {
		return false, err
	}
	publishers, err := r.store.Publishers(ctx)
	if err != nil {
		return false, err
	}
	st.PausedAt = now
	var say []outbox.Draft
	for _, p := range publishers {
		text := r.texts.T(p.Language, "outbox.halted", "id", st.ID, "refused", refused, "sends", sends) + "\n\n" + excerpt(st.Texts[p.Language], st.Texts[i18n.French])
		t := func(key string, args ...any) string { return r.texts.T(p.Language, key, args...) }
		say = append(say, outbox.Draft{Lane: outbox.Reply, To: p.To, MemberID: p.MemberID, Content: channel.Content{Text: text, Buttons: cardButtons(t, st)},
			Cause: fmt.Sprintf("halt %d %d", st.ID, now.UnixMilli())})
	}
	if halted, err = r.store.Halt(ctx, st.ID, say, now); err != nil || !halted {
		return false, err
	}
	r.log.Warn("an announcement is paused: too many have blocked the bot", "announcement", st.ID, "refused", refused, "sends", sends)
	r.wakeAll()
	return true, nil
}
