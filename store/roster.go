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
// refused row nothing is written, so that nobody has to find out afterwards what half was taken.
func (s *Store) Import(ctx context.Context, rows []community.Row, commit bool, now time.Time) (changes []Change, written bool, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		changes = nil
		refused := false
		secret, err := setting(ctx, tx, "instance")
		if err != nil {
			return err
		}
		for _, row := range rows {
			c, err := importRow(ctx, tx, secret, row, now)
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

func importRow(ctx context.Context, tx *sql.Tx, secret string, row community.Row, now time.Time) (Change, error) {
	if row.Fault != nil {
		return Change{row, Refused, oneLine(row.Fault)}, nil
	}
	if why, err := forgottenRow(ctx, tx, secret, row); err != nil || why != "" {
		return Change{row, Refused, why}, err
	}
	known, why, err := findRow(ctx, tx, row)
	if err != nil || why != "" {
		return Change{row, Refused, why}, err
	}
	m, changed := merged(known, row)
	if m.Arrival != "" && m.End != "" && m.Arrival > m.End {
		return Change{row, Refused, fmt.Sprintf("the end %s would be before the arrival %s", m.End, m.Arrival)}, nil
	}
	kind := Changed
	switch {
	case known.ID == 0:
		kind, m.CreatedAt = Added, now
	case changed == "" && known.Consent != community.NeverAsked:
		return Change{row, Same, ""}, linkTelegram(ctx, tx, known.ID, row, now)
	}
	enrolled := m.Consent == "" || m.Consent == community.NeverAsked
	if enrolled {
		m.Consent = community.Enrolled
	}
	if m.ID, err = saveMember(ctx, tx, m, now); err != nil {
		return Change{}, err
	}
	if err := linkTelegram(ctx, tx, m.ID, row, now); err != nil {
		return Change{}, err
	}
	if enrolled {
		if err := addConsent(ctx, tx, m.ID, community.ConsentChange{Change: community.ConsentEnrolled, How: "import"}, now); err != nil {
			return Change{}, err
		}
	}
	return Change{row, kind, changed}, enrol(ctx, tx, m, now)
}

// enrol puts a member into Annonces and the group of their region.
func enrol(ctx context.Context, tx *sql.Tx, m community.Member, now time.Time) error {
	slugs := []string{community.Announcements}
	if m.Region != "" {
		slugs = append(slugs, "region-"+m.Region)
	}
	if m.Kind == community.Host {
		slugs = append(slugs, "hotes")
	}
	for _, slug := range slugs {
		if _, err := tx.ExecContext(ctx, `INSERT INTO membership (member_id, slug, joined_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, m.ID, slug, now.UnixMilli()); err != nil {
			return fmt.Errorf("enrol in %s: %w", slug, err)
		}
	}
	return nil
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

func linkTelegram(ctx context.Context, tx *sql.Tx, memberID int64, row community.Row, now time.Time) error {
	if row.Telegram == "" {
		return nil
	}
	return addAddress(ctx, tx, memberID, channel.Address{Network: channel.Telegram, ID: row.Telegram}, false, now)
}

// merged puts the filled columns of a row over what is known, and names those that change.
func merged(known community.Member, row community.Row) (community.Member, string) {
	m, changed := known, ""
	set := func(column string, have *string, want string) {
		if row.Set[column] && *have != want {
			*have = want
			if changed != "" {
				changed += ", "
			}
			changed += column
		}
	}
	kind, language, arrival, end, visa := string(m.Kind), string(m.Language), string(m.Arrival), string(m.End), string(m.VisaEnd)
	in := row.Member
	set("name", &m.Name, in.Name)
	set("phone", &m.Phone, in.Phone)
	set("language", &language, string(in.Language))
	set("kind", &kind, string(in.Kind))
	set("scheme", &m.Scheme, in.Scheme)
	set("region", &m.Region, in.Region)
	set("host", &m.Host, in.Host)
	set("arrival", &arrival, string(in.Arrival))
	set("end", &end, string(in.End))
	set("email", &m.Email, in.Email)
	set("timezone", &m.Timezone, in.Timezone)
	set("nationality", &m.Nationality, in.Nationality)
	set("gender", &m.Gender, in.Gender)
	set("sender", &m.Sender, in.Sender)
	set("buddy", &m.Buddy, in.Buddy)
	set("emergency_name", &m.EmergencyName, in.EmergencyName)
	set("emergency_phone", &m.EmergencyPhone, in.EmergencyPhone)
	set("visa_end", &visa, string(in.VisaEnd))
	m.Kind, m.Arrival, m.End, m.VisaEnd = community.Kind(kind), community.Date(arrival), community.Date(end), community.Date(visa)
	if row.Set["language"] {
		m.Language, m.LanguageChosen = in.Language, true
	}
	return m, changed
}
