package service_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/keys/keystest"
	"strongroom/internal/core/keys/service"
)

// logDatabase opens the service's log as somebody with its root could.
func logDatabase(t testing.TB, o service.Options, q string) {
	t.Helper()
	k := must[[]byte](t)(envelope.Derive(o.Root, "strongroom/root/1", "log"))
	db := must[*sqldb.DB](t)(sqldb.OpenSQLite(t.Context(), sqldb.SQLiteOptions{
		Path: filepath.Join(o.Dir, "log.db"), Key: func() ([]byte, error) { return k, nil },
	}))
	defer db.Close()
	if err := db.Change(t.Context(), func(tx *sqldb.Tx) error { _, err := tx.Exec(q); return err }); err != nil {
		t.Fatal(err)
	}
}

func TestNothingIsUnwrappedThatCannotBeLogged(t *testing.T) {
	s := keystest.Start(t, service.Options{})
	c := s.Client
	tenant(t, c, "demo", "")
	e := seal(t, c, header("demo"), "hunter2")
	logDatabase(t, s.Options, `create trigger full before insert on entry begin select raise(abort, 'no'); end`)
	k, err := c.Unwrap(t.Context(), ticket("demo"), e.HeaderBytes(), e.Recipients()[0])
	want(t, "unwrap", err, fault.Unavailable)
	if k != nil {
		t.Error("a key came back")
	}
	want(t, "create", c.CreateTenant(t.Context(), "other", ""), fault.Unavailable)
	_, err = c.Shred(t.Context(), "demo")
	want(t, "shred", err, fault.Unavailable)
	logDatabase(t, s.Options, `drop trigger full`)
	if p, err := reveal(t, c, e); err != nil || p != "hunter2" {
		t.Errorf("afterwards: %q, %v", p, err)
	}
}

func TestTheLogSaysWhatHappenedAndNothingElse(t *testing.T) {
	s := keystest.Start(t, service.Options{Skew: always, Now: fixed})
	c := s.Client
	tenant(t, c, "demo", "")
	e := seal(t, c, header("demo"), "hunter2")
	if _, err := reveal(t, c, e); err != nil {
		t.Fatal(err)
	}
	var calls []string
	var last string
	read := func(x service.Entry) error {
		var line struct{ Call string }
		if err := json.Unmarshal([]byte(x.Text), &line); err != nil {
			return err
		}
		calls, last = append(calls, line.Call), x.Text
		return nil
	}
	n := must[int64](t)(service.VerifyLog(t.Context(), s.Options.Dir, s.Options.Root, read)) // while it runs
	if got := strings.Join(calls, " "); n != 4 || got != "create_tenant unseal create_tenant unwrap" {
		t.Errorf("%d entries: %s", n, got)
	}
	last = regexp.MustCompile(`"version":1,"time":[0-9]{13},`).ReplaceAllString(last, `"version":1,"time":1,`) // the ticket's
	const wanted = `{"seq":4,"time":1700000000000,"call":"unwrap","tenant":"demo","ticket":{"tenant":"demo","subject":5,"session":"s1","action":"password.reveal","object":42,"kind":"password","field":"password","version":1,"time":1,"auth_level":0,"reason":"","audit_seq":9,"audit_leaf":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","bulk":false},"kind":"password","object":42,"field":"password","version":1,"header":"`
	if !strings.HasPrefix(last, wanted) {
		t.Errorf("the entry is %s", last)
	}
}

func TestAnAlteredLogIsFound(t *testing.T) {
	for name, x := range map[string]struct{ q, sentence string }{
		"text":    {`update entry set text = replace(text, '"subject":5', '"subject":6') where seq = 6`, "Entry 6 "},
		"missing": {`delete from entry where seq = 5`, "Entry 5 "},
		"hash":    {`update entry set hash = (select hash from entry where seq = 4) where seq = 8`, "Entry 8 "},
		"order":   {`update entry set seq = -seq where seq in (5, 6); update entry set seq = 11 + seq where seq < 0`, "Entry 5 "},
	} {
		s := keystest.Start(t, service.Options{})
		tenant(t, s.Client, "demo", "")
		e := seal(t, s.Client, header("demo"), "hunter2")
		for range 6 {
			if _, err := reveal(t, s.Client, e); err != nil {
				t.Fatal(err)
			}
		}
		s.Stop()
		if _, err := service.VerifyLog(context.Background(), s.Options.Dir, s.Options.Root, nil); err != nil {
			t.Fatal(err)
		}
		logDatabase(t, s.Options, x.q)
		_, err := service.VerifyLog(t.Context(), s.Options.Dir, s.Options.Root, nil)
		want(t, name, err, fault.Invalid)
		if !strings.HasPrefix(fault.Say(err).Text, x.sentence) {
			t.Errorf("%s: %q", name, fault.Say(err).Text)
		}
	}
	_, err := service.VerifyLog(t.Context(), t.TempDir(), []byte("short"), nil)
	want(t, "short root", err, fault.Invalid)
}
