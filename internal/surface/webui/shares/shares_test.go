package shares_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	feature "strongroom/internal/feature/share"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

const kept, phrase = "Wombat-77-secret Grüße", "seven grey herons"

// ear keeps everything that a browser and the server say to each other.
type ear struct {
	URL string
	mu  sync.Mutex
	all bytes.Buffer
}

func listen(t *testing.T, to string) *ear {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	e := &ear{}
	p := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			r.Out.Host = r.In.Host
			r.Out.Header.Del("Accept-Encoding")
		},
		ModifyResponse: func(r *http.Response) error {
			if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
				return nil
			}
			b, err := io.ReadAll(r.Body)
			e.keep(b)
			r.Body = io.NopCloser(bytes.NewReader(b))
			return err
		},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		e.keep(fmt.Appendf(nil, "%s %s\n%v\n%s\n", r.Method, r.URL, r.Header, body))
		r.Body = io.NopCloser(bytes.NewReader(body))
		p.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	e.URL = s.URL
	return e
}

func (e *ear) keep(b []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all.Write(b)
}

// heard is everything that was said.
func (e *ear) heard() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.all.String()
}

// inRows is all that the server keeps of shares, and wrote about them.
func inRows(h *webuitest.House) string {
	var out strings.Builder
	h.View(h.Admin(), func(tx *gate.Tx) error {
		rows, err := tx.Query(`select mark, salt, key_proof, proof, sealed from share`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var b [5][]byte
			if err := rows.Scan(&b[0], &b[1], &b[2], &b[3], &b[4]); err != nil {
				return err
			}
			for _, x := range b {
				fmt.Fprintf(&out, "%s %s\n", x, base64.StdEncoding.EncodeToString(x))
			}
		}
		return rows.Err()
	})
	return out.String()
}

func signIn(b *browser.Tab, role access.Role) {
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(role))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
}

func aPassword(h *webuitest.House, more record.Values) id.ID {
	v := record.Values{"name": "Zanzibar router", "username": "quokka", "password": kept, "url": "https://narwhal.example/x"}
	for k, x := range more {
		v[k] = x
	}
	return h.Make("password", h.Org("Harbour Dental"), v)
}

// made gives the link of the page after Make the link was pressed.
func made(b *browser.Tab) string {
	b.Click("sr-share form button.primary")
	b.Wait(`!document.querySelector("[data-made]").hidden || !document.querySelector("sr-share [data-error]").hidden`)
	return b.Text("[data-made] output")
}

func parts(t *testing.T, link string) (path, key string) {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil || len(u.Fragment) != 43 || !strings.HasPrefix(u.Path, "/s/"+coretest.Name+".") {
		t.Fatalf("the link is %q: %v", link, err)
	}
	return u.Path, u.Fragment
}

const wrongly = `document.querySelector("sr-shared [data-error]").textContent`

