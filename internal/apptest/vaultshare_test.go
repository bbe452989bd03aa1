package apptest_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"strongroom/internal/apptest"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/vault"
	"strongroom/internal/surface/vaultapi"
)

// TestSharedVaultByKey: the command line opens a vault that somebody gave when the
// words of the giver's keys were compared, and writes what the owner opens.
func TestSharedVaultByKey(t *testing.T) {
	h := apptest.Open(t, apptest.Options{})
	tenant := h.Tenants[0]
	owner, other := tenant.People[access.Editor], tenant.People[access.Manager]
	at := makeVault(t, h, tenant.Name, owner.ID)
	makeVault(t, h, tenant.Name, other.ID)
	client := func(key, memory string) *vaultapi.Client {
		c := &vaultapi.Client{URL: h.URL, Key: key, Memory: &vaultapi.Memory{Dir: memory}, HTTP: &http.Client{Transport: &atHost{host: tenant.Name + ".localhost"}}}
		if err := c.Unlock(t.Context(), vaultPassphrase); err != nil {
			t.Fatal(err)
		}
		return c
	}
	share(t, h, tenant.Name, owner.ID, other.ID, at)
	mine, theirs := t.TempDir(), t.TempDir()
	a, b := client(owner.Key, mine), client(other.Key, theirs)
	list, err := b.All(t.Context())
	if err != nil || len(list) != 1 || len(b.Strangers()) != 1 {
		t.Fatalf("before the words are compared: %d vaults, %d strangers, %v", len(list), len(b.Strangers()), err)
	}
	x := b.Strangers()[0]
	if err := b.Meet(t.Context(), x, strings.Join(b.Words(), " ")); !fault.Is(err, fault.Denied) {
		t.Errorf("other words: %v", err)
	}
	if err := b.Meet(t.Context(), x, strings.Join(a.Words(), " ")); err != nil {
		t.Fatal(err)
	}
	if list, err = b.All(t.Context()); err != nil || len(list) != 2 || len(b.Strangers()) != 0 {
		t.Fatalf("afterwards: %d vaults, %v", len(list), err)
	}
	for _, v := range list {
		if v.ID == at {
			if _, err := b.Put(t.Context(), v, nil, hostproof.Content{"title": "Router", "password": "by the other"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := client(owner.Key, mine).All(t.Context())
	if err != nil || len(got[0].Items) != 1 || got[0].Items[0].Content["password"] != "by the other" {
		t.Errorf("the owner opens %v, %v", got, err)
	}
	a = client(owner.Key, mine)
	if got, err = a.All(t.Context()); err != nil {
		t.Fatal(err)
	}
	// What the owner limits to herself stays so under new keys, and the other is not given it.
	if _, err := a.Limit(t.Context(), got[0], nil, hostproof.Content{"title": "Mine"}, []int64{int64(owner.ID)}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Limit(t.Context(), got[0], nil, hostproof.Content{"title": "Nobody's"}, []int64{999}); !fault.Is(err, fault.Invalid) {
		t.Errorf("limited to somebody without access: %v", err)
	}
	if got, err = client(owner.Key, mine).All(t.Context()); err != nil || len(got[0].Items) != 2 || got[0].Withheld != 0 {
		t.Fatalf("the owner opens %v, %v", got, err)
	}
	a = client(owner.Key, mine)
	if got, err = a.All(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Limit(t.Context(), got[0], nil, hostproof.Content{"title": "Ours"}, []int64{int64(other.ID)}); err != nil {
		t.Fatal(err)
	}
	b = client(other.Key, theirs)
	if list, err = b.All(t.Context()); err != nil || len(list) != 2 {
		t.Fatal(err)
	}
	from, to := list[0], list[1]
	if from.ID != at {
		from, to = to, from
	}
	for _, i := range from.Items {
		if i.Content["title"] == "Ours" {
			if err := b.Move(t.Context(), from, []*vaultapi.Item{i}, to); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	b = client(other.Key, theirs)
	if list, err = b.All(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		if v.ID != at && !has(v, "Ours", 1) {
			t.Error("what was moved is not limited there")
		}
	}
	for _, v := range list {
		if v.ID == at && (v.Withheld != 1 || len(v.Items) != 1) {
			t.Errorf("the other opens %d items, %d are withheld", len(v.Items), v.Withheld)
		}
	}
	a = client(owner.Key, mine)
	if got, err = a.All(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := strings.Join(a.Words(), " ")
	if err := a.NewKeys(t.Context(), got, vaultPassphrase); err != nil || strings.Join(a.Words(), " ") == before {
		t.Fatalf("new keys: %v", err)
	}
	// Both are known by what was compared and remembered before.
	if got, err = client(owner.Key, mine).All(t.Context()); err != nil || !has(got[0], "Router", 0) || !has(got[0], "Mine", 1) {
		t.Errorf("with new keys the owner opens %v, %v", got, err)
	}
	b = client(other.Key, theirs)
	again, err := b.All(t.Context())
	if err != nil || len(again) != 2 || len(b.Strangers()) != 0 {
		t.Fatalf("with what was remembered: %v, %v", again, err)
	}
	if err := b.NewKeys(t.Context(), again, vaultPassphrase); err != nil {
		t.Fatal(err)
	}
	if again, err = b.All(t.Context()); err != nil || len(again) != 1 || len(b.Stale()) != 1 {
		t.Errorf("with new keys of the other: %v, %v", again, err)
	}
	if got, err = client(owner.Key, mine).All(t.Context()); err != nil || len(got[0].Items) != 2 {
		t.Errorf("the owner, afterwards: %v, %v", got, err)
	}
}

// has tells whether a vault has an item, limited to so many; 0 for everybody.
func has(v *vaultapi.Vault, title string, limited int) bool {
	for _, i := range v.Items {
		if i.Content["title"] == title && len(i.For()) == limited {
			return true
		}
	}
	return false
}

// TestEmergencyFile: what the page saves opens without a server, and with nothing
// but the passphrase; what is altered in it does not.
func TestEmergencyFile(t *testing.T) {
	h := apptest.Open(t, apptest.Options{})
	tenant := h.Tenants[0]
	who, other := tenant.People[access.Editor], tenant.People[access.Manager]
	at := makeVault(t, h, tenant.Name, who.ID)
	makeVault(t, h, tenant.Name, other.ID)
	share(t, h, tenant.Name, who.ID, other.ID, at)
	s := &vault.Vaults{Gate: h.App.Gate}
	c := &access.Caller{Tenant: tenant.Name, User: other.ID, Name: "Manager", Role: access.Manager, AllOrgs: true, Via: "console", AuthLevel: 2}
	f, err := s.File(t.Context(), c)
	if err != nil || len(f.Vaults) != 2 {
		t.Fatalf("the file has %v, %v", f, err)
	}
	open := func(f *vault.File) ([]*vaultapi.Vault, *vaultapi.Client, error) {
		b, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(t.TempDir(), "strongroom-vaults.json")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		c := &vaultapi.Client{File: name, Memory: &vaultapi.Memory{Dir: t.TempDir()}}
		if err := c.Unlock(t.Context(), vaultPassphrase); err != nil {
			return nil, nil, err
		}
		list, err := c.All(t.Context())
		return list, c, err
	}
	list, client, err := open(f)
	if err != nil || len(list) != 1 || len(client.Strangers()) != 1 {
		t.Fatalf("it opens to %v, %v", list, err)
	}
	if _, err := client.Put(t.Context(), list[0], nil, hostproof.Content{"title": "x"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("it is written: %v", err)
	}
	emergencyCopy(t, h, tenant, client)
	for _, v := range f.Vaults {
		v.Items[0][len(v.Items[0])-100] ^= 1
	}
	if _, _, err := open(f); !fault.Is(err, fault.Denied) {
		t.Errorf("altered, it says %v", err)
	}
	clear(f.Vaults)
	if _, _, err := open(f); !fault.Is(err, fault.Denied) {
		t.Errorf("without its vaults, it says %v", err)
	}
}

// share gives a vault to somebody as the page does.
func share(t *testing.T, h *apptest.House, tenant string, owner, other, at id.ID) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &vault.Vaults{Gate: h.App.Gate}
	c := &access.Caller{Tenant: tenant, User: owner, Name: "Editor", Role: access.Editor, AllOrgs: true, Via: "console", AuthLevel: 2}
	st, err := s.State(t.Context(), c)
	must(err)
	statement, err := hostproof.ParseStatement(st.Statement)
	must(err)
	keys, err := hostproof.Unlock(tenant, int64(owner), statement, st.Lock, vaultPassphrase)
	must(err)
	got, err := s.Read(t.Context(), c, at)
	must(err)
	g, err := hostproof.ParseGrant(got.Grant)
	must(err)
	v, err := keys.OpenVault(g, int64(at), statement, []*hostproof.Statement{statement}, 1)
	must(err)
	people, err := s.People(t.Context(), c)
	must(err)
	for _, p := range people {
		if p.User != other {
			continue
		}
		to, err := hostproof.ParseStatement(p.Statement)
		must(err)
		given, err := keys.Grant(v, to, hostproof.Writer, 0, 1)
		must(err)
		must(s.Grant(t.Context(), c, at, given.Marshal()))
		return
	}
	t.Fatal("nobody has keys")
}

// emergencyCopy: the manager makes an emergency copy with the server, opens it without one,
// by her file and a paper, and hands the receipt in.
func emergencyCopy(t *testing.T, h *apptest.House, tenant *apptest.Tenant, offline *vaultapi.Client) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	other := tenant.People[access.Manager]
	c := &vaultapi.Client{URL: h.URL, Key: other.Key, Memory: &vaultapi.Memory{Dir: t.TempDir()}, HTTP: &http.Client{Transport: &atHost{host: tenant.Name + ".localhost"}}}
	must(c.Unlock(t.Context(), vaultPassphrase))
	editor := tenant.People[access.Editor]
	e := &vaultapi.Client{URL: h.URL, Key: editor.Key, Memory: &vaultapi.Memory{Dir: t.TempDir()}, HTTP: c.HTTP}
	must(e.Unlock(t.Context(), vaultPassphrase)) // which may bring the editor's keys over, before others ask for them
	people, err := c.People(t.Context())
	must(err)
	if _, err := c.Holder(t.Context(), people, int64(editor.ID), ""); err == nil || !strings.Contains(err.Error(), "not compared") {
		t.Errorf("a holder whose words were not compared: %v", err)
	}
	if err := c.MeetPerson(t.Context(), people, int64(editor.ID), strings.Join(c.Words(), " ")); !fault.Is(err, fault.Denied) {
		t.Errorf("other words: %v", err)
	}
	must(c.MeetPerson(t.Context(), people, int64(editor.ID), strings.Join(e.Words(), " ")))
	people, err = c.People(t.Context())
	must(err)
	second, err := c.Holder(t.Context(), people, int64(editor.ID), "")
	must(err)
	me, err := c.Holder(t.Context(), people, int64(other.ID), "Manager")
	must(err)
	items := []hostproof.Copied{{From: "Personal", Content: hostproof.Content{"title": "Router", "password": "s3cret"}, Files: wholeFile(t, c)}, {From: "Harbor", Content: hostproof.Content{"title": "Database", "otp": seedOf(t, h, tenant, e)}}}
	now := h.App.Gate.Now().UnixMilli()
	x, codes, err := c.MakeCopy(t.Context(), items, 1, []hostproof.Holder{me, second, {Name: "Safe"}}, 2, time.Now().Add(time.Hour).UnixMilli()+max(0, now-time.Now().UnixMilli()))
	must(err)
	if x, err = hostproof.ParseCopy(x.Marshal()); err != nil {
		t.Fatal(err)
	}
	consent, err := e.Consent(x, 1, "fire")
	must(err)
	if _, _, err := offline.OpenCopy(x, hostproof.Opening{Reason: "fire"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("one person alone: %v", err)
	}
	for _, o := range []hostproof.Opening{{Codes: codes}, {Consents: []*hostproof.Consent{consent}}} {
		o.Reason = "fire"
		got, r, err := offline.OpenCopy(x, o)
		must(err)
		if len(got) != 2 || got[0].Content["password"] != "s3cret" || got[1].Content["otp"] != copiedSeed || len(got[0].Files) != 1 || string(got[0].Files[0].Content) != "zebra plan" {
			t.Errorf("it holds %v", got)
		}
		must(e.HandIn(t.Context(), r.Marshal()))
		must(e.HandIn(t.Context(), r.Marshal()))
	}
}

const copiedSeed = "JBSWY3DPEHPK3PXP"

// wholeFile makes an item with a file, and fetches the file as an emergency copy has it.
func wholeFile(t *testing.T, c *vaultapi.Client) []hostproof.CopiedFile {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	list, err := c.All(t.Context())
	must(err)
	item, err := c.Put(t.Context(), list[0], nil, hostproof.Content{"title": "Plans"})
	must(err)
	item, err = c.AddFile(t.Context(), list[0], item, "plan.txt", "text/plain", 10, strings.NewReader("zebra plan"))
	must(err)
	out, err := c.WholeFiles(t.Context(), list[0], item)
	must(err)
	return out
}

// seedOf makes a password with a seed of one-time codes, and asks for that seed: who may not export, and keys
// that see no passwords, are refused, and so is whoever does not see the password.
func seedOf(t *testing.T, h *apptest.House, tenant *apptest.Tenant, editor *vaultapi.Client) string {
	t.Helper()
	body := `{"data":{"type":"passwords","attributes":{"name":"Database","organization-id":` + tenant.Open.String() + `,"password":"x","otp-secret":"` + copiedSeed + `"}}}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+"/passwords", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	manager := tenant.People[access.Manager]
	r.Header.Set("X-Api-Key", manager.Key)
	r.Header.Set("Content-Type", "application/vnd.api+json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var made struct {
		Data struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("the password was answered with %d, %v", resp.StatusCode, err)
	}
	by := func(key string) *vaultapi.Client {
		return &vaultapi.Client{URL: h.URL, Key: key, Memory: &vaultapi.Memory{Dir: t.TempDir()}, HTTP: editor.HTTP}
	}
	for name, c := range map[string]*vaultapi.Client{"an editor": editor, "a key without passwords": by(manager.NoSecret), "another tenant": by(h.Tenants[1].People[access.Administrator].Key)} {
		if seed, err := c.Seed(t.Context(), made.Data.ID, "fire"); err == nil || seed != "" {
			t.Errorf("%s is told the seed %q, %v", name, seed, err)
		}
	}
	c := by(manager.Key)
	if _, err := c.Seed(t.Context(), made.Data.ID, ""); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "reason") {
		t.Errorf("without a reason: %v", err)
	}
	seed, err := c.Seed(t.Context(), made.Data.ID, "emergency copy")
	if err != nil {
		t.Fatal(err)
	}
	return seed
}
