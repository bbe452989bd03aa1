package vault_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/vault"
	"strongroom/internal/surface/webui/webuitest"
)

const recovered2 = "another sentence of words"

// allows says on the page of settings what people may choose.
func allows(h *webuitest.House, way string, officers ...id.ID) {
	form := url.Values{"way": {way}, "needed": {"2"}, "officers": {""}}
	for _, o := range officers {
		form.Add("officers", o.String())
	}
	h.As(access.Administrator).Post("/settings/vaults", form).Want(http.StatusSeeOther)
}

// more opens the part of the page about a forgotten passphrase of who has opened the vault.
func more(b *browser.Tab) {
	b.Click("details[data-recovery] summary")
}

// forgot goes to the page of somebody who has forgotten the passphrase.
func forgot(b *browser.Tab) {
	b.Visit("/vault")
	b.Wait(state + ` == "locked" && !document.querySelector("[data-forgot]").hidden`)
	b.Click("[data-forgot] summary")
}

// TestRecoveryByHand chooses a kit and uses it, then officers, with real clicks; a hostile
// server is found out, and is never sent what opens the keys.
func TestRecoveryByHand(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	fill(t, h, access.Editor, 2)
	one, _ := fill(t, h, access.Administrator, 0)
	two := officer(t, h)
	form := h.As(access.Administrator).Get("/settings/vaults").Want(http.StatusOK)
	if !strings.Contains(form.Body, "Second Administrator") || form.Count(`[name="officers"][type="checkbox"]`) != 2 {
		t.Error("the page does not offer both administrators")
	}
	h.As(access.Editor).Get("/settings/vaults").Want(http.StatusForbidden)
	h.As(access.Administrator).Post("/settings/vaults", url.Values{"way": {"officers"}, "needed": {"1"}, "officers": {h.UserID(access.Administrator).String()}}).Want(http.StatusUnprocessableEntity)

	p := newProxy(t, h.URL)
	b := browser.Open(t, p.URL)
	signIn(b, access.Editor)
	// A server that wants her to be enrolled gets nothing but what it had: the page asks for the passphrase first.
	allows(h, "officers", h.UserID(access.Administrator), two.user)
	unlock(b, passphrase)
	b.Wait(state + ` == "open"`)
	if strings.Contains(p.everything(), "POST /vault/recovery") {
		t.Error("somebody was enrolled who chose nothing")
	}
	allows(h, "kit")
	code := kit(t, b, p)
	// With the kit.
	forgot(b)
	b.Type("#vault-code", strings.ToLower(code[:38])+"U")
	b.Type("#vault-kitnew", recovered2)
	b.Type("#vault-kitnew2", recovered2)
	b.Axe("a forgotten passphrase")
	b.Shot("vault-forgot")
	b.Click("[data-usekit] button.primary")
	b.Wait(`document.querySelector("[data-usekit] [data-error]").textContent.includes("no recovery code")`)
	b.Type("#vault-code", strings.ToLower(code))
	b.Type("#vault-kitnew", recovered2)
	b.Type("#vault-kitnew2", recovered2)
	b.Click("[data-usekit] button.primary")
	b.Wait(state + ` == "open" && ` + rows + ` == "Item 0001,Item 0002"`)

	allows(h, "officers", h.UserID(access.Administrator), two.user)
	shares(t, b, p, one, two.keys)
	quorumByHand(t, h, b, p, two)
	for _, s := range []string{code, strings.ReplaceAll(code, "-", ""), recovered2, passphrase} {
		if strings.Contains(p.everything(), s) {
			t.Errorf("the server was sent %q", s)
		}
	}
}

// secondOfficer is an administrator who answers by the reference.
type secondOfficer struct {
	user id.ID
	keys *hostproof.Keyset
	s    *vault.Vaults
	c    *access.Caller
}

