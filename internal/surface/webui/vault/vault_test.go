package vault_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/vault"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

const passphrase = "lantern harbour 72 violet"

// proxy stands between a browser and the server: it keeps all that is sent, and
// changes answers as a hostile server would.
type proxy struct {
	URL string

	mu   sync.Mutex
	sent bytes.Buffer
	lie  func(path string, answer map[string]any) // nil for none

	bytes func([]byte) []byte // nil for none
	file  string              // the script that bytes alters; empty for that of keys

	held *held // nil for none
}

// held is a request that is not answered: it does not reach the server, or its answer
// does not come back.
type held struct {
	path    string // how its path ends
	reaches bool
	there   chan struct{} // closed once the server would have been done
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{}
	rp := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			r.Out.Host = r.In.Host
			r.Out.Header.Del("Accept-Encoding")
		},
		ModifyResponse: p.change,
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		p.mu.Lock()
		fmt.Fprintf(&p.sent, "%s %s\n%v\n%s\n", r.Method, r.URL, r.Header, body)
		p.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		if x := p.holding(r.URL.Path); x != nil {
			if x.reaches {
				rp.ServeHTTP(httptest.NewRecorder(), r)
			}
			close(x.there)
			<-r.Context().Done()
			return
		}
		rp.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	p.URL = s.URL
	return p
}

// holds lets the next request of such a path go unanswered.
func (p *proxy) holds(path string, reaches bool) *held {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = &held{path: path, reaches: reaches, there: make(chan struct{})}
	return p.held
}

// holding takes what is to be held out, when the path is that of it.
func (p *proxy) holding(path string) *held {
	p.mu.Lock()
	defer p.mu.Unlock()
	x := p.held
	if x == nil || !strings.HasSuffix(path, x.path) {
		return nil
	}
	p.held = nil
	return x
}

func (p *proxy) change(r *http.Response) error {
	p.mu.Lock()
	lie, other, file := p.lie, p.bytes, cmp.Or(p.file, "/js/vault/keys.js")
	p.mu.Unlock()
	if other != nil && strings.HasSuffix(r.Request.URL.Path, file) {
		b, err := io.ReadAll(r.Body)
		b = other(b)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
		r.Header.Set("Content-Length", fmt.Sprint(len(b)))
		r.Header.Set("Cache-Control", "no-store")
		return err
	}
	if other != nil && r.Header.Get("Content-Type") == "application/octet-stream" {
		b, err := io.ReadAll(r.Body)
		b = other(b)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
		r.Header.Set("Content-Length", fmt.Sprint(len(b)))
		return err
	}
	if lie == nil || !strings.HasPrefix(r.Request.URL.Path, "/vault/") || r.StatusCode != http.StatusOK {
		return nil
	}
	var answer map[string]any
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		return err
	}
	lie(r.Request.URL.Path, answer)
	b, err := json.Marshal(answer)
	r.Body = io.NopCloser(bytes.NewReader(b))
	r.ContentLength = int64(len(b))
	r.Header.Set("Content-Length", fmt.Sprint(len(b)))
	return err
}

func (p *proxy) lies(f func(path string, answer map[string]any)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lie = f
}

// everything that was sent through the proxy, decoded where it is base64.
func (p *proxy) everything() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent.String()
}

func signIn(b *browser.Tab, role access.Role) {
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(role))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
}

const state = `document.querySelector("sr-vault").dataset.state`

func setUp(b *browser.Tab) {
	b.Visit("/vault")
	b.Wait(state + ` == "new"`)
	b.Type("#vault-new", passphrase)
	b.Type("#vault-again", passphrase)
	b.Click("[data-setup] button.primary")
	b.Wait(state + ` == "open"`)
}

func unlock(b *browser.Tab, pass string) {
	b.Visit("/vault")
	b.Wait(state + ` == "locked"`)
	b.Type("#vault-pass", pass)
	b.Click("[data-unlock] button.primary")
}

func add(b *browser.Tab, fields map[string]string) {
	b.Click("[data-add]")
	b.Wait(`document.querySelector("[data-dialog]").open`)
	for _, n := range []string{"title", "user", "password", "url", "notes"} {
		if v := fields[n]; v != "" {
			b.Type("#vault-"+n, v)
		}
	}
	b.Click("[data-edit] button.primary")
	b.Wait(`!document.querySelector("[data-dialog]").open`)
}

const rows = `[...document.querySelectorAll("[data-rows] tr")].map((r) => r.cells[1].textContent).join()`

