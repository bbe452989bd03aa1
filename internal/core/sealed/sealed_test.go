package sealed_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/sealed"
	"strongroom/internal/core/search"
)

const serial, notes = "HARBOUR-4711", "kept under the stairs"

// house has marked fields.
type house struct {
	*coretest.House
	t   *testing.T
	org id.ID
}

func open(t *testing.T) *house {
	h := coretest.Open(t, coretest.Options{})
	return &house{h, t, h.Org("Harbour")}
}

func (h *house) set(m sealed.Mark) {
	h.t.Helper()
	h.Change(func(tx *gate.Tx) error { return sealed.Set(tx, m) })
}

// mark marks a field of configurations and brings all of them to it.
func (h *house) mark(field string, exact bool) {
	h.t.Helper()
	m := sealed.Mark{Kind: "configuration", Field: field, State: sealed.Sealing, Exact: exact}
	h.set(m)
	h.settle()
	m.State = sealed.Done
	h.set(m)
}

func (h *house) settle() {
	h.t.Helper()
	h.Change(func(tx *gate.Tx) error {
		all, err := tx.IDs(`select id from k_configuration order by id`)
		for _, r := range all {
			if err == nil {
				_, err = h.Records.Bare().GetTrashed(tx, "configuration", r)
			}
		}
		return err
	})
}

func (h *house) get(c *access.Caller, rec id.ID) *record.Record {
	h.t.Helper()
	var r *record.Record
	h.View(c, func(tx *gate.Tx) (err error) {
		r, err = h.Records.Get(tx, "configuration", rec)
		return err
	})
	return r
}

func (h *house) update(rec id.ID, v record.Values) *record.Record {
	h.t.Helper()
	var r *record.Record
	h.Change(func(tx *gate.Tx) (err error) {
		r, err = h.Records.Update(tx, "configuration", rec, 0, v)
		return err
	})
	return r
}

// was gives what a field was at a version of its record.
func (h *house) was(rec id.ID, field string, version int64) any {
	h.t.Helper()
	var v any
	h.View(h.Admin(), func(tx *gate.Tx) (err error) {
		v, _, err = sealed.Get(tx, sealed.Place{Kind: "configuration", Record: rec, Field: field}, version)
		return err
	})
	return v
}

func (h *house) list(c *access.Caller, q record.Query) (int, error) {
	n := 0
	err := h.Gate.View(h.t.Context(), c, func(tx *gate.Tx) error {
		p, err := h.Records.List(tx, "configuration", q)
		if err == nil {
			n = len(p.Records)
		}
		return err
	})
	return n, err
}

// left counts the rows of all tables that hold a text.
func (h *house) left(text string) int {
	h.t.Helper()
	n := 0
	h.View(h.Admin(), func(tx *gate.Tx) error {
		for _, q := range []string{
			`select count(*) from k_configuration where coalesce(serial_number, '') || coalesce(serial_number_fold, '') || coalesce(notes, '') like ?`,
			`select count(*) from revision where cast(data as text) like ?`,
		} {
			k := 0
			if err := tx.QueryRow(q, "%"+text+"%").Scan(&k); err != nil {
				return err
			}
			n += k
		}
		found, err := search.Find(tx, text, search.Options{})
		n += len(found)
		return err
	})
	return n
}

func TestAMarkedFieldLiesNowhereElse(t *testing.T) {
	h := open(t)
	old := h.Make("configuration", h.org, record.Values{"name": "srv", "serial_number": serial, "notes": notes})
	h.update(old, record.Values{"serial_number": serial + "-B"})
	h.update(old, record.Values{"serial_number": nil})
	h.update(old, record.Values{"serial_number": serial + "-C", "name": "srv 2"})
	if n := h.left(serial); n < 3 {
		t.Fatalf("before: %d rows hold the value; the test does not see them", n)
	}
	h.mark("serial_number", true)
	if n := h.left(serial) + h.left(strings.ToLower(serial)); n != 0 {
		t.Errorf("%d rows still hold the value", n)
	}
	if n := h.left(notes); n == 0 {
		t.Error("a field that is not marked is gone")
	}
	r := h.get(h.Admin(), old)
	if r.Values["serial_number"] != nil || !slices.Equal(r.Hidden, []string{"serial_number"}) || r.Version != 4 || r.Values.Text("notes") != notes {
		t.Errorf("read %v, hidden %v, version %d", r.Values, r.Hidden, r.Version)
	}
	for version, want := range map[int64]any{1: serial, 2: serial + "-B", 3: nil, 4: serial + "-C", 0: serial + "-C"} {
		if got := h.was(old, "serial_number", version); got != want {
			t.Errorf("at version %d it was %v, not %v", version, got, want)
		}
	}
	fresh := h.Make("configuration", h.org, record.Values{"name": "new", "serial_number": serial + "-D"})
	h.update(fresh, record.Values{"serial_number": serial + "-E"})
	if n := h.left(serial); n != 0 {
		t.Errorf("%d rows hold what was written later", n)
	}
	if h.was(fresh, "serial_number", 1) != serial+"-D" || h.was(fresh, "serial_number", 0) != serial+"-E" {
		t.Error("what was written later is not kept")
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := h.Records.Revisions(tx, "configuration", old)
		for _, v := range list {
			if v.Values["serial_number"] != nil {
				t.Errorf("version %d of the history shows %v", v.Version, v.Values["serial_number"])
			}
		}
		some, more := h.Records.Field(tx, "configuration", "serial_number", old, fresh)
		if len(some) != 0 {
			t.Errorf("one field of many shows %v", some)
		}
		return errors.Join(err, more)
	})
}

