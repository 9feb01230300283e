package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"chasqui/channel"
	"chasqui/community"
)

// mergedTables are all the places that name a member. A merge moves their rows to the member who stays; a
// row that cannot move because that member has the like already goes with the other. A new table that
// names a member belongs here: a test compares this list with the schema.
var mergedTables = []struct{ table, column string }{
	{"consent", "member_id"},
	{"address", "member_id"},
	{"membership", "member_id"},
	{"role", "member_id"},
	{"line", "member_id"},
	{"ticket", "member_id"},
	{"ticket", "holder_id"},
	{"request", "member_id"},
	{"delivery", "member_id"},
	{"announcement", "author_id"},
	{"presence", "member_id"},
	{"event", "author_id"},
	{"organiser", "member_id"},
	{"rsvp", "member_id"},
	{"formality", "member_id"},
	{"deadline", "member_id"},
	{"calendar_feed", "member_id"},
	{"import_change", "member_id"},
	{"link_code", "member_id"},
	{"duplicate", "a_id"},
	{"duplicate", "b_id"},
}

// MergedField is one value of two members and the one that wins.
type MergedField struct{ Name, From, Into, Wins string }

// Merge says what making two members one does, or would do.
type Merge struct {
	From, Into community.Member
	// Fields are those in which the two differ.
	Fields  []MergedField
	Written bool
}

// Merge makes one member of two: into stays, with what is known of from beside it. With commit false it
// only says what that would do. The error is one of community's when the two may not be one.
func (s *Store) Merge(ctx context.Context, from, into int64, commit bool, now time.Time) (m Merge, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		if m, err = merge(ctx, tx, from, into, "operator", now); err != nil {
			return err
		}
		if !commit {
			return errPreview
		}
		m.Written = true
		return nil
	})
	if errors.Is(err, errPreview) {
		err = nil
	}
	return m, err
}

