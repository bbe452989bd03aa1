package secret_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/keys"
	"strongroom/internal/core/keys/service"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
)

// lines reads the key service's log; change may alter an entry or leave it out.
func (d *desk) lines(change func(*keys.LogEntry) bool) func(func(keys.LogEntry) error) error {
	return func(give func(keys.LogEntry) error) error {
		_, err := service.VerifyLog(d.t.Context(), d.Keys.Options.Dir, d.Keys.Options.Root, func(e service.Entry) error {
			l, err := keys.ParseLogEntry(e.Text)
			if err != nil || change != nil && !change(&l) {
				return err
			}
			return give(l)
		})
		return err
	}
}

func (d *desk) reconcile(change func(*keys.LogEntry) bool) *secret.Reconciled {
	d.t.Helper()
	t := d.Tenant()
	r, err := secret.Reconcile(d.t.Context(), t.DB, t.Audit, t.ID, d.Clock.Now().Add(-time.Minute), d.lines(change))
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// TestReconcile: reveals of every sort, an export, a rotation and a reveal while the
// key service was away agree in both logs; what is taken out of one or altered is
// named.
func TestReconcile(t *testing.T) {
	d := open(t, coretest.Options{})
	other := d.Make("password", d.org, record.Values{"name": "Switch", "password": "abc"})
	reveal := func() {
		t.Helper()
		if _, err := d.revealer.Reveal(t.Context(), d.admin, d.ref(0), ""); err != nil {
			t.Fatal(err)
		}
	}
	reveal()
	refs := []secret.Ref{d.ref(0), {Kind: "password", Object: other, Field: "password"}}
	for range 2 {
		if err := d.revealer.RevealMany(t.Context(), d.admin, refs, "", func(secret.Ref, string, error) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	d.steps(d.rotate(""))
	d.Keys.Stop()
	if _, err := d.revealer.Reveal(t.Context(), d.admin, d.ref(0), ""); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("without the key service: %v", err)
	}
	d.Keys.Start()
	reveal()
	d.Clock.Advance(time.Hour)
	reveal()
	r := d.reconcile(nil)
	if r.Granted != 8 || r.Opened != 7 || r.Failed != 1 || r.Recent != 0 || len(r.Odd) != 0 {
		t.Errorf("they agree: %+v", r)
	}
	opens := func(n int, change func(*keys.LogEntry) bool) func(*keys.LogEntry) bool {
		return func(l *keys.LogEntry) bool {
			if l.Opens() {
				if n--; n == 0 {
					return change(l)
				}
			}
			return true
		}
	}
	for name, x := range map[string]struct {
		change func(*keys.LogEntry) bool
		want   string
		odd    int
	}{
		"one is missing":    {opens(1, func(*keys.LogEntry) bool { return false }), "the key service's log has none", 1},
		"one of an export":  {opens(3, func(*keys.LogEntry) bool { return false }), "the key service's log has none", 1},
		"another secret":    {opens(1, func(l *keys.LogEntry) bool { l.Object = int64(other); return true }), "is of something else", 2},
		"another field":     {opens(1, func(l *keys.LogEntry) bool { l.Field = "otp_secret"; return true }), "is of something else", 2},
		"another version":   {opens(1, func(l *keys.LogEntry) bool { l.Version = 9; return true }), "is of something else", 2},
		"an export's other": {opens(2, func(l *keys.LogEntry) bool { l.Object = 999; return true }), "is of something else", 2},
		"of no entry":       {opens(6, func(l *keys.LogEntry) bool { l.Ticket.AuditSeq = 1 << 40; return true }), "is not there", 2},
		"of another entry":  {opens(6, func(l *keys.LogEntry) bool { l.Ticket.AuditSeq = 0; return true }), "", 2},
		"with another hash": {opens(6, func(l *keys.LogEntry) bool { l.Ticket.AuditLeaf[0] ^= 1; return true }), "not the one of the audit log", 2},
		"long after it":     {opens(6, func(l *keys.LogEntry) bool { l.Time += time.Hour.Milliseconds(); return true }), "after it was granted", 1},
		"a rotation of no entry": {func(l *keys.LogEntry) bool {
			if l.Call == "rewrap" && l.Object == int64(d.pw) {
				l.Ticket.AuditSeq = 1 << 40
			}
			return true
		}, "is not there", 1},
	} {
		r := d.reconcile(x.change)
		if len(r.Odd) != x.odd || !strings.Contains(r.Odd[0].Text+r.Odd[len(r.Odd)-1].Text, x.want) {
			b, _ := json.Marshal(r)
			t.Errorf("%s: %s", name, b)
		}
	}
}

// TestReconcileFindsAKeyThatNobodyGranted, and a grant that is only there to look as if
// something had been.
func TestReconcileFindsAKeyThatNobodyGranted(t *testing.T) {
	d := open(t, coretest.Options{})
	var item keys.Item
	d.View(d.admin, func(tx *gate.Tx) error {
		var sealed []byte
		if err := tx.QueryRow(`select sealed from secret_version where object = ?`, int64(d.pw)).Scan(&sealed); err != nil {
			return err
		}
		e, err := envelope.Parse(sealed)
		if err == nil {
			item = keys.Item{Header: e.HeaderBytes(), Recipient: e.Recipients()[0]}
		}
		return err
	})
	forged := keys.Ticket{Tenant: d.Tenant().ID, Session: "s", Action: "reveal", Object: int64(d.pw), Kind: "password", Field: "password", Version: 1, Time: d.Clock.Now().UnixMilli(), AuditSeq: 3}
	if _, err := d.Keys.Client.Unwrap(t.Context(), forged, item.Header, item.Recipient); err != nil {
		t.Fatal(err)
	}
	if r := d.reconcile(nil); len(r.Odd) != 1 || r.Odd[0].Line == nil || r.Opened != 1 || r.Granted != 0 {
		t.Errorf("a forged ticket: %+v", r)
	}
	err := d.Gate.Change(t.Context(), d.admin, access.Reveal, gate.Thing{Kind: "password", ID: d.pw}, func(tx *gate.Tx) error {
		tx.Entry().Action, tx.Entry().Version = secret.Granted, 1
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := d.reconcile(nil); len(r.Odd) != 1 || r.Recent != 1 {
		t.Errorf("a grant of this moment: %+v", r)
	}
	d.Clock.Advance(2 * time.Minute)
	if r := d.reconcile(nil); len(r.Odd) != 2 || r.Odd[1].Entry == nil || r.Odd[1].Line != nil {
		t.Errorf("a grant without a key: %+v", r)
	}
}
