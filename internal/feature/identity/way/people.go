package way

import (
	"context"
	"encoding/hex"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity"
)

// Link is a connection of somebody at the other side with a user.
type Link struct {
	Way     id.ID
	WayName string
	Key     string // names the connection
	User    id.ID
	Name    string // of the user
	Label   string // what the other side calls her
	Made    bool   // the way made the user
	Created int64  // Unix milliseconds, as is the next
	Seen    int64
}

// Stranger is somebody who came by a way and is not known here.
type Stranger struct {
	Key   string
	Label string
	At    int64 // Unix milliseconds
}

const mostShown = 500

// Links lists the newest connections of a way, for who manages the tenant.
func (w *Ways) Links(tx *gate.Tx, way id.ID) ([]Link, error) {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	return links(tx, `l.way_id = ?`, int64(way))
}

// Own lists the connections of the caller.
func (w *Ways) Own(tx *gate.Tx) ([]Link, error) {
	return links(tx, `l.user_id = ?`, int64(tx.Caller.User))
}

func links(tx *gate.Tx, cond string, arg any) ([]Link, error) {
	rows, err := tx.Query(`select l.way_id, w.name, l.subject, l.user_id, r.name, l.label, l.made, l.created_at, l.seen_at
		from sign_in_link l join sign_in_way w on w.id = l.way_id join record r on r.id = l.user_id
		where `+cond+` and r.trashed_at is null order by l.seen_at desc, l.subject limit ?`, arg, mostShown)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Link
	for rows.Next() {
		var l Link
		var way, user int64
		var subject []byte
		if err := rows.Scan(&way, &l.WayName, &subject, &user, &l.Name, &l.Label, &l.Made, &l.Created, &l.Seen); err != nil {
			return nil, err
		}
		l.Way, l.User, l.Key = id.ID(way), id.ID(user), hex.EncodeToString(subject)
		out = append(out, l)
	}
	return out, rows.Err()
}

// Strangers lists who came by a way and is not known here, the last first, for who
// manages the tenant.
func (w *Ways) Strangers(tx *gate.Tx, way id.ID) ([]Stranger, error) {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	rows, err := tx.Query(`select subject, label, at from sign_in_arrival where way_id = ? order by at desc, subject limit ?`, int64(way), mostArrivals)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Stranger
	for rows.Next() {
		var s Stranger
		var subject []byte
		if err := rows.Scan(&subject, &s.Label, &s.At); err != nil {
			return nil, err
		}
		s.Key = hex.EncodeToString(subject)
		out = append(out, s)
	}
	return out, rows.Err()
}

// Connect connects somebody who came by a way with the user who has an e-mail
// address: an administrator does. Invalid, field email, when nobody has it.
func (w *Ways) Connect(ctx context.Context, c *access.Caller, way id.ID, key, email string) error {
	subject, err := hex.DecodeString(key)
	if err != nil {
		return gate.Missing()
	}
	return w.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		x, err := get(tx, way)
		if err != nil {
			return err
		}
		var label string
		if err := tx.QueryRow(`select label from sign_in_arrival where way_id = ? and subject = ?`, int64(way), subject).Scan(&label); err != nil {
			return gate.Missing()
		}
		user, err := identity.ByEmail(tx, email)
		if fault.Is(err, fault.NotFound) {
			return fault.Field("email", "There is no user with the e-mail address %s.", email)
		}
		if err != nil {
			return err
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Text = "sign-in-way.connect", identity.User, user, x.Name+": "+label
		return link(tx, x, subject, user, label, false)
	})
}

// Known tells whether there is such a way.
func (w *Ways) Known(tx *gate.Tx, way id.ID) (bool, error) {
	_, err := get(tx, way)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// Tie connects a user with a name that the other side has for her, on the word of a system
// that administrators let keep users here: inside a change that was decided on. It ends what
// was tied before; what she or an administrator connected stays. A name that is connected
// with another user is left to her.
func (w *Ways) Tie(tx *gate.Tx, way id.ID, subject string, user id.ID, label string) error {
	x, err := get(tx, way)
	if fault.Is(err, fault.NotFound) { // removed since
		return nil
	}
	if err != nil {
		return err
	}
	name, err := subjectOf(tx, way, subject)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from sign_in_link where way_id = ? and user_id = ? and tied = 1 and subject <> ?`, int64(way), int64(user), name); err != nil {
		return err
	}
	var n int
	if err := tx.QueryRow(`select count(*) from sign_in_link where way_id = ? and subject = ?`, int64(way), name).Scan(&n); err != nil || n > 0 {
		return err
	}
	if err := link(tx, x, name, user, label, false); err != nil {
		return err
	}
	_, err = tx.Exec(`update sign_in_link set tied = 1 where way_id = ? and subject = ?`, int64(way), name)
	return err
}

// Disconnect ends a connection and the sessions that came by it: the user herself
// may, and who manages the tenant.
func (w *Ways) Disconnect(ctx context.Context, c *access.Caller, way id.ID, key string) error {
	subject, err := hex.DecodeString(key)
	if err != nil {
		return gate.Missing()
	}
	var owner int64
	err = w.Gate.View(ctx, c, func(tx *gate.Tx) error {
		err := tx.QueryRow(`select user_id from sign_in_link where way_id = ? and subject = ?`, int64(way), subject).Scan(&owner)
		if err != nil || id.ID(owner) != c.User && !c.May(access.Administer) {
			return gate.Missing()
		}
		return nil
	})
	if err != nil {
		return err
	}
	action := access.SignIn
	if id.ID(owner) != c.User {
		action = access.Administer
	}
	return w.Gate.Change(ctx, c, action, gate.Thing{Kind: identity.User, ID: id.ID(owner)}, func(tx *gate.Tx) error {
		x, err := get(tx, way)
		if err != nil {
			return err
		}
		tx.Entry().Action, tx.Entry().Detail.Text = "sign-in-way.disconnect", x.Name
		for _, q := range []string{
			`delete from sign_in_link where way_id = ? and subject = ?`,
			`delete from identity_session where id in (select session_id from sign_in_session where way_id = ? and subject = ?)`,
			`delete from sign_in_session where way_id = ? and subject = ?`,
		} {
			if _, err := tx.Exec(q, int64(way), subject); err != nil {
				return err
			}
		}
		return nil
	})
}

// Connectable lists the ways that the caller can connect with herself: those that
// lead to another site and back.
func (w *Ways) Connectable(ctx context.Context, c *access.Caller) ([]*Way, error) {
	all, err := w.active(ctx, c.Tenant)
	var out []*Way
	for _, x := range all {
		if k := w.Kind(x.Kind); k != nil && k.Away {
			out = append(out, x)
		}
	}
	return out, err
}
