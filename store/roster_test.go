package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"chasqui/bot"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/desk"
	"chasqui/i18n"
	"chasqui/outbox"
	"chasqui/store"
)

// team is a store as staff and people use it side by side.
type team struct {
	*testing.T
	*store.Store
	messages int
}

func newTeam(t *testing.T) *team {
	s := open(t, t.TempDir())
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &team{T: t, Store: s}
}

func (w *team) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// takes imports a spreadsheet that is in order.
func (w *team) takes(text string) {
	w.Helper()
	r, err := community.ReadRoster([]byte(text), false)
	w.must(err)
	changes, written, err := w.Import(w.Context(), r.Rows, true, now)
	w.must(err)
	if !written {
		w.Fatalf("refused: %+v", changes)
	}
}

// undoes takes the newest import back and says what that did, one member a line.
func (w *team) undoes(commit bool) string {
	w.Helper()
	undo, err := w.UndoImport(w.Context(), commit, now)
	w.must(err)
	if undo.Written != commit {
		w.Fatalf("written %v", undo.Written)
	}
	var lines []string
	for _, m := range undo.Members {
		lines = append(lines, strings.Join([]string{fmt.Sprint(m.MemberID), m.Kind, strings.Join(m.Restored, " "), strings.Join(m.Why, "; ")}, "|"))
	}
	return strings.Join(lines, "\n")
}

func (w *team) expect(what, got, want string) {
	w.Helper()
	if got != want {
		w.Errorf("%s:\n%s\nwant:\n%s", what, got, want)
	}
}

func (w *team) turn(telegram, text string) bot.Turn {
	w.Helper()
	w.messages++
	m := channel.Message{Kind: channel.Text, ID: fmt.Sprint(w.messages), Text: text, From: channel.Sender{ID: telegram},
		Chat: channel.Address{Network: channel.Telegram, ID: telegram}}
	before, err := w.Begin(w.Context(), m, now)
	w.must(err)
	return bot.Turn{Message: m, Before: before, Now: now, Language: i18n.French}
}

func (w *team) does(t bot.Turn, o bot.Outcome) {
	w.Helper()
	if o.Member == nil {
		o.Member = &t.Member
	}
	_, err := w.Commit(w.Context(), t, o)
	w.must(err)
}

func (w *team) member(id int64) community.Member {
	w.Helper()
	m, err := w.Member(w.Context(), id)
	w.must(err)
	return m
}

const twoPeople = "name,telegram,phone,region,kind\nAna Quispe,111,987654321,Cusco,host\nLéo Martin,222,,Puno,volunteer\n"

func TestTheRegionsGroupFollowsAnImport(t *testing.T) {
	w := newTeam(t)
	w.takes(twoPeople)
	w.expect("groups at first", fmt.Sprint(w.turn("222", "").Groups), "[annonces region-puno]")
	w.takes("name,telegram,region\nLéo Martin,222,Lima\n")
	w.expect("groups after the move", fmt.Sprint(w.turn("222", "").Groups), "[annonces region-lima]")
	// Who left a group is not put back by a row about something else.
	w.does(w.turn("222", "leave"), bot.Outcome{Leave: []string{"region-lima"}})
	w.takes("name,telegram,host\nLéo Martin,222,SAIPE\n")
	w.expect("groups after leaving", fmt.Sprint(w.turn("222", "").Groups), "[annonces]")
}

func TestImportsAreTakenBackTheNewestFirst(t *testing.T) {
	w := newTeam(t)
	w.takes(twoPeople)
	w.takes("name,telegram,region,phone\nLéo Martin,222,Lima,+33 6 12 34 56 78\n")
	w.expect("a preview", w.undoes(false), "2|restored|phone region group region-lima group region-puno|")
	if m := w.member(2); m.Region != "lima" {
		t.Fatalf("a preview wrote: %+v", m)
	}
	w.expect("the second", w.undoes(true), "2|restored|phone region group region-lima group region-puno|")
	m := w.member(2)
	w.expect("what Léo is again", m.Region+m.Phone+fmt.Sprint(w.turn("222", "").Groups), "puno[annonces region-puno]")
	w.expect("the first", w.undoes(true), "2|removed||\n1|removed||")
	if _, err := w.Member(t.Context(), 1); !errors.Is(err, store.ErrNoSuchMember) {
		t.Errorf("an added member is left: %v", err)
	}
	if _, err := w.UndoImport(t.Context(), true, now); !errors.Is(err, store.ErrNothingToUndo) {
		t.Errorf("a third was taken back: %v", err)
	}
	// Nobody asked to be forgotten, so the right file brings them in.
	w.takes(twoPeople)
}

