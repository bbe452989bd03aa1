package gate

import (
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/id"
)

// Happened is an entry of the log, in short.
type Happened struct {
	Action, Kind   string
	Object, Parent id.ID // Parent is what the object lives within; 0 for nothing
}

// Since is what was done after an entry of the log.
type Since struct {
	Seq   int64 // of the last entry
	Epoch int64 // of the rights
	List  []Happened
	More  bool // there is more than the list holds
}

// Seq is the number of the log's last entry.
func (tx *Tx) Seq() (n int64, err error) {
	err = tx.sql.QueryRow(`select coalesce(max(size), 0) - 1 from audit_head`).Scan(&n)
	return n, err
}

// Since tells the system, and nobody else, what was done after an entry, so that it can
// tell others to look again.
func (tx *Tx) Since(seq int64, most int) (*Since, error) {
	if tx.Caller.User != 0 || !tx.Caller.Everything() {
		return nil, fault.New(fault.Internal, "The log was followed by somebody.")
	}
	out := &Since{Seq: seq}
	if err := tx.sql.QueryRow(`select n from access_epoch`).Scan(&out.Epoch); err != nil {
		return nil, err
	}
	rows, err := tx.sql.Query(`select e.seq, e.action, e.kind, e.object, coalesce(r.parent_id, 0) from audit_entry e left join record r on r.id = e.object
		where e.seq > ? and e.result = ? order by e.seq limit ?`, seq, string(audit.OK), most+1)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var h Happened
		var object, parent int64
		if err := rows.Scan(&out.Seq, &h.Action, &h.Kind, &object, &parent); err != nil {
			return nil, err
		}
		h.Object, h.Parent = id.ID(object), id.ID(parent)
		out.List = append(out.List, h)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(out.List) > most {
		out.List, out.More = nil, true
		out.Seq, err = tx.Seq()
	}
	return out, err
}

// Touched names the records that were written since an entry of the log, and those that they
// live within, so that who has read some of them reads these again, as she may. It is not known
// where there are more than so many, or where a change of one record changes what others
// show, as an organization's does: all is to be read again then.
func (tx *Tx) Touched(seq int64, most int) (ids []id.ID, known bool, err error) {
	rows, err := tx.sql.Query(`select e.kind, e.object, coalesce(r.parent_id, 0) from audit_entry e left join record r on r.id = e.object
		where e.seq > ? and e.result = ? order by e.seq limit ?`, seq, string(audit.OK), most+1)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var kind string
		var object, parent int64
		if err := rows.Scan(&kind, &object, &parent); err != nil {
			return nil, false, err
		}
		if n++; n > most || kind == "organization" {
			return nil, false, nil
		}
		for _, x := range []int64{object, parent} {
			if x != 0 && !slices.Contains(ids, id.ID(x)) {
				ids = append(ids, id.ID(x))
			}
		}
	}
	return ids, true, rows.Err()
}
