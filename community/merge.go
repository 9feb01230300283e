package community

import (
	"errors"
	"time"

	"chasqui/channel"
)

// Party is one of two members who may be the same person: what decides whether two members may be made one.
type Party struct {
	Member Member
	Role   Role
	// Imported is true when the staff's spreadsheet brought them in.
	Imported bool
	// Writes is true once they wrote from the network in question.
	Writes bool
	// OnWeb is true when one of their addresses is a browser's.
	OnWeb bool
	// Reached is where they wrote from, the preferred address before others; zero when nowhere.
	Reached channel.Address
}

// Why two members are not made one.
var (
	ErrSameMember = errors.New("they are the same member already")
	ErrTwoRoles   = errors.New("both are of the team: take one role away first")
	// A browser's address is a cookie, which whoever sits down at the machine has.
	ErrRoleOnWeb = errors.New("one is of the team and the other is reached in a browser, which never gets a role")
)

// MayMerge returns nil when two members may be made one, or one of the errors above.
func MayMerge(a, b Party) error {
	switch {
	case a.Member.ID == b.Member.ID:
		return ErrSameMember
	case a.Role != "" && b.Role != "":
		return ErrTwoRoles
	case (a.Role != "" || b.Role != "") && (a.OnWeb || b.OnWeb):
		return ErrRoleOnWeb
	}
	return nil
}

// OneByPhone picks, of the members who have the phone that own proved to have, the one who is certainly own
// by an earlier row of the staff's spreadsheet: the only one, never heard of on this network, and of neither
// a role. Everything less certain is for the staff to look at, since numbers are given to others in time.
func OneByPhone(own Party, others []Party) (Party, bool) {
	if len(others) != 1 {
		return Party{}, false
	}
	row := others[0]
	if row.Member.Consent != Enrolled || row.Writes || own.Imported || own.Role != "" || row.Role != "" || MayMerge(own, row) != nil {
		return Party{}, false
	}
	return row, true
}

// StricterConsent is what holds of one person after two members were made one: what they refused or
// stopped anywhere is refused or stopped.
func StricterConsent(a, b Member) (Consent, time.Time) {
	consent := NeverAsked
	for _, c := range []Consent{Refused, Given, Enrolled} {
		if a.Consent == c || b.Consent == c {
			consent = c
			break
		}
	}
	stopped := a.StoppedAt
	if stopped.IsZero() || b.Stopped() && b.StoppedAt.Before(stopped) {
		stopped = b.StoppedAt
	}
	return consent, stopped
}
