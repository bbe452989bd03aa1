package apptest_test

import (
	"net/http"
	"testing"

	"strongroom/internal/apptest"
	"strongroom/internal/core/access"
	"strongroom/internal/core/record"
)

func TestMain(m *testing.M) { apptest.Main(m) }

// TestHouse checks the house itself: what the other tests stand on.
func TestHouse(t *testing.T) {
	h := apptest.Open(t, apptest.Options{})
	for _, tenant := range h.Tenants {
		seen := map[string]map[apptest.Where]bool{}
		for _, x := range tenant.Things {
			if seen[x.Kind] == nil {
				seen[x.Kind] = map[apptest.Where]bool{}
			}
			seen[x.Kind][x.Where] = true
		}
		for _, k := range h.App.Records.Kinds.Kinds() {
			want := []apptest.Where{apptest.Seen, apptest.Closed, apptest.Locked}
			if k.Fixed || k.Admin {
				continue
			}
			switch k.Scope {
			case record.OfTenant:
				want = []apptest.Where{apptest.Shared}
			case record.OfPerson:
				want = []apptest.Where{apptest.Alone}
			}
			for _, w := range want {
				if !seen[k.Name][w] {
					t.Errorf("%s has no sample of kind %s that is %s", tenant.Name, k.Name, w)
				}
			}
		}
		for _, role := range access.Roles() {
			p := tenant.People[role]
			if a := h.API(p.Key, "GET", "/organizations", nil); a.Status != http.StatusOK {
				t.Errorf("%s's key answers %d: %s", role, a.Status, a.Body)
			}
			if a := p.Page("GET", "/", nil); a.Status != http.StatusOK {
				t.Errorf("%s's browser is answered %d: %s", role, a.Status, a.Body)
			}
		}
	}
}