func TestWritingASealedField(t *testing.T) {
	h := open(t)
	h.mark("serial_number", false)
	rec := h.Make("configuration", h.org, record.Values{"name": "srv", "serial_number": serial})
	for _, c := range []struct {
		what    string
		v       record.Values
		version int64
		now     any
	}{
		{"the same again", record.Values{"serial_number": serial}, 1, serial},
		{"an empty text, as forms send", record.Values{"serial_number": ""}, 1, serial},
		{"something else", record.Values{"name": "srv 2"}, 2, serial},
		{"another value", record.Values{"serial_number": "X-1"}, 3, "X-1"},
		{"nothing", record.Values{"serial_number": nil}, 4, nil},
		{"nothing again", record.Values{"serial_number": nil}, 4, nil},
		{"a value again", record.Values{"serial_number": serial}, 5, serial},
	} {
		r := h.update(rec, c.v)
		if got := h.was(rec, "serial_number", 0); r.Version != c.version || got != c.now {
			t.Errorf("%s: version %d, value %v; want %d, %v", c.what, r.Version, got, c.version, c.now)
		}
		if hidden := h.get(h.Admin(), rec).Hidden; (len(hidden) == 1) != (c.now != nil) {
			t.Errorf("%s: hidden are %v", c.what, hidden)
		}
	}
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.RestoreRevision(tx, "configuration", rec, 1)
		return err
	})
	if r := h.get(h.Admin(), rec); r.Name != "srv" || h.was(rec, "serial_number", 0) != serial {
		t.Error("going back to a version touches what is sealed")
	}
}

func TestTakingAMarkOff(t *testing.T) {
	h := open(t)
	rec := h.Make("configuration", h.org, record.Values{"name": "srv", "serial_number": serial})
	never := h.Make("configuration", h.org, record.Values{"name": "bare"})
	h.update(rec, record.Values{"serial_number": serial + "-B"})
	h.mark("serial_number", true)
	h.update(rec, record.Values{"serial_number": nil})
	h.update(rec, record.Values{"serial_number": serial + "-C"})
	h.set(sealed.Mark{Kind: "configuration", Field: "serial_number", State: sealed.Opening, Exact: true})
	h.update(rec, record.Values{"name": "srv 2"}) // what is changed meanwhile is opened first
	if r := h.get(h.Admin(), rec); r.Values.Text("serial_number") != serial+"-C" || len(r.Hidden) != 0 {
		t.Errorf("read %v, hidden %v", r.Values, r.Hidden)
	}
	h.settle()
	h.Change(func(tx *gate.Tx) error { return sealed.Remove(tx, "configuration", "serial_number") })
	if n, err := h.list(h.Admin(), record.Query{Filters: []record.Filter{{Field: "serial_number", Op: record.Eq, Values: []any{strings.ToLower(serial) + "-c"}}}}); n != 1 || err != nil {
		t.Errorf("found %d, %v", n, err)
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := h.Records.Revisions(tx, "configuration", rec)
		var got []any
		for _, v := range list {
			got = append(got, v.Values["serial_number"])
		}
		if want := []any{serial + "-C", serial + "-C", nil, serial + "-B", serial}; !slices.Equal(got, want) {
			t.Errorf("the history is %v, not %v", got, want)
		}
		kept := 0
		if err := tx.QueryRow(`select count(*) from sealed_value`).Scan(&kept); err != nil {
			return err
		}
		if kept != 0 {
			t.Errorf("%d values are still sealed", kept)
		}
		return err
	})
	if r := h.get(h.Admin(), never); r.Values["serial_number"] != nil {
		t.Error("a field that was never set has a value")
	}
}

