package sensitive_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/core/sealed"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/sensitive"
)

// wait is how long something may take that goes on by itself.
const wait = time.Minute

type house struct {
	*coretest.House
	t      *testing.T
	org    id.ID
	fields *sensitive.Fields
	failed int // attempts that were cut short
	cut    int // how many of them are to be
}

func open(t *testing.T) *house {
	h := &house{House: coretest.Open(t, coretest.Options{Schema: job.Schema}), t: t}
	h.org = h.Org("Harbour")
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	r := &job.Runner{House: h.House.House, Gate: h.Gate, Now: h.Clock.Now, Poll: 2 * time.Millisecond, Log: log, Resolve: func(_ context.Context, name string, _ id.ID) (*access.Caller, error) {
		return access.System(name, "job"), nil
	}}
	h.fields = &sensitive.Fields{Gate: h.Gate, Records: h.Records, Jobs: r}
	r.Handlers = map[string]job.Handler{sensitive.JobKind: h.handle}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return h
}

// handle does a job, or its first transactions, as a process that dies does.
func (h *house) handle(ctx context.Context, run *job.Run) error {
	if h.failed >= h.cut {
		return h.fields.Handler()(ctx, run)
	}
	h.failed++
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	left := 2
	g := &gate.Gate{House: h.Gate.House, Kinds: h.Gate.Kinds, Log: h.Gate.Log, Now: h.Gate.Now, Committed: func(string) {
		if left--; left == 0 {
			stop()
		}
	}}
	err := (&sensitive.Fields{Gate: g, Records: h.Records}).Handler()(ctx, run)
	if err == nil {
		return errors.New("the job ended before it was cut short")
	}
	return fault.Wrap(err, fault.Unavailable, "The process died.")
}

// done waits until a job has ended well.
func (h *house) done(jid id.ID, err error) *job.Status {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
	for deadline := time.Now().Add(wait); time.Now().Before(deadline); {
		var s *job.Status
		h.View(h.Admin(), func(tx *gate.Tx) (err error) { s, err = job.Get(tx, jid); return err })
		switch s.State {
		case job.Done:
			return s
		case job.Failed, job.Cancelled:
			h.t.Fatalf("the job is %s: %s", s.State, s.Error)
		case job.Waiting:
			h.Clock.Advance(time.Second)
		}
	}
	h.t.Fatal("the job does not end")
	return nil
}

// plain counts the configurations whose column holds a value.
func (h *house) plain() (n int) {
	h.t.Helper()
	h.View(h.Admin(), func(tx *gate.Tx) error {
		return tx.QueryRow(`select count(*) from k_configuration where serial_number is not null or serial_number_fold is not null`).Scan(&n)
	})
	return n
}

func TestAJobThatIsCutShortGoesOn(t *testing.T) {
	h := open(t)
	const all = 250
	h.Change(func(tx *gate.Tx) error {
		for i := range all {
			if _, err := h.Records.Create(tx, "configuration", record.Values{"organization_id": h.org, "name": fmt.Sprint("srv ", i), "serial_number": fmt.Sprint("S-", i)}); err != nil {
				return err
			}
		}
		return nil
	})
	h.cut = 1
	s := h.done(h.fields.Mark(t.Context(), h.Admin(), "configuration", "serial_number", true))
	if h.failed != 1 || s.Done != all || h.plain() != 0 {
		t.Errorf("cut short %d times, %d of %d done, %d left", h.failed, s.Done, all, h.plain())
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := h.fields.List(tx)
		if err == nil && (len(list) != 1 || list[0].State != sealed.Done || list[0].Busy || !list[0].Exact || list[0].Of.Name != "serial_number") {
			t.Errorf("marked is %+v", list)
		}
		page, more := h.Records.List(tx, "configuration", record.Query{Filters: []record.Filter{{Field: "serial_number", Op: record.Eq, Values: []any{"s-249"}}}})
		if more == nil && (len(page.Records) != 1 || page.Records[0].Name != "srv 249" || page.Total != 1) {
			t.Errorf("found %d", len(page.Records))
		}
		return errors.Join(err, more)
	})
	h.cut = 2
	h.done(h.fields.Unmark(t.Context(), h.Admin(), "configuration", "serial_number"))
	if h.failed != 2 || h.plain() != all {
		t.Errorf("opened: cut short %d times, %d of %d are back", h.failed, h.plain(), all)
	}
}

