package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"chasqui/broadcast"
	"chasqui/channel"
	"chasqui/community"
)

// condition writes an audience as SQL over the table member, named m.
func condition(a community.Audience) (sql string, args []any) {
	term := func(t community.Term) string {
		if t.Kind == community.Everybody {
			return "1"
		}
		args = append(args, t.Value)
		mark := fmt.Sprintf("$%d", len(args))
		switch t.Kind {
		case community.InGroup:
			return "EXISTS (SELECT 1 FROM membership g WHERE g.member_id = m.id AND g.slug = " + mark + ")"
		case community.InRegion:
			return "m.region = " + mark
		case community.OfKind:
			return "m.kind = " + mark
		case community.OfScheme:
			return "m.scheme = " + mark
		}
		return "m.id = CAST(" + mark + " AS INTEGER)"
	}
	var any []string
	for _, terms := range a.AnyOf {
		var all []string
		for _, t := range terms {
			all = append(all, term(t))
		}
		any = append(any, strings.Join(all, " AND "))
	}
	sql = "((" + strings.Join(any, ") OR (") + "))"
	for _, t := range a.Not {
		sql += " AND NOT " + term(t)
	}
	return sql, args
}

// UnknownGroupError says that a rule names a group that the catalogue does not have.
type UnknownGroupError struct {
	Slug  string
	Known []string
}

func (e *UnknownGroupError) Error() string {
	return fmt.Sprintf("audience: group %q is not in the catalogue: write one of %s", e.Slug, strings.Join(e.Known, ", "))
}

// audience reads a rule and holds its groups against the catalogue.
func (s *Store) audience(ctx context.Context, rule string) (community.Audience, error) {
	a, err := community.ParseAudience(rule)
	if err != nil {
		return a, err
	}
	groups, err := s.Catalogue(ctx)
	if err != nil {
		return a, err
	}
	var known []string
	for _, g := range groups {
		known = append(known, g.Slug)
	}
	for _, t := range slices.Concat(append(slices.Clone(a.AnyOf), a.Not)...) {
		if t.Kind == community.InGroup && !slices.Contains(known, t.Value) {
			return a, &UnknownGroupError{t.Value, known}
		}
	}
	return a, nil
}

// candidates are the members of an audience, each with the address that an announcement goes to: the
// preferred one on a network that reaches a pocket, else the page, else the terminal. Most have the first, and the
// sentence asks for no more about them: of a million each question costs a second.
const candidates = `
SELECT m.id, m.name, m.language, m.consent, m.stopped_at IS NOT NULL, COALESCE(a.id, 0), COALESCE(a.network, ''),
	a.id IS NOT NULL OR EXISTS (SELECT 1 FROM address k WHERE k.member_id = m.id),
	a.id IS NULL AND NOT EXISTS (SELECT 1 FROM address k WHERE k.member_id = m.id AND k.state = 'active'),
	%[1]s <> '[]' AND EXISTS (SELECT 1 FROM presence p JOIN json_each(%[1]s) j ON p.network = j.value ->> 0 AND p.chat = j.value ->> 1 WHERE p.member_id = m.id)
FROM member m LEFT JOIN address a ON a.id = COALESCE((
	SELECT id FROM address WHERE member_id = m.id AND preferred = 1 AND state = 'active' AND (network = 'telegram' OR network = 'whatsapp' AND wrote = 1)), (
	SELECT id FROM address WHERE member_id = m.id AND state = 'active' AND (network <> 'whatsapp' OR wrote = 1)
	ORDER BY network = 'terminal', network = 'web', preferred DESC, id LIMIT 1))
WHERE %[2]s ORDER BY m.id`

// candidatesOf prepares the reading of an audience: the sorter that decides over its members, and read, which
// hands each of them over.
func (s *Store) candidatesOf(ctx context.Context, a broadcast.Announcement) (sorter *broadcast.Sorter, read func(func(broadcast.Candidate)) error, err error) {
	audience, err := s.audience(ctx, a.Audience)
	if err != nil {
		return nil, nil, err
	}
	rooms, err := s.roomsFor(ctx, audience)
	if err != nil {
		return nil, nil, err
	}
	where, args := condition(audience)
	args = append(args, roomList(rooms))
	query := fmt.Sprintf(candidates, fmt.Sprintf("$%d", len(args)), where)
	read = func(f func(broadcast.Candidate)) error {
		err := each(ctx, s.read, func(rows *sql.Rows) error {
			var c broadcast.Candidate
			if err := rows.Scan(&c.MemberID, &c.Name, &c.Language, &c.Consent, &c.Stopped, &c.AddressID, &c.Network, &c.Known, &c.Gone, &c.Reads); err != nil {
				return err
			}
			f(c)
			return nil
		}, query, args...)
		if err != nil {
			return fmt.Errorf("read the audience: %w", err)
		}
		return nil
	}
	return broadcast.NewSorter(a, rooms), read, nil
}

