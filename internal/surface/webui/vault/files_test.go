package vault_test

import (
	"bytes"
	"crypto/fips140"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/feature/vault"
	"strongroom/internal/surface/webui/webuitest"
)

// TestFilesAndMovesByHand adds files to an item, which the reference opens, moves and
// copies items into another vault, and deletes several; a server that sends other
// bytes is found out.
func TestFilesAndMovesByHand(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	_, at := fill(t, h, access.Editor, 3)
	p := newProxy(t, h.URL)
	b := browser.Open(t, p.URL)
	signIn(b, access.Editor)
	b.Allow("integrity")
	p.bytes = func(b []byte) []byte { return append(b, "\nglobalThis.stolen = 1;"...) }
	b.Load("/vault")
	b.Wait(`document.readyState == "complete" && performance.getEntriesByType("resource").some((e) => e.name.endsWith("/js/vault/keys.js"))`)
	if browser.Eval[bool](b, `globalThis.stolen === 1 || !!customElements.get("sr-vault")`) {
		t.Error("a browser runs an altered module")
	}
	if p.file = "/js/vault/stretcher.js"; !fips140.Enforced() { // there no worker is run
		unlock(b, passphrase)
		b.Wait(`!document.querySelector("[data-unlock] [data-error]").hidden`)
		if s := b.Text("[data-unlock] [data-error]"); !strings.Contains(s, "is another one than this page names") {
			t.Errorf("an altered worker: %q", s)
		}
	}
	p.bytes, p.file = nil, ""
	unlock(b, passphrase)
	b.Wait(state + ` == "open"`)
	plain := bytes.Repeat([]byte("zebra plan "), 9_000)
	dir := t.TempDir()
	name := filepath.Join(dir, "zebra.txt")
	must(t, os.WriteFile(name, plain, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "small.txt"), []byte("x"), 0o600))
	b.Click("[data-rows] tr:first-child .vtitle")
	b.Wait(`document.querySelector("[data-dialog]").open`)
	b.Upload("[data-attach]", name, filepath.Join(dir, "small.txt"))
	b.Wait(`document.querySelectorAll("[data-files] li").length == 2`)
	b.Axe("files of an item")
	b.Shot("vault-files")
	b.Phone()
	b.NoSideScroll("files of an item")
	b.Shot("vault-files-phone")
	b.Desktop()
	b.Click("[data-save]")
	b.Wait(`!document.querySelector("[data-dialog]").open`)
	if got := reference(t, h); len(got) != 2 || !bytes.Equal(got["zebra.txt"], plain) || string(got["small.txt"]) != "x" {
		t.Errorf("the reference opens %d files", len(got))
	}
	for where, s := range map[string]string{"requests": p.everything(), "rows": inRows(h)} {
		if strings.Contains(s, "zebra") {
			t.Errorf("%s hold the file", where)
		}
	}

	opened := func() {
		t.Helper()
		b.Click("[data-rows] tr:first-child .vtitle")
		b.Wait(`document.querySelectorAll("[data-files] li").length == 2`)
		browser.Eval[int](b, `(globalThis.opened = "", globalThis.make ??= URL.createObjectURL, URL.createObjectURL = (x) => (x.text().then((s) => globalThis.opened = s), make.call(URL, x)), 1)`)
		b.Click("[data-files] li:first-child button")
	}
	opened()
	b.Wait(`globalThis.opened?.length == 99000 && opened.startsWith("zebra plan ")`)
	b.Click("[data-cancel]")
	b.Wait(`!document.querySelector("[data-dialog]").open`)
	for what, lie := range map[string]func([]byte) []byte{
		"altered":   func(b []byte) []byte { b[70_000] ^= 1; return b },
		"cut":       func(b []byte) []byte { return b[:32+65_564] },
		"reordered": func(b []byte) []byte { return append(append(b[:32:32], b[32+65_564:]...), b[32:32+65_564]...) },
	} {
		p.bytes = lie
		opened()
		b.Wait(alarmed)
		if s := b.Text("[data-alarm-text]"); !strings.Contains(s, "altered, cut off") {
			t.Errorf("%s: it says %q", what, s)
		}
		p.bytes = nil
		unlock(b, passphrase)
		b.Wait(state + ` == "open"`)
	}

	b.Click("[data-more] details:nth-of-type(2) summary")
	b.Type("[data-newvault] input", "Team")
	b.Click("[data-newvault] button")
	b.Wait(said + ` == "The vault was made."`)
	choose(b, at.String())
	b.Wait(`document.querySelectorAll("[data-rows] tr").length == 3`)
	b.Click("[data-rows] tr:nth-child(1) [data-pick]")
	b.Click("[data-rows] tr:nth-child(2) [data-pick]")
	b.Wait(`!document.querySelector("[data-several]").hidden`)
	b.Axe("several items")
	b.Shot("vault-several")
	b.Phone()
	b.NoSideScroll("several items")
	b.Shot("vault-several-phone")
	b.Desktop()
	b.Click("[data-several-copy-to]")
	b.Wait(said + `.includes("2 items copied to Team")`)
	b.Click("[data-rows] tr:nth-child(1) [data-pick]")
	b.Click("[data-several-move]")
	b.Wait(said + `.includes("one item moved to Team") && ` + rows + ` == "Item 0002,Item 0003"`)
	b.Click("[data-several-all]")
	b.Click("[data-several-delete-all]")
	b.Wait(said + `.includes("2 items deleted") && document.querySelectorAll("[data-rows] tr").length == 0`)
	other := browser.Eval[string](b, `[...document.querySelectorAll("[data-several-to] option")].map((o) => o.value).join()`)
	choose(b, other)
	b.Wait(rows + ` == "Item 0001,Item 0001,Item 0002"`)
	opened()
	b.Wait(`globalThis.opened?.length == 99000`)
}

// reference opens all files of somebody's vault from what the server keeps.
func reference(t *testing.T, h *webuitest.House) map[string][]byte {
	t.Helper()
	s, c := &vault.Vaults{Gate: h.Gate}, callerOf(h, access.Editor)
	out := map[string][]byte{}
	v := openVault(t, h, access.Editor, passphrase)
	for n, content := range openAs(t, h, access.Editor, passphrase) {
		list, err := content.Files()
		must(t, err)
		for _, f := range list {
			in, err := s.Fetch(t.Context(), c, v.at, f.Number)
			must(t, err)
			var plain bytes.Buffer
			must(t, v.OpenFile(&plain, n, &f, in))
			must(t, in.Close())
			out[f.Name] = plain.Bytes()
		}
	}
	return out
}
