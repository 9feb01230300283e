package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"chasqui/community"
)

// trace is what an import did to one member.
type trace struct {
	memberID                         int64
	added, enrolled, chosen, unclear bool
	// fields holds what was there before and after, by the column's name.
	fields         map[string][2]string
	joined, parted []string
	addressID      int64
}

// names lists the changed columns in the order of memberFields.
func (d trace) names() string {
	var names []string
	for _, f := range memberFields {
		if _, ok := d.fields[f.name]; ok && !d.added {
			names = append(names, f.name)
		}
	}
	return strings.Join(names, ", ")
}

const insertTrace = `
INSERT INTO import_change (import_id, member_id, added, enrolled, chosen, fields, joined, parted, address_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULLIF($9, 0))`

// keep writes a trace down, unless the row left none.
func (in importer) keep(ctx context.Context, d trace) error {
	if len(d.fields) == 0 && d.addressID == 0 && !d.added && !d.enrolled {
		return nil
	}
	fields, err := json.Marshal(d.fields)
	if err != nil {
		return fmt.Errorf("write what an import changed: %w", err)
	}
	joined, err := json.Marshal(d.joined)
	if err != nil {
		return fmt.Errorf("write which groups an import joined: %w", err)
	}
	parted, err := json.Marshal(d.parted)
	if err != nil {
		return fmt.Errorf("write which groups an import left: %w", err)
	}
	_, err = in.tx.ExecContext(ctx, insertTrace, in.id, d.memberID, d.added, d.enrolled, d.chosen, string(fields), string(joined), string(parted), d.addressID)
	if err != nil {
		return fmt.Errorf("keep what an import changed: %w", err)
	}
	return nil
}

// What undoing an import does with one member.
const (
	Removed  = "removed"
	Restored = "restored"
	Kept     = "kept"
)

// Undone says what undoing an import does, or would do, with one member.
type Undone struct {
	MemberID int64
	Name     string
	// Kind is removed, restored or kept.
	Kind string
	// Restored are the columns that return to what they were.
	Restored []string
	// Why says what is kept and why.
	Why []string
}

// Undo is one import being taken back.
type Undo struct {
	ImportID int64
	At       time.Time
	Rows     int
	Members  []Undone
	Written  bool
}

// ErrNothingToUndo says that no import is left that could be taken back.
var ErrNothingToUndo = errors.New("no import is left to take back")