// TestVaultByHand goes the whole way with real clicks, and looks for what was
// typed in every request and in every row that the server keeps.
func TestVaultByHand(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	p := newProxy(t, h.URL)
	b := browser.Open(t, p.URL)
	signIn(b, access.Editor)
	b.Everywhere("vault-new", "/vault")
	b.Desktop()
	setUp(b)
	add(b, map[string]string{"title": "Zanzibar router", "user": "quokka", "password": "Wombat-77-secret", "url": "https://narwhal.example/x", "notes": "aardvark notes"})
	add(b, map[string]string{"title": "Bank", "password": "second secret"})
	b.Wait(rows + ` == "Bank,Zanzibar router"`)
	b.Axe("open vault")
	b.Shot("vault-open")
	b.Type("[data-search]", "quok")
	b.Wait(rows + ` == "Zanzibar router"`)
	b.Click(".vtitle")
	b.Wait(`document.querySelector("#vault-password").value == "Wombat-77-secret"`)
	b.Axe("an item")
	b.Shot("vault-item")
	b.Type("#vault-title", " two")
	b.Click("[data-edit] button.primary")
	b.Wait(`document.querySelector("[data-search]").value = "", document.querySelector("[data-search]").dispatchEvent(new Event("input")), ` + rows + `.includes("two")`)
	b.Click("[data-rows] tr:last-child .vtitle")
	b.Wait(`!document.querySelector("[data-history]").hidden`)
	b.Click("[data-history] summary")
	if s := b.Text("[data-past]"); !strings.Contains(s, "Title until") || !strings.Contains(s, "Zanzibar router") {
		t.Errorf("the earlier values are %q", s)
	}
	b.Axe("earlier values")
	b.Shot("vault-history")
	b.Click("[data-cancel]")
	b.Wait(`!document.querySelector("[data-dialog]").open && document.querySelector("[data-past]").childElementCount == 0`)
	b.Click("[data-rows] tr:first-child .vtitle")
	b.Wait(`document.querySelector("[data-dialog]").open && document.querySelector("[data-history]").hidden`)
	b.Click("[data-delete]")
	b.Wait(rows + `.includes("two") && !` + rows + `.includes("Bank")`)
	b.Click("[data-lock]")
	b.Wait(state + ` == "locked" && document.querySelector("[data-rows]").childElementCount == 0`)
	unlock(b, "not the passphrase at all")
	b.Wait(`!document.querySelector("[data-unlock] [data-error]").hidden`)
	if s := b.Text("[data-unlock] [data-error]"); !strings.Contains(s, "does not open") {
		t.Errorf("a wrong passphrase says %q", s)
	}
	b.Type("#vault-pass", passphrase)
	b.Click("[data-unlock] button.primary")
	b.Wait(state + ` == "open" && document.querySelectorAll("[data-rows] tr").length == 1`)
	b.Phone()
	b.NoSideScroll("the open vault")
	b.Axe("open vault on a phone")
	b.Shot("vault-phone")

	words := []string{passphrase, "Zanzibar", "quokka", "Wombat", "narwhal", "aardvark", "second secret", "Personal"}
	kept := inRows(h)
	for _, w := range words {
		for name, where := range map[string]string{"requests": p.everything(), "rows": kept} {
			for _, s := range []string{w, url.QueryEscape(w), base64.StdEncoding.EncodeToString([]byte(w))} {
				if strings.Contains(strings.ToLower(where), strings.ToLower(s)) {
					t.Errorf("%s hold %q", name, s)
				}
			}
		}
	}
	c := openAs(t, h, access.Editor, passphrase)
	if len(c) != 2 || c[0]["title"] != "Personal" {
		t.Errorf("the command line's way gives %v", c)
	}
	for i, one := range c {
		if i != 0 && (one["password"] != "Wombat-77-secret" || one["url"] != "https://narwhal.example/x" || !strings.Contains(one["title"], "Zanzibar")) {
			t.Errorf("the item is %v", one)
		}
	}
	trail(t, h)
}

// inRows is all that the server keeps of vaults and wrote in the log.
func inRows(h *webuitest.House) string {
	var out strings.Builder
	h.View(h.Admin(), func(tx *gate.Tx) error {
		for _, q := range []string{`select statement, locked from vault_keyset`, `select manifest, manifest from vault`, `select sealed, sealed from vault_grant`, `select sealed, header from vault_item`} {
			rows, err := tx.Query(q)
			if err != nil {
				return err
			}
			for rows.Next() {
				var a, b []byte
				if err := rows.Scan(&a, &b); err != nil {
					return err
				}
				fmt.Fprintf(&out, "%s\n%s\n", a, b)
			}
			if err := rows.Close(); err != nil {
				return err
			}
		}
		list, err := tx.Activity(audit.Filter{Limit: 500})
		for _, e := range list {
			if strings.HasPrefix(e.Action, "vault") {
				fmt.Fprintf(&out, "%+v\n", *e)
			}
		}
		return err
	})
	return out.String()
}

// trail looks for the entries of what was done.
func trail(t *testing.T, h *webuitest.House) {
	t.Helper()
	n := map[string]int{}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := tx.Activity(audit.Filter{Limit: 500})
		for _, e := range list {
			n[e.Action]++
			if e.Detail.Name != "" && e.Kind == "vault" {
				t.Errorf("the entry %s has the name %q", e.Action, e.Detail.Name)
			}
		}
		return err
	})
	if n["vault.keyset"] != 1 || n["vault.create"] != 1 || n["vault.write"] != 5 || n["vault.read"] < 2 {
		t.Errorf("the log has %v", n)
	}
}