func TestWhatChangedSinceAnImportStays(t *testing.T) {
	w := newTeam(t)
	w.takes(twoPeople)
	w.takes("name,telegram,region,host,arrival,end\nAna Quispe,111,Lima,SAIPE,2027-03-01,2027-09-01\nRosa,333,,,,\nPol,444,Puno,,,\n")
	ana := w.turn("111", "I am in Puno")
	ana.Member.Region, ana.Member.End = "puno", "2027-10-01"
	w.does(ana, bot.Outcome{Join: []string{"region-puno"}, Leave: []string{"region-lima"}})
	w.does(w.turn("333", "human"), bot.Outcome{Open: &bot.TicketOpening{Reason: desk.Asked}})
	w.must(w.AddStaff(t.Context(), channel.Address{Network: channel.Telegram, ID: "444"}, community.Agent, now))
	w.expect("the undo", w.undoes(true), strings.Join([]string{
		"4|kept||they wrote to the bot since; they are of the team",
		"3|kept||they wrote to the bot since; they got a ticket since",
		"1|restored|host arrival|region: changed since; end: changed since",
	}, "\n"))
	if m := w.member(1); m.Region != "puno" || m.Host != "" || m.Arrival != "" || m.End != "2027-10-01" {
		t.Errorf("Ana is %+v", m)
	}
	w.expect("Ana's groups", fmt.Sprint(w.turn("111", "").Groups), "[annonces hotes region-puno]")
}

func TestTheEndsOfAMissionReturnTogether(t *testing.T) {
	w := newTeam(t)
	w.takes("name,telegram,arrival,end\nLéo,222,2027-05-01,2027-09-01\n")
	w.takes("name,telegram,arrival,end\nLéo,222,2027-01-01,2027-02-01\n")
	// The end that Léo gives lies before the arrival that would come back.
	leo := w.turn("222", "end")
	leo.Member.End = "2027-03-01"
	w.does(leo, bot.Outcome{})
	w.expect("the undo", w.undoes(true), "1|kept||end: changed since; arrival: the end would be before the arrival")
	if m := w.member(1); m.Arrival != "2027-01-01" || m.End != "2027-03-01" {
		t.Errorf("the mission is from %s to %s", m.Arrival, m.End)
	}
}

func TestWhomAnImportEnrolledIsAskedAgainAfterIt(t *testing.T) {
	w := newTeam(t)
	w.does(w.turn("555", "hello"), bot.Outcome{})
	w.takes("name,telegram,phone,language\nEva,555,911111111,es\n")
	if m := w.member(1); m.Consent != community.Enrolled || !m.LanguageChosen {
		t.Fatalf("Eva is %+v", m)
	}
	w.expect("the undo", w.undoes(true), "1|restored|name phone language consent group annonces|")
	if m := w.member(1); m.Consent != community.NeverAsked || m.LanguageChosen || m.Phone != "" {
		t.Errorf("Eva is %+v", m)
	}
	record, err := w.Record(t.Context(), 1)
	w.must(err)
	if !strings.Contains(string(record), "unenrolled") || !strings.Contains(string(record), "import undone") {
		t.Errorf("the record of consent hides it: %s", record)
	}
	// What she says herself outlives an undo.
	w.takes("name,telegram,phone\nEva,555,911111111\n")
	eva := w.turn("555", "/stop")
	eva.Member.StoppedAt = now
	w.does(eva, bot.Outcome{Consents: []community.ConsentChange{{Change: community.ConsentStopped, How: "/stop"}}})
	w.expect("the second undo", w.undoes(true), "1|restored|name phone group annonces|consent: decided since")
	if m := w.member(1); !m.Stopped() {
		t.Error("the stop is gone")
	}
}

