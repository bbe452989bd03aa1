package vault_test

import (
	"crypto/fips140"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/vault"
	"strongroom/internal/surface/webui/webuitest"
)

const alarmed = `!document.querySelector("[data-alarm]").hidden`

// TestHostileServer lets a server between the browser and the real one lie. The
// person is told what was found, and nothing is opened. Before that, the passphrase is brought over from
// PBKDF2 to Argon2id as it is typed.
func TestHostileServer(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	keys, at := fillBy(t, h, access.Editor, 3, hostproof.KDF{ID: hostproof.KDFPBKDF2, Iterations: hostproof.LeastIterations})
	service := &vault.Vaults{Gate: h.Gate}
	before, err := service.State(t.Context(), callerOf(h, access.Editor))
	must(t, err)
	p := newProxy(t, h.URL)
	var old map[string]any
	p.lies(func(path string, a map[string]any) {
		if strings.HasPrefix(path, "/vault/vaults/") && old == nil {
			old = maps.Clone(a)
		}
	})
	b := browser.Open(t, p.URL)
	signIn(b, access.Editor)
	unlock(b, passphrase)
	b.Wait(state + ` == "open" && document.querySelectorAll("[data-rows] tr").length == 3`)
	p.lies(nil)
	if !fips140.Enforced() { // there it stays with PBKDF2
		broughtOver(t, service, callerOf(h, access.Editor), keys)
	}
	add(b, map[string]string{"title": "Later"})
	b.Wait(`document.querySelectorAll("[data-rows] tr").length == 4`)
	other, _, err := hostproof.NewKeyset(keys.Statement.Tenant, keys.Statement.User, passphrase, hostproof.NewKDF(), 1)
	must(t, err)
	other, lock, err := other.ChangePassphrase(passphrase, hostproof.NewKDF(), 2) // as many statements as hers
	must(t, err)
	v, _, err := other.NewVault(int64(at), 1)
	must(t, err)
	forged, _, err := other.Seal(v, 1, nil, hostproof.Content{"title": "forged"}, 1)
	must(t, err)

	_, foreign := fillBy(t, h, access.Manager, 1, hostproof.NewKDF())
	strange, err := service.Read(t.Context(), callerOf(h, access.Manager), foreign)
	must(t, err)

	contents := func(f func(a map[string]any, items []any)) func(string, map[string]any) {
		return func(path string, a map[string]any) {
			if items, ok := a["items"].([]any); ok && strings.HasPrefix(path, "/vault/vaults/") {
				f(a, items)
			}
		}
	}
	keyset := func(f func(a map[string]any)) func(string, map[string]any) {
		return func(path string, a map[string]any) {
			if path == "/vault/state" {
				f(a)
			}
		}
	}
	for _, c := range []struct {
		name   string
		lie    func(path string, a map[string]any)
		before bool // noticed before the passphrase is asked for
		fresh  bool // in a browser that remembers nothing
		want   string
		pass   bool // noticed by what the passphrase opens; else the keys that it opened are used again
	}{
		{"yesterday's data", contents(func(a map[string]any, _ []any) { maps.Copy(a, old) }), false, false, "older state", false},
		{"an item left out", contents(func(a map[string]any, items []any) { a["items"] = items[:len(items)-1] }), false, true, "left items", false},
		{"an item sent twice", contents(func(_ map[string]any, items []any) { items[1] = items[2] }), false, true, "twice", false},
		{"an altered item", contents(func(_ map[string]any, items []any) { items[2] = turned(items[2], -100) }), false, true, "altered", false},
		{"an item that nobody signed", contents(func(_ map[string]any, items []any) { items[2] = turned(items[2], -10) }), false, true, "nobody signed", false},
		{"a forged item", contents(func(_ map[string]any, items []any) { items[1] = base64.StdEncoding.EncodeToString(forged) }), false, true, "item", false},
		{"an altered grant", contents(func(a map[string]any, _ []any) { a["grant"] = turned(a["grant"], 900) }), false, true, "two grants", false},
		{"an altered grant everywhere", contents(func(a map[string]any, _ []any) {
			a["grant"] = turned(a["grant"], 900)
			for _, m := range a["members"].([]any) {
				m.(map[string]any)["grant"] = a["grant"]
			}
		}), false, true, "nobody signed", false},
		{"an altered list", contents(func(a map[string]any, _ []any) { a["manifest"] = turned(a["manifest"], 60) }), false, true, "list", false},
		{"somebody else's vault in the place of one's own", contents(func(a map[string]any, _ []any) {
			b, err := json.Marshal(strange)
			must(t, err)
			clear(a)
			must(t, json.Unmarshal(b, &a))
		}), false, false, "that is your own", false},
		{"no items at all", contents(func(a map[string]any, _ []any) { delete(a, "items") }), false, true, "left a part out of its answer (items)", false},
		{"nobody who has access", contents(func(a map[string]any, _ []any) { delete(a, "members") }), false, true, "left a part out of its answer (members)", false},
		{"no grant", contents(func(a map[string]any, _ []any) { delete(a, "grant") }), false, true, "left a part out of its answer (grant)", false},
		{"no list", contents(func(a map[string]any, _ []any) { delete(a, "manifest") }), false, true, "left a part out of its answer (manifest)", false},
		{"the lock alone left out", keyset(func(a map[string]any) { delete(a, "lock") }), true, true, "left a part out of its answer (lock)", false},
		{"the statement alone left out", keyset(func(a map[string]any) { delete(a, "statement") }), true, true, "left a part out of its answer (statement)", false},
		{"a vault left out", keyset(func(a map[string]any) { a["vaults"] = []any{} }), true, false, "no longer shows a vault", false},
		{"no keyset", keyset(func(a map[string]any) { delete(a, "statement"); delete(a, "lock") }), true, false, "says that you have none", false},
		{"another keyset", keyset(func(a map[string]any) {
			a["statement"], a["lock"] = base64.StdEncoding.EncodeToString(other.Statement.Marshal()), base64.StdEncoding.EncodeToString(lock)
		}), true, false, "other keys for you", false},
		{"fewer passes", keyset(func(a map[string]any) { a["statement"] = derived(a["statement"], 0, 1, 0, 0, 0, 2) }), true, true, "2 passes over 65536 KiB", false},
		{"less memory", keyset(func(a map[string]any) { a["statement"] = derived(a["statement"], 0, 1, 0, 0, 0, 3, 0, 0, 0xff, 0xff) }), true, true, "65535 KiB", false},
		{"work for hours", keyset(func(a map[string]any) { a["statement"] = derived(a["statement"], 0, 1, 0xff, 0, 0, 3) }), true, true, "passes", false},
		{"fewer rounds", keyset(func(a map[string]any) { a["statement"] = derived(a["statement"], 0, 2, 0, 0, 0x13, 0x88, 0, 0, 0, 0) }), true, true, "5000 rounds", false},
		{"another method", keyset(func(a map[string]any) { a["statement"] = derived(a["statement"], 0, 2, 0, 9, 0x27, 0xc0, 0, 0, 0, 0) }), true, true, "not signed", false},
		{"an unknown method", keyset(func(a map[string]any) { a["statement"] = derived(a["statement"], 0, 3) }), true, true, "unknown way", false},
		{"the keyset from before, of the weaker method", keyset(func(a map[string]any) {
			a["statement"], a["lock"] = base64.StdEncoding.EncodeToString(before.Statement), base64.StdEncoding.EncodeToString(before.Lock)
		}), true, false, "older keyset", false},
		{"another salt", keyset(func(a map[string]any) { a["statement"] = turned(a["statement"], -84-20) }), true, true, "not signed", false},
		{"other keys behind the passphrase", keyset(func(a map[string]any) {
			a["statement"] = base64.StdEncoding.EncodeToString(other.Statement.Marshal())
		}), false, true, "damaged lock", true},
	} {
		if fips140.Enforced() && (c.name == "fewer passes" || c.name == "another method" || strings.HasPrefix(c.name, "the keyset from before")) {
			continue // there the keyset has been of the one method from the first
		}
		t.Run(c.name, func(t *testing.T) {
			kept := browser.Eval[string](b, `localStorage.getItem(Object.keys(localStorage).find((k) => k.startsWith("vault/")))`)
			if c.fresh {
				browser.Eval[int](b, `(Object.keys(localStorage).filter((k) => k.startsWith("vault/")).forEach((k) => localStorage.removeItem(k)), 1)`)
			}
			p.lies(c.lie)
			switch {
			case c.before:
				restart(b)
			case c.pass:
				unlock(b, passphrase)
			default:
				reopen(b, at)
			}
			b.Wait(alarmed)
			p.lies(nil)
			if s := b.Text("[data-alarm]"); !strings.Contains(s, c.want) || !strings.Contains(s, "Nothing was opened") {
				t.Errorf("it says %q, and not %q", s, c.want)
			}
			if n := browser.Eval[int](b, `document.querySelectorAll("[data-rows] tr").length + (document.querySelector("[data-open]").hidden ? 0 : 1)`); n != 0 {
				t.Error("something was opened")
			}
			browser.Eval[int](b, `((k, v) => (localStorage.setItem(k, v), 1))("vault/`+keys.Statement.Tenant+`/" + `+jsNumber(keys.Statement.User)+`, `+quoted(kept)+`)`)
		})
	}
	b.Shot("vault-alarm")
	b.Axe("an alarm")
	unlock(b, passphrase)
	b.Wait(state + ` == "open" && document.querySelectorAll("[data-rows] tr").length == 4`)
}

