package apptest_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"strongroom/internal/app"
	"strongroom/internal/apptest"
)

// pairs gives what is sealed to each of a tenant's key pairs, by number.
func pairs(place *apptest.Place) map[uint32]app.KeyPair {
	var list []app.KeyPair
	place.Do(&list, "tenant", "keys", "acme", "-json")
	out := map[uint32]app.KeyPair{}
	for _, k := range list {
		out[k.Generation] = k
	}
	return out
}

// TestKillDuringRotation kills the server while it rotates a tenant's keys and
// passwords are made and revealed: the next server goes on with the rotation, and
// everything that was acknowledged opens, also when the older pair is destroyed.
func TestKillDuringRotation(t *testing.T) {
	place := apptest.NewPlace(t, apptest.Program(t))
	var who created
	place.Do(&who, "tenant", "create", "acme", "-suite", "rsa-oaep-4096", "-json")
	s := place.Serve()
	a, err := s.API(who.APIKey, "POST", "/organizations", object("organizations", map[string]any{"name": "Turning Wheels"}))
	if err != nil || a.Status != http.StatusCreated {
		t.Fatalf("the organization was not made: %v %+v", err, a)
	}
	org := idOf(t, a)
	all := &kept{made: map[string]string{}}
	var work sync.WaitGroup
	busy := func(w, most int) {
		for n := 0; n < most; n++ {
			value := fmt.Sprintf("value-%d-%d", w, n)
			a, err := s.API(who.APIKey, "POST", "/passwords", object("passwords", map[string]any{"organization_id": org, "name": "Turned " + value, "password": value}))
			if err != nil {
				return // it is dead
			}
			if a.Status != http.StatusCreated {
				t.Errorf("making a password answers %d: %s", a.Status, a.Body)
				return
			}
			id := idOf(t, a)
			all.mu.Lock()
			all.made[id] = value
			all.mu.Unlock()
			if a, err := s.API(who.APIKey, "GET", "/passwords/"+id, nil); err == nil && !bytes.Contains(a.Body, []byte(`"password":"`+value+`"`)) {
				t.Errorf("password %s answers %d: %s", id, a.Status, a.Body)
				return
			}
		}
	}
	for w := range 4 {
		work.Go(func() { busy(w, 100) })
	}
	work.Wait()
	for w := range 2 {
		work.Go(func() { busy(4+w, 1<<30) })
	}
	work.Go(func() { place.Run("tenant", "rotate", "acme", "-suite", "hybrid") })
	apptest.Eventually(t, "some keys are wrapped to the new pair", func() bool { return pairs(place)[2].Sealed > 64 })
	s.Kill()
	work.Wait()
	if left := pairs(place)[1].Sealed; left == 0 {
		t.Log("the rotation had ended before the server was killed")
	}
	if _, errs, code := place.Run("tenant", "retire", "acme", "-yes"); code == 0 && pairs(place)[1].Sealed != 0 || code != 0 && !strings.Contains(errs, "still sealed to an older key pair") {
		t.Errorf("retiring in the middle ends with %d: %s", code, errs)
	}

	s = place.Serve()
	apptest.Eventually(t, "the rotation ends", func() bool { return pairs(place)[1].Sealed == 0 })
	if _, errs, code := place.Run("tenant", "retire", "acme", "-yes"); code != 0 && !strings.Contains(errs, "no older key pair") {
		t.Errorf("retiring ends with %d: %s", code, errs)
	}
	if p := pairs(place); len(p) != 2 || p[1].Retired == "" || p[2].Suite != "hybrid" {
		t.Errorf("the key pairs are %+v", p)
	}
	for id, want := range all.made {
		a, err := s.API(who.APIKey, "GET", "/passwords/"+id, nil)
		if err != nil || a.Status != http.StatusOK || !bytes.Contains(a.Body, []byte(`"password":"`+want+`"`)) {
			t.Fatalf("password %s was acknowledged and does not open: %v %+v", id, err, a)
		}
	}
	s.Stop()
	if _, errs, code := place.Run("audit", "verify", "-tenant", "acme"); code != 0 {
		t.Errorf("the audit log does not verify: %s", errs)
	}
}