func TestAnAddressThatAnImportGaveGoesUnlessItsOwnerWrote(t *testing.T) {
	w := newTeam(t)
	w.takes("name,phone\nAna,987654321\nLéo,912345678\n")
	w.takes("name,phone,telegram\nAna,987654321,111\nLéo,912345678,222\n")
	w.does(w.turn("222", "hello"), bot.Outcome{})
	w.expect("the undo", w.undoes(true), "2|kept||telegram: they wrote from it since\n1|restored|telegram|")
	if m := w.turn("111", "").Member; m.ID != 0 {
		t.Errorf("the address is still of member %d", m.ID)
	}
}

func TestWhatWaitsForARemovedMemberIsStopped(t *testing.T) {
	w := newTeam(t)
	w.takes(twoPeople)
	news := outbox.Draft{Lane: outbox.News, To: channel.Address{Network: channel.Telegram, ID: "222"}, MemberID: 2, Content: channel.Content{Text: "news"}}
	w.must(w.Enqueue(t.Context(), []outbox.Draft{news}, now))
	w.undoes(true)
	claimed, _, err := w.Advance(t.Context(), outbox.Account{Network: channel.Telegram}, now, nil, outbox.Claim{Want: 5, Lowest: outbox.News})
	w.must(err)
	if len(claimed) != 0 {
		t.Errorf("somebody who is no member is written to: %+v", claimed)
	}
}

func TestAnImportIsNotTakenBackFromWhoWasMerged(t *testing.T) {
	w := newTeam(t)
	w.takes(twoPeople)
	if _, err := w.Merge(t.Context(), 2, 1, true, now); err != nil {
		t.Fatal(err)
	}
	w.expect("the undo", w.undoes(true), "1|kept||merged with another member since\n1|kept||merged with another member since")
	w.member(1)
}

func TestOldImportsAreForgotten(t *testing.T) {
	w := newTeam(t)
	w.takes(twoPeople)
	w.must(w.Prune(t.Context(), now.Add(store.KeptImports+time.Hour)))
	if _, err := w.UndoImport(t.Context(), false, now); !errors.Is(err, store.ErrNothingToUndo) {
		t.Errorf("what an old import wrote over is still kept: %v", err)
	}
}

func (w *team) pairs() string {
	w.Helper()
	found, err := w.Duplicates(w.Context())
	w.must(err)
	var lines []string
	for _, d := range found {
		lines = append(lines, fmt.Sprintf("%d %d %s", d.A.ID, d.B.ID, strings.Join(d.Why, ", ")))
	}
	return strings.Join(lines, "\n")
}

func TestDuplicatesAreProposedUntilSomebodyDecides(t *testing.T) {
	w := newTeam(t)
	w.takes("name,telegram,region,arrival,email\nÁna  Quispe,1,Cusco,2027-03-01,ana@example.org\nana quispe,2,Cusco,,\nAna Quispe,3,,2027-03-01,ANA@example.org\nOther,4,Cusco,,\n")
	w.does(w.turn("5", "card"), bot.Outcome{Duplicates: []int64{4}})
	w.does(w.turn("5", "card"), bot.Outcome{Duplicates: []int64{4}})
	w.expect("pairs", w.pairs(), strings.Join([]string{
		"1 2 same name and region", "1 3 same e-mail, same name and arrival", "4 5 gave a phone that the other has",
	}, "\n"))
	w.must(w.DismissDuplicate(t.Context(), 2, 1, now))
	w.must(w.DismissDuplicate(t.Context(), 4, 5, now))
	w.does(w.turn("5", "card"), bot.Outcome{Duplicates: []int64{4}})
	w.expect("pairs after two were dismissed", w.pairs(), "1 3 same e-mail, same name and arrival")
	if err := w.DismissDuplicate(t.Context(), 1, 99, now); !errors.Is(err, store.ErrNoSuchMember) {
		t.Errorf("dismissed with nobody: %v", err)
	}
	if err := w.DismissDuplicate(t.Context(), 1, 1, now); !errors.Is(err, community.ErrSameMember) {
		t.Errorf("dismissed with themselves: %v", err)
	}
	m, err := w.Merge(t.Context(), 3, 1, false, now)
	if err != nil || m.Written {
		t.Fatalf("%+v, %v", m, err)
	}
	w.expect("pairs after a preview", w.pairs(), "1 3 same e-mail, same name and arrival")
	if _, err = w.Merge(t.Context(), 3, 1, true, now); err != nil {
		t.Fatal(err)
	}
	w.expect("pairs after a merge", w.pairs(), "")
}

