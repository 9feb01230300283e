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

// Change says what an import does, or would do, with one row.
type Change struct {
	Row community.Row
	// Kind is added, changed, same or refused.
	Kind string
	// Why says why it is refused, or which columns change.
	Why string
}

// The kinds of change.
const (
	Added   = "added"
	Changed = "changed"
	Same    = "same"
	Refused = "refused"
)

// errPreview ends the transaction of an import that was only to be looked at.
var errPreview = errors.New("only a preview")

// Import takes rows in, or with commit false only says what it would do. It is all or nothing: with a
// refused row nothing is written, so that nobody has to find out afterwards what half was taken. What it
// changes is kept with what was there before, so that UndoImport can take it back.
func (s *Store) Import(ctx context.Context, rows []community.Row, commit bool, now time.Time) (changes []Change, written bool, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		changes = nil
		refused := false
		in, err := beginImport(ctx, tx, len(rows), now)
		if err != nil {
			return err
		}
		for _, row := range rows {
			c, err := in.row(ctx, row)
			if err != nil {
				return fmt.Errorf("line %d: %w", row.Line, err)
			}
			refused = refused || c.Kind == Refused
			changes = append(changes, c)
		}
		if !commit || refused {
			return errPreview
		}
		return audit(ctx, tx, "operator", "imported members", fmt.Sprint(len(rows)), now)
	})
	if errors.Is(err, errPreview) {
		return changes, false, nil
	}
	return changes, err == nil, err
}

// importer takes the rows of one import in, and keeps what each of them changed.
type importer struct {
	tx     *sql.Tx
	id     int64
	secret string
	now    time.Time
}

func beginImport(ctx context.Context, tx *sql.Tx, rows int, now time.Time) (importer, error) {
	in := importer{tx: tx, now: now}
	var err error
	if in.secret, err = setting(ctx, tx, "instance"); err != nil {
		return in, err
	}
	err = tx.QueryRowContext(ctx, `INSERT INTO import (at, rows) VALUES ($1, $2) RETURNING id`, now.UnixMilli(), rows).Scan(&in.id)
	if err != nil {
		return in, fmt.Errorf("note the import: %w", err)
	}
	return in, nil
}

func (in importer) row(ctx context.Context, row community.Row) (Change, error) {
	if row.Fault != nil {
		return Change{row, Refused, oneLine(row.Fault)}, nil
	}
	if why, err := forgottenRow(ctx, in.tx, in.secret, row); err != nil || why != "" {
		return Change{row, Refused, why}, err
	}
	known, why, err := findRow(ctx, in.tx, row)
	if err != nil || why != "" {
		return Change{row, Refused, why}, err
	}
	m, fields := merged(known, row)
	if m.Arrival != "" && m.End != "" && m.Arrival > m.End {
		return Change{row, Refused, fmt.Sprintf("the end %s would be before the arrival %s", m.End, m.Arrival)}, nil
	}
	did := trace{memberID: known.ID, added: known.ID == 0, fields: fields, chosen: m.LanguageChosen && !known.LanguageChosen}
	kind := Changed
	switch {
	case did.added:
		kind, m.CreatedAt = Added, in.now
	case len(fields) == 0 && known.Consent != community.NeverAsked:
		did.chosen = false
		if did.addressID, err = linkTelegram(ctx, in.tx, known.ID, row, in.now); err != nil {
			return Change{}, err
		}
		return Change{row, Same, ""}, in.keep(ctx, did)
	}
	return Change{row, kind, did.names()}, in.write(ctx, m, known, row, did)
}

// write saves a member who is new or changed.
func (in importer) write(ctx context.Context, m, known community.Member, row community.Row, did trace) (err error) {
	if did.enrolled = m.Consent == "" || m.Consent == community.NeverAsked; did.enrolled {
		m.Consent = community.Enrolled
	}
	if m.ID, err = saveMember(ctx, in.tx, m, in.now); err != nil {
		return err
	}
	did.memberID = m.ID
	if did.addressID, err = linkTelegram(ctx, in.tx, m.ID, row, in.now); err != nil {
		return err
	}
	if did.enrolled {
		if err := addConsent(ctx, in.tx, m.ID, community.ConsentChange{Change: community.ConsentEnrolled, How: "import"}, in.now); err != nil {
			return err
		}
	}
	if did.joined, did.parted, err = enrol(ctx, in.tx, m, known, did.enrolled, in.now); err != nil {
		return err
	}
	return in.keep(ctx, did)
}

// enrol puts a member into the groups that an import means: all that fit whoever it enrols, and for whoever
// was here already only those that follow from what it changed, since they may have left the others.
func enrol(ctx context.Context, tx *sql.Tx, m, known community.Member, enrolled bool, now time.Time) (joined, parted []string, err error) {
	var slugs []string
	if enrolled {
		slugs = append(slugs, community.Announcements)
	}
	if m.Region != "" && (enrolled || m.Region != known.Region) {
		slugs = append(slugs, regionGroup(m.Region))
	}
	if m.Kind == community.Host && (enrolled || m.Kind != known.Kind) {
		slugs = append(slugs, "hotes")
	}
	if known.Region != "" && known.Region != m.Region {
		left, err := leaveGroup(ctx, tx, m.ID, regionGroup(known.Region))
		if err != nil {
			return nil, nil, err
		}
		if left {
			parted = append(parted, regionGroup(known.Region))
		}
	}
	for _, slug := range slugs {
		in, err := joinGroup(ctx, tx, m.ID, slug, now)
		if err != nil {
			return nil, nil, err
		}
		if in {
			joined = append(joined, slug)
		}
	}
	return joined, parted, nil
}

