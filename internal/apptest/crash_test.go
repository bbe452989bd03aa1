package apptest_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"strongroom/internal/app"
	"strongroom/internal/apptest"
	"strongroom/internal/base/archive"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
)

type created struct {
	Tenant, Email, Password string
	APIKey                  string `json:"api_key"`
}

// kept is what a server acknowledged before it was killed.
type kept struct {
	mu      sync.Mutex
	made    map[string]string // id -> password
	reveals int
}

// TestKillUnderLoad kills the server while it makes and reveals passwords: all
// that it acknowledged is there, and the log verifies.
func TestKillUnderLoad(t *testing.T) {
	place := apptest.NewPlace(t, apptest.Program(t))
	var who created
	place.Do(&who, "tenant", "create", "acme", "-json")
	all := &kept{made: map[string]string{}}
	org := ""
	for round := range 2 {
		s := place.Serve()
		if org == "" {
			a, err := s.API(who.APIKey, "POST", "/organizations", object("organizations", map[string]any{"name": "Crash and Sons"}))
			if err != nil || a.Status != http.StatusCreated {
				t.Fatalf("the organization was not made: %v %+v", err, a)
			}
			org = idOf(t, a)
		}
		load(t, s, who.APIKey, org, all, 80*(round+1))
		apptest.Eventually(t, "no key service outlives its server", func() bool { return len(apptest.KeyServices(t, place.Data)) == 0 })
	}
	if _, errs, code := place.Run("audit", "verify", "-tenant", "acme"); code != 0 {
		t.Errorf("after two crashes the audit log does not verify: %s", errs)
	}
	s := place.Serve()
	for id, want := range all.made {
		a, err := s.API(who.APIKey, "GET", "/passwords/"+id, nil)
		if err != nil || a.Status != http.StatusOK || !bytes.Contains(a.Body, []byte(`"password":"`+want+`"`)) {
			t.Fatalf("password %s was acknowledged and is lost: %v %+v", id, err, a)
		}
	}
	s.Stop()
	if n := granted(t, place); n < all.reveals+len(all.made) {
		t.Errorf("the log has %d reveals, and %d were given", n, all.reveals+len(all.made))
	}
}

// load works with the server from all sides until it has acknowledged so many
// passwords in all, and then kills it in the midst of it.
func load(t *testing.T, s *apptest.Process, key, org string, all *kept, until int) {
	t.Helper()
	var work sync.WaitGroup
	enough := make(chan struct{})
	var once sync.Once
	for w := range 8 {
		work.Go(func() {
			for n := 0; ; n++ {
				value := fmt.Sprintf("value-%d-%d-%d", until, w, n)
				a, err := s.API(key, "POST", "/passwords", object("passwords", map[string]any{"organization_id": org, "name": "Made under load " + value, "password": value}))
				if err != nil {
					return // it is dead
				}
				if a.Status != http.StatusCreated {
					t.Errorf("making a password answers %d: %s", a.Status, a.Body)
					once.Do(func() { close(enough) })
					return
				}
				id := idOf(t, a)
				all.mu.Lock()
				all.made[id] = value
				if len(all.made) >= until {
					once.Do(func() { close(enough) })
				}
				all.mu.Unlock()
				if a, err := s.API(key, "GET", "/passwords/"+id, nil); err == nil && a.Status == http.StatusOK {
					all.mu.Lock()
					all.reveals++
					all.mu.Unlock()
				}
			}
		})
	}
	select {
	case <-enough:
	case <-time.After(2 * time.Minute):
		t.Error("the load does not go through")
	}
	s.Kill()
	work.Wait()
}

// TestKillDuringImport kills the server in the midst of an import: the same
// import again ends with what an uninterrupted one gives.
func TestKillDuringImport(t *testing.T) {
	const rows = 600
	place := apptest.NewPlace(t, apptest.Program(t))
	zip := filepath.Join(t.TempDir(), "export.zip")
	if err := os.WriteFile(zip, export(t, rows), 0o600); err != nil {
		t.Fatal(err)
	}
	var cut, whole created
	place.Do(&cut, "tenant", "create", "cut", "-json")
	place.Do(&whole, "tenant", "create", "whole", "-json")

	s := place.Serve()
	ended := make(chan int, 1)
	go func() {
		_, _, code := place.Run("import", "itglue", zip, "-tenant", "cut", "-json")
		ended <- code
	}()
	apptest.Eventually(t, "some of it is imported", func() bool {
		a, err := s.API(cut.APIKey, "GET", "/configurations?page[size]=1", nil)
		return err == nil && a.Status == http.StatusOK && total(t, a) > 0
	})
	s.Kill()
	if code := <-ended; code != 1 {
		t.Errorf("the command whose server died ended with %d, want 1", code)
	}
	apptest.Eventually(t, "no key service outlives its server", func() bool { return len(apptest.KeyServices(t, place.Data)) == 0 })
	s = place.Serve()
	a, err := s.API(cut.APIKey, "GET", "/passwords?page[size]=1", nil)
	if err != nil || a.Status != http.StatusOK {
		t.Fatalf("the server does not list after the crash: %v %+v", err, a)
	}
	if n := total(t, a); n == rows {
		t.Errorf("the import had ended before the server was killed: make it longer")
	}
	var report struct{ Created, Changed, Unchanged, Skipped, Conflicts int64 }
	place.Do(&report, "import", "itglue", zip, "-tenant", "cut", "-json")
	if report.Unchanged == 0 || report.Changed+report.Skipped+report.Conflicts > 0 {
		t.Errorf("the import again did not go on from where it was: %+v", report)
	}
	place.Do(&report, "import", "itglue", zip, "-tenant", "cut", "-json")
	if report.Created+report.Changed+report.Skipped+report.Conflicts > 0 {
		t.Errorf("a further import changes something: %+v", report)
	}
	place.Do(nil, "import", "itglue", zip, "-tenant", "whole", "-json")
	s.Stop()
	for _, name := range []string{"cut", "whole"} {
		if _, errs, code := place.Run("audit", "verify", "-tenant", name); code != 0 {
			t.Errorf("the audit log of %s does not verify: %s", name, errs)
		}
	}
	compare(t, content(t, place, "cut"), content(t, place, "whole"))
}