func TestALookIsDecidedAndRecorded(t *testing.T) {
	h := open(t)
	other := h.Org("Other")
	rec := h.Make("configuration", h.org, record.Values{"name": "srv", "serial_number": "S-1"})
	h.done(h.fields.Mark(t.Context(), h.Admin(), "configuration", "serial_number", false))
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "configuration", rec, 0, record.Values{"serial_number": "S-2"})
		return err
	})
	key := h.User(access.Editor, h.org)
	key.Scope.NoPasswords = true
	for _, c := range []struct {
		what    string
		who     *access.Caller
		field   string
		version int64
		shown   any
		want    fault.Kind
	}{
		{"an editor", h.User(access.Editor, h.org), "serial_number", 0, "S-2", 0},
		{"an earlier one", h.User(access.ReadOnly, h.org), "serial_number", 1, "S-1", 0},
		{"who may not see passwords", h.User(access.Lite, h.org), "serial_number", 0, nil, fault.Denied},
		{"a key that may not", key, "serial_number", 0, nil, fault.Denied},
		{"of another organization", h.User(access.Editor, other), "serial_number", 0, nil, fault.NotFound},
		{"a field that is not sealed", h.Admin(), "hostname", 0, nil, fault.NotFound},
		{"a field that is none", h.Admin(), "nothing", 0, nil, fault.NotFound},
	} {
		v, err := h.fields.Show(t.Context(), c.who, rec, c.field, c.version, "CHG-1")
		if c.want == 0 && (err != nil || v.Value != c.shown) || c.want != 0 && fault.Of(err) != c.want {
			t.Errorf("%s: %+v, %v", c.what, v, err)
		}
	}
	h.fields.Policies = []secret.Policy{func(*gate.Tx, secret.Ref, *audit.Entry) error { return fault.New(fault.Denied, "Not now.") }}
	if _, err := h.fields.Show(t.Context(), h.Admin(), rec, "serial_number", 0, ""); !fault.Is(err, fault.Denied) {
		t.Errorf("what a policy refuses is shown: %v", err)
	}
	h.Gate.Flush(t.Context(), true)
	got := map[string]int{}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		rows, err := tx.Query(`select action, result, version from audit_entry where object = ?`, int64(rec))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var action, result string
			var version int64
			if err := rows.Scan(&action, &result, &version); err != nil {
				return err
			}
			if action == sensitive.Shown {
				result = fmt.Sprint(result, " ", version)
			}
			got[action+" "+result]++
		}
		return rows.Err()
	})
	if got["field.shown ok 2"] != 1 || got["field.shown ok 1"] != 1 || got["field.shown refused 2"] != 1 || got["reveal refused"] < 2 {
		t.Errorf("the log has %v", got)
	}
}

func TestWhatCannotBeMarked(t *testing.T) {
	h := open(t)
	for _, c := range []struct {
		who         *access.Caller
		kind, field string
		exact       bool
		want        fault.Kind
	}{
		{h.User(access.Manager), "configuration", "notes", false, fault.Denied},
		{h.Admin(), "configuration", "name", false, fault.Invalid},
		{h.Admin(), "configuration", "notes", true, fault.Invalid},
		{h.Admin(), "configuration", "nothing", false, fault.NotFound},
		{h.Admin(), "user", "name", false, fault.Invalid},
		{h.Admin(), "document", "content", false, fault.Invalid},
		{h.Admin(), "password", "password", false, fault.Invalid},
		{h.Admin(), "nothing", "name", false, fault.NotFound},
	} {
		if _, err := h.fields.Mark(t.Context(), c.who, c.kind, c.field, c.exact); fault.Of(err) != c.want {
			t.Errorf("%s.%s: %v", c.kind, c.field, err)
		}
	}
	if _, err := h.fields.Unmark(t.Context(), h.Admin(), "configuration", "notes"); !fault.Is(err, fault.Conflict) {
		t.Errorf("a mark that is not there is taken off: %v", err)
	}
	called := &record.Kind{Name: "person", Fields: []record.Field{{Name: "first", Type: record.Text}, {Name: "code", Type: record.Text}}, NameOf: func(v record.Values) string { return v.Text("first") }}
	if sensitive.Unfit(called, &called.Fields[0]) == "" || sensitive.Unfit(called, &called.Fields[1]) != "" {
		t.Error("what a record's name is made of is not what cannot be sealed")
	}
}
