package relation

import (
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// The table of relations that there are no more: what a ticket tells of its past.
const (
	ended = `create table if not exists relation_ended (id id primary key, low_id int not null, high_id int not null,
		created_at int not null, created_by int not null, ended_at int not null, ended_by int not null)`
	endedLow  = `create index if not exists relation_ended_low on relation_ended (low_id)`
	endedHigh = `create index if not exists relation_ended_high on relation_ended (high_id)`
)

// Ended is a relation that somebody made and somebody ended.
type Ended struct {
	Record   id.ID // the other record
	Kind     string
	Name     string
	Made, At int64 // Unix milliseconds
	MadeBy   id.ID
	By       id.ID
}

// end ends a relation of a record.
func end(tx *gate.Tx, from id.ID, it *Item) error {
	_, err := tx.Exec(`insert into relation_ended (id, low_id, high_id, created_at, created_by, ended_at, ended_by) values (?, ?, ?, ?, ?, ?, ?)`,
		int64(it.ID), int64(min(from, it.Record)), int64(max(from, it.Record)), it.Created, int64(it.By), tx.Now, int64(tx.Caller.User))
	if err != nil {
		return err
	}
	_, err = tx.Exec(`delete from relation where id = ?`, int64(it.ID))
	return err
}

// Ended lists the relations of a record that there are no more, as far as the caller sees what they
// led to.
func (s *Relations) Ended(tx *gate.Tx, rec id.ID) ([]Ended, error) {
	cond, who := tx.Visible("r")
	half := func(here, there string) string {
		return `select r.id, r.kind, r.name, t.created_at, t.created_by, t.ended_at, t.ended_by, t.id as ended_id from relation_ended t join record r on r.id = t.` + there + `
			where t.` + here + ` = ? and r.trashed_at is null and ` + cond
	}
	one := append([]any{int64(rec)}, who...)
	rows, err := tx.Query(half("low_id", "high_id")+` union all `+half("high_id", "low_id")+` order by 6, 8`, append(one, one...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Ended
	for rows.Next() {
		var e Ended
		var other, madeBy, by, self int64
		if err := rows.Scan(&other, &e.Kind, &e.Name, &e.Made, &madeBy, &e.At, &by, &self); err != nil {
			return nil, err
		}
		e.Record, e.MadeBy, e.By = id.ID(other), id.ID(madeBy), id.ID(by)
		out = append(out, e)
	}
	return out, rows.Err()
}