func TestAMergeSaysWhichValueWins(t *testing.T) {
	w := newTeam(t)
	w.takes("name,telegram,region,host\nAna,1,Cusco,\nAna Q,2,Puno,SAIPE\n")
	m, err := w.Merge(t.Context(), 2, 1, true, now)
	w.must(err)
	w.expect("the fields", fmt.Sprint(m.Fields), "[{name Ana Q Ana Ana} {region puno cusco cusco} {host SAIPE  SAIPE}]")
	w.expect("the groups", fmt.Sprint(w.turn("2", "").Groups), "[annonces region-cusco]")
	for _, bad := range [][2]int64{{1, 1}, {1, 2}, {2, 1}} {
		if _, err := w.Merge(t.Context(), bad[0], bad[1], true, now); err == nil {
			t.Errorf("%v were merged", bad)
		}
	}
}

func TestThePreferredAddressIsChosenAndStays(t *testing.T) {
	w := newTeam(t)
	w.takes(twoPeople)
	preferred := func(id int64) (chats string) {
		addresses, err := w.Addresses(t.Context(), id)
		w.must(err)
		for _, a := range addresses {
			if a.Preferred {
				chats += a.Address.ID
			}
		}
		return fmt.Sprint(len(addresses), " ", chats)
	}
	if _, err := w.Merge(t.Context(), 2, 1, true, now); err != nil {
		t.Fatal(err)
	}
	w.expect("after the merge", preferred(1), "2 111")
	w.must(w.Prefer(t.Context(), 1, 2, now))
	w.expect("after the choice", preferred(1), "2 222")
	if err := w.Prefer(t.Context(), 1, 99, now); !errors.Is(err, store.ErrNoSuchAddress) {
		t.Errorf("an address of nobody is preferred: %v", err)
	}
	w.expect("after a wrong choice", preferred(1), "2 222")
	if _, err := w.Addresses(t.Context(), 2); !errors.Is(err, store.ErrNoSuchMember) {
		t.Errorf("the member who went has addresses: %v", err)
	}
}

func TestWhatStaffDoToMembersIsInTheAuditLog(t *testing.T) {
	dir := t.TempDir()
	w := &team{T: t, Store: open(t, dir)}
	w.takes(twoPeople)
	w.undoes(true)
	w.takes(twoPeople)
	w.must(w.AddLinkCode(t.Context(), 3, "hash", now, now.Add(time.Hour)))
	w.must(w.Prefer(t.Context(), 3, 3, now))
	w.must(w.DismissDuplicate(t.Context(), 3, 4, now))
	if _, err := w.Merge(t.Context(), 4, 3, true, now); err != nil {
		t.Fatal(err)
	}
	w.must(w.Close())
	rows, err := raw(t, dir).Query(`SELECT action, subject FROM audit ORDER BY id`)
	w.must(err)
	defer rows.Close()
	var got []string
	for rows.Next() {
		var action, subject string
		w.must(rows.Scan(&action, &subject))
		got = append(got, action+" "+subject)
	}
	w.must(rows.Err())
	w.expect("the log", strings.Join(got, "\n"), strings.Join([]string{"imported members 2", "took an import back 1", "imported members 2",
		"made a link code 3", "preferred an address 3", "dismissed a duplicate 3 and 4", "merged members 4 into 3"}, "\n"))
}