// openAs opens the first vault of somebody from what the server keeps, with the
// reference.
func openAs(t *testing.T, h *webuitest.House, role access.Role, pass string) map[int64]hostproof.Content {
	t.Helper()
	return openVault(t, h, role, pass).items
}

// opened is a vault that the reference opened.
type opened struct {
	*hostproof.Vault
	at    id.ID
	items map[int64]hostproof.Content
}

func openVault(t *testing.T, h *webuitest.House, role access.Role, pass string) opened {
	t.Helper()
	s := &vault.Vaults{Gate: h.Gate}
	c := callerOf(h, role)
	st, err := s.State(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	statement, err := hostproof.ParseStatement(st.Statement)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := hostproof.Unlock(c.Tenant, int64(c.User), statement, st.Lock, pass)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Read(t.Context(), c, st.Vaults[0])
	if err != nil {
		t.Fatal(err)
	}
	g, err := hostproof.ParseGrant(got.Grant)
	if err != nil {
		t.Fatal(err)
	}
	v, err := keys.OpenVault(g, int64(st.Vaults[0]), statement, []*hostproof.Statement{statement}, g.Time)
	if err != nil {
		t.Fatal(err)
	}
	out := map[int64]hostproof.Content{}
	var leaves []hostproof.Leaf
	for _, sealed := range got.Items {
		one, leaf, err := v.Open(sealed)
		if err != nil {
			t.Fatal(err)
		}
		out[leaf.Item], leaves = one, append(leaves, leaf)
	}
	m, err := hostproof.ParseManifest(got.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Check(m, leaves, hostproof.Memory{}); err != nil {
		t.Error(err)
	}
	return opened{v, st.Vaults[0], out}
}

func callerOf(h *webuitest.House, role access.Role) *access.Caller {
	c := *h.Admin()
	c.User, c.Role, c.Name = h.UserID(role), role, string(role)
	return &c
}

// fill makes a keyset and a vault with n items the way the command line does.
func fill(t *testing.T, h *webuitest.House, role access.Role, n int) (*hostproof.Keyset, id.ID) {
	t.Helper()
	return fillBy(t, h, role, n, hostproof.NewKDF())
}

// fillBy is fill with a passphrase that is stretched in some way.
func fillBy(t *testing.T, h *webuitest.House, role access.Role, n int, kdf hostproof.KDF) (*hostproof.Keyset, id.ID) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	s, c := &vault.Vaults{Gate: h.Gate}, callerOf(h, role)
	now := h.Clock.Now().UnixMilli()
	keys, lock, err := hostproof.NewKeyset(c.Tenant, int64(c.User), passphrase, kdf, now)
	must(t, err)
	must(t, s.SaveKeyset(ctx, c, keys.Statement.Marshal(), lock))
	at, err := s.Reserve(ctx, c)
	must(t, err)
	v, g, err := keys.NewVault(int64(at), now)
	must(t, err)
	w := vault.Write{Grant: g.Marshal()}
	var leaves []hostproof.Leaf
	for i := range int64(n + 1) {
		sealed, leaf, err := keys.Seal(v, i, nil, hostproof.Content{"title": fmt.Sprintf("Item %04d", i), "username": "admin", "password": "s3cret", "url": "https://host.example/" + fmt.Sprint(i), "notes": strings.Repeat("note ", 12)}, now)
		must(t, err)
		w.Put, leaves = append(w.Put, sealed), append(leaves, leaf)
	}
	m, err := keys.Manifest(v, nil, leaves, now)
	must(t, err)
	w.Manifest = m.Marshal()
	must(t, s.Write(ctx, c, at, w))
	return keys, at
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestThousandItems reports how long the browser takes to verify and decrypt them
// all after unlocking. Beside other work of the same machine it only bounds it.
func TestThousandItems(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	fill(t, h, access.Editor, 1000)
	b := browser.Open(t, h.URL)
	signIn(b, access.Editor)
	for range 3 {
		unlock(b, passphrase)
		b.Wait(state + ` == "open" && document.querySelectorAll("[data-rows] tr").length == 100 && document.querySelector("sr-vault").dataset.provenMs`)
		t.Log(browser.Eval[string](b, `(d => "passphrase " + d.unlockMs + " ms, fetched in " + d.fetchMs + " ms, list verified, items decrypted and drawn in " + d.openMs + " ms, who signed each checked " + d.provenMs + " ms later")(document.querySelector("sr-vault").dataset)`))
	}
	b.Click("[data-rest]")
	b.Wait(`document.querySelectorAll("[data-rows] tr").length == 1000`)
	if ms := browser.Eval[int](b, `Number(document.querySelector("sr-vault").dataset.openMs)`); ms > 3000 {
		t.Errorf("1,000 items took %d ms", ms)
	}
	b.Click("details[data-sharing] summary")
	begin := time.Now()
	b.Click("[data-renew]")
	b.Wait(said + ` == "The vault has new keys."`)
	t.Logf("new keys, everything sealed anew, kept and opened again in %v", time.Since(begin).Round(time.Millisecond))
}