// TestShareByHand goes the whole way with real clicks: one shares, another one without a
// session opens; neither requests nor rows hold the key, the passphrase or the password.
func TestShareByHand(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	e := listen(t, h.URL)
	at := "/passwords/" + aPassword(h, nil).String()
	b := browser.Open(t, e.URL)
	signIn(b, access.Editor)
	b.Everywhere("share-new", at+"/share")
	b.Visit(at)
	b.Click(`a[href="` + at + `/share"]`)
	b.Wait(`document.querySelector("sr-share form")`)
	b.Type("#share-pass", phrase)
	b.Wait(`!document.querySelector("[data-again]").hidden`)
	b.Type("#share-again", phrase+"x")
	b.Click("sr-share form button.primary")
	b.Wait(`document.querySelector("sr-share [data-error]").textContent.includes("not the same")`)
	browser.Eval[string](b, `document.querySelector("#share-again").value = "`+phrase+`"`)
	b.Type("#share-note", "aardvark note")
	browser.Eval[string](b, `document.querySelector("#share-views").value = "2"`)
	link := made(b)
	path, key := parts(t, link)
	b.Axe("the link")
	b.FullShot("share-made")
	b.Wait(`document.querySelector("[data-made] sr-copy button").checkVisibility({ opacityProperty: true })`)

	out := browser.Open(t, e.URL)
	out.Everywhere("shared", path)
	out.Desktop()
	out.Visit(path)
	out.Type("#shared-pass", phrase)
	out.Click("sr-shared button.primary")
	out.Wait(wrongly + `.includes("not complete")`)
	out.Visit(path + "?with=key#" + key)
	if s := out.Text("sr-shared"); !strings.Contains(s, "Edith Moreau shares a password with you") || strings.Contains(s, "Zanzibar") {
		t.Errorf("the page says %q", s)
	}
	out.Allow("422")
	out.Type("#shared-pass", "seven grey heron")
	out.Click("sr-shared button.primary")
	out.Wait(wrongly + `.includes("This is not the passphrase. It can be tried 9 times more")`)
	browser.Eval[string](out, `document.querySelector("#shared-pass").value = ""`)
	out.Type("#shared-pass", phrase)
	out.Click("sr-shared button.primary")
	out.Wait(`!document.querySelector("[data-shown]").hidden`)
	if s := browser.Eval[string](out, `[...document.querySelectorAll("sr-shared output")].map((x) => x.textContent).join("|")`); s != "quokka|"+kept+"|https://narwhal.example/x|aardvark note" {
		t.Errorf("it shows %q", s)
	}
	if s := browser.Eval[string](out, `location.href`); strings.Contains(s, key) {
		t.Error("the key stays in the address")
	}
	out.Axe("what was shared")
	out.FullShot("shared-open")
	out.Phone()
	out.NoSideScroll("what was shared")
	out.Desktop()

	if what := byTheFormat(t, h.URL, link, phrase); what["password"] != kept || what["note"] != "aardvark note" || what["name"] != "" {
		t.Errorf("by the format it is %v", what)
	}
	rows := inRows(h)
	for _, w := range []string{kept, phrase, "aardvark", key, strings.NewReplacer("-", "+", "_", "/").Replace(key)} {
		for name, where := range map[string]string{"requests": e.heard(), "rows": rows} {
			for _, s := range []string{w, url.QueryEscape(w), base64.StdEncoding.EncodeToString([]byte(w))} {
				if strings.Contains(where, s) {
					t.Errorf("%s hold %q", name, s)
				}
			}
		}
	}
	nobody := h.Client()
	gone := nobody.Get(path).Want(http.StatusNotFound)
	never := nobody.Get("/s/" + coretest.Name + "." + strings.Repeat("x", 22)).Want(http.StatusNotFound)
	if gone.Text("main") != never.Text("main") {
		t.Errorf("what is over says %q, what never was %q", gone.Text("main"), never.Text("main"))
	}
	c := h.As(access.Editor)
	trail := c.Get("/activity/" + strings.TrimPrefix(at, "/passwords/")).Text("main")
	for _, want := range []string{"shared it with somebody outside", "view 2 of 2", "wrong passphrase 1 of 10", "copied the password, version 1, without showing it"} {
		if !strings.Contains(trail, want) {
			t.Errorf("the trail does not say %q: %s", want, trail)
		}
	}
	if s := c.Get("/notifications").Text("main"); !strings.Contains(s, "Somebody outside opened, view 2 of 2, what you shared of Zanzibar router") {
		t.Errorf("her notices are %q", s)
	}
	if s := c.Get("/shares").Text("main"); !strings.Contains(s, "Opened 2 of 2 times") {
		t.Errorf("her shares are %q", s)
	}
	b.Everywhere("shares", "/shares")
}

func lp(parts ...any) []byte {
	var out []byte
	for _, p := range parts {
		var b []byte
		switch x := p.(type) {
		case string:
			b = []byte(x)
		case []byte:
			b = x
		}
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(b))), b...)
	}
	return out
}

// byTheFormat opens a link as doc/formats/share.md says.
func byTheFormat(t *testing.T, base, link, phrase string) map[string]string {
	t.Helper()
	path, fragment := parts(t, link)
	page := get(t, base+path)
	attr := func(name string) string {
		_, after, _ := strings.Cut(page, "data-"+name+`="`)
		s, _, _ := strings.Cut(after, `"`)
		return strings.ReplaceAll(s, "&#43;", "+")
	}
	must := func(b []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	key, salt := must(base64.RawURLEncoding.DecodeString(fragment)), must(base64.StdEncoding.DecodeString(attr("salt")))
	ends, err := strconv.ParseUint(attr("ends"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	rounds, err := strconv.Atoi(attr("rounds"))
	if err != nil {
		t.Fatal(err)
	}
	both, flag := bytes.Clone(key), byte(0)
	if rounds > 0 {
		flag = 1
		both = append(both, must(pbkdf2.Key(sha512.New, phrase, salt, rounds, 32))...)
	}
	bound := lp("strongroom/share/1", attr("tenant"), attr("mark"), binary.BigEndian.AppendUint64(nil, ends), []byte{flag}, binary.BigEndian.AppendUint32(nil, uint32(rounds)), salt)
	derive := func(ikm []byte, label string) []byte {
		return must(hkdf.Key(sha256.New, ikm, nil, string(lp(label, bound)), 32))
	}
	ask, err := json.Marshal(map[string][]byte{"keyProof": derive(key, "strongroom/share/key/1"), "proof": derive(both, "strongroom/share/proof/1")})
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Sealed []byte }
	if err := json.Unmarshal([]byte(post(t, base+path+"/open", ask, http.StatusOK)), &got); err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(derive(both, "strongroom/share/content/1"))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block) // the form it reads: nonce, then the rest
	if err != nil {
		t.Fatal(err)
	}
	plain := must(gcm.Open(nil, nil, got.Sealed, bound))
	var what map[string]string
	if err := json.Unmarshal(plain[4:4+binary.BigEndian.Uint32(plain)], &what); err != nil || len(plain)%256 != 0 {
		t.Fatalf("%d bytes: %v", len(plain), err)
	}
	return what
}

func get(t *testing.T, at string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", at, nil)
	if err != nil {
		t.Fatal(err)
	}
	return answer(t, r, http.StatusOK)
}

func post(t *testing.T, at string, body []byte, want int) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", at, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	return answer(t, r, want)
}

