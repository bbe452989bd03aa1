package apptest_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"strongroom/internal/apptest"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/exporter"
	"strongroom/internal/feature/vault"
	"strongroom/internal/surface/vaultapi"
)

// between stands between a client and the server: it changes what is fetched, and
// breaks the connection at the nth write.
type between struct {
	http.RoundTripper
	lie    func([]byte) []byte
	writes int // how many are let through; negative is all
}

func (b *between) RoundTrip(r *http.Request) (*http.Response, error) {
	file := strings.Contains(r.URL.Path, "/files/")
	if r.Method == http.MethodPost && !file {
		if b.writes == 0 {
			return nil, errors.New("the connection broke")
		}
		b.writes--
	}
	resp, err := b.RoundTripper.RoundTrip(r)
	if err != nil || b.lie == nil || !file || r.Method != http.MethodGet {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(b.lie(body)))
	return resp, err
}

// secondVault makes one more vault of somebody who has one.
func secondVault(t *testing.T, h *apptest.House, tenant string, user id.ID, title string) id.ID {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &vault.Vaults{Gate: h.App.Gate}
	c := &access.Caller{Tenant: tenant, User: user, Name: "Editor", Role: access.Editor, AllOrgs: true, Via: "console", AuthLevel: 2}
	st, err := s.State(t.Context(), c)
	must(err)
	statement, err := hostproof.ParseStatement(st.Statement)
	must(err)
	keys, err := hostproof.Unlock(tenant, int64(user), statement, st.Lock, vaultPassphrase)
	must(err)
	at, err := s.Reserve(t.Context(), c)
	must(err)
	v, g, err := keys.NewVault(int64(at), 1)
	must(err)
	about, leaf, err := keys.Seal(v, 0, nil, hostproof.Content{"title": title}, 1)
	must(err)
	m, err := keys.Manifest(v, nil, []hostproof.Leaf{leaf}, 1)
	must(err)
	must(s.Write(t.Context(), c, at, vault.Write{Grant: g.Marshal(), Put: [][]byte{about}, Manifest: m.Marshal()}))
	return at
}

