package bot

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"
	"unicode"

	"chasqui/channel"
	"chasqui/community"
	"chasqui/outbox"
)

// LinkFor is how long a code that the bot gave can be used: the person has both accounts at hand.
const LinkFor = 15 * time.Minute

// linkAlphabet leaves out what is mistaken for something else when it is read aloud or copied: I, L, O, U.
const linkAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// linkPrefix tells a code from everything else that people write.
const linkPrefix = "LIEN"

// linkLength letters are 45 bits; an address has five tries a day, and a code lives for minutes.
const linkLength = 9

// LinkCode is a code by which somebody says that two addresses are theirs.
type LinkCode struct {
	// Owner is whose it is.
	Owner community.Party
	// To is where they are told that it was used; zero when nobody can be told.
	To channel.Address
}

// NewLink is a code to be kept for the turn's own member.
type NewLink struct {
	CodeHash string
	Expires  time.Time
}

// Linking makes the turn's own member one with another, who stays. Exactly one of CodeHash and Phone says
// by what; the store checks it again in the turn's transaction.
type Linking struct {
	Into     int64
	CodeHash string
	Phone    string
}

// Links is what a turn may look up of several addresses of one person.
type Links interface {
	// Party says how a member stands who writes from this network.
	Party(ctx context.Context, memberID int64, network channel.Network) (community.Party, error)
	// WithPhone lists who has this phone besides the member own.
	WithPhone(ctx context.Context, own int64, phone string, network channel.Network) ([]community.Party, error)
	// LinkCode finds a code that is neither used nor expired.
	LinkCode(ctx context.Context, codeHash string, network channel.Network, now time.Time) (LinkCode, bool, error)
}

// NewLinkCode makes a code such as LIEN-7K4-Q9D-2MX. One figure at least is in it: by that it is told
// from words behind «lien».
func NewLinkCode() string {
	for {
		b := make([]byte, linkLength)
		rand.Read(b) // never fails: crypto/rand.Read ends the process instead
		for i := range b {
			b[i] = linkAlphabet[b[i]%byte(len(linkAlphabet))]
		}
		if text := string(b); strings.ContainsAny(text, "23456789") {
			return linkPrefix + "-" + text[:3] + "-" + text[3:6] + "-" + text[6:]
		}
	}
}

// ParseLinkCode reads a message that is a code and nothing else, however it was copied.
func ParseLinkCode(text string) (code string, ok bool) {
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || strings.ContainsRune("*.'`\"«»", r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, text)
	body, ok := strings.CutPrefix(text, linkPrefix)
	if !ok || len(body) != linkLength || !strings.ContainsAny(body, "0123456789") {
		return "", false
	}
	body = strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(body)
	for _, r := range body {
		if !strings.ContainsRune(linkAlphabet, r) {
			return "", false
		}
	}
	return linkPrefix + body, true
}

// pressLink gives a code for another account.
//
// Who: somebody who changes network or telephone. Works: one line to send from the other account. Fails:
// a code that is seen by others is worth one use within minutes, and the first account is told.
func (b *Bot) pressLink(_ context.Context, t Turn, data string) (Outcome, error) {
	if data != "new" {
		return b.say(t, b.T(t, "button.old")), nil
	}
	code := b.NewCode()
	var rows [][]channel.Button
	if link := b.Link(channel.Telegram); link != "" {
		rows = append(rows, row(channel.Button{Label: b.T(t, "link.open"), URL: link + "?start=link_" + code}))
	}
	o := b.say(t, b.T(t, "link.code", "code", code, "minutes", int(LinkFor.Minutes())), rows...)
	o.NewLink = &NewLink{CodeHash: HashCode(code), Expires: t.Now.Add(LinkFor)}
	o.secret = true
	return o, nil
}

// linkCode takes a message that is a code. It comes before a held ticket, so that nobody of the team
// reads a code that still works.
func (b *Bot) linkCode(ctx context.Context, t Turn) (Outcome, bool, error) {
	if t.Kind != channel.Text {
		return Outcome{}, false, nil
	}
	code, ok := ParseLinkCode(t.Text)
	if !ok {
		return Outcome{}, false, nil
	}
	if t.Room {
		return b.inPrivate(t), true, nil
	}
	o, err := b.link(ctx, t, code)
	return o, true, err
}

