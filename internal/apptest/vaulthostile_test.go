package apptest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"strongroom/internal/apptest"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/vault"
	"strongroom/internal/surface/vaultapi"
)

// liar stands between the command line and the real server, and changes what it answers.
type liar struct {
	next     http.RoundTripper
	vault    id.ID
	state    func(*vault.State)    // nil for no lie
	contents func(*vault.Contents) // of the vault, likewise
}

func (l *liar) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(r)
	if err != nil || r.Method != http.MethodGet || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	switch {
	case l.state != nil && strings.HasSuffix(r.URL.Path, "/state"):
		return altered(resp, l.state)
	case l.contents != nil && strings.HasSuffix(r.URL.Path, "/vaults/"+l.vault.String()):
		return altered(resp, l.contents)
	}
	return resp, nil
}

// altered is an answer after a lie about what is in it.
func altered[T any](resp *http.Response, lie func(*T)) (*http.Response, error) {
	var is T
	err := json.NewDecoder(resp.Body).Decode(&is)
	if closed := resp.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	lie(&is)
	b, err := json.Marshal(is)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	return resp, err
}

// TestHostileServerByKey lets a server lie to the command line: each lie is named, nothing
// is opened, and nothing of it is remembered.
func TestHostileServerByKey(t *testing.T) {
	h := apptest.Open(t, apptest.Options{})
	tenant := h.Tenants[0]
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	who, somebody := tenant.People[access.Editor], tenant.People[access.Manager]
	caller := func(user id.ID, role access.Role) *access.Caller {
		return &access.Caller{Tenant: tenant.Name, User: user, Name: "Somebody", Role: role, AllOrgs: true, Via: "console", AuthLevel: 2}
	}
	s, me, them := &vault.Vaults{Gate: h.App.Gate}, caller(who.ID, access.Editor), caller(somebody.ID, access.Manager)
	keys, lock, err := hostproof.NewKeyset(tenant.Name, int64(who.ID), vaultPassphrase, hostproof.NewKDF(), 1)
	must(err)
	must(s.SaveKeyset(t.Context(), me, keys.Statement.Marshal(), lock))
	at, elsewhere := addVault(t, s, me, keys), addVault(t, s, me, keys)
	theirs := makeVault(t, h, tenant.Name, somebody.ID)

	l := &liar{next: &atHost{host: tenant.Name + ".localhost"}, vault: at}
	open := func(memory string) ([]*vaultapi.Vault, *vaultapi.Client, error) {
		c := &vaultapi.Client{URL: h.URL, Key: who.Key, Memory: &vaultapi.Memory{Dir: memory}, HTTP: &http.Client{Transport: l}}
		if err := c.Unlock(t.Context(), vaultPassphrase); err != nil {
			return nil, c, err
		}
		list, err := c.All(t.Context())
		return list, c, err
	}
	dir := t.TempDir()
	list, c, err := open(dir)
	must(err)
	mine := list[slices.IndexFunc(list, func(v *vaultapi.Vault) bool { return v.ID == at })]
	router, err := c.Put(t.Context(), mine, nil, hostproof.Content{"title": "Router", "password": "first"})
	must(err)
	_, err = c.Put(t.Context(), mine, nil, hostproof.Content{"title": "Switch", "password": "other"})
	must(err)
	old, err := s.Read(t.Context(), me, at)
	must(err)
	oldState, err := s.State(t.Context(), me)
	must(err)
	_, err = c.Put(t.Context(), mine, router, hostproof.Content{"title": "Router", "password": "second"})
	must(err)
	next, lock, err := keys.ChangePassphrase(vaultPassphrase, hostproof.NewKDF(), 2)
	must(err)
	must(s.SaveKeyset(t.Context(), me, next.Statement.Marshal(), lock))
	_, _, err = open(dir)
	must(err)
	beside, err := s.Read(t.Context(), me, elsewhere)
	must(err)
	strange, err := s.Read(t.Context(), them, theirs)
	must(err)
	strangeState, err := s.State(t.Context(), them)
	must(err)
	other, _, err := hostproof.NewKeyset(tenant.Name, int64(who.ID), vaultPassphrase, hostproof.NewKDF(), 1)
	must(err)
	other, otherLock, err := other.ChangePassphrase(vaultPassphrase, hostproof.NewKDF(), 2) // as many statements as hers
	must(err)
	fork := forked(t, keys, at, old)

	for _, c := range []struct {
		name     string
		state    func(*vault.State)
		contents func(*vault.Contents)
		fresh    bool // with a folder that remembers nothing
		want     string
	}{
		{"yesterday's data", nil, func(v *vault.Contents) { *v = *old }, false, "older state"},
		{"another history", nil, func(v *vault.Contents) { v.Manifest, v.Items = fork, old.Items }, false, "another history"},
		{"an item left out", nil, func(v *vault.Contents) { v.Items = v.Items[:len(v.Items)-1] }, true, "left items"},
		{"no items at all", nil, func(v *vault.Contents) { v.Items = nil }, true, "left items"},
		{"an item sent twice", nil, func(v *vault.Contents) { v.Items[1] = v.Items[2] }, true, "twice"},
		{"an old version of an item", nil, func(v *vault.Contents) { v.Items = old.Items }, true, "old versions"},
		{"an item of another vault of hers", nil, func(v *vault.Contents) { v.Items[1] = beside.Items[0] }, true, "another vault"},
		{"an item of somebody else's vault", nil, func(v *vault.Contents) { v.Items[1] = strange.Items[0] }, true, "another vault"},
		{"the list of another vault of hers", nil, func(v *vault.Contents) { v.Manifest = beside.Manifest }, true, "list of another vault"},
		{"the list of somebody else's vault", nil, func(v *vault.Contents) { v.Manifest = strange.Manifest }, true, "list of another vault"},
		{"somebody else's vault in its place", nil, func(v *vault.Contents) { *v = *strange }, false, "that is your own"},
		{"another vault of hers in its place", nil, func(v *vault.Contents) { *v = *beside }, true, "another vault"},
		{"an altered grant", nil, func(v *vault.Contents) { v.Grant[900] ^= 8 }, true, "two grants"},
		{"nobody who has access", nil, func(v *vault.Contents) { v.Members = nil }, true, "two grants"},
		{"no grant", nil, func(v *vault.Contents) { v.Grant = nil }, true, "damaged"},
		{"no list", nil, func(v *vault.Contents) { v.Manifest = nil }, true, "damaged"},
		{"a vault left out", func(st *vault.State) { st.Vaults = []id.ID{elsewhere} }, nil, false, "no longer shows a vault"},
		{"no keyset", func(st *vault.State) { st.Statement, st.Lock = nil, nil }, nil, false, "says that you have none"},
		{"the statement alone left out", func(st *vault.State) { st.Statement = nil }, nil, false, "says that you have none"},
		{"the lock alone left out", func(st *vault.State) { st.Lock = nil }, nil, true, "damaged"},
		{"another keyset", func(st *vault.State) { st.Statement, st.Lock = other.Statement.Marshal(), otherLock }, nil, false, "other keys for you"},
		{"the keyset from before", func(st *vault.State) { st.Statement, st.Lock = oldState.Statement, oldState.Lock }, nil, false, "older keyset"},
		{"somebody else's keyset", func(st *vault.State) { st.Statement, st.Lock = strangeState.Statement, strangeState.Lock }, nil, true, "somebody else's keyset"},
		{"fewer passes", func(st *vault.State) {
			copy(st.Statement[len(st.Statement)-84-42:], []byte{0, 1, 0, 0, 0, 2, 0, 1, 0, 0})
		}, nil, true, "2 passes"},
		{"a tenant that is a path", func(st *vault.State) { st.Tenant = "../" + st.Tenant }, nil, true, "name of a tenant"},
	} {
		t.Run(c.name, func(t *testing.T) {
			memory, before := t.TempDir(), map[string]any(nil)
			if !c.fresh {
				b, err := os.ReadFile(onlyFile(t, dir))
				must(err)
				must(os.WriteFile(filepath.Join(memory, filepath.Base(onlyFile(t, dir))), b, 0o600))
				before = remembered(t, memory, at)
			}
			l.state, l.contents = c.state, c.contents
			list, _, err := open(memory)
			l.state, l.contents = nil, nil
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("it says %v, and not %q", err, c.want)
			}
			if list != nil {
				t.Error("something was opened")
			}
			if after := remembered(t, memory, at); !maps.Equal(before, after) {
				t.Errorf("of the vault %v was remembered, and then %v", before, after)
			}
		})
	}
	if list, _, err = open(dir); err != nil || len(list) != 2 {
		t.Errorf("afterwards, without lies: %d vaults, %v", len(list), err)
	}
}

// forked is the list of a vault that goes on from an older state otherwise than it did.
func forked(t *testing.T, keys *hostproof.Keyset, at id.ID, old *vault.Contents) []byte {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now().UnixMilli()
	g, err := hostproof.ParseGrant(old.Grant)
	must(err)
	writers, err := hostproof.Writers(int64(at), g.Epoch, keys.Statement, nil)
	must(err)
	v, err := keys.OpenVault(g, int64(at), keys.Statement, writers, now)
	must(err)
	var leaves []hostproof.Leaf
	for _, sealed := range old.Items {
		_, leaf, err := v.Open(sealed)
		must(err)
		leaves = append(leaves, leaf)
	}
	last, err := hostproof.ParseManifest(old.Manifest)
	must(err)
	m, err := keys.Manifest(v, last, leaves, now)
	must(err)
	return m.Marshal()
}

// remembered is what a folder holds of a vault; nil for nothing.
func remembered(t *testing.T, dir string, at id.ID) map[string]any {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(list) == 0 {
		return nil
	}
	b, err := os.ReadFile(onlyFile(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	var m struct{ Vaults map[string]map[string]any }
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m.Vaults[at.String()]
}