func merge(ctx context.Context, tx *sql.Tx, from, into int64, actor string, now time.Time) (Merge, error) {
	a, err := party(ctx, tx, from, "")
	if err != nil {
		return Merge{}, fmt.Errorf("member %d: %w", from, err)
	}
	b, err := party(ctx, tx, into, "")
	if err != nil {
		return Merge{}, fmt.Errorf("member %d: %w", into, err)
	}
	if err := community.MayMerge(a, b); err != nil {
		return Merge{}, err
	}
	m := Merge{From: a.Member, Into: b.Member}
	one := oneOf(a.Member, b.Member)
	m.Fields = differences(a.Member, b.Member, one)
	if _, err := saveMember(ctx, tx, one, now); err != nil {
		return m, err
	}
	// The group of a region that does not win is not theirs any more.
	if a.Member.Region != "" && a.Member.Region != one.Region {
		if _, err := leaveGroup(ctx, tx, from, regionGroup(a.Member.Region)); err != nil {
			return m, err
		}
	}
	if err := moveRows(ctx, tx, from, into); err != nil {
		return m, err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM member WHERE id = $1`, from); err != nil {
		return m, fmt.Errorf("remove member %d: %w", from, err)
	}
	if err := preferOne(ctx, tx, into); err != nil {
		return m, err
	}
	return m, audit(ctx, tx, actor, "merged members", fmt.Sprintf("%d into %d", from, into), now)
}

// moveRows gives all that names from to into. UPDATE OR IGNORE leaves what into has already; the
// schema removes it with from.
func moveRows(ctx context.Context, tx *sql.Tx, from, into int64) error {
	for _, statement := range []string{
		`UPDATE import_change SET merged = 1 WHERE member_id IN ($1, $2)`,
		// One address is preferred, and the one of the member who stays is.
		`UPDATE address SET preferred = 0 WHERE member_id = $1 AND EXISTS (SELECT 1 FROM address WHERE member_id = $2 AND preferred = 1)`,
		// What was planned for one is planned anew for what the two know together.
		`UPDATE member SET plan_stale = 1 WHERE id = $2 AND $1 > 0`,
		`DELETE FROM duplicate WHERE a_id = MIN($1, $2) AND b_id = MAX($1, $2)`,
	} {
		if _, err := tx.ExecContext(ctx, statement, from, into); err != nil {
			return fmt.Errorf("prepare to merge member %d: %w", from, err)
		}
	}
	for _, t := range mergedTables {
		if _, err := tx.ExecContext(ctx, `UPDATE OR IGNORE `+t.table+` SET `+t.column+` = $2 WHERE `+t.column+` = $1`, from, into); err != nil {
			return fmt.Errorf("move %s of member %d: %w", t.table, from, err)
		}
	}
	return nil
}

// oneOf is the member that two become: what into has stays, the rest comes from from.
func oneOf(from, into community.Member) community.Member {
	one := into
	for _, f := range memberFields {
		if f.get(one) == "" {
			f.set(&one, f.get(from))
		}
	}
	// A language that was only guessed gives way to one that was chosen.
	if !into.LanguageChosen && from.LanguageChosen {
		one.Language, one.LanguageChosen = from.Language, true
	}
	if one.Arrival != "" && one.End != "" && one.Arrival > one.End {
		one.Arrival, one.End = into.Arrival, into.End
	}
	if one.Profile == "" || from.Profile == community.ProfileDone {
		one.Profile = from.Profile
	}
	one.Consent, one.StoppedAt = community.StricterConsent(from, into)
	return one
}

func differences(from, into, one community.Member) []MergedField {
	var out []MergedField
	add := func(name, from, into, wins string) {
		if from != into {
			out = append(out, MergedField{name, from, into, wins})
		}
	}
	for _, f := range memberFields {
		add(f.name, f.get(from), f.get(into), f.get(one))
	}
	add("consent", consentWord(from), consentWord(into), consentWord(one))
	return out
}

func consentWord(m community.Member) string {
	if m.Stopped() {
		return string(m.Consent) + ", stopped"
	}
	return string(m.Consent)
}

const partyQuery = `
SELECT ` + memberColumns + `, COALESCE((SELECT role FROM role WHERE member_id = m.id), ''),
	EXISTS (SELECT 1 FROM consent WHERE member_id = m.id AND change = 'enrolled'),
	EXISTS (SELECT 1 FROM address WHERE member_id = m.id AND network = $2 AND wrote = 1),
	EXISTS (SELECT 1 FROM address WHERE member_id = m.id AND network = 'web'),
	COALESCE(a.network, ''), COALESCE(a.chat, '')
FROM member m LEFT JOIN address a ON a.id = (
	SELECT id FROM address WHERE member_id = m.id AND state = 'active' AND wrote = 1 ORDER BY preferred DESC, id LIMIT 1)
WHERE `

func scanParty(row interface{ Scan(...any) error }) (community.Party, error) {
	var s community.Party
	var err error
	s.Member, err = scanMember(row, &s.Role, &s.Imported, &s.Writes, &s.OnWeb, &s.Reached.Network, &s.Reached.ID)
	return s, err
}

func party(ctx context.Context, q querier, id int64, network channel.Network) (community.Party, error) {
	s, err := scanParty(q.QueryRowContext(ctx, partyQuery+`m.id = $1`, id, network))
	if errors.Is(err, sql.ErrNoRows) {
		return s, ErrNoSuchMember
	}
	if err != nil {
		return s, fmt.Errorf("read how member %d stands: %w", id, err)
	}
	return s, nil
}

// withPhone lists who else has a phone.
func withPhone(ctx context.Context, q querier, own int64, phone string, network channel.Network) ([]community.Party, error) {
	var others []community.Party
	err := each(ctx, q, func(rows *sql.Rows) error {
		s, err := scanParty(rows)
		others = append(others, s)
		return err
	}, partyQuery+`m.phone = $3 AND m.phone <> '' AND m.id <> $1 ORDER BY m.id`, own, network, phone)
	if err != nil {
		return nil, fmt.Errorf("find who has a phone: %w", err)
	}
	return others, nil
}
