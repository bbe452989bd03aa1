package sealed

import (
	"bytes"
	"encoding/json"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Pending is what is written to a marked field; a nil Value clears it.
type Pending struct {
	Mark  Mark
	Value any
}

// Veil takes out of values what columns still hold of fields of a kind that were
// marked.
func Veil(tx *gate.Tx, kind string, values ...map[string]any) error {
	marks, err := Of(tx, kind)
	for name, m := range marks {
		for _, v := range values {
			if m.State != Opening {
				delete(v, name)
			}
		}
	}
	return err
}

// Take takes out of values, which are about to be saved, what is written to
// marked fields of a record, and gives what differs from what they have; cleared
// names the fields that are to have none any more.
func Take(tx *gate.Tx, kind string, rec id.ID, cleared []string, values ...map[string]any) ([]Pending, error) {
	marks, err := Of(tx, kind)
	var out []Pending
	for name, m := range marks {
		if m.State == Opening {
			continue
		}
		set, now := slices.Contains(cleared, name), any(nil)
		for _, v := range values {
			if v[name] != nil {
				set, now = true, v[name]
			}
			delete(v, name)
		}
		if !set {
			continue
		}
		have, _, err := Get(tx, Place{kind, rec, name}, 0)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(plain(have), plain(now)) {
			out = append(out, Pending{m, now})
		}
	}
	return out, err
}

// Lacks tells whether a field has no value once pending is put.
func Lacks(tx *gate.Tx, rec id.ID, field string, pending []Pending) (bool, error) {
	for _, p := range pending {
		if p.Mark.Field == field {
			return p.Value == nil, nil
		}
	}
	held, err := Held(tx, rec)
	return !slices.Contains(held[rec], field), err
}

func plain(v any) []byte {
	b, _ := json.Marshal(v) // what was parsed, or read as JSON
	return b
}

// Close seals what the revisions of a record hold of a marked field, and the
// present values of the record, which has that version; it takes it out of them.
// It tells whether there was anything.
func Close(tx *gate.Tx, m Mark, rec id.ID, version int64, values ...map[string]any) (bool, error) {
	var now any
	for _, v := range values {
		if v[m.Field] != nil {
			now = v[m.Field]
		}
		delete(v, m.Field)
	}
	found := now != nil
	if m.State == Done && !found { // revisions were sealed when the mark was made
		return false, nil
	}
	var last json.RawMessage
	err := eachRevision(tx, rec, func(version int64, data map[string]json.RawMessage) (bool, error) {
		v, ok := data[m.Field]
		delete(data, m.Field)
		if string(v) == "null" {
			v = nil
		}
		if bytes.Equal(v, last) {
			return ok, nil
		}
		found, last = true, v
		if v == nil {
			return ok, Put(tx, m, rec, version, nil)
		}
		return ok, Put(tx, m, rec, version, v)
	})
	if err != nil || !found {
		return false, err
	}
	return true, Put(tx, m, rec, version, now)
}

// Open puts what a field was back into the revisions of its record, and gives
// what it is, as JSON gives it; had is false when nothing was sealed.
func Open(tx *gate.Tx, p Place) (now any, had bool, err error) {
	list, err := History(tx, p)
	if err != nil || len(list) == 0 {
		return nil, false, err
	}
	err = eachRevision(tx, p.Record, func(version int64, data map[string]json.RawMessage) (bool, error) {
		var was any
		for _, x := range list {
			if x.Version <= version {
				was = x.Value
			}
		}
		if was != nil {
			data[p.Field] = plain(was)
		}
		return was != nil, nil
	})
	if err != nil {
		return nil, false, err
	}
	return list[len(list)-1].Value, true, Drop(tx, p.Record, p.Field)
}

// eachRevision lets change see each revision of a record, oldest first, and
// keeps those of which it says that it changed them.
func eachRevision(tx *gate.Tx, rec id.ID, change func(version int64, data map[string]json.RawMessage) (bool, error)) error {
	type revision struct {
		version int64
		data    string
	}
	rows, err := tx.Query(`select version, data from revision where record_id = ? order by version`, int64(rec))
	if err != nil {
		return err
	}
	var all []revision
	for err == nil && rows.Next() {
		var r revision
		err = rows.Scan(&r.version, &r.data)
		all = append(all, r)
	}
	rows.Close()
	if err == nil {
		err = rows.Err()
	}
	for _, r := range all {
		data := map[string]json.RawMessage{}
		changed := false
		if err == nil {
			err = json.Unmarshal([]byte(r.data), &data)
		}
		if err == nil {
			changed, err = change(r.version, data)
		}
		if err == nil && changed {
			_, err = tx.Exec(`update revision set data = ? where record_id = ? and version = ?`, string(plain(data)), int64(rec), r.version)
		}
		if err != nil {
			return err
		}
	}
	return err
}

// Condition gives the condition on the spine row r that its value of the marked
// field compares so: eq, one of keys; ne, none of them; null, there is none;
// notnull. keys are of compare.Key. Denied for who may not be shown the value: to
// ask for it would be a way to find it out.
func (m Mark) Condition(tx *gate.Tx, op string, keys []any) (cond string, args []any, err error) {
	if !m.Exact || m.State != Done || !slices.Contains([]string{"eq", "ne", "null", "notnull"}, op) {
		return "", nil, fault.New(fault.Invalid, "The values of %s are sealed: lists cannot be filtered by it so.", m.Field).
			WithHint("Where its mark allows it, records are found by the whole value, once all are sealed.")
	}
	if verdict, said := access.Decide(tx.Caller, access.Reveal, access.Target{Kind: m.Kind, Visible: true}); verdict != access.Allowed {
		return "", nil, fault.New(fault.Denied, "%s", said)
	}
	cond, args = `s.field = ? and s.blind is not null`, []any{m.Field}
	if op == "eq" || op == "ne" {
		cond, args = `1 = 0`, nil
		for _, k := range keys {
			if key, ok := k.(string); ok {
				b, err := blind(tx, m.Kind, m.Field, key)
				if err != nil {
					return "", nil, err
				}
				args = append(args, b)
			}
		}
		if len(args) > 0 {
			cond = `s.blind in (` + access.Marks(len(args)) + `)`
		}
	}
	if op == "ne" || op == "null" {
		return `r.id not in (select s.record_id from sealed_value s where ` + cond + `)`, args, nil
	}
	return `r.id in (select s.record_id from sealed_value s where ` + cond + `)`, args, nil
}
