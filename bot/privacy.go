package bot

import (
	"context"
	"strings"
	"time"

	"chasqui/channel"
	"chasqui/community"
	"chasqui/outbox"
)

// stop withdraws consent. It works in every state and for everybody, because a person must never
// have to ask twice; it is undone by one tap.
func (b *Bot) stop(_ context.Context, t Turn) (Outcome, error) {
	undo := row(button(b.T(t, "stop.undo"), "s:undo"))
	if t.Member.Stopped() {
		return b.say(t, b.T(t, "stop.already"), undo), nil
	}
	t.Member.StoppedAt = t.Now
	o := b.say(t, b.T(t, "stop.done"), undo).with(t.Member).settled()
	o.Consents = []community.ConsentChange{{Change: community.ConsentStopped, How: "/stop"}}
	return o, nil
}

func (b *Bot) pressStop(_ context.Context, t Turn, data string) (Outcome, error) {
	if data != "undo" {
		return b.say(t, b.T(t, "button.old")), nil
	}
	if t.Member.MayBeWrittenTo() {
		return b.show(t, b.T(t, "stop.undone")), nil
	}
	t.Member.StoppedAt = time.Time{}
	if t.Member.Consent != community.Enrolled {
		t.Member.Consent = community.Given
	}
	o := b.show(t, b.T(t, "stop.undone")).with(t.Member)
	o.Consents = []community.ConsentChange{{Change: community.ConsentResumed, How: "button"}}
	o.Join = []string{community.Announcements}
	return o, nil
}

// myData gives everything that is kept of the person: in words, and as a file where the network
// carries files.
func (b *Bot) myData(ctx context.Context, t Turn) (Outcome, error) {
	if t.Member.ID == 0 {
		return b.say(t, b.T(t, "mydata.nothing")), nil
	}
	record, err := b.Store.Record(ctx, t.Member.ID)
	if err != nil {
		return Outcome{}, err
	}
	o := b.say(t, b.T(t, "mydata.title")+"\n\n"+b.profileLines(t)+"\n\n"+b.T(t, "mydata.kept"), row(button(b.T(t, "forget.button"), "c:forget")))
	if t.Chat.Network.CarriesFiles() {
		o.Send = append(o.Send, outbox.Draft{Lane: outbox.Reply, To: t.Chat, Content: channel.Content{
			Text: b.T(t, "mydata.file"), File: &channel.File{Name: "chasqui.json", Data: record},
		}})
		return o, nil
	}
	o.Send = append(o.Send, outbox.Draft{Lane: outbox.Reply, To: t.Chat, Content: channel.Content{Text: string(record)}})
	return o, nil
}

// forgetFor is how long the question whether to erase may be answered: a tap on it months later would
// be an accident.
const forgetFor = 10 * time.Minute

func (b *Bot) forget(_ context.Context, t Turn) (Outcome, error) {
	if t.Member.ID == 0 {
		return b.say(t, b.T(t, "mydata.nothing")), nil
	}
	o := b.say(t, b.T(t, "forget.ask"), row(button(b.T(t, "forget.yes"), "f:yes"), button(b.T(t, "forget.no"), "f:no")))
	return o.asking(Conversation{Question: "forget", Expires: t.Now.Add(forgetFor)}), nil
}

func (b *Bot) pressForget(_ context.Context, t Turn, data string) (Outcome, error) {
	if t.Conversation.Question != "forget" {
		return b.show(t, b.T(t, "forget.over"), row(button(b.T(t, "forget.button"), "c:forget"))), nil
	}
	return b.forgetAnswer(t, data == "yes"), nil
}

func (b *Bot) typedForget(t Turn) (Outcome, bool, error) {
	yes, ok := yesOrNo(t.Text)
	if !ok {
		return Outcome{}, false, nil
	}
	return b.forgetAnswer(t, yes), true, nil
}

func (b *Bot) forgetAnswer(t Turn, yes bool) Outcome {
	if !yes {
		return b.show(t, b.T(t, "forget.kept")).settled()
	}
	o := b.show(t, b.T(t, "forget.done"))
	o.Erase = true
	return o
}

// joinStaff uses an invitation up. The code is never kept among what was said, and nothing tells a
// wrong code from an expired one.
func (b *Bot) joinStaff(ctx context.Context, t Turn) (Outcome, error) {
	switch {
	case t.Chat.Network == channel.Web:
		return b.say(t, b.T(t, "staff.web")), nil
	case t.LockedOut:
		return b.say(t, b.T(t, "staff.locked")), nil
	case t.Args == "":
		return b.say(t, b.T(t, "staff.usage")), nil
	}
	hash := HashCode(t.Args)
	invite, ok, err := b.Store.Invite(ctx, hash, t.Now)
	if err != nil {
		return Outcome{}, err
	}
	if !ok {
		o := b.say(t, b.T(t, "staff.wrong"))
		o.WrongCode = true
		return o, nil
	}
	o := b.say(t, b.T(t, "staff.welcome", "role", b.T(t, "role."+string(invite.Role))))
	o.Redeem = &Redemption{CodeHash: hash, Role: invite.Role}
	o.Audit = "joined the team as " + string(invite.Role)
	told, err := b.tellAdmins(ctx, t, invite.Role)
	o.Send = append(o.Send, told...)
	return o, err
}

// tellAdmins lets the admins see who came in: a code that fell into other hands must not go unseen.
func (b *Bot) tellAdmins(ctx context.Context, t Turn, role community.Role) ([]outbox.Draft, error) {
	staff, err := b.Store.Staff(ctx)
	if err != nil {
		return nil, err
	}
	var drafts []outbox.Draft
	for _, s := range staff {
		if s.Role != community.Admin || s.MemberID == t.Member.ID {
			continue
		}
		text := b.Texts.T(s.Language, "staff.joined", "name", named(t.Member), "role", b.Texts.T(s.Language, "role."+string(role)),
			"network", networkName(t.Chat.Network))
		drafts = append(drafts, outbox.Draft{Lane: outbox.Reply, To: s.To, MemberID: s.MemberID, Content: channel.Content{Text: text}})
	}
	return drafts, nil
}

func networkName(n channel.Network) string {
	switch n {
	case channel.WhatsApp:
		return "WhatsApp"
	case channel.Telegram:
		return "Telegram"
	}
	return string(n)
}

func named(m community.Member) string {
	if name := strings.TrimSpace(m.Name); name != "" {
		return name
	}
	return "—"
}
