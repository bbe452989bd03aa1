package vault_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/base/wordlist"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/vault"
	"strongroom/internal/surface/webui/webuitest"
)

func wordsOf(k *hostproof.Keyset) string {
	return strings.Join(wordlist.Encode(k.Statement.Fingerprint()), " ")
}

const said = `document.querySelector("[data-status]").textContent`

// gives gives the open vault to the one person who has keys.
func gives(b *browser.Tab, role, words string, t *testing.T) {
	t.Helper()
	b.Click("details[data-sharing] summary")
	b.Wait(`document.querySelectorAll("[data-who] option").length == 2`)
	browser.Eval[int](b, `(w => (w.selectedIndex = 1, w.dispatchEvent(new Event("change")), document.querySelector("#vault-role").value = "`+role+`", 1))(document.querySelector("[data-who]"))`)
	b.Wait(`!document.querySelector("[data-compare]").hidden`)
	if s := b.Text("[data-their-words]"); s != words {
		t.Errorf("the words are %q, and hers %q", s, words)
	}
	b.Axe("giving access")
	b.Shot("vault-give")
	b.Click("[data-compared]")
	b.Click("[data-give] button.primary")
	b.Wait(said + `.includes("has access.")`)
}

func choose(b *browser.Tab, n string) {
	browser.Eval[int](b, `(c => (c.value = "`+n+`", c.dispatchEvent(new Event("change")), 1))(document.querySelector("[data-choose]"))`)
}

// TestSharingByHand gives a vault to somebody who compares words, writes in it, and
// loses her access.
func TestSharingByHand(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	mine, at := fill(t, h, access.Editor, 3)
	hers, _ := fill(t, h, access.Manager, 1)
	p := newProxy(t, h.URL)
	b := browser.Open(t, p.URL)
	signIn(b, access.Editor)
	unlock(b, passphrase)
	b.Wait(state + ` == "open"`)
	if s := b.Text("[data-words]"); s != wordsOf(mine) {
		t.Errorf("her own words are %q", s)
	}
	gives(b, "2", wordsOf(hers), t)
	b.Phone()
	b.NoSideScroll("giving access")
	browser.Eval[int](b, `(scrollTo(0, 0), 1)`) // or the bar below lies over what is measured
	b.Axe("giving access on a phone")
	b.Desktop()

	other := browser.Open(t, h.URL)
	signIn(other, access.Manager)
	unlock(other, passphrase)
	other.Wait(state + ` == "open"`)
	if n := browser.Eval[int](other, `document.querySelectorAll("[data-choose] option").length`); n != 2 {
		t.Fatalf("there are %d vaults to choose from", n)
	}
	choose(other, at.String())
	other.Wait(`!document.querySelector("[data-meet]").hidden`)
	if s := other.Text("[data-meet-words]"); s != wordsOf(mine) || browser.Eval[string](other, rows) != "" {
		t.Errorf("before it is opened it shows %q", s)
	}
	other.Axe("an owner who is not known")
	other.Shot("vault-meet")
	other.Click("[data-meet] input")
	other.Click("[data-meet] button")
	other.Wait(rows + ` == "Item 0001,Item 0002,Item 0003"`)
	add(other, map[string]string{"title": "By the other", "password": "shared"})
	other.Wait(rows + `.startsWith("By the other")`)
	other.Shot("vault-shared")

	unlock(b, passphrase)
	b.Wait(rows + `.startsWith("By the other,Item")`)
	t.Run("a server that shows other keys", func(t *testing.T) { substitutes(t, h, p, b) })
	unlock(b, passphrase)
	b.Wait(state + ` == "open"`)
	b.Shot("vault-access")
	t.Run("a browser that is closed in the middle", func(t *testing.T) { closed(t, h, p, b, at) })
	add(b, map[string]string{"title": "Afterwards"})
	b.Wait(rows + `.startsWith("Afterwards,By the other,Item")`)
	unlock(other, passphrase)
	other.Wait(state + ` == "open" && !document.querySelector("[data-gone]").hidden && document.querySelectorAll("[data-choose] option").length == 1`)
	if got := openAs(t, h, access.Editor, passphrase); len(got) != 6 || got[1]["title"] != "Item 0001" {
		t.Errorf("afterwards the vault holds %v", got)
	}
}

