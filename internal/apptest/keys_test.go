package apptest_test

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"strongroom/internal/apptest"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
)

// TestKeyServiceGone: while the key service is away a reveal says so and is
// recorded as failed, everything else goes on, and it works again when the
// service is back, without a restart of the server.
func TestKeyServiceGone(t *testing.T) {
	h := apptest.Open(t, apptest.Options{})
	tenant := h.Tenants[0]
	p := tenant.People[access.Editor]
	pw := thing(t, tenant, "password", apptest.Seen)
	id := pw.ID.String()
	api, page := "/passwords/"+id+"?show_password=true", "/passwords/"+id+"/reveal"
	word := apptest.Word(tenant.Name, apptest.Seen)

	reveal := func() (*apptest.Answer, *apptest.Answer) {
		return h.API(p.Key, "GET", api, nil), p.Page("POST", page, nil)
	}
	shown := func() bool {
		a, b := reveal()
		secret := word + "xpassword"
		return a.Status == http.StatusOK && strings.Contains(string(a.Body), secret) && b.Status == http.StatusOK && strings.Contains(string(b.Body), secret)
	}
	if a, b := reveal(); !shown() {
		t.Fatalf("not revealed at first: %d %s\n%d %s", a.Status, a.Body, b.Status, b.Body)
	}

	away := h.Root + ".away" // without its root key the service cannot be started again
	if err := os.Rename(h.Root, away); err != nil {
		t.Fatal(err)
	}
	pids := apptest.KeyServices(t, h.Data)
	if len(pids) != 1 {
		t.Fatalf("there are %d key services, want 1", len(pids))
	}
	if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	apptest.Eventually(t, "the key service ends", func() bool { return len(apptest.KeyServices(t, h.Data)) == 0 })

	failed := failures(tenant)
	a, b := reveal()
	for name, x := range map[string]*apptest.Answer{"API": a, "web": b} {
		if x.Status != http.StatusServiceUnavailable {
			t.Errorf("%s: a reveal without the key service answers %d: %s", name, x.Status, x.Body)
		}
		if !strings.Contains(strings.ToLower(string(x.Body)), "key service") || strings.Contains(string(x.Body), word+"xpasswordx") {
			t.Errorf("%s: the sentence is not clear: %s", name, x.Body)
		}
	}
	if n := failures(tenant); n != failed+2 {
		t.Errorf("%d entries say that a reveal failed, want %d", n, failed+2)
	}
	for _, path := range []string{"/passwords", "/organizations", "/passwords/" + id + "?show_password=false"} {
		if a := h.API(p.Key, "GET", path, nil); a.Status != http.StatusOK {
			t.Errorf("without the key service %s answers %d: %s", path, a.Status, a.Body)
		}
		if a := p.Page("GET", path, nil); a.Status != http.StatusOK {
			t.Errorf("without the key service the page %s answers %d", path, a.Status)
		}
	}
	if a, err := h.Do(http.DefaultClient, "GET", "/readyz", nil, nil); err != nil || a.Status != http.StatusServiceUnavailable {
		t.Errorf("/readyz without the key service: %v, %v", a.Status, err)
	}

	if err := os.Rename(away, h.Root); err != nil {
		t.Fatal(err)
	}
	apptest.Eventually(t, "the server is ready again", func() bool {
		a, err := h.Do(http.DefaultClient, "GET", "/readyz", nil, nil)
		return err == nil && a.Status == http.StatusOK
	})
	if !shown() {
		t.Error("the same server does not reveal again")
	}
	h.Stop()
	apptest.Eventually(t, "the key service ends with the server", func() bool { return len(apptest.KeyServices(t, h.Data)) == 0 })
}

// failures counts the reveals that the log says failed.
func failures(t *apptest.Tenant) (n int) {
	t.View(func(tx *gate.Tx) error {
		list, err := tx.Activity(audit.Filter{Action: "reveal.failed", Limit: 1000})
		n = len(list)
		return err
	})
	return n
}

// thing gives a sample.
func thing(t testing.TB, tenant *apptest.Tenant, kind string, w apptest.Where) *apptest.Thing {
	t.Helper()
	for _, x := range tenant.Things {
		if x.Kind == kind && x.Where == w {
			return x
		}
	}
	t.Fatalf("there is no sample of kind %s that is %s", kind, w)
	return nil
}
