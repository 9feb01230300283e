package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"chasqui/community"
)

// Candidate is one of two members who may be one person.
type Candidate struct {
	ID   int64
	Name string
	// Networks are those on which they have an address.
	Networks []string
}

// Duplicate is two members who may be one person, and why.
type Duplicate struct {
	A, B Candidate
	Why  []string
}

// pair is two members, the smaller id first.
type pair [2]int64

func pairOf(a, b int64) pair { return pair{min(a, b), max(a, b)} }

// noteDuplicate keeps that two members may be one, for staff. What staff dismissed stays dismissed.
func noteDuplicate(ctx context.Context, tx *sql.Tx, a, b int64, now time.Time) error {
	p := pairOf(a, b)
	if _, err := tx.ExecContext(ctx, `INSERT INTO duplicate (a_id, b_id, noted_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, p[0], p[1], now.UnixMilli()); err != nil {
		return fmt.Errorf("note a duplicate: %w", err)
	}
	return nil
}

// DismissDuplicate keeps that two members are two people, whatever they share.
func (s *Store) DismissDuplicate(ctx context.Context, a, b int64, now time.Time) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if a == b {
			return community.ErrSameMember
		}
		p := pairOf(a, b)
		for _, id := range p {
			if _, err := memberByID(ctx, tx, id); err != nil {
				return fmt.Errorf("member %d: %w", id, err)
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO duplicate (a_id, b_id, noted_at, dismissed_at) VALUES ($1, $2, $3, $3)
			ON CONFLICT DO UPDATE SET dismissed_at = excluded.dismissed_at`, p[0], p[1], now.UnixMilli())
		if err != nil {
			return fmt.Errorf("dismiss a duplicate: %w", err)
		}
		return audit(ctx, tx, "operator", "dismissed a duplicate", fmt.Sprintf("%d and %d", p[0], p[1]), now)
	})
}

const everybody = `SELECT ` + memberColumns + `,
	COALESCE((SELECT group_concat(network, ' ') FROM (SELECT DISTINCT network FROM address WHERE member_id = m.id ORDER BY network)), '')
FROM member m ORDER BY m.id`

// Duplicates lists members who may be one person: they share a phone, an e-mail, or a name with an arrival
// or a region; or the bot noted it when somebody gave a phone that others have. Nothing is merged.
func (s *Store) Duplicates(ctx context.Context) ([]Duplicate, error) {
	found := map[pair][]string{}
	people := map[int64]Candidate{}
	groups := map[[2]string][]int64{}
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var networks string
		m, err := scanMember(rows, &networks)
		people[m.ID] = Candidate{m.ID, m.Name, strings.Fields(networks)}
		for why, value := range shared(m) {
			groups[[2]string{why, value}] = append(groups[[2]string{why, value}], m.ID)
		}
		return err
	}, everybody)
	if err != nil {
		return nil, fmt.Errorf("compare members: %w", err)
	}
	for by, ids := range groups {
		for i, a := range ids {
			for _, b := range ids[i+1:] {
				found[pairOf(a, b)] = append(found[pairOf(a, b)], by[0])
			}
		}
	}
	if err := s.addNoted(ctx, found); err != nil {
		return nil, err
	}
	var out []Duplicate
	for p, why := range found {
		slices.Sort(why)
		out = append(out, Duplicate{people[p[0]], people[p[1]], why})
	}
	slices.SortFunc(out, func(x, y Duplicate) int { return cmp.Or(cmp.Compare(x.A.ID, y.A.ID), cmp.Compare(x.B.ID, y.B.ID)) })
	return out, nil
}

// shared is what two members who are one person would have in common, by why.
func shared(m community.Member) map[string]string {
	values := map[string]string{}
	if m.Phone != "" {
		values["same phone"] = m.Phone
	}
	if m.Email != "" {
		values["same e-mail"] = strings.ToLower(m.Email)
	}
	name := community.Fold(m.Name)
	if name != "" && m.Arrival != "" {
		values["same name and arrival"] = name + "\n" + string(m.Arrival)
	}
	if name != "" && m.Region != "" {
		values["same name and region"] = name + "\n" + m.Region
	}
	return values
}

// addNoted adds what the bot noted and takes out what staff dismissed.
func (s *Store) addNoted(ctx context.Context, found map[pair][]string) error {
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var p pair
		var dismissed bool
		if err := rows.Scan(&p[0], &p[1], &dismissed); err != nil {
			return err
		}
		if dismissed {
			delete(found, p)
		} else {
			found[p] = append(found[p], "gave a phone that the other has")
		}
		return nil
	}, `SELECT a_id, b_id, dismissed_at IS NOT NULL FROM duplicate`)
	if err != nil {
		return fmt.Errorf("read noted duplicates: %w", err)
	}
	return nil
}