func officer(t *testing.T, h *webuitest.House) *secondOfficer {
	t.Helper()
	o := &secondOfficer{user: h.NewUser("second@example.com", "Second Administrator", access.Administrator), s: &vault.Vaults{Gate: h.Gate}}
	c := *h.Admin()
	c.User, c.Role, c.Name = o.user, access.Administrator, "Second Administrator"
	o.c = &c
	var lock []byte
	var err error
	o.keys, lock, err = hostproof.NewKeyset(c.Tenant, int64(o.user), passphrase, hostproof.NewKDF(), h.Clock.Now().UnixMilli())
	must(t, err)
	must(t, o.s.SaveKeyset(t.Context(), o.c, o.keys.Statement.Marshal(), lock))
	return o
}

// kit makes a kit and gives its code.
func kit(t *testing.T, b *browser.Tab, p *proxy) string {
	t.Helper()
	unlock(b, passphrase)
	b.Wait(state + ` == "open"`)
	more(b)
	b.Axe("the offer of a kit")
	b.Type("#vault-kitpass", "not the passphrase at all")
	b.Click("[data-makekit] button")
	b.Wait(`document.querySelector("[data-makekit] [data-error]").textContent.includes("does not open")`)
	b.Type("#vault-kitpass", passphrase)
	b.Click("[data-makekit] button")
	b.Wait(`!document.querySelector("[data-kit]").hidden && document.querySelector("[data-open]").hidden`)
	code := b.Text("[data-code]")
	b.Axe("a kit")
	b.FullShot("vault-kit")
	b.Phone()
	b.NoSideScroll("a kit")
	b.Dark(true)
	b.Axe("a kit on a phone in the dark")
	b.FullShot("vault-kit-phone")
	b.Desktop()
	b.Click("[data-kit-done]")
	b.Wait(`document.querySelector("[data-code]").textContent == "" && !document.querySelector("[data-open]").hidden`)
	if s := b.Text("[data-recovery-text]"); !strings.Contains(s, "You have a kit, number 1") {
		t.Errorf("it says %q", s)
	}
	// The server shows a recovery that her keys did not sign.
	p.lies(func(path string, a map[string]any) {
		if path == "/vault/recovery" && a["recovery"] != nil {
			a["recovery"] = turned(a["recovery"], 60)
		}
	})
	b.Visit("/vault")
	b.Wait(alarmed)
	p.lies(nil)
	if s := b.Text("[data-alarm]"); !strings.Contains(s, "not chosen with the keys") {
		t.Errorf("it says %q", s)
	}
	return code
}

// shares gives the officers their shares.
func shares(t *testing.T, b *browser.Tab, p *proxy, one, two *hostproof.Keyset) {
	t.Helper()
	// Other keys for an officer, of the same user: nothing but the words tells.
	third, _, err := hostproof.NewKeyset(two.Statement.Tenant, two.Statement.User, passphrase, hostproof.NewKDF(), 1)
	must(t, err)
	p.lies(func(path string, a map[string]any) {
		if policy, ok := a["policy"].(map[string]any); ok && path == "/vault/recovery" {
			for _, o := range policy["officers"].([]any) {
				if o := o.(map[string]any); int64(o["user"].(float64)) == two.Statement.User {
					o["statement"] = base64.StdEncoding.EncodeToString(third.Statement.Marshal())
				}
			}
		}
	})
	unlock(b, recovered2)
	b.Wait(state + ` == "open"`)
	more(b)
	const words = `[...document.querySelectorAll("[data-officers] .vwords")].map((e) => e.textContent).join("/")`
	if s := browser.Eval[string](b, words); !strings.Contains(s, wordsOf(third)) || strings.Contains(s, wordsOf(two)) {
		t.Errorf("the words are %q, and not those of the keys that would be used", s)
	}
	b.Type("#vault-sharepass", recovered2)
	browser.Eval[int](b, `(document.querySelectorAll("[data-officers] input").forEach((i) => i.click()), 1)`)
	b.Click("[data-makeshares] button")
	b.Wait(alarmed)
	if s := b.Text("[data-alarm]"); !strings.Contains(s, "audit log") {
		t.Errorf("it says %q", s)
	}
	p.lies(nil)
	unlock(b, recovered2)
	b.Wait(state + ` == "open"`)
	more(b)
	b.Wait(words + `.includes("` + wordsOf(one) + `") && ` + words + `.includes("` + wordsOf(two) + `")`)
	b.Type("#vault-sharepass", recovered2)
	b.Click("[data-makeshares] button")
	b.Wait(`document.querySelector("[data-makeshares] [data-error]").textContent.includes("Compare the words")`)
	browser.Eval[int](b, `(document.querySelectorAll("[data-officers] input").forEach((i) => { i.checked = true; }), 1)`)
	b.Axe("giving shares")
	b.FullShot("vault-shares")
	b.Type("#vault-sharepass", recovered2)
	b.Click("[data-makeshares] button")
	b.Wait(said + ` == "The officers have their shares."`)
}