// compare tells the first lines in which two contents differ.
func compare(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("the interrupted import has %d lines of content, the uninterrupted one %d", len(got), len(want))
	}
	shown := 0
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] && shown < 3 {
			t.Errorf("they differ:\n%s\n%s", got[i], want[i])
			shown++
		}
	}
}

// within opens the house of a place in this process, for fn.
func within(t *testing.T, place *apptest.Place, fn func(*app.App) error) {
	t.Helper()
	a, err := app.Open(t.Context(), app.Options{Config: app.Config{Data: place.Data, Root: place.Root, Postgres: place.Postgres},
		Program: []string{apptest.Program(t)}, Stderr: t.Output(), Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(fn(a), a.Close()); err != nil {
		t.Fatal(err)
	}
}

// granted counts the reveals in a tenant's log.
func granted(t *testing.T, place *apptest.Place) (n int) {
	t.Helper()
	within(t, place, func(a *app.App) error {
		return a.Gate.View(t.Context(), access.System("acme", "console"), func(tx *gate.Tx) error {
			list, err := tx.Activity(audit.Filter{Action: secret.Granted, Limit: 1 << 20})
			for _, e := range list {
				n += int(e.Count)
			}
			return err
		})
	})
	return n
}

// content is everything of a tenant in lines without ids and times.
func content(t *testing.T, place *apptest.Place, name string) (lines []string) {
	t.Helper()
	within(t, place, func(a *app.App) error {
		return a.Gate.View(t.Context(), access.System(name, "console"), func(tx *gate.Tx) error {
			for _, k := range a.Records.Kinds.Kinds() {
				if k.Admin {
					continue
				}
				p, err := a.Records.List(tx, k.Name, record.Query{Limit: 10000})
				if err != nil {
					return err
				}
				for _, r := range p.Records {
					lines = append(lines, line(t, k, r))
				}
			}
			return nil
		})
	})
	slices.Sort(lines)
	return lines
}

func line(t *testing.T, k *record.Kind, r *record.Record) string {
	t.Helper()
	v := maps.Clone(r.Values)
	for _, f := range k.Fields {
		switch f.Type {
		case record.Ref:
			v[f.Name] = r.Names[f.Name]
		case record.Time:
			delete(v, f.Name)
		}
	}
	delete(v, "resource_id")
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %q of %q archived=%v %s", k.Name, r.Name, r.OrgName, r.Archived, b)
}

// export makes an export with so many configurations, contacts and passwords.
func export(t *testing.T, rows int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := archive.Create(&b, "")
	table := func(name, head string, rows int, row func(n int) []string) {
		f, err := z.Add(name, time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		w := csv.NewWriter(f)
		_ = w.Write(strings.Split(head, ",")) // Error tells it all
		for n := range rows {
			_ = w.Write(row(n))
		}
		w.Flush()
		if err := w.Error(); err != nil {
			t.Fatal(err)
		}
	}
	org := func(n int) string { return "Company " + strconv.Itoa(n%20) }
	table("organizations.csv", "id,name", 20, func(n int) []string { return []string{strconv.Itoa(n + 1), org(n)} })
	table("contacts.csv", "id,organization,first_name,last_name,email", rows, func(n int) []string {
		return []string{strconv.Itoa(20000 + n), org(n), "Ann", "Person " + strconv.Itoa(n), fmt.Sprintf("ann%d@mail.example", n)}
	})
	table("configurations.csv", "id,organization,name,hostname,configuration_type,notes", rows, func(n int) []string {
		return []string{strconv.Itoa(40000 + n), org(n), fmt.Sprintf("SRV-%d", n), fmt.Sprintf("srv-%d.example", n), "Server", "Stands in rack " + strconv.Itoa(n)}
	})
	table("passwords.csv", "id,organization,name,username,password,resource_type,resource_id", rows, func(n int) []string {
		return []string{strconv.Itoa(60000 + n), org(n), "Login " + strconv.Itoa(n), "root", "pw-" + strconv.Itoa(n), "Configuration", strconv.Itoa(40000 + n)}
	})
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func object(typ string, attributes map[string]any) any {
	return map[string]any{"data": map[string]any{"type": typ, "attributes": attributes}}
}

func idOf(t testing.TB, a *apptest.Answer) string {
	t.Helper()
	var v struct{ Data struct{ ID string } }
	if err := json.Unmarshal(a.Body, &v); err != nil || v.Data.ID == "" {
		t.Errorf("no id in %s", a.Body)
	}
	return v.Data.ID
}

// total is how many records a list says there are in all.
func total(t testing.TB, a *apptest.Answer) int {
	t.Helper()
	var v struct {
		Meta struct {
			Total int `json:"total-count"`
		}
	}
	if err := json.NewDecoder(bytes.NewReader(a.Body)).Decode(&v); err != nil && err != io.EOF {
		t.Errorf("no total in %s", a.Body)
	}
	return v.Meta.Total
}