func regionGroup(region string) string { return "region-" + region }

// joinGroup puts a member into a group, and says whether they were not in it.
func joinGroup(ctx context.Context, q querier, memberID int64, slug string, now time.Time) (bool, error) {
	r, err := q.ExecContext(ctx, `INSERT INTO membership (member_id, slug, joined_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, memberID, slug, now.UnixMilli())
	if err != nil {
		return false, fmt.Errorf("join %s: %w", slug, err)
	}
	return affected(r) > 0, nil
}

// leaveGroup takes a member out of a group, and says whether they were in it.
func leaveGroup(ctx context.Context, q querier, memberID int64, slug string) (bool, error) {
	r, err := q.ExecContext(ctx, `DELETE FROM membership WHERE member_id = $1 AND slug = $2`, memberID, slug)
	if err != nil {
		return false, fmt.Errorf("leave %s: %w", slug, err)
	}
	return affected(r) > 0, nil
}

func oneLine(err error) string {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		out := ""
		for _, e := range many.Unwrap() {
			if out != "" {
				out += "; "
			}
			out += oneLine(e)
		}
		return out
	}
	return err.Error()
}

func forgottenRow(ctx context.Context, tx *sql.Tx, secret string, row community.Row) (string, error) {
	for _, place := range []string{"telegram:" + row.Telegram, "phone:" + row.Member.Phone} {
		err := tx.QueryRowContext(ctx, `SELECT 1 FROM forgotten WHERE mark = $1`, mark(secret, place)).Scan(new(int))
		if err == nil {
			return "this person asked to be forgotten; they can come back by writing to the bot", nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return "", fmt.Errorf("look for who asked to be forgotten: %w", err)
		}
	}
	return "", nil
}

// findRow finds the member that a row is about: by Telegram id, else by phone. A row that fits two
// members is refused, never merged by itself.
func findRow(ctx context.Context, tx *sql.Tx, row community.Row) (community.Member, string, error) {
	var byTelegram, byPhone community.Member
	var err error
	if row.Telegram != "" {
		if byTelegram, _, err = memberAt(ctx, tx, channel.Address{Network: channel.Telegram, ID: row.Telegram}); err != nil {
			return byTelegram, "", err
		}
	}
	if row.Member.Phone != "" {
		matches := 0
		err = each(ctx, tx, func(rows *sql.Rows) error {
			matches++
			byPhone, err = scanMember(rows)
			return err
		}, `SELECT `+memberColumns+` FROM member m WHERE m.phone = $1`, row.Member.Phone)
		if err != nil {
			return byPhone, "", fmt.Errorf("find a member by phone: %w", err)
		}
		if matches > 1 {
			return byPhone, "two members have this phone already: correct them first", nil
		}
	}
	if byTelegram.ID != 0 && byPhone.ID != 0 && byTelegram.ID != byPhone.ID {
		return byTelegram, fmt.Sprintf("the Telegram id is member %d and the phone is member %d: they are never merged by an import", byTelegram.ID, byPhone.ID), nil
	}
	if byTelegram.ID != 0 {
		return byTelegram, "", nil
	}
	return byPhone, "", nil
}

// linkTelegram gives a member the row's Telegram address and returns its id, or 0 when there was nothing
// to give. Whoever else has the address was found before, and the row refused.
func linkTelegram(ctx context.Context, tx *sql.Tx, memberID int64, row community.Row, now time.Time) (int64, error) {
	if row.Telegram == "" {
		return 0, nil
	}
	a := channel.Address{Network: channel.Telegram, ID: row.Telegram}
	known, _, err := memberAt(ctx, tx, a)
	if err != nil || known.ID != 0 {
		return 0, err
	}
	if err := addAddress(ctx, tx, memberID, a, false, now); err != nil {
		return 0, err
	}
	var id int64
	if err := tx.QueryRowContext(ctx, `SELECT id FROM address WHERE network = $1 AND chat = $2`, a.Network, a.ID).Scan(&id); err != nil {
		return 0, fmt.Errorf("find the address of member %d: %w", memberID, err)
	}
	return id, nil
}

// merged puts the filled columns of a row over what is known, and lists those that change, each with
// what was there before and what is there now.
func merged(known community.Member, row community.Row) (community.Member, map[string][2]string) {
	m, changed := known, map[string][2]string{}
	for _, f := range memberFields {
		before, after := f.get(known), f.get(row.Member)
		if row.Set[f.name] && before != after {
			f.set(&m, after)
			changed[f.name] = [2]string{before, after}
		}
	}
	m.LanguageChosen = known.LanguageChosen || row.Set["language"]
	return m, changed
}