// quorumByHand asks both officers, of whom one answers in a browser, and opens the vault.
func quorumByHand(t *testing.T, h *webuitest.House, b *browser.Tab, p *proxy, two *secondOfficer) {
	t.Helper()
	forgot(b)
	b.Type("#vault-asknew", passphrase)
	b.Type("#vault-asknew2", passphrase)
	b.Click("[data-ask] button.primary")
	b.Wait(`!document.querySelector("[data-finish]").hidden`)
	words := b.Text("[data-ask-words]")
	b.Axe("a request")
	b.FullShot("vault-asked")

	other := browser.Open(t, h.URL)
	signIn(other, access.Administrator)
	unlock(other, passphrase)
	other.Wait(state + ` == "open" && !document.querySelector("[data-requests]").hidden`)
	if s := other.Text("[data-request-list] .vwords"); s != words {
		t.Errorf("the officer sees %q, and the words are %q", s, words)
	}
	other.Axe("a request that an officer sees")
	other.FullShot("vault-officer")
	other.Click("[data-request-list] input")
	other.Click("[data-request-list] button")
	other.Wait(`document.querySelector("[data-requests]").hidden && ` + said + `.includes("share was opened")`)

	r, err := two.s.Recovery(t.Context(), two.c)
	must(t, err)
	a := r.Asks[0]
	x, err := hostproof.ParseRecovery(a.Recovery)
	must(t, err)
	owner, err := hostproof.ParseStatement(a.Statement)
	must(t, err)
	ask, err := hostproof.ParseAsk(a.Ask)
	must(t, err)
	asking, err := hostproof.ParseStatement(a.Keys)
	must(t, err)
	n, err := two.keys.Answer(x, owner, ask, asking, ask.Time)
	must(t, err)
	open := func(want string) {
		t.Helper()
		b.Type("#vault-finish", passphrase)
		b.Click("[data-finish] button.primary")
		b.Wait(want)
	}
	open(`document.querySelector("[data-finish] [data-error]").textContent.includes("1 of the 2 officers")`)
	must(t, two.s.Answer(t.Context(), two.c, a.User, n.Marshal()))
	// A server that alters an answer.
	p.lies(func(path string, a map[string]any) {
		if asked, ok := a["asked"].(map[string]any); ok && path == "/vault/recovery" {
			one := asked["answers"].([]any)[0].(map[string]any)
			one["answer"] = turned(one["answer"], -100)
		}
	})
	open(alarmed)
	p.lies(nil)
	if s := b.Text("[data-alarm]"); !strings.Contains(s, "did not sign") {
		t.Errorf("it says %q", s)
	}
	forgot(b)
	open(state + ` == "open" && ` + rows + ` == "Item 0001,Item 0002"`)
	if got := openAs(t, h, access.Editor, passphrase); len(got) != 3 {
		t.Errorf("the vault holds %v", got)
	}
}
