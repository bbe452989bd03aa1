package shares_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"sync"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	feature "strongroom/internal/feature/share"
	"strongroom/internal/surface/webui/webuitest"
)

// TestViewsAreCountedOnce: of many who open a share at the same moment exactly as many
// see what it holds as it has views, each of them is recorded, and the ciphertext is gone
// with the last; wrong passphrases at the same moment are all counted.
func TestViewsAreCountedOnce(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	c := h.As(access.Editor)
	pw := aPassword(h, nil)
	const views, visitors = 3, 12
	for name, k := range map[string]struct {
		proof  byte
		want   map[int]int // status: answers
		action string
		times  int
	}{
		"opened":           {1, map[int]int{http.StatusOK: views, http.StatusNotFound: visitors - views}, feature.Opened, views},
		"wrong passphrase": {2, map[int]int{http.StatusUnprocessableEntity: feature.Tries - 1, http.StatusNotFound: visitors - feature.Tries + 1}, feature.Wrong, feature.Tries},
	} {
		mark, p := share(t, c, "/passwords/"+pw.String(), h.Clock.Now(), func(n map[string]any) { n["views"] = views })
		p.Want(http.StatusOK)
		before := recorded(t, h, pw, k.action)
		body, err := json.Marshal(map[string][]byte{"keyProof": make([]byte, 32), "proof": bytes.Repeat([]byte{k.proof}, 32)})
		if err != nil {
			t.Fatal(err)
		}
		got, mu, begin := map[int]int{}, sync.Mutex{}, make(chan struct{})
		var all sync.WaitGroup
		for range visitors {
			all.Go(func() {
				<-begin
				resp, err := http.Post(h.URL+"/s/"+coretest.Name+"."+mark+"/open", "application/json", bytes.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
				mu.Lock()
				got[resp.StatusCode]++
				mu.Unlock()
			})
		}
		close(begin)
		all.Wait()
		for status, n := range k.want {
			if got[status] != n {
				t.Errorf("%s: %d answers of %d, want %d (%v)", name, got[status], status, n, got)
			}
		}
		if n := recorded(t, h, pw, k.action) - before; n != k.times {
			t.Errorf("%s: %d are recorded, want %d", name, n, k.times)
		}
		h.View(h.Admin(), func(tx *gate.Tx) error {
			var open, kept int
			err := tx.QueryRow(`select count(*), coalesce(sum(length(sealed)), 0) from share where state = ? or length(sealed) > 0`, feature.Open).Scan(&open, &kept)
			if open != 0 || kept != 0 {
				t.Errorf("%s: %d shares are open, %d bytes are kept", name, open, kept)
			}
			return err
		})
	}
}

// recorded tells how often something was done with a record.
func recorded(t *testing.T, h *webuitest.House, rec id.ID, action string) (n int) {
	t.Helper()
	h.View(h.Admin(), func(tx *gate.Tx) error {
		return tx.QueryRow(`select count(*) from audit_entry where action = ? and object = ?`, action, int64(rec)).Scan(&n)
	})
	return n
}