// sort hands every member of the audience to a sorter; take gets those who are written to in private.
func (s *Store) sort(ctx context.Context, a broadcast.Announcement, take func(broadcast.Candidate)) (broadcast.Preview, error) {
	sorter, read, err := s.candidatesOf(ctx, a)
	if err != nil {
		return broadcast.Preview{}, err
	}
	err = read(func(c broadcast.Candidate) {
		if sorter.Take(c) && take != nil {
			take(c)
		}
	})
	if err != nil {
		return broadcast.Preview{}, err
	}
	return sorter.Preview(), nil
}

// PreviewNames lists, in pages, who stands behind a number of a preview: those whom why leaves out, or with
// an empty why those who get it. It skips so many and gives up to n.
func (s *Store) PreviewNames(ctx context.Context, a broadcast.Announcement, why broadcast.Reason, skip, n int) ([]broadcast.Candidate, error) {
	sorter, read, err := s.candidatesOf(ctx, a)
	if err != nil {
		return nil, err
	}
	var names []broadcast.Candidate
	err = read(func(c broadcast.Candidate) {
		switch {
		case sorter.Judge(c) != why || len(names) == n:
		case skip > 0:
			skip--
		default:
			names = append(names, c)
		}
	})
	return names, err
}

// Preview says what an announcement would do now.
func (s *Store) Preview(ctx context.Context, a broadcast.Announcement) (broadcast.Preview, error) {
	return s.sort(ctx, a, nil)
}

// roomsFor are the rooms in which a post stands for private messages to the audience, with how many
// people are known to be in each.
func (s *Store) roomsFor(ctx context.Context, a community.Audience) ([]broadcast.RoomPost, error) {
	var posts []broadcast.RoomPost
	for _, slug := range a.Rooms() {
		err := each(ctx, s.read, func(rows *sql.Rows) error {
			p := broadcast.RoomPost{Slug: slug}
			if err := rows.Scan(&p.Network, &p.ID, &p.Topic, &p.Readers); err != nil {
				return err
			}
			if !slices.ContainsFunc(posts, func(q broadcast.RoomPost) bool { return q.Address == p.Address }) {
				posts = append(posts, p)
			}
			return nil
		}, `SELECT network, chat, topic, (SELECT COUNT(*) FROM presence p WHERE p.network = r.network AND p.chat = r.chat) FROM room r WHERE slug = $1`, slug)
		if err != nil {
			return nil, fmt.Errorf("find the rooms of %s: %w", slug, err)
		}
	}
	return posts, nil
}

// roomList writes rooms for json_each.
func roomList(rooms []broadcast.RoomPost) string {
	var b strings.Builder
	b.WriteString("[")
	for i, r := range rooms {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, "[%q,%q]", string(r.Network), r.ID)
	}
	b.WriteString("]")
	return b.String()
}

// blockSize is how many recipients stand in one row: few enough to read while a claim waits.
const blockSize = 1000

// recipientList gathers the address ids of one network into blocks.
type recipientList struct {
	network channel.Network
	total   int
	blocks  [][]byte
	sizes   []int
}

func (l *recipientList) add(addressID int64) {
	if last := len(l.sizes) - 1; last < 0 || l.sizes[last] == blockSize {
		l.blocks, l.sizes = append(l.blocks, nil), append(l.sizes, 0)
	}
	last := len(l.sizes) - 1
	l.blocks[last] = binary.AppendUvarint(l.blocks[last], uint64(addressID))
	l.sizes[last]++
	l.total++
}

// addressesOf reads up to n address ids of a block, beginning with the one at position.
func addressesOf(block []byte, position, n int) ([]int64, error) {
	var ids []int64
	for i := 0; len(block) > 0 && len(ids) < n; i++ {
		id, size := binary.Uvarint(block)
		if size <= 0 {
			return nil, fmt.Errorf("a block of recipients is damaged at %d", i)
		}
		block = block[size:]
		if i >= position {
			ids = append(ids, int64(id))
		}
	}
	return ids, nil
}
