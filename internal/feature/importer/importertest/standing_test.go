package importertest_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/agefile"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/job"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/exporter/standing"
)

// TestStandingExport: everything is exported when its time has come, sealed, into the
// folder too; the newest are kept, and what is opened can be imported.
func TestStandingExport(t *testing.T) {
	h := open(t)
	h.run(files{
		"organizations.csv": csv("id,name", "1,Acme"),
		"passwords.csv":     csv("id,organization,name,username,password", "31,Acme,Root,root,standing-secret", "32,Acme,Locked,root,locked-secret"),
	}.pack(t, ""))
	locked := h.one("password", "Locked").ID
	h.ex.Secrets.Policies = []secret.Policy{func(_ *gate.Tx, ref secret.Ref, _ *audit.Entry) error {
		if ref.Object == locked {
			return fault.New(fault.Denied, "This takes an approval.")
		}
		return nil
	}}
	ended := make(chan string, 8)
	r := h.runner(ended, h.im.Handler())
	s := &standing.Standing{Gate: h.Gate, Export: h.ex.Everything, Jobs: r, Folder: t.TempDir(), Now: h.Clock.Now}
	r.Handlers[standing.JobKind] = s.Handler()
	private, public, err := agefile.Key()
	if err != nil {
		t.Fatal(err)
	}
	n := standing.Settings{Every: standing.Daily, Minute: 3 * 60, Keep: 2, Secrets: true, Recipients: public, Folder: true}
	if err := s.Save(t.Context(), h.Admin(), n); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		var next int64
		h.View(h.Admin(), func(tx *gate.Tx) error {
			now, err := standing.Get(tx)
			next = now.Next
			return err
		})
		at := time.UnixMilli(next).UTC()
		if at.Hour() != 3 || !at.After(h.Clock.Now()) || at.Sub(h.Clock.Now()) > 24*time.Hour {
			t.Fatalf("at %s the next is at %s", h.Clock.Now(), at)
		}
		h.Clock.Advance(at.Sub(h.Clock.Now()) + time.Second)
		if state := h.serve(r, ended, nil); state != job.Done {
			t.Fatalf("the job ended as %s", state)
		}
	}
	var runs []standing.Run
	h.View(h.Admin(), func(tx *gate.Tx) (err error) { runs, err = standing.Runs(tx); return err })
	if len(runs) != 2 || runs[0].Withheld != 1 || runs[0].State != job.Done || runs[0].Size == 0 || !runs[0].Copied || runs[0].Problem != "" {
		t.Fatalf("what was made is %+v", runs)
	}
	there, err := filepath.Glob(filepath.Join(s.Folder, "*", "*"))
	if err != nil || len(there) != 2 {
		t.Fatalf("the folder holds %v, %v", there, err)
	}
	sealed, err := os.ReadFile(there[1])
	if err != nil || bytes.Contains(sealed, []byte("PK\x03\x04")) || bytes.Contains(sealed, []byte("standing-secret")) {
		t.Fatalf("the file is not sealed: %v", err)
	}
	f, err := s.Open(t.Context(), h.Admin(), runs[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var zip bytes.Buffer
	if err := agefile.Open(&zip, f, private, ""); err != nil {
		t.Fatal(err)
	}
	line := `{"table":"passwords","id":"` + locked.String() + `","name":"Locked","field":"password","why":"This takes an approval."}`
	if all := strings.Join(unpack(t, zip.Bytes()), "\n"); !strings.Contains(all, line) || strings.Contains(all, "locked-secret") {
		t.Error("the export does not name what it lacks, or holds it")
	}
	p := filepath.Join(t.TempDir(), "back.zip")
	if err := os.WriteFile(p, zip.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	other := open(t)
	other.run(p)
	if got := other.reveal(other.one("password", "Root").ID, "password"); got != "standing-secret" {
		t.Errorf("the password that came back is %q", got)
	}
}

// TestStandingExportThatFails: it is listed with the reason, and the next is planned.
func TestStandingExportThatFails(t *testing.T) {
	h := open(t)
	ended := make(chan string, 8)
	r := h.runner(ended, h.im.Handler())
	r.Attempts = 1
	folder := filepath.Join(t.TempDir(), "gone")
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &standing.Standing{Gate: h.Gate, Export: h.ex.Everything, Jobs: r, Folder: folder, Now: h.Clock.Now}
	r.Handlers[standing.JobKind] = s.Handler()
	if err := s.Save(t.Context(), h.Admin(), standing.Settings{Every: standing.Weekly, Weekday: time.Monday, Minute: 60, Keep: 1, Passphrase: "four words are enough", Folder: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Start(t.Context(), h.Admin()); err != nil {
		t.Fatal(err)
	}
	h.serve(r, ended, nil)
	var runs []standing.Run
	var now standing.Settings
	h.View(h.Admin(), func(tx *gate.Tx) (err error) {
		if runs, err = standing.Runs(tx); err == nil {
			now, err = standing.Get(tx)
		}
		return err
	})
	if len(runs) != 1 || runs[0].State != job.Done || runs[0].Copied || !strings.Contains(runs[0].Problem, "operator's folder") {
		t.Errorf("without the folder it is %+v", runs)
	}
	if !now.Locked || now.Passphrase != "" || time.UnixMilli(now.Next).UTC().Weekday() != time.Monday {
		t.Errorf("the settings are %+v", now)
	}
	if err := s.Save(t.Context(), h.Admin(), standing.Settings{Every: standing.Never, Keep: 1}); err != nil {
		t.Fatal(err)
	}
}

func TestStandingSettingsAreChecked(t *testing.T) {
	h := open(t)
	r := h.runner(make(chan string, 8), h.im.Handler())
	s := &standing.Standing{Gate: h.Gate, Export: h.ex.Everything, Jobs: r, Now: h.Clock.Now}
	r.Handlers[standing.JobKind] = s.Handler()
	_, public, err := agefile.Key()
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]standing.Settings{
		"for nobody":     {Every: standing.Daily, Keep: 1},
		"for both":       {Every: standing.Daily, Keep: 1, Recipients: public, Passphrase: "four words are enough"},
		"a short one":    {Every: standing.Daily, Keep: 1, Passphrase: "short"},
		"no key":         {Every: standing.Daily, Keep: 1, Recipients: "age1x"},
		"none kept":      {Every: standing.Daily, Recipients: public},
		"no such time":   {Every: standing.Daily, Keep: 1, Minute: 1440, Recipients: public},
		"no folder":      {Every: standing.Daily, Keep: 1, Recipients: public, Folder: true},
		"no such rhythm": {Every: "hour", Keep: 1, Recipients: public},
	} {
		if err := s.Save(t.Context(), h.Admin(), n); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	manager := &access.Caller{Tenant: h.Admin().Tenant, User: 78, Role: access.Manager, AllOrgs: true}
	if err := s.Save(t.Context(), manager, standing.Settings{Every: standing.Daily, Keep: 1, Recipients: public}); !fault.Is(err, fault.Denied) {
		t.Errorf("a manager: %v", err)
	}
}
