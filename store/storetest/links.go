package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"chasqui/bot"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/desk"
	"chasqui/i18n"
	"chasqui/outbox"
)

func linkCode(w *world) {
	camille := w.agreed("camille")
	w.commit(w.turn("camille", "code"), bot.Outcome{NewLink: &bot.NewLink{CodeHash: "hash", Expires: w.now.Add(bot.LinkFor)}})
	code, ok, err := w.LinkCode(w.Context(), "hash", channel.Telegram, w.now)
	w.check(err)
	if !ok || code.Owner.Member.ID != camille.ID || code.To != at("camille") {
		w.Fatalf("the code is %+v, %v", code, ok)
	}
	old := w.meet("nueva")
	linking := &bot.Linking{Into: camille.ID, CodeHash: "hash"}
	w.commit(w.turn("nueva", "LIEN"), bot.Outcome{Linking: linking, Send: []outbox.Draft{draft("nueva", "linked", outbox.Reply)}})
	if got := w.turn("nueva", "").Member; got.ID != camille.ID || got.Name != camille.Name {
		w.Errorf("the new account is %+v", got)
	}
	if _, err := w.Member(w.Context(), old.ID); err == nil {
		w.Error("the member who was merged is still there")
	}
	t := w.turn("eve", "LIEN")
	if _, err := w.Commit(w.Context(), t, bot.Outcome{Member: &t.Member, Linking: linking}); !errors.Is(err, bot.ErrStale) {
		w.Errorf("a code was used twice: %v", err)
	}
	if w.turn("eve", "").Member.ID != 0 {
		w.Error("a refused link left a member behind")
	}
	if _, ok, err := w.LinkCode(w.Context(), "hash", channel.Telegram, w.now); ok || err != nil {
		w.Errorf("a used code is offered: %v", err)
	}
	w.check(w.AddLinkCode(w.Context(), camille.ID, "first", w.now, w.now.Add(time.Hour)))
	w.check(w.AddLinkCode(w.Context(), camille.ID, "second", w.now, w.now.Add(time.Hour)))
	for hash, when := range map[string]time.Time{"first": w.now, "second": w.now.Add(2 * time.Hour)} {
		if _, ok, err := w.LinkCode(w.Context(), hash, channel.Telegram, when); ok || err != nil {
			w.Errorf("the code %s is offered: %v", hash, err)
		}
	}
}

// enrolled is somebody whom staff brought in with a phone, and who is known by a place elsewhere.
func (w *world) enrolled(where channel.Network, name, phone string) community.Member {
	w.Helper()
	t := w.turn(name, "row")
	t.Chat.Network = where
	t.Member = community.Member{Name: name, Phone: phone, Region: "cusco", Consent: community.Enrolled}
	w.commit(t, bot.Outcome{Member: &t.Member, Consents: []community.ConsentChange{{Change: community.ConsentEnrolled, How: "import"}}})
	others, err := w.WithPhone(w.Context(), 0, phone, channel.Telegram)
	w.check(err)
	return others[len(others)-1].Member
}

func linkPhone(w *world) {
	const phone = "+51987654321"
	row := w.enrolled(channel.Terminal, "Paul", phone)
	w.meet("paul")
	linking := &bot.Linking{Into: row.ID, Phone: phone}
	// A second one with this phone comes in between: what was certain is so no longer.
	second := w.enrolled(channel.Terminal, "Pol", phone)
	t := w.turn("paul", "card")
	if _, err := w.Commit(w.Context(), t, bot.Outcome{Member: &t.Member, Linking: linking}); !errors.Is(err, bot.ErrStale) {
		w.Errorf("one of two was chosen: %v", err)
	}
	w.check(w.Erase(w.Context(), second.ID, "operator", w.now))
	w.commit(w.turn("paul", "card"), bot.Outcome{Linking: linking})
	if got := w.turn("paul", "").Member; got.ID != row.ID || got.Region != "cusco" || got.Consent != community.Enrolled {
		w.Errorf("paul is %+v", got)
	}
	// From now on the record is somebody's own.
	own, err := w.Party(w.Context(), row.ID, channel.Telegram)
	w.check(err)
	if !own.Imported || !own.Writes || own.OnWeb || own.Reached.IsZero() {
		w.Errorf("paul stands as %+v", own)
	}
	t = w.turn("eve", "card")
	if _, err := w.Commit(w.Context(), t, bot.Outcome{Member: &t.Member, Linking: linking}); !errors.Is(err, bot.ErrStale) {
		w.Errorf("a record was taken over twice: %v", err)
	}
}

