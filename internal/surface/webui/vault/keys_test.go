package vault_test

import (
	"net/http"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/surface/webui/webuitest"
)

// TestKeysByHand makes a second vault, changes the passphrase, and waits for the
// vault to lock itself.
func TestKeysByHand(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	fill(t, h, access.Editor, 2)
	b := browser.Open(t, h.URL)
	signIn(b, access.Editor)
	unlock(b, passphrase)
	b.Wait(state + ` == "open"`)
	fingerprint := b.Text("[data-fingerprint]")
	b.Click("details:has([data-newvault]) summary")
	b.Type("[data-newvault] input", "Travel")
	b.Click("[data-newvault] button")
	b.Wait(`document.querySelector("[data-choose]").selectedOptions[0]?.textContent == "Travel"`)
	add(b, map[string]string{"title": "Ticket", "password": "x"})
	b.Wait(rows + ` == "Ticket"`)
	b.Click("details:has([data-change]) summary")
	b.Axe("with its details open")
	b.Shot("vault-keys")
	const next = "another sentence of words"
	change := func(old string) {
		b.Type("#vault-old", old)
		b.Type("#vault-next", next)
		b.Type("#vault-next2", next)
		b.Click("[data-change] button")
	}
	change("not the passphrase at all")
	b.Wait(`document.querySelector("[data-change] [data-error]").textContent.includes("does not open")`)
	change(passphrase)
	b.Wait(`document.querySelector("[data-status]").textContent == "The passphrase was changed."`)
	add(b, map[string]string{"title": "Later", "password": "y"})
	b.Wait(rows + ` == "Later,Ticket"`)
	browser.Eval[int](b, `(document.querySelector("sr-vault").dataset.idle = "200", 1)`)
	b.Type("[data-search]", "l")
	b.Wait(state + ` == "locked" && document.querySelector("[data-rows]").childElementCount == 0 && document.querySelector("[data-search]").value == ""`)
	unlock(b, passphrase)
	b.Wait(`document.querySelector("[data-unlock] [data-error]").textContent.includes("does not open")`)
	b.Type("#vault-pass", next)
	b.Click("[data-unlock] button.primary")
	b.Wait(state + ` == "open"`)
	if s := b.Text("[data-fingerprint]"); s != fingerprint || len(strings.Fields(s)) != 8 {
		t.Errorf("the fingerprint was %s and is %s", fingerprint, s)
	}
	newKeys(t, b, next, fingerprint)
	if got := openAs(t, h, access.Editor, next); len(got) != 3 {
		t.Errorf("the first vault holds %v", got)
	}
}

// newKeys takes new keys by hand: other words, the same vaults, and the browser that knew
// the keys before knows these.
func newKeys(t *testing.T, b *browser.Tab, pass, fingerprint string) {
	t.Helper()
	b.Click("details:has([data-rotate]) summary")
	b.Axe("new keys")
	b.Type("#vault-rotate", pass)
	b.Click("[data-rotate] button")
	b.Wait(`document.querySelector("[data-status]").textContent.includes("You have new keys")`)
	unlock(b, pass)
	b.Wait(state + ` == "open" && document.querySelectorAll("[data-choose] option").length == 2 && ` + rows + ` == "Item 0001,Item 0002"`)
	if s := b.Text("[data-fingerprint]"); s == fingerprint {
		t.Error("the keys are the same")
	}
}

// TestWhoHasAVault: the page and what it fetches are for who may see passwords.
func TestWhoHasAVault(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	keys, at := fill(t, h, access.Editor, 1)
	for role, want := range map[access.Role]int{access.Administrator: http.StatusNotFound, access.ReadOnly: http.StatusNotFound, access.Lite: http.StatusForbidden, access.Editor: http.StatusOK} {
		c := h.As(role)
		c.Get("/vault/vaults/" + at.String()).Want(want)
		if nav := c.Get("/vault").Want(http.StatusOK).Has(`nav a[href="/vault"]`); nav != (role != access.Lite) {
			t.Errorf("%s has a line in the navigation: %v", role, nav)
		}
	}
	if f := h.As(access.Editor).Get("/vault/file").Want(http.StatusOK); !strings.Contains(f.Body, `"strongroom-vaults-1"`) || !strings.Contains(f.Body, `"`+at.String()+`":{`) || !strings.HasPrefix(f.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the file for emergencies is %.200s", f.Body)
	}
	if f := h.As(access.Administrator).Get("/vault/file").Want(http.StatusOK); strings.Contains(f.Body, at.String()) {
		t.Error("an administrator's file has somebody else's vault")
	}
	p := h.As(access.Administrator).Get("/vault").Want(http.StatusOK)
	if !p.Has(".no-js") || !strings.Contains(p.Body, "Nobody can reset it") {
		t.Error("the page does not say what it needs, or that nobody can reset a passphrase")
	}
	h.Client().Get("/vault/state").Want(http.StatusSeeOther) // to the sign-in
	copiesPage(t, h, keys)
}
