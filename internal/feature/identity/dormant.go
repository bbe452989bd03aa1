package identity

import (
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Idle is a user who could sign in and has not for a while.
type Idle struct {
	ID    id.ID
	Name  string
	Email string
	Role  access.Role
	Last  int64 // when she signed in last, Unix milliseconds; 0 is never
	Made  int64 // since when she is a user
}

// mostIdle is how many users Dormant lists at most.
const mostIdle = 1000

// Dormant lists the active users who did not sign in with a browser for a time, or
// were made as long ago and never did, the longest first. It is for who manages users.
func Dormant(tx *gate.Tx, d time.Duration) ([]Idle, error) {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	rows, err := tx.Query(`select r.id, r.name, coalesce(u.email, ''), p.role, coalesce(u.current_sign_in_at, 0), r.created_at
		from access_principal p join record r on r.id = p.user_id join k_user u on u.id = r.id
		where p.active = 1 and r.trashed_at is null and r.archived = 0 and coalesce(u.current_sign_in_at, r.created_at) <= ?
		order by coalesce(u.current_sign_in_at, r.created_at), r.id limit ?`, tx.Now-d.Milliseconds(), mostIdle)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Idle
	for rows.Next() {
		var one Idle
		var n int64
		var role string
		if err := rows.Scan(&n, &one.Name, &one.Email, &role, &one.Last, &one.Made); err != nil {
			return nil, err
		}
		one.ID, one.Role = id.ID(n), access.Role(role)
		out = append(out, one)
	}
	return out, rows.Err()
}