func answer(t *testing.T, r *http.Request, want int) string {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want {
		t.Fatalf("%s answers %d: %s %v", r.URL, resp.StatusCode, b, err)
	}
	if strings.HasPrefix(r.URL.Path, "/s/") {
		for k, v := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow, noarchive, nosnippet"} {
			if resp.Header.Get(k) != v {
				t.Errorf("%s of %s is %q", k, r.URL.Path, resp.Header.Get(k))
			}
		}
	}
	return string(b)
}

// share makes a share by the pages, without a browser: what is sealed opens to nothing.
func share(t *testing.T, c *webuitest.Client, at string, now time.Time, change func(map[string]any)) (mark string, p *webuitest.Page) {
	t.Helper()
	var revealed map[string]any
	c.PostJSON(at+"/reveal", url.Values{"why": {"copy"}}, &revealed)
	mark = fmt.Sprintf("%022d", time.Now().UnixNano())
	n := map[string]any{"mark": mark, "ends": now.Add(24 * time.Hour).UnixMilli(), "views": 1, "rounds": 600_000, "salt": make([]byte, 16), "keyProof": make([]byte, 32), "proof": bytes.Repeat([]byte{1}, 32), "sealed": make([]byte, 28+256)}
	if change != nil {
		change(n)
	}
	b, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	return mark, c.Do(http.MethodPost, at+"/share", bytes.NewReader(b), http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}})
}

