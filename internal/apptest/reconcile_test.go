package apptest_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"strongroom/internal/app"
	"strongroom/internal/apptest"
	"strongroom/internal/base/envelope"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/keys/service"
)

// TestReconcile: after reveals both logs agree, beside a server and without one; when
// a line is taken out of the key service's log, or an entry of the audit log is
// altered, the command says so and fails.
func TestReconcile(t *testing.T) {
	place := apptest.NewPlace(t, apptest.Program(t))
	var who created
	place.Do(&who, "tenant", "create", "acme", "-json")
	s := place.Serve()
	a, err := s.API(who.APIKey, "POST", "/organizations", object("organizations", map[string]any{"name": "Twice Written"}))
	if err != nil || a.Status != http.StatusCreated {
		t.Fatalf("the organization was not made: %v %+v", err, a)
	}
	a, err = s.API(who.APIKey, "POST", "/passwords", object("passwords", map[string]any{"organization_id": idOf(t, a), "name": "Router", "password": "abc"}))
	if err != nil || a.Status != http.StatusCreated {
		t.Fatalf("the password was not made: %v %+v", err, a)
	}
	id := idOf(t, a)
	for range 3 {
		if a, err := s.API(who.APIKey, "GET", "/passwords/"+id, nil); err != nil || a.Status != http.StatusOK {
			t.Fatalf("the password is not shown: %v %+v", err, a)
		}
	}
	var r app.Reconciled
	place.Do(&r, "audit", "reconcile", "-tenant", "acme", "-json")
	if !r.OK || r.Granted < 3 || r.Opened != r.Granted {
		t.Errorf("beside the server: %+v %+v", r, r.Reconciled)
	}
	place.Do(nil, "tenant", "export", "acme", "-o", filepath.Join(t.TempDir(), "all.zip"))
	s.Stop()
	place.Do(&r, "audit", "reconcile", "-tenant", "acme", "-json")
	if !r.OK || r.Granted < 4 || r.Opened != r.Granted {
		t.Errorf("after an export, without a server: %+v %+v", r, r.Reconciled)
	}
	fails := func(what, sentence string) {
		t.Helper()
		if out, errs, code := place.Run("audit", "reconcile", "-tenant", "acme"); code != 1 || !strings.Contains(out+errs, sentence) {
			t.Errorf("%s: ends with %d: %s%s", what, code, out, errs)
		}
	}
	root, err := service.LoadRoot(place.Root)
	if err != nil {
		t.Fatal(err)
	}
	key, err := envelope.Derive(root, "strongroom/root/1", "log")
	if err != nil {
		t.Fatal(err)
	}
	log := func(q string) {
		t.Helper()
		db, err := sqldb.OpenSQLite(t.Context(), sqldb.SQLiteOptions{Path: filepath.Join(place.Data, "keys", "log.db"), Key: func() ([]byte, error) { return key, nil }})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.Change(t.Context(), func(tx *sqldb.Tx) error { _, err := tx.Exec(q); return err }); err != nil {
			t.Fatal(err)
		}
	}
	log(`delete from entry where seq >= (select min(seq) from entry where text like '%"call":"unwrap"%')`) // the end is cut off
	fails("a log whose end was cut off", "the key service's log has none")
	log(`update entry set text = replace(text, '"seq":1', '"seq":0') where seq = 1`)
	fails("an altered log of the key service", "was altered or is missing")
	within(t, place, func(a *app.App) error {
		n, err := a.House.Open(t.Context(), "acme")
		if err != nil {
			return err
		}
		defer n.Release()
		return n.DB.Change(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(`update audit_entry set object = object + 1 where action = 'reveal.granted'`)
			return err
		})
	})
	fails("an altered audit log", "does not verify from entry")
}
