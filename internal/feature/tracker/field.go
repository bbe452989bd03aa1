package tracker

import (
	"context"
	"maps"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/tracker/seen"
)

// Field is a field of a record of which a tracker knows the value. It follows the
// tracker while it is empty or holds what the tracker wrote; when a person, a program
// or an import writes something else, it stays as it is until somebody takes over what
// was found, or empties it.
type Field struct {
	Name    string
	Found   string // what the tracker found last
	Tracker string
	Pinned  bool // it holds something else, which somebody entered
}

// feed brings fields to what a tracker found.
func (c *Checker) feed(ctx context.Context, tx *gate.Tx, r *record.Record, t *seen.Tracker, found map[string]string) error {
	wrote, err := written(tx, r.ID)
	if err != nil {
		return err
	}
	set := record.Values{}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		f := r.Kind.Field(name)
		if f == nil {
			continue
		}
		have, value := r.Values.Text(name), found[name]
		last, fed := wrote[name]
		follows := have == "" || have == value || f.ReadOnly || fed && have == last
		if follows && have != value {
			set[name] = value
		}
		if follows {
			last = value
		}
		if err := remember(tx, r.ID, name, last, value, t.Name); err != nil {
			return err
		}
	}
	if len(set) == 0 {
		return nil
	}
	err = tx.Try(func() error {
		_, err := c.Records.Update(tx, r.Kind.Name, r.ID, 0, set)
		return err
	})
	if fault.Is(err, fault.Invalid) { // the record's own rules do not take it: what was found is shown all the same
		c.Log.WarnContext(ctx, "what a tracker found was not taken", "tenant", tx.Tenant.Name, "record", int64(r.ID), "error", err)
		return nil
	}
	return err
}

func remember(tx *gate.Tx, rid id.ID, field, value, found, tracker string) error {
	_, err := tx.Exec(`insert into tracker_field (record_id, field, value, found, tracker, at) values (?, ?, ?, ?, ?, ?)
		on conflict (record_id, field) do update set value = excluded.value, found = excluded.found, tracker = excluded.tracker, at = excluded.at
		where tracker_field.value <> excluded.value or tracker_field.found <> excluded.found`, int64(rid), field, value, found, tracker, tx.Now)
	return err
}

// written gives what trackers wrote into the fields of a record last.
func written(tx *gate.Tx, rid id.ID) (map[string]string, error) {
	rows, err := tx.Query(`select field, value from tracker_field where record_id = ?`, int64(rid))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		var field, value string
		if err := rows.Scan(&field, &value); err != nil {
			return nil, err
		}
		out[field] = value
	}
	return out, rows.Err()
}

// Fields gives the fields of a record of which trackers know the value. The caller of
// tx has been allowed to see it.
func (c *Checker) Fields(tx *gate.Tx, r *record.Record) ([]Field, error) {
	rows, err := tx.Query(`select field, found, tracker from tracker_field where record_id = ? order by field`, int64(r.ID))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Field
	for rows.Next() {
		var f Field
		if err := rows.Scan(&f.Name, &f.Found, &f.Tracker); err != nil {
			return nil, err
		}
		if r.Kind.Field(f.Name) != nil {
			f.Pinned = r.Values.Text(f.Name) != f.Found
			out = append(out, f)
		}
	}
	return out, rows.Err()
}

// Take writes what was found into a field that somebody had filled in, in the name of
// the caller; from then on it follows the tracker. NotFound when nothing was found.
func (c *Checker) Take(ctx context.Context, who *access.Caller, kind string, rid id.ID, field string) error {
	return c.Gate.Change(ctx, who, access.Edit, gate.Thing{Kind: kind, ID: rid}, func(tx *gate.Tx) error {
		var found, tracker string
		err := tx.QueryRow(`select found, tracker from tracker_field where record_id = ? and field = ?`, int64(rid), field).Scan(&found, &tracker)
		if missing(err) {
			return gate.Missing()
		}
		if err != nil {
			return err
		}
		if err := remember(tx, rid, field, found, found, tracker); err != nil {
			return err
		}
		_, err = c.Records.Update(tx, kind, rid, 0, record.Values{field: found})
		return err
	})
}

// Certificate makes a record of the certificate that a domain's host presents, for who
// may create one, and gives it. Conflict when the caller sees one of that host in the
// same organization, NotFound while none was seen.
func (c *Checker) Certificate(ctx context.Context, who *access.Caller, domain id.ID) (out *record.Record, err error) {
	err = c.Gate.Change(ctx, who, access.View, gate.Thing{Kind: "domain", ID: domain}, func(tx *gate.Tx) error {
		r, err := c.Records.Get(tx, "domain", domain)
		if err != nil {
			return err
		}
		s, err := scanState(tx.QueryRow(`select `+stateColumns+` from tracker_state s where s.record_id = ? and s.tracker = 'tls'`, int64(domain)).Scan)
		if missing(err) || err == nil && s.Version == 0 {
			return fault.New(fault.NotFound, "No certificate has been seen at %s yet.", r.Name).WithHint("Check the domain first.")
		}
		if err != nil {
			return err
		}
		have, err := c.certificates(tx, r)
		if err != nil {
			return err
		}
		if len(have) > 0 {
			return fault.New(fault.Conflict, "There is a certificate of %s already.", r.Name)
		}
		values := record.Values{"organization_id": r.Org, "host": r.Name}
		for field, value := range s.Fields {
			values[field] = value
		}
		if out, err = c.Records.Create(tx, "ssl_certificate", values); err != nil {
			return err
		}
		for field, value := range s.Fields {
			if err := remember(tx, out.ID, field, value, value, "tls"); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// certificates lists the records of certificates of a domain's own host.
func (c *Checker) certificates(tx *gate.Tx, r *record.Record) ([]*record.Record, error) {
	p, err := c.Records.List(tx, "ssl_certificate", record.Query{Org: r.Org, Filters: []record.Filter{{Field: "host", Op: record.Eq, Values: []any{r.Name}}}, Archived: "no", Limit: 1, NoTotal: true})
	if err != nil {
		return nil, err
	}
	return p.Records, nil
}

// Certified tells whether a certificate of a domain's host was seen of which the
// caller sees no record.
func (c *Checker) Certified(tx *gate.Tx, r *record.Record, states []*State) (bool, error) {
	if r.Kind.Name != "domain" || c.Records.Kinds.Kind("ssl_certificate") == nil || !slices.ContainsFunc(states, func(s *State) bool { return s.Tracker == "tls" && s.Version > 0 }) {
		return false, nil
	}
	have, err := c.certificates(tx, r)
	return len(have) == 0, err
}