// opens asks for what is sealed, with the proofs of share.
func opens(t *testing.T, h *webuitest.House, mark string, key, proof byte, want int) string {
	t.Helper()
	b, err := json.Marshal(map[string][]byte{"keyProof": bytes.Repeat([]byte{key}, 32), "proof": bytes.Repeat([]byte{proof}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	return post(t, h.URL+"/s/"+coretest.Name+"."+mark+"/open", b, want)
}

// TestWhenAShareIsRefused: settings, the password's own word and limits are obeyed.
func TestWhenAShareIsRefused(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	at := "/passwords/" + aPassword(h, nil).String()
	own := "/passwords/" + aPassword(h, record.Values{"shareable": false}).String()
	c, admin := h.As(access.Editor), h.As(access.Administrator)
	now := h.Clock.Now()
	for name, change := range map[string]func(map[string]any){
		"too long":      func(n map[string]any) { n["ends"] = now.Add(31 * 24 * time.Hour).UnixMilli() },
		"too short":     func(n map[string]any) { n["ends"] = now.Add(10 * time.Minute).UnixMilli() },
		"no view":       func(n map[string]any) { n["views"] = 0 },
		"many views":    func(n map[string]any) { n["views"] = 11 },
		"few rounds":    func(n map[string]any) { n["rounds"] = 599_999 },
		"short salt":    func(n map[string]any) { n["salt"] = make([]byte, 8) },
		"unpadded":      func(n map[string]any) { n["sealed"] = make([]byte, 100) },
		"much":          func(n map[string]any) { n["sealed"] = make([]byte, 28+65*256) },
		"strange mark":  func(n map[string]any) { n["mark"] = strings.Repeat(".", 22) },
		"unknown field": func(n map[string]any) { n["key"] = "x" },
	} {
		if _, p := share(t, c, at, now, change); p.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", name, p.Status, p.Body)
		}
	}
	if _, p := share(t, c, own, now, nil); p.Status != http.StatusForbidden {
		t.Errorf("what is not shareable: %d %s", p.Status, p.Body)
	}
	if p := c.Get(own); p.Has(`a[href="`+own+`/share"]`) || c.Get(own+"/share").Has("sr-share") {
		t.Error("what is not shareable offers it")
	}
	fresh := h.As(access.Editor)
	if p := fresh.Do(http.MethodPost, at+"/share", strings.NewReader(`{}`), http.Header{"Accept": {"application/json"}}); p.Status != http.StatusForbidden || !strings.Contains(p.Body, "revealed it a moment before") {
		t.Errorf("without a reveal: %d %s", p.Status, p.Body)
	}
	mark, p := share(t, c, at, now, nil)
	p.Want(http.StatusOK)
	form := admin.Get("/settings/shares").Want(http.StatusOK).Form("#form")
	form.Set("who", "managers")
	form.Set("passphrase", "1")
	admin.Post("/settings/shares", form).Want(http.StatusSeeOther)
	if _, p := share(t, c, at, now, nil); p.Status != http.StatusForbidden {
		t.Errorf("an editor where managers share: %d", p.Status)
	}
	h.Client().Get("/s/" + coretest.Name + "." + mark).Want(http.StatusNotFound)
	manager := h.As(access.Manager)
	if _, p := share(t, manager, at, now, func(n map[string]any) { n["rounds"] = 0 }); p.Status != http.StatusUnprocessableEntity {
		t.Errorf("without a passphrase: %d", p.Status)
	}
	mark, p = share(t, manager, at, now, nil)
	p.Want(http.StatusOK)
	h.Client().Get("/s/" + coretest.Name + "." + mark).Want(http.StatusOK)
	form.Set("who", "nobody")
	form.Set("hours", "721")
	admin.Post("/settings/shares", form).Want(http.StatusUnprocessableEntity)
	form.Set("hours", "48")
	admin.Post("/settings/shares", form).Want(http.StatusSeeOther)
	h.Client().Get("/s/" + coretest.Name + "." + mark).Want(http.StatusNotFound)
	opens(t, h, mark, 0, 1, http.StatusNotFound)
	c.Get("/settings/shares").Want(http.StatusForbidden)
}

// TestWhenAShareEnds: at its time, with its last view, when it is taken back, after ten
// wrong passphrases, when the password is in the trash, and when its maker is gone.
func TestWhenAShareEnds(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	c, manager := h.As(access.Editor), h.As(access.Manager)
	begin := func() (rec id.ID, at, mark string) {
		rec = aPassword(h, nil)
		at = "/passwords/" + rec.String()
		mark, p := share(t, c, at, h.Clock.Now(), nil)
		p.Want(http.StatusOK)
		h.Client().Get("/s/" + coretest.Name + "." + mark).Want(http.StatusOK)
		return rec, at, mark
	}
	ended := func(mark string) {
		t.Helper()
		h.Client().Get("/s/" + coretest.Name + "." + mark).Want(http.StatusNotFound)
		opens(t, h, mark, 0, 1, http.StatusNotFound)
	}
	_, _, mark := begin()
	opens(t, h, mark, 9, 1, http.StatusNotFound) // another key: nothing is counted
	if s := opens(t, h, mark, 0, 1, http.StatusOK); len(s) < 300 {
		t.Errorf("it gives %s", s)
	}
	ended(mark)

	_, _, mark = begin()
	for n := range 10 {
		want := http.StatusUnprocessableEntity
		if n == 9 {
			want = http.StatusNotFound
		}
		opens(t, h, mark, 0, 2, want)
	}
	ended(mark)

	_, at, mark := begin()
	end := c.Get("/shares").Want(http.StatusOK).Attr(`form[action$="/withdraw"]`, "action")
	h.As(access.ReadOnly).Post(end, nil).Want(http.StatusNotFound)
	if s := manager.Get(at).Text(".rail"); !strings.Contains(s, "Shared outside") || !strings.Contains(s, "Opened 0 of 1 times") {
		t.Errorf("the rail says %q", s)
	}
	manager.Post(end, nil).Want(http.StatusSeeOther)
	manager.Post(end, nil).Want(http.StatusConflict)
	ended(mark)

	rec, _, mark := begin()
	h.Change(func(tx *gate.Tx) error { return h.Records.Trash(tx, "password", rec) })
	ended(mark)

	rec, _, mark = begin()
	h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, "password", rec, true, nil, nil) })
	ended(mark)

	_, _, mark = begin()
	h.Clock.Advance(25 * time.Hour)
	ended(mark)
	full := func() (n int) {
		h.View(h.Admin(), func(tx *gate.Tx) error {
			return tx.QueryRow(`select count(*) from share where length(sealed) > 0 or length(proof) > 0`).Scan(&n)
		})
		return n
	}
	if full() == 0 {
		t.Error("nobody tidied, and nothing holds ciphertext")
	}
	tidy := (&feature.Shares{Gate: h.Gate}).Tidy
	if err := tidy(t.Context(), coretest.Name); err != nil || full() != 0 {
		t.Errorf("%d shares that are over hold ciphertext, %v", full(), err)
	}
	c = h.As(access.Editor)
	begin()
	if err := tidy(t.Context(), coretest.Name); err != nil || full() != 1 {
		t.Errorf("%d shares hold ciphertext beside one that is open, %v", full(), err)
	}
}
