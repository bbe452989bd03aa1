package live

import (
	"context"
	"fmt"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// How long somebody is taken to be there, and to be writing, who says nothing more.
const stays, writes = 50 * time.Second, 20 * time.Second

// Beat is how often who is there says so.
const Beat = 20 * time.Second

// Person is somebody who is at a record.
type Person struct {
	ID      id.ID
	Name    string
	Writing bool
}

// Here says that c is at a record. NotFound when she may not see it.
func (h *Hub) Here(ctx context.Context, c *access.Caller, rid id.ID) error {
	return h.note(ctx, c, rid, func(tx *gate.Tx) error {
		if _, err := tx.Exec(`delete from live_presence where until_at < ?`, tx.Now); err != nil {
			return err
		}
		_, err := tx.Exec(`insert into live_presence (record_id, user_id, until_at, writing_at) values (?, ?, ?, 0)
			on conflict (record_id, user_id) do update set until_at = excluded.until_at`, int64(rid), int64(c.User), tx.Now+stays.Milliseconds())
		return err
	})
}

// Writing says that c is writing on a record, or is no more.
func (h *Hub) Writing(ctx context.Context, c *access.Caller, rid id.ID, on bool) error {
	return h.note(ctx, c, rid, func(tx *gate.Tx) error {
		until := tx.Now + writes.Milliseconds()
		if !on {
			until = 0
		}
		_, err := tx.Exec(`insert into live_presence (record_id, user_id, until_at, writing_at) values (?, ?, ?, ?)
			on conflict (record_id, user_id) do update set until_at = excluded.until_at, writing_at = excluded.writing_at`, int64(rid), int64(c.User), tx.Now+stays.Milliseconds(), until)
		return err
	})
}

// Gone says that c has left a record, unless she has it on another page. That is asked within the
// change: a page that opens meanwhile listens before it says that she is there, which then comes after.
func (h *Hub) Gone(ctx context.Context, c *access.Caller, rid id.ID) error {
	err := h.Gate.Change(ctx, access.System(c.Tenant, "live"), access.View, gate.Thing{}, func(tx *gate.Tx) error { // she may not see it any more
		if h.elsewhere(c, rid) {
			return nil
		}
		_, err := tx.Exec(`delete from live_presence where record_id = ? and user_id = ?`, int64(rid), int64(c.User))
		return err
	})
	return err
}

// note writes down where c is. Who only looks, as somebody else or for support, is
// nowhere.
func (h *Hub) note(ctx context.Context, c *access.Caller, rid id.ID, fn func(tx *gate.Tx) error) error {
	if c.User == 0 || c.Behind != nil || c.Scope.Looks {
		return nil
	}
	return h.Gate.Change(ctx, c, access.View, gate.Thing{ID: rid}, fn)
}

// elsewhere tells whether somebody has a record on another page here.
func (h *Hub) elsewhere(c *access.Caller, rid id.ID) bool {
	h.mu.Lock()
	r := h.rooms[c.Tenant]
	h.mu.Unlock()
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for l := range r.all {
		if l.user == c.User && l.look.Record == rid {
			return true
		}
	}
	return false
}

// At lists those who are at a record beside the caller, who must see it: first those who
// write.
func At(tx *gate.Tx, rid id.ID) ([]Person, error) {
	if _, err := tx.Allow(access.View, gate.Thing{ID: rid}); err != nil {
		return nil, err
	}
	rows, err := tx.Query(`select p.user_id, u.name, case when p.writing_at > ? then 1 else 0 end as writing from live_presence p join record u on u.id = p.user_id
		where p.record_id = ? and p.until_at > ? and p.user_id <> ? order by writing desc, u.name`, tx.Now, int64(rid), tx.Now, int64(tx.Caller.User))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Person
	for rows.Next() {
		var p Person
		var n int64
		var writing int
		if err := rows.Scan(&n, &p.Name, &writing); err != nil {
			return nil, err
		}
		p.ID, p.Writing = id.ID(n), writing == 1
		out = append(out, p)
	}
	return out, rows.Err()
}

// whereabouts is who is at which record, in short, so that a change of it is seen.
func whereabouts(tx *gate.Tx) (map[id.ID]string, error) {
	rows, err := tx.Query(`select record_id, user_id, case when writing_at > ? then 1 else 0 end from live_presence where until_at > ? order by record_id, user_id`, tx.Now, tx.Now)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[id.ID]string{}
	for rows.Next() {
		var rid, user, writing int64
		if err := rows.Scan(&rid, &user, &writing); err != nil {
			return nil, err
		}
		out[id.ID(rid)] += fmt.Sprint(user, writing, ";")
	}
	return out, rows.Err()
}