// closed ends the other one's access in a browser that is closed while it asks: before
// the server has it nothing is otherwise, and another browser of the owner does it; after,
// everything is.
func closed(t *testing.T, h *webuitest.House, p *proxy, b *browser.Tab, at id.ID) {
	kept := func(role access.Role) (uint64, int) { // the epoch, 0 for somebody without access, and items
		t.Helper()
		got, err := (&vault.Vaults{Gate: h.Gate}).Read(t.Context(), callerOf(h, role), at)
		if fault.Is(err, fault.NotFound) {
			return 0, 0
		}
		must(t, err)
		m, err := hostproof.ParseManifest(got.Manifest)
		must(t, err)
		return m.Epoch, len(got.Items)
	}
	epoch, n := kept(access.Editor)
	if e, _ := kept(access.Manager); e != epoch || n == 0 {
		t.Fatalf("epoch %d, to the other one %d, %d items", epoch, e, n)
	}
	lost := p.holds("/renew", false)
	b.Click("[data-members] button")
	<-lost.there
	b.Load("/")
	if e, m := kept(access.Editor); e != epoch || m != n {
		t.Errorf("what never arrived made epoch %d of %d, with %d items", e, epoch, m)
	}
	if e, _ := kept(access.Manager); e != epoch {
		t.Error("and who was to lose access lost it")
	}

	device := browser.Open(t, h.URL)
	signIn(device, access.Editor)
	unlock(device, passphrase)
	device.Wait(state + ` == "open"`)
	if len(device.Text("[data-members]")) == 0 {
		t.Fatal("another browser shows nobody")
	}
	device.Click("[data-members] button")
	device.Wait(said + `.includes("no access any more")`)
	if e, _ := kept(access.Manager); e != 0 {
		t.Error("another browser ended her access, and she has it")
	}

	unlock(b, passphrase)
	b.Wait(state + ` == "open"`)
	unanswered := p.holds("/renew", true)
	b.Click("details[data-sharing] summary")
	b.Click("[data-renew]")
	<-unanswered.there
	b.Load("/")
	if e, m := kept(access.Editor); e != epoch+2 || m != n {
		t.Errorf("what arrived and was not answered made epoch %d of %d, with %d items", e, epoch, m)
	}
	unlock(b, passphrase)
	b.Wait(state + ` == "open" && ` + rows + `.startsWith("By the other,Item")`)
}

// substitutes lets the server show a third person's keys as the other one's.
func substitutes(t *testing.T, h *webuitest.House, p *proxy, b *browser.Tab) {
	c := callerOf(h, access.Manager)
	third, _, err := hostproof.NewKeyset(c.Tenant, int64(c.User), passphrase, hostproof.NewKDF(), 1)
	must(t, err)
	p.lies(func(path string, a map[string]any) {
		if list, ok := a["members"].([]any); ok && strings.HasPrefix(path, "/vault/vaults/") {
			for _, m := range list {
				if m := m.(map[string]any); int64(m["user"].(float64)) == int64(c.User) {
					m["statement"] = base64.StdEncoding.EncodeToString(third.Statement.Marshal())
				}
			}
		}
	})
	unlock(b, passphrase)
	b.Wait(alarmed)
	p.lies(nil)
	if s := b.Text("[data-alarm]"); !strings.Contains(s, "other keys for somebody") {
		t.Errorf("it says %q", s)
	}
}

// TestReaderByHand: who may only read is offered no more.
func TestReaderByHand(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	_, at := fill(t, h, access.Editor, 2)
	hers, _ := fill(t, h, access.Manager, 0)
	b := browser.Open(t, h.URL)
	signIn(b, access.Editor)
	unlock(b, passphrase)
	b.Wait(state + ` == "open"`)
	gives(b, "1", wordsOf(hers), t)
	signInOther := browser.Open(t, h.URL)
	signIn(signInOther, access.Manager)
	unlock(signInOther, passphrase)
	signInOther.Wait(state + ` == "open"`)
	choose(signInOther, at.String())
	signInOther.Wait(`!document.querySelector("[data-meet]").hidden`)
	signInOther.Click("[data-meet] input")
	signInOther.Click("[data-meet] button")
	signInOther.Wait(rows + ` == "Item 0001,Item 0002" && document.querySelector("[data-add]").hidden`)
	signInOther.Click(".vtitle")
	signInOther.Wait(`document.querySelector("[data-dialog]").open && document.querySelector("#vault-password").readOnly && document.querySelector("[data-save]").hidden && document.querySelector("[data-delete]").hidden`)
	s := &vault.Vaults{Gate: h.Gate}
	list, err := s.People(t.Context(), callerOf(h, access.Manager))
	must(t, err)
	if len(list) != 1 || int64(list[0].User) != int64(h.UserID(access.Editor)) {
		t.Errorf("the people with keys are %v", list)
	}
}