func merging(w *world) {
	into := w.agreed("old")
	into.Region, into.Arrival = "cusco", "2027-03-01"
	w.commit(w.turn("old", "x"), bot.Outcome{Member: &into, Join: []string{"region-cusco", community.Announcements}, Said: []bot.Said{{Who: desk.ByMember, Text: "from the old one"}}})
	w.commit(w.turn("old", "code"), bot.Outcome{NewLink: &bot.NewLink{CodeHash: "hash", Expires: w.now.Add(bot.LinkFor)}})
	from := w.meet("new")
	from.Name, from.Email, from.Region, from.End, from.StoppedAt = "New", "new@example.org", "puno", "2027-01-01", w.now
	from.Language, from.LanguageChosen = i18n.Spanish, true
	w.commit(w.turn("new", "x"), bot.Outcome{Member: &from, Join: []string{"region-puno", "visas", community.Announcements},
		Consents: []community.ConsentChange{{Change: community.ConsentStopped, How: "/stop"}},
		Said:     []bot.Said{{Who: desk.ByMember, Text: "from the new one"}}, Open: &bot.TicketOpening{Reason: desk.Asked},
		Requests: []desk.Request{{Requester: "autre", Object: "x", Mode: "Telegram", Situation: "autre", Service: "conseil", Decision: "handover"}}})
	w.commit(w.turn("new", "LIEN"), bot.Outcome{Linking: &bot.Linking{Into: into.ID, CodeHash: "hash"}})

	t := w.turn("new", "")
	m := t.Member
	if m.ID != into.ID || m.Region != "cusco" || m.Email != "new@example.org" || m.Language != i18n.Spanish {
		w.Errorf("the one is %+v", m)
	}
	// An end before the arrival of the other is no mission.
	if m.Arrival != "2027-03-01" || m.End != "" {
		w.Errorf("the mission is from %s to %s", m.Arrival, m.End)
	}
	if !m.Stopped() || m.Consent != community.Given || m.MayBeWrittenTo() {
		w.Errorf("the consent is %s, stopped %v", m.Consent, m.StoppedAt)
	}
	w.expect("groups", t.Groups, community.Announcements, "region-cusco", "visas")
	lines, err := w.Lines(w.Context(), into.ID, 10)
	w.check(err)
	if got := fmt.Sprint(lines); !strings.Contains(got, "from the old one") || !strings.Contains(got, "from the new one") {
		w.Errorf("lines %s", got)
	}
	if k := w.ticket("new"); k.MemberID != into.ID {
		w.Errorf("the ticket is of member %d", k.MemberID)
	}
	record, err := w.Record(w.Context(), into.ID)
	w.check(err)
	for _, want := range []string{`"stopped"`, `"conseil"`, `"asked"`, `"id": "old"`, `"id": "new"`} {
		if !strings.Contains(string(record), want) && !strings.Contains(strings.ReplaceAll(string(record), " ", ""), strings.ReplaceAll(want, " ", "")) {
			w.Errorf("%s is not in the record: %s", want, record)
		}
	}
}

func mergedMeanwhile(w *world) {
	into := w.agreed("old")
	w.commit(w.turn("old", "code"), bot.Outcome{NewLink: &bot.NewLink{CodeHash: "hash", Expires: w.now.Add(bot.LinkFor)}})
	w.meet("new")
	slow := w.turn("new", "slow")
	w.commit(w.turn("new", "LIEN"), bot.Outcome{Linking: &bot.Linking{Into: into.ID, CodeHash: "hash"}})
	if _, err := w.Commit(w.Context(), slow, bot.Outcome{Member: &slow.Member, Join: []string{"visas"}}); !errors.Is(err, bot.ErrStale) {
		w.Fatalf("a turn of who is no more was taken: %v", err)
	}
	again := w.turn("new", "slow")
	w.commit(again, bot.Outcome{Join: []string{"visas"}})
	if groups := w.turn("old", "").Groups; !slices.Contains(groups, "visas") {
		w.Errorf("groups %v", groups)
	}
}

func slower(w *world) {
	into := w.agreed("old")
	w.commit(w.turn("old", "code"), bot.Outcome{NewLink: &bot.NewLink{CodeHash: "hash", Expires: w.now.Add(bot.LinkFor)}})
	w.commit(w.turn("new", "LIEN"), bot.Outcome{Linking: &bot.Linking{Into: into.ID, CodeHash: "hash"}})
	slow := w.turn("new", "my region is Puno")
	quick := w.turn("old", "/stop")
	quick.Member.StoppedAt = w.now
	w.commit(quick, bot.Outcome{})
	slow.Member.Region = "puno"
	if _, err := w.Commit(w.Context(), slow, bot.Outcome{Member: &slow.Member}); !errors.Is(err, bot.ErrStale) {
		w.Fatalf("a turn wrote over what came before it: %v", err)
	}
	if m := w.turn("new", "").Member; !m.Stopped() || m.Region != "" {
		w.Errorf("the member is %+v", m)
	}
}
