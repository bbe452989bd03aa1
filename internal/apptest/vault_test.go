package apptest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"strongroom/internal/apptest"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/vault"
	"strongroom/internal/surface/vaultapi"
)

const vaultPassphrase = "lantern harbour 72 violet"

// atHost speaks to a tenant's host name on the loopback address.
type atHost struct {
	host string
}

func (a *atHost) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = a.host
	return http.DefaultTransport.RoundTrip(r)
}

// TestVaultByKey opens, changes and reads a vault as the command line does, with
// nothing but a key and the passphrase, and notices an older state.
func TestVaultByKey(t *testing.T) {
	h := apptest.Open(t, apptest.Options{})
	tenant := h.Tenants[0]
	who := tenant.People[access.Editor]
	at := makeVault(t, h, tenant.Name, who.ID)
	dir := t.TempDir()
	client := func(key, memory string) *vaultapi.Client {
		return &vaultapi.Client{URL: h.URL, Key: key, Memory: &vaultapi.Memory{Dir: memory}, HTTP: &http.Client{Transport: &atHost{host: tenant.Name + ".localhost"}}}
	}
	c := client(who.Key, dir)
	if err := c.Unlock(t.Context(), "not the passphrase at all"); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	if err := c.Unlock(t.Context(), vaultPassphrase); err != nil {
		t.Fatal(err)
	}
	st, err := (&vault.Vaults{Gate: h.App.Gate}).State(t.Context(), &access.Caller{Tenant: tenant.Name, User: who.ID, Role: access.Editor, AllOrgs: true, Via: "console", AuthLevel: 2})
	if err != nil {
		t.Fatal(err)
	}
	if now, err := hostproof.ParseStatement(st.Statement); err != nil || now.Number != 2 || now.KDF.ID != hostproof.KDFArgon2id {
		t.Errorf("the passphrase was not brought over to Argon2id: %v, %v", now, err)
	}
	list, err := c.All(t.Context())
	if err != nil || len(list) != 1 || list[0].Title != "Personal" || len(list[0].Items) != 0 {
		t.Fatalf("the vaults are %v, %v", list, err)
	}
	made, err := c.Put(t.Context(), list[0], nil, hostproof.Content{"title": "Router", "password": "first", "otp": "kept"})
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(onlyFile(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Put(t.Context(), list[0], made, hostproof.Content{"title": "Router", "password": "second", "otp": "kept"}); err != nil {
		t.Fatal(err)
	}
	again := client(who.Key, dir)
	if err := again.Unlock(t.Context(), vaultPassphrase); err != nil {
		t.Fatal(err)
	}
	if list, err = again.All(t.Context()); err != nil || len(list[0].Items) != 1 || list[0].Items[0].Content["password"] != "second" || list[0].Items[0].Content["otp"] != "kept" || !strings.Contains(list[0].Items[0].Content["history"], `"password":"first"`) {
		t.Fatalf("afterwards the vaults are %v, %v", list, err)
	}
	for _, key := range []string{who.NoSecret, tenant.People[access.Lite].Key, "ITG.nothing"} {
		if err := client(key, t.TempDir()).Unlock(t.Context(), vaultPassphrase); err == nil {
			t.Errorf("the key %.8s opens it", key)
		}
	}
	for _, key := range []string{tenant.People[access.Administrator].Key, tenant.People[access.Manager].Key} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+vaultapi.Path+"vaults/"+at.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = tenant.Name + ".localhost"
		r.Header.Set("X-Api-Key", key)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("somebody else's vault is answered with %d", resp.StatusCode)
		}
	}
	// What the real server has is older than what is remembered, or other.
	for what, change := range map[string]func(m map[string]any){
		"older state":     func(m map[string]any) { seen(m, at)["number"] = 99 },
		"another history": func(m map[string]any) { seen(m, at)["hash"] = strings.Repeat("ab", 32) },
		"no longer shows": func(m map[string]any) {
			m["vaults"].(map[string]any)["12345"] = map[string]any{"number": 1, "hash": ""}
		},
		"other keys for":     func(m map[string]any) { m["keyset"].(map[string]any)["fingerprint"] = strings.Repeat("ab", 16) },
		"an older keyset of": func(m map[string]any) { m["keyset"].(map[string]any)["number"] = 7 },
	} {
		var m map[string]any
		b, err := os.ReadFile(onlyFile(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		there := t.TempDir()
		if b, err = json.Marshal(m); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(there, filepath.Base(onlyFile(t, dir))), b, 0o600); err != nil {
			t.Fatal(err)
		}
		x := client(who.Key, there)
		err = x.Unlock(t.Context(), vaultPassphrase)
		if err == nil {
			_, err = x.All(t.Context())
		}
		if !fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: it says %v", what, err)
		}
	}
	checksLog(t, h, tenant.Name, client(who.Key, dir), who.ID)
	t.Run("files and moves", func(t *testing.T) { vaultFilesAndMoves(t, h) })
	if strings.Contains(string(before), "first") || strings.Contains(string(before), "Router") {
		t.Error("what is in the vault stands in what is remembered")
	}
}