// UndoImport takes the newest import back that was not taken back yet, or with commit false only says
// what that would do. What people or staff changed since stays theirs.
func (s *Store) UndoImport(ctx context.Context, commit bool, now time.Time) (undo Undo, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		undo = Undo{}
		var at int64
		err := tx.QueryRowContext(ctx, `SELECT id, at, rows FROM import WHERE undone_at IS NULL ORDER BY id DESC LIMIT 1`).Scan(&undo.ImportID, &at, &undo.Rows)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNothingToUndo
		}
		if err != nil {
			return fmt.Errorf("find the newest import: %w", err)
		}
		undo.At = time.UnixMilli(at).UTC()
		traces, err := tracesOf(ctx, tx, undo.ImportID)
		if err != nil {
			return err
		}
		for _, d := range traces {
			u, err := undoOne(ctx, tx, d, now)
			if err != nil {
				return fmt.Errorf("member %d: %w", d.memberID, err)
			}
			undo.Members = append(undo.Members, u)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE import SET undone_at = $2 WHERE id = $1`, undo.ImportID, now.UnixMilli()); err != nil {
			return fmt.Errorf("mark import %d as taken back: %w", undo.ImportID, err)
		}
		if !commit {
			return errPreview
		}
		undo.Written = true
		return audit(ctx, tx, "operator", "took an import back", fmt.Sprint(undo.ImportID), now)
	})
	if errors.Is(err, errPreview) {
		err = nil
	}
	return undo, err
}

// tracesOf lists what an import did, the last first: two rows may have touched the same member.
func tracesOf(ctx context.Context, tx *sql.Tx, importID int64) ([]trace, error) {
	var traces []trace
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var d trace
		var fields, joined, parted string
		if err := rows.Scan(&d.memberID, &d.added, &d.enrolled, &d.chosen, &d.unclear, &fields, &joined, &parted, &d.addressID); err != nil {
			return err
		}
		traces = append(traces, d)
		last := &traces[len(traces)-1]
		return errors.Join(json.Unmarshal([]byte(fields), &last.fields), json.Unmarshal([]byte(joined), &last.joined), json.Unmarshal([]byte(parted), &last.parted))
	}, `SELECT member_id, added, enrolled, chosen, merged, fields, joined, parted, COALESCE(address_id, 0) FROM import_change WHERE import_id = $1 ORDER BY id DESC`, importID)
	if err != nil {
		return nil, fmt.Errorf("read what import %d changed: %w", importID, err)
	}
	return traces, nil
}

func undoOne(ctx context.Context, tx *sql.Tx, d trace, now time.Time) (Undone, error) {
	m, err := memberByID(ctx, tx, d.memberID)
	if err != nil {
		return Undone{}, err
	}
	u := Undone{MemberID: m.ID, Name: m.Name, Kind: Kept}
	switch {
	case d.unclear:
		u.Why = []string{"merged with another member since"}
		return u, nil
	case d.added:
		if u.Why, err = livedSince(ctx, tx, m, d); err != nil || len(u.Why) > 0 {
			return u, err
		}
		u.Kind = Removed
		return u, remove(ctx, tx, m.ID, "the import that brought the person in was taken back", now)
	}
	return restore(ctx, tx, m, d, now)
}

// ownLife are signs that somebody is here for themselves, and not only because of a row.
var ownLife = []struct{ why, query string }{
	{"they wrote to the bot since", `SELECT EXISTS (SELECT 1 FROM address WHERE member_id = $1 AND wrote = 1) OR EXISTS (SELECT 1 FROM line WHERE member_id = $1)`},
	{"they got a ticket since", `SELECT EXISTS (SELECT 1 FROM ticket WHERE member_id = $1)`},
	{"they decided themselves what may be sent to them", `SELECT EXISTS (SELECT 1 FROM consent WHERE member_id = $1 AND change NOT IN ('enrolled', 'unenrolled'))`},
	{"they are of the team", `SELECT EXISTS (SELECT 1 FROM role WHERE member_id = $1)`},
}

// livedSince says why a member that an import added must stay.
func livedSince(ctx context.Context, tx *sql.Tx, m community.Member, d trace) ([]string, error) {
	var why []string
	for _, sign := range ownLife {
		var seen bool
		if err := tx.QueryRowContext(ctx, sign.query, m.ID).Scan(&seen); err != nil {
			return nil, fmt.Errorf("look whether somebody is here for themselves: %w", err)
		}
		if seen {
			why = append(why, sign.why)
		}
	}
	var changed []string
	for _, f := range memberFields {
		if f.get(m) != d.fields[f.name][1] {
			changed = append(changed, f.name)
		}
	}
	if len(changed) > 0 {
		why = append(why, strings.Join(changed, ", ")+": changed since")
	}
	return why, nil
}

// restore gives a member back what an import changed of them, where it is still what the import wrote.
func restore(ctx context.Context, tx *sql.Tx, m community.Member, d trace, now time.Time) (Undone, error) {
	u := Undone{MemberID: m.ID, Name: m.Name, Kind: Kept}
	before := m
	m, u.Restored, u.Why = takeBack(m, d)
	stays := func(column string) bool {
		_, touched := d.fields[column]
		return touched && !slices.Contains(u.Restored, column)
	}
	if d.chosen && !stays("language") {
		m.LanguageChosen = false
	}
	unenrol := d.enrolled && m.Consent == community.Enrolled && !m.Stopped()
	if unenrol {
		m.Consent = community.NeverAsked
		u.Restored = append(u.Restored, "consent")
		if err := addConsent(ctx, tx, m.ID, community.ConsentChange{Change: community.ConsentUnenrolled, How: "import undone"}, now); err != nil {
			return u, err
		}
	} else if d.enrolled {
		u.Why = append(u.Why, "consent: decided since")
	}
	if m != before {
		if _, err := saveMember(ctx, tx, m, now); err != nil {
			return u, err
		}
	}
	left, err := undoGroups(ctx, tx, m, d, stays("region"), now)
	if err != nil {
		return u, err
	}
	u.Restored = append(u.Restored, left...)
	if err := undoAddress(ctx, tx, d, &u); err != nil {
		return u, err
	}
	if len(u.Restored) > 0 {
		u.Kind = Restored
	}
	return u, nil
}

// takeBack returns the fields of m to what they were before an import. The two ends of a mission return
// together or not at all when only one of them would contradict the other.
func takeBack(m community.Member, d trace) (back community.Member, restored, why []string) {
	back = m
	var dates []string
	for _, f := range memberFields {
		values, ok := d.fields[f.name]
		if !ok {
			continue
		}
		if f.get(m) != values[1] {
			why = append(why, f.name+": changed since")
			continue
		}
		f.set(&back, values[0])
		restored = append(restored, f.name)
		if f.name == "arrival" || f.name == "end" {
			dates = append(dates, f.name)
		}
	}
	if back.Arrival != "" && back.End != "" && back.Arrival > back.End {
		back.Arrival, back.End = m.Arrival, m.End
		restored = slices.DeleteFunc(restored, func(name string) bool { return slices.Contains(dates, name) })
		why = append(why, strings.Join(dates, ", ")+": the end would be before the arrival")
	}
	return back, restored, why
}

// undoGroups takes a member out of the groups that an import put them into and back into those it took
// them out of; the group of a region that stays is theirs by that region.
func undoGroups(ctx context.Context, tx *sql.Tx, m community.Member, d trace, regionStays bool, now time.Time) (did []string, err error) {
	for _, slug := range d.joined {
		if slug == regionGroup(m.Region) {
			continue
		}
		left, err := leaveGroup(ctx, tx, m.ID, slug)
		if err != nil {
			return did, err
		}
		if left {
			did = append(did, "group "+slug)
		}
	}
	for _, slug := range d.parted {
		if regionStays {
			continue
		}
		joined, err := joinGroup(ctx, tx, m.ID, slug, now)
		if err != nil {
			return did, err
		}
		if joined {
			did = append(did, "group "+slug)
		}
	}
	return did, nil
}

// undoAddress takes the address away that an import gave, unless somebody wrote from it: then it is
// theirs.
func undoAddress(ctx context.Context, tx *sql.Tx, d trace, u *Undone) error {
	if d.addressID == 0 {
		return nil
	}
	r, err := tx.ExecContext(ctx, `DELETE FROM address WHERE id = $1 AND member_id = $2 AND wrote = 0`, d.addressID, d.memberID)
	if err != nil {
		return fmt.Errorf("take an address back: %w", err)
	}
	if affected(r) == 0 {
		u.Why = append(u.Why, "telegram: they wrote from it since")
		return nil
	}
	u.Restored = append(u.Restored, "telegram")
	return preferOne(ctx, tx, d.memberID)
}

// preferOne makes the oldest address the preferred one of a member who has none.
func preferOne(ctx context.Context, q querier, memberID int64) error {
	_, err := q.ExecContext(ctx, `UPDATE address SET preferred = 1 WHERE id = (SELECT MIN(id) FROM address WHERE member_id = $1)
		AND NOT EXISTS (SELECT 1 FROM address WHERE member_id = $1 AND preferred = 1)`, memberID)
	if err != nil {
		return fmt.Errorf("prefer an address of member %d: %w", memberID, err)
	}
	return nil
}