// vaultFilesAndMoves: the command line's way adds, fetches and removes files and
// moves items with them; a server that sends another file is found out; a move that
// was interrupted anywhere loses nothing and is gone on with.
func vaultFilesAndMoves(t *testing.T, h *apptest.House) {
	tenant := h.Tenants[0]
	who := tenant.People[access.Manager]
	makeVault(t, h, tenant.Name, who.ID)
	secondVault(t, h, tenant.Name, who.ID, "Team")
	net := &between{RoundTripper: &atHost{host: tenant.Name + ".localhost"}, writes: -1}
	c := &vaultapi.Client{URL: h.URL, Key: who.Key, Memory: &vaultapi.Memory{Dir: t.TempDir()}, HTTP: &http.Client{Transport: net}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.Unlock(t.Context(), vaultPassphrase))
	load := func() (from, to *vaultapi.Vault) {
		t.Helper()
		list, err := c.All(t.Context())
		must(err)
		from, err = vaultapi.Find(list, "Personal")
		must(err)
		to, err = vaultapi.Find(list, "Team")
		must(err)
		return from, to
	}
	in, err := h.App.House.Open(t.Context(), tenant.Name)
	must(err)
	defer in.Release()
	kept := func() (n int) {
		must(in.Blobs.List(t.Context(), func(string, int64) error { n++; return nil }))
		return n
	}
	before := kept()
	from, to := load()
	item, err := c.Put(t.Context(), from, nil, hostproof.Content{"title": "Router", "password": "first"})
	must(err)
	plain := bytes.Repeat([]byte("a plan of the network "), 9_000)
	item, err = c.AddFile(t.Context(), from, item, "plan.txt", "text/plain", int64(len(plain)), bytes.NewReader(plain))
	must(err)
	item, err = c.AddFile(t.Context(), from, item, "empty.txt", "text/plain", 0, bytes.NewReader(nil))
	must(err)
	files, err := item.Content.Files()
	must(err)
	if len(files) != 2 || files[0].Since == files[1].Since {
		t.Fatalf("the files are %v", files)
	}
	fetch := func(v *vaultapi.Vault, i *vaultapi.Item, n int) ([]byte, error) {
		list, err := i.Content.Files()
		must(err)
		var out bytes.Buffer
		err = c.FetchFile(t.Context(), v, i, list[n], &out)
		return out.Bytes(), err
	}
	if got, err := fetch(from, item, 0); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("the file is %d bytes, %v", len(got), err)
	}
	t.Run("hostile", func(t *testing.T) {
		for what, lie := range map[string]func([]byte) []byte{
			"altered":   func(b []byte) []byte { b[70_000] ^= 1; return b },
			"cut":       func(b []byte) []byte { return b[:32+65_564] },
			"reordered": func(b []byte) []byte { return append(append(b[:32:32], b[32+65_564:]...), b[32:32+65_564]...) },
		} {
			net.lie = lie
			if _, err := fetch(from, item, 0); !fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), "altered, cut off") {
				t.Errorf("%s: %v", what, err)
			}
		}
		net.lie = nil
	})
	t.Run("nobody else", func(t *testing.T) {
		s := &vault.Vaults{Gate: h.App.Gate}
		for _, r := range []access.Role{access.Administrator, access.Editor} {
			x := &access.Caller{Tenant: tenant.Name, User: tenant.People[r].ID, Name: "x", Role: r, AllOrgs: true, Via: "console", AuthLevel: 2}
			if _, err := s.Fetch(t.Context(), x, from.ID, files[0].Number); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s fetches: %v", r, err)
			}
			if err := s.Send(t.Context(), x, from.ID, 77, strings.NewReader("x")); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s sends: %v", r, err)
			}
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		net.writes = 1 // the other vault is written, and this one is not any more
		if err := c.Move(t.Context(), from, []*vaultapi.Item{item}, to); err == nil {
			t.Fatal("the connection did not break")
		}
		net.writes = -1
		from, to = load()
		if len(from.Items) != 1 || len(to.Items) != 1 {
			t.Fatalf("in between there are %d and %d", len(from.Items), len(to.Items))
		}
		must(c.Move(t.Context(), from, from.Items, to))
		from, to = load()
		if len(from.Items) != 0 || len(to.Items) != 1 || to.Items[0].Content["password"] != "first" {
			t.Fatalf("afterwards there are %d and %d", len(from.Items), len(to.Items))
		}
		if got, err := fetch(to, to.Items[0], 0); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("the moved file is %d bytes, %v", len(got), err)
		}
	})
	t.Run("changed in between", func(t *testing.T) {
		a, err := c.Put(t.Context(), from, nil, hostproof.Content{"title": "Switch", "password": "old"})
		must(err)
		net.writes = 1
		_ = c.Move(t.Context(), from, []*vaultapi.Item{a}, to)
		net.writes = -1
		from, to = load()
		a, err = c.Put(t.Context(), from, from.Items[0], hostproof.Content{"title": "Switch", "password": "new"})
		must(err)
		must(c.Move(t.Context(), from, []*vaultapi.Item{a}, to))
		from, to = load()
		if len(from.Items) != 0 || len(to.Items) != 2 {
			t.Fatalf("there are %d and %d", len(from.Items), len(to.Items))
		}
		for _, i := range to.Items {
			if i.Content["title"] == "Switch" && i.Content["password"] != "new" {
				t.Errorf("the moved item is %v", i.Content)
			}
		}
	})
	must(c.Copy(t.Context(), to, to.Items, from))
	from, to = load()
	if len(from.Items) != 2 || len(to.Items) != 2 || from.Items[0].Content["moved"] != "" || from.Items[0].Content["history"] != "" {
		t.Fatalf("copied, there are %d and %d", len(from.Items), len(to.Items))
	}
	exportedVaults(t, h, tenant.Name, who.ID, plain)
	must(c.Remove(t.Context(), to, to.Items))
	for _, i := range from.Items {
		if list, _ := i.Content.Files(); len(list) == 2 {
			if _, err := c.RemoveFile(t.Context(), from, i, list[1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	from, to = load()
	if len(to.Items) != 0 {
		t.Errorf("%d are left", len(to.Items))
	}
	must((&vault.Vaults{Gate: h.App.Gate}).Sweep(t.Context(), tenant.Name))
	if n := kept() - before; n != 1 {
		t.Errorf("%d files are kept, and one is in an item", n)
	}
}

// exportedVaults: the whole export has vaults as they are, which open with the
// passphrase alone; an administrator's export has nothing of them.
func exportedVaults(t *testing.T, h *apptest.House, tenant string, who id.ID, plain []byte) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	export := func(c *access.Caller) *zip.Reader {
		var out bytes.Buffer
		_, err := h.App.Exporter.Export(t.Context(), c, &out, exporter.Options{NoSecrets: true}, nil)
		must(err)
		z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
		must(err)
		return z
	}
	z := export(access.System(tenant, "console"))
	must(os.MkdirAll(filepath.Join(dir, "files"), 0o700))
	for _, f := range z.File {
		if name, ok := strings.CutPrefix(f.Name, vault.Folder); ok {
			in, err := f.Open()
			must(err)
			b, err := io.ReadAll(in)
			must(err)
			if bytes.Contains(b, []byte("Router")) || bytes.Contains(b, []byte("a plan of the network")) {
				t.Errorf("%s is not sealed", name)
			}
			must(os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), b, 0o600))
		}
	}
	c := &vaultapi.Client{File: filepath.Join(dir, who.String()+".json"), Memory: &vaultapi.Memory{Dir: t.TempDir()}}
	if err := c.Unlock(t.Context(), "not the passphrase at all"); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	must(c.Unlock(t.Context(), vaultPassphrase))
	list, err := c.All(t.Context())
	must(err)
	found := false
	for _, v := range list {
		for _, i := range v.Items {
			if files, _ := i.Content.Files(); len(files) == 2 {
				var got bytes.Buffer
				must(c.FetchFile(t.Context(), v, i, files[0], &got))
				found = found || bytes.Equal(got.Bytes(), plain)
			}
		}
	}
	if len(list) != 2 || !found {
		t.Errorf("%d vaults open from the export, and the file does: %t", len(list), found)
	}
	admin := h.Tenants[0].People[access.Administrator]
	for _, f := range export(&access.Caller{Tenant: tenant, User: admin.ID, Name: "Administrator", Role: access.Administrator, AllOrgs: true, Via: "console", AuthLevel: 2}).File {
		if strings.HasPrefix(f.Name, vault.Folder) {
			t.Errorf("an administrator's export has %s", f.Name)
		}
	}
}