func seen(m map[string]any, at id.ID) map[string]any {
	return m["vaults"].(map[string]any)[at.String()].(map[string]any)
}

func onlyFile(t *testing.T, dir string) string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(list) != 1 {
		t.Fatalf("the files are %v, %v", list, err)
	}
	return list[0]
}

// makeVault makes an empty vault of somebody as the page did before there was Argon2id.
func makeVault(t *testing.T, h *apptest.House, tenant string, user id.ID) id.ID {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &vault.Vaults{Gate: h.App.Gate}
	c := &access.Caller{Tenant: tenant, User: user, Name: "Editor", Role: access.Editor, AllOrgs: true, Via: "console", AuthLevel: 2}
	keys, lock, err := hostproof.NewKeyset(tenant, int64(user), vaultPassphrase, hostproof.KDF{ID: hostproof.KDFPBKDF2, Iterations: hostproof.LeastIterations}, 1)
	must(err)
	must(s.SaveKeyset(t.Context(), c, keys.Statement.Marshal(), lock))
	return addVault(t, s, c, keys)
}

// addVault makes an empty vault of somebody whose keyset the server has.
func addVault(t *testing.T, s *vault.Vaults, c *access.Caller, keys *hostproof.Keyset) id.ID {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	at, err := s.Reserve(t.Context(), c)
	must(err)
	v, g, err := keys.NewVault(int64(at), 1)
	must(err)
	about, leaf, err := keys.Seal(v, 0, nil, hostproof.Content{"title": "Personal"}, 1)
	must(err)
	m, err := keys.Manifest(v, nil, []hostproof.Leaf{leaf}, 1)
	must(err)
	must(s.Write(t.Context(), c, at, vault.Write{Grant: g.Marshal(), Put: [][]byte{about}, Manifest: m.Marshal()}))
	return at
}

// checksLog finds keys that the log states as somebody's and that are not hers.
func checksLog(t *testing.T, h *apptest.House, tenant string, c *vaultapi.Client, user id.ID) {
	t.Helper()
	if err := c.Unlock(t.Context(), vaultPassphrase); err != nil {
		t.Fatal(err)
	}
	exported := func() []byte {
		in, err := h.App.House.Open(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Release()
		var b bytes.Buffer
		if err := audit.Export(t.Context(), in.DB, in.Audit, in.Keys.CheckpointKey, &b, 1, true); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	if n, err := c.CheckLog(exported()); err != nil || n < 2 {
		t.Errorf("an honest log of %d entries: %v", n, err)
	}
	err := h.App.Gate.Note(t.Context(), &access.Caller{Tenant: tenant}, &audit.Entry{Action: hostproof.ListedAction, Kind: "vault", Object: user, Version: 1, Result: audit.OK, Detail: audit.Detail{Text: strings.Repeat("ab", 32)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CheckLog(exported()); !fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), "not yours") {
		t.Errorf("a log with other keys: %v", err)
	}
}