// broughtOver checks that the server has the same keys under Argon2id, and no lock any more that
// opens by the weaker way.
func broughtOver(t *testing.T, s *vault.Vaults, c *access.Caller, keys *hostproof.Keyset) {
	t.Helper()
	st, err := s.State(t.Context(), c)
	must(t, err)
	now, err := hostproof.ParseStatement(st.Statement)
	must(t, err)
	must(t, now.Follows(keys.Statement))
	if now.KDF.ID != hostproof.KDFArgon2id || now.KDF.Memory != hostproof.LeastMemory || now.KDF.Iterations != hostproof.LeastPasses {
		t.Errorf("the passphrase is stretched by %d, %d, %d", now.KDF.ID, now.KDF.Iterations, now.KDF.Memory)
	}
	if _, err := hostproof.Unlock(c.Tenant, int64(c.User), now, st.Lock, passphrase); err != nil {
		t.Error(err)
	}
	locks := 0
	must(t, s.Gate.View(t.Context(), c, func(tx *gate.Tx) error {
		return tx.QueryRow(`select count(*) from vault_keyset where user_id = ? and locked is not null`, int64(c.User)).Scan(&locks)
	}))
	if locks != 1 {
		t.Errorf("%d locks are kept", locks)
	}
}

// derived puts bytes where the derivation of a statement begins, in the place of those that are there.
func derived(s any, with ...byte) string {
	b, err := base64.StdEncoding.DecodeString(s.(string))
	if err != nil {
		panic(err) // the test's own mistake
	}
	copy(b[len(b)-84-42:], with)
	return base64.StdEncoding.EncodeToString(b)
}

// restart is what a page does when it is loaded: it asks for the state, and verifies it.
func restart(b *browser.Tab) {
	browser.Eval[int](b, `(async (e) => { globalThis.opened ??= e.keys; e.lock(); await e.busy(e, () => e.start()); return 1; })(document.querySelector("sr-vault"))`)
}

// turned alters one byte, counted from the end when at is below 0.
func turned(s any, at int) string {
	b, err := base64.StdEncoding.DecodeString(s.(string))
	if err != nil {
		panic(err) // the test's own mistake
	}
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 0x08
	return base64.StdEncoding.EncodeToString(b)
}

func jsNumber(n int64) string { b, _ := json.Marshal(n); return string(b) } // a number
func quoted(s string) string  { b, _ := json.Marshal(s); return string(b) } // a text