// link uses a code up. Nothing tells a wrong code from one that is used or over.
func (b *Bot) link(ctx context.Context, t Turn, text string) (Outcome, error) {
	if t.LockedOut {
		return b.say(t, b.T(t, "staff.locked")), nil
	}
	text, ok := ParseLinkCode(text)
	if !ok {
		return b.say(t, b.T(t, "link.wrong")), nil
	}
	hash := HashCode(text)
	code, ok, err := b.Store.LinkCode(ctx, hash, t.Chat.Network, t.Now)
	if err != nil {
		return Outcome{}, err
	}
	if !ok {
		o := b.say(t, b.T(t, "link.wrong"))
		o.WrongCode, o.secret = true, true
		return o, nil
	}
	own, err := b.party(ctx, t)
	if err != nil {
		return Outcome{}, err
	}
	if why := refusal(own, code.Owner); why != "" {
		o := b.say(t, b.T(t, "link.refused."+why))
		o.secret = true
		return o, nil
	}
	o := b.linked(t, "link.done", code.Owner, code.To)
	o.Linking.CodeHash = hash
	return o, nil
}

// refusal names why a code does not link, for the text that says so. A role never goes to whoever made the
// code: else a stranger need only get somebody of the team to send one.
func refusal(own, owner community.Party) string {
	err := community.MayMerge(own, owner)
	switch {
	case errors.Is(err, community.ErrSameMember):
		return "same"
	case errors.Is(err, community.ErrTwoRoles):
		return "roles"
	case err != nil:
		return "web"
	case own.Role != "":
		return "team"
	}
	return ""
}

// standing is how the turn's own member stands, who may not be known yet.
func (b *Bot) party(ctx context.Context, t Turn) (community.Party, error) {
	if t.Member.ID == 0 {
		return community.Party{OnWeb: t.Chat.Network == channel.Web}, nil
	}
	return b.Store.Party(ctx, t.Member.ID, t.Chat.Network)
}

// card takes the sender's own phone, which the network vouches for. When the staff's spreadsheet has the
// one person with that phone, this is them; whatever is less certain is left to the staff.
func (b *Bot) card(ctx context.Context, t Turn) (Outcome, error) {
	thanks := b.say(t, b.T(t, "card.thanks"))
	if t.Room {
		return thanks, nil
	}
	others, err := b.Store.WithPhone(ctx, t.Member.ID, t.Phone, t.Chat.Network)
	if err != nil || len(others) == 0 {
		return thanks, err
	}
	own, err := b.party(ctx, t)
	if err != nil {
		return Outcome{}, err
	}
	record, ok := community.OneByPhone(own, others)
	if !ok {
		for _, other := range others {
			thanks.Duplicates = append(thanks.Duplicates, other.Member.ID)
		}
		return thanks, nil
	}
	o := b.linked(t, "link.found", record, record.Reached)
	o.Linking.Phone = t.Phone
	return o, nil
}

// linked says what the two accounts have in common now, and tells the other account, so that whoever
// did not do this themselves can say so.
func (b *Bot) linked(t Turn, key string, owner community.Party, to channel.Address) Outcome {
	if owner.Member.LanguageChosen {
		t.Language = owner.Member.Language
	}
	text := b.T(t, key, "name", b.comma(owner.Member))
	for _, f := range []struct{ name, value string }{
		{stepRegion, b.regionName(t.Language, owner.Member.Region)},
		{stepArrival, owner.Member.Arrival.Slashed()},
		{stepEnd, owner.Member.End.Slashed()},
	} {
		if f.value != "" {
			text += "\n" + b.field(t, f.name, f.value)
		}
	}
	o := b.say(t, text+"\n\n"+b.T(t, "link.correct"), row(button(b.T(t, "profile.button"), "c:profile"), button(b.T(t, "human.button"), "h:ask")))
	o.Linking, o.secret = &Linking{Into: owner.Member.ID}, true
	if !to.IsZero() && to != t.Chat {
		o.Send = append(o.Send, outbox.Draft{Lane: outbox.Reply, To: to, MemberID: owner.Member.ID, Content: channel.Content{
			Text: b.Texts.T(cmp.Or(owner.Member.Language, t.Language), "link.notice", "network", networkName(t.Chat.Network)),
		}})
	}
	return o
}