func TestAskingForASealedField(t *testing.T) {
	h := open(t)
	for name, n := range map[string]any{"a": serial, "b": "X-1", "c": nil} {
		h.Make("configuration", h.org, record.Values{"name": name, "serial_number": n})
	}
	h.mark("serial_number", true)
	h.mark("notes", false)
	lite := h.User(access.Lite)
	ask := func(op record.Op, v ...any) record.Query {
		return record.Query{Filters: []record.Filter{{Field: "serial_number", Op: op, Values: v}}}
	}
	for _, c := range []struct {
		what string
		who  *access.Caller
		q    record.Query
		n    int
		want fault.Kind
	}{
		{"the value, in any case", h.Admin(), ask(record.Eq, "harbour-4711"), 1, 0},
		{"one of two", h.Admin(), ask(record.Eq, serial, "x-1"), 2, 0},
		{"a part", h.Admin(), ask(record.Eq, "harbour"), 0, 0},
		{"none of", h.Admin(), ask(record.Ne, serial), 2, 0},
		{"not set", h.Admin(), ask(record.Null), 1, 0},
		{"set", h.Admin(), ask(record.NotNull), 2, 0},
		{"what begins so", h.Admin(), ask(record.Prefix, "har"), 0, fault.Invalid},
		{"what holds it", h.Admin(), ask(record.Contains, "har"), 0, fault.Invalid},
		{"between", h.Admin(), ask(record.Range, "a", "z"), 0, fault.Invalid},
		{"in its order", h.Admin(), record.Query{Sort: []record.Order{{Field: "serial_number"}}}, 0, fault.Invalid},
		{"a field that cannot be asked for", h.Admin(), record.Query{Filters: []record.Filter{{Field: "notes", Op: record.Eq, Values: []any{"x"}}}}, 0, fault.Invalid},
		{"as somebody who may not be shown it", lite, ask(record.Eq, serial), 0, fault.Denied},
	} {
		n, err := h.list(c.who, c.q)
		if n != c.n || c.want == 0 && err != nil || c.want != 0 && fault.Of(err) != c.want {
			t.Errorf("%s: found %d, %v; want %d", c.what, n, err, c.n)
		}
	}
}

func TestASealedValueThatWasMovedIsRefused(t *testing.T) {
	h := open(t)
	h.mark("serial_number", false)
	a := h.Make("configuration", h.org, record.Values{"name": "a", "serial_number": serial})
	b := h.Make("configuration", h.org, record.Values{"name": "b", "serial_number": "X-1"})
	h.update(a, record.Values{"serial_number": "X-2"})
	for what, q := range map[string]string{
		"from another record":  `update sealed_value set sealed = (select v.sealed from sealed_value v where v.record_id = ` + b.String() + `) where record_id = ` + a.String() + ` and version = 2`,
		"from another version": `update sealed_value set sealed = (select v.sealed from sealed_value v where v.record_id = ` + a.String() + ` and v.version = 1) where record_id = ` + a.String() + ` and version = 2`,
		"to another field":     `update sealed_value set field = 'hostname' where record_id = ` + a.String(),
	} {
		err := h.Gate.Change(t.Context(), h.Admin(), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
			if _, err := tx.Exec(q); err != nil {
				t.Fatal(err)
			}
			for _, f := range []string{"serial_number", "hostname"} {
				if v, has, err := sealed.Get(tx, sealed.Place{Kind: "configuration", Record: a, Field: f}, 0); err != nil {
					return err
				} else if has {
					t.Errorf("%s: opened as %v", what, v)
				}
			}
			return errors.New("nothing was refused")
		})
		if !fault.Is(err, fault.Internal) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestPurgingARecordTakesItsSealedValues(t *testing.T) {
	h := open(t)
	h.mark("serial_number", true)
	rec := h.Make("configuration", h.org, record.Values{"name": "a", "serial_number": serial})
	h.Change(func(tx *gate.Tx) error {
		return errors.Join(h.Records.Trash(tx, "configuration", rec), h.Records.Purge(tx, "configuration", rec))
	})
	h.View(h.Admin(), func(tx *gate.Tx) error {
		n := 0
		err := tx.QueryRow(`select count(*) from sealed_value`).Scan(&n)
		if n != 0 {
			t.Errorf("%d are left", n)
		}
		return err
	})
}
