package vault_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/surface/webui/webuitest"
)

const chosen = `document.querySelector("[data-choose]").selectedOptions[0]?.textContent`

// TestDeleteByHand deletes a vault. Another browser that knew it takes that from its
// owner's signature, and from nothing else.
func TestDeleteByHand(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	fill(t, h, access.Editor, 2)
	b := browser.Open(t, h.URL)
	signIn(b, access.Editor)
	unlock(b, passphrase)
	b.Wait(state + ` == "open"`)
	b.Click("details:has([data-newvault]) summary")
	b.Type("[data-newvault] input", "Travel")
	b.Click("[data-newvault] button")
	b.Wait(chosen + ` == "Travel"`)
	id := browser.Eval[string](b, `document.querySelector("[data-choose]").value`)

	p := newProxy(t, h.URL)
	other := browser.Open(t, p.URL)
	signIn(other, access.Editor)
	unlock(other, passphrase)
	other.Wait(state + ` == "open"`)
	choose(other, id)
	other.Wait(chosen + ` == "Travel"`)

	b.Click("[data-ending] summary")
	b.Axe("deleting a vault")
	b.Shot("vault-delete")
	b.Type("[data-endvault] input", "Travels")
	b.Click("[data-endvault] button")
	b.Wait(`document.querySelector("[data-endvault] [data-error]").textContent.includes("Write the name")`)
	b.Type("[data-endvault] input", "")
	browser.Eval[int](b, `(document.querySelector("[data-endvault] input").value = "Travel", 1)`)
	b.Click("[data-endvault] button")
	b.Wait(said + ` == "The vault was deleted."`)
	unlock(b, passphrase)
	b.Wait(state + ` == "open" && document.querySelectorAll("[data-choose] option").length == 1`)

	for _, c := range []struct {
		says string
		lie  func(path string, a map[string]any)
	}{
		{"no longer shows a vault", func(path string, a map[string]any) { delete(a, "ended") }},
		{"", nil},
		{"again that you deleted", func(path string, a map[string]any) {
			if path == "/vault/state" {
				a["vaults"] = append(a["vaults"].([]any), json.Number(id))
			}
		}},
	} {
		p.lies(c.lie)
		other.Visit("/vault")
		if c.lie == nil {
			other.Wait(state + ` == "locked"`)
			continue
		}
		other.Wait(alarmed)
		if s := other.Text("[data-alarm]"); !strings.Contains(s, c.says) {
			t.Errorf("it says %q", s)
		}
	}
}

// TestAccessUntilByHand gives access that ends.
func TestAccessUntilByHand(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	fill(t, h, access.Editor, 1)
	hers, _ := fill(t, h, access.Manager, 0)
	b := browser.Open(t, h.URL)
	signIn(b, access.Editor)
	unlock(b, passphrase)
	b.Wait(state + ` == "open"`)
	day := time.Now().AddDate(1, 0, 0).Format(time.DateOnly)
	browser.Eval[int](b, `(document.querySelector("#vault-until").value = "`+day+`", 1)`)
	gives(b, "1", wordsOf(hers), t)
	b.Wait(`document.querySelector("[data-members]").textContent.includes("may read until the end of ")`)
	b.Shot("vault-until")
	b.Phone()
	b.NoSideScroll("access until a day")
	b.Desktop()
	browser.Eval[int](b, `(window.confirm = () => true, 1)`)
	b.Click("[data-renew]")
	b.Wait(said + ` == "The vault has new keys." && document.querySelector("[data-members]").textContent.includes("until the end of ")`)
}
