package shell_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"strongroom/internal/base/browser"
)

func open(t *testing.T) (*gallery, *browser.Tab) {
	t.Helper()
	g, site := openGallery(t)
	return g, browser.Open(t, site)
}

func TestFilterSwapsTheListAlone(t *testing.T) {
	_, b := open(t)
	b.Visit("/list")
	browser.Eval[int](b, `window.same = 1`)
	b.Press("/")
	b.Press("wo-0")
	b.Wait(`document.querySelector(".pager [role=status]").textContent == "3 of 3" && new URL(location).searchParams.get("q") == "wo-0"`)
	b.Wait(`window.same == 1 && document.activeElement.name == "q" && document.activeElement.selectionStart == 4`)
	b.Click(`th a[href*="sort=warranty"]`)
	b.Wait(`document.querySelector("th[aria-sort=ascending] a")?.textContent.includes("Warranty") && location.search.includes("q=wo-0")`)
	b.Wait(`document.activeElement.textContent.includes("Warranty") || document.activeElement.id == "configurations" || document.activeElement == document.body`)
	browser.Eval[int](b, `(history.back(), 1)`)
	b.Wait(`window.same != 1 && document.documentElement.dataset.ready && !location.search.includes("sort")`)
}

func TestNothingFound(t *testing.T) {
	_, b := open(t)
	b.Visit("/list?q=zzz")
	b.Axe("list without rows")
	b.Shot("list-nothing")
	b.Click(`.none a`)
	b.Wait(`document.querySelectorAll("tbody tr").length == 24`)
}

func TestSelectByKeyboardAndArchive(t *testing.T) {
	g, b := open(t)
	b.Visit("/list")
	b.Press("j")
	b.Press("x")
	b.Wait(`document.querySelector(".bulk [data-count]").textContent == "1 selected"`)
	b.Press("j")
	b.Press("j")
	b.Press("X")
	b.Wait(`document.querySelector(".bulk [data-count]").textContent == "3 selected"`)
	b.Shot("list-bulk")
	b.Axe("list with a selection")
	b.Click(`.bulk [value=archive]`)
	b.Wait(`document.getElementById("archive").open`)
	b.Axe("confirm dialog")
	b.Shot("confirm")
	b.Type(`#f-reason`, "replaced")
	b.Press(kb.Enter)
	b.Wait(`document.querySelector(".toast")?.textContent.includes("3 configurations archived")`)
	b.Shot("toast-undo")
	b.Axe("toast")
	g.mu.Lock()
	got := g.bulk[0]
	g.mu.Unlock()
	if !slices.Equal(got["id"], []string{"1000", "1001", "1002"}) || got.Get("do") != "archive" || got.Get("reason") != "replaced" {
		t.Errorf("the server got %v", got)
	}
	b.Click(".toast form button")
	b.Wait(`document.documentElement.dataset.ready && document.querySelector(".toast")?.textContent.includes("0 configurations")`)
	if len(g.bulk) != 2 || g.bulk[1].Get("do") != "restore" {
		t.Errorf("undo sent %v", g.bulk)
	}
}

func TestSelectAllThatMatch(t *testing.T) {
	g, b := open(t)
	b.Visit("/list")
	b.Click("[data-all]")
	b.Wait(`!document.querySelector(".every").hidden && document.querySelector(".bulk [data-count]").textContent == "24 selected"`)
	b.Click("[data-every]")
	b.Wait(`document.querySelector(".bulk [data-count]").textContent == "148 selected"`)
	b.Click(`.bulk [value=tag]`)
	b.Wait(`document.documentElement.dataset.ready && document.querySelector(".toast")`)
	if got := g.bulk[0]; got.Get("all") != "1" || got.Get("do") != "tag" {
		t.Errorf("the server got %v", got)
	}
}

func TestPalette(t *testing.T) {
	_, b := open(t)
	for _, dark := range []bool{false, true} {
		b.Dark(dark)
		b.Visit("/list")
		b.Press("k", chromedp.ModifierCtrl)
		b.Type("#palette input", "wo-1")
		b.Wait(`document.querySelector("#palette-list mark")?.textContent == "WO-1"`)
		b.Axe("palette")
		b.Shot(map[bool]string{false: "palette-light", true: "palette-dark"}[dark])
	}
	b.Press(kb.ArrowDown)
	b.Wait(`document.querySelector("#palette-list [aria-selected=true]").id == "opt-1"`)
	b.Press(kb.Enter)
	b.Wait(`location.pathname == "/record"`)
}

func TestRevealHidesAgain(t *testing.T) {
	g, b := open(t)
	b.Visit("/record")
	if browser.Eval[bool](b, `document.documentElement.outerHTML.includes("kelp")`) {
		t.Fatal("the secret is in the page before it is revealed")
	}
	b.Press("r")
	b.Wait(`document.querySelector("#password [data-out]").textContent == "vT9#mQ2-kelp-Orbit!47"`)
	b.Axe("revealed")
	b.Shot("revealed")
	b.Press("r")
	b.Wait(`document.querySelector("#password [data-out]").textContent.startsWith("••")`)
	b.Click("#code [data-reveal]")
	b.Wait(`document.getElementById("reason").open`)
	b.Axe("reason")
	b.Shot("reason")
	b.Press(kb.Escape)
	b.Wait(`!document.getElementById("reason").open`)
	b.Click("#code [data-reveal]")
	b.Type("#reason-t", "CHG-1179")
	b.Click("#reason .primary")
	b.Wait(`document.querySelector("#code [data-out].shown")`)
	if got := g.reasons; !slices.Equal(got, []string{"view: ", "view: CHG-1179"}) {
		t.Errorf("the server was told %q", got)
	}
	b.Click("#otp [data-reveal]")
	b.Wait(`document.querySelector("#otp [data-out]").textContent == "482 913" && document.querySelector("#otp .ring b").textContent == "18"`)
}

func TestDialogsAndMenus(t *testing.T) {
	_, b := open(t)
	b.Visit("/record")
	b.Press("?")
	b.Wait(`document.getElementById("help").open`)
	b.Axe("help")
	b.Shot("help")
	b.Press(kb.Escape)
	b.Click(`.top .menu summary`)
	b.Axe("menu")
	b.Shot("menu")
	b.Press(kb.Escape)
	b.Wait(`!document.querySelector(".menu[open]")`)
	b.Click(`[data-dialog=delete]`)
	b.Wait(`document.getElementById("delete").open`)
	b.Click(`#delete [data-close]`)
	b.Wait(`!document.getElementById("delete").open`)
	b.Press("g")
	b.Press("t")
	b.Wait(`location.pathname == "/ticket"`)
}

func TestEditor(t *testing.T) {
	_, b := open(t)
	b.Visit("/form")
	b.Click(".ProseMirror p")
	b.Wait(`document.querySelector("sr-editor").view.state.selection.from > 1`) // the click has arrived
	area := `document.querySelector("textarea[name=notes]").value`
	b.Press(kb.End)
	b.Press(kb.Enter)
	b.Press("## Plan")
	b.Wait(area + `.includes("<h2>Plan</h2>")`)
	b.Press(kb.Enter)
	b.Press("Use **bold** and `code` now")
	b.Wait(area + `.includes("<p>Use <strong>bold</strong> and <code>code</code> now</p>")`)
	b.Press(kb.Enter)
	b.Press("- [ ] check X:")
	b.Wait(area + `.includes('<li data-checked="false"><p>check X:</p></li>')`)
	b.Press(kb.Enter)
	b.Press(kb.Enter)
	b.Click(`.ebar [aria-label="Table"]`)
	b.Press("Name")
	b.Press(kb.Tab)
	b.Press("Address")
	b.Wait(area + `.includes("<th><p>Name</p></th><th><p>Address</p></th>")`)
	b.Click(`.ebar [aria-label="Add a row below"]`)
	b.Wait(`(` + area + `.match(/<tr>/g) ?? []).length == 4`)
	b.Axe("editor with a table")
	b.FullShot("editor")
	b.Press("z", chromedp.ModifierCtrl)
	b.Wait(`(` + area + `.match(/<tr>/g) ?? []).length == 3`)
	if v := browser.Eval[string](b, area); strings.Contains(v, "style=") || strings.Contains(v, "class=") {
		t.Errorf("the editor wrote what the sanitiser removes: %s", v)
	}
}

func TestEditorLinkAndPicture(t *testing.T) {
	_, b := open(t)
	b.Visit("/form")
	b.Click(".ProseMirror strong")
	b.Press(kb.Home)
	b.Press(kb.End, chromedp.ModifierShift)
	b.Press("K", chromedp.ModifierCtrl, chromedp.ModifierShift)
	b.Wait(`document.querySelector("#link-url")`)
	b.Axe("link dialog")
	b.Type("#link-url", "example.com/x")
	b.Press(kb.Enter)
	area := `document.querySelector("textarea[name=notes]").value`
	b.Wait(area + `.includes('<a href="https://example.com/x">')`)
	browser.Eval[int](b, `(() => { const d = new DataTransfer(); d.items.add(new File(["<svg/>"], "plan.svg", { type: "image/svg+xml" }));
		document.querySelector(".ProseMirror").dispatchEvent(new ClipboardEvent("paste", { clipboardData: d, bubbles: true, cancelable: true })); return 1 })()`)
	b.Wait(area + `.includes('<img src="/image/1.svg" alt="plan">')`)
}

func TestReferenceRowsAndRefusal(t *testing.T) {
	g, b := open(t)
	b.Allow("422")
	b.Visit("/form")
	b.Click("#f-dhcp")
	b.Wait(`document.querySelectorAll("sr-ref [role=option]").length == 3`)
	b.Shot("reference")
	b.Axe("reference open")
	b.Press("zzz")
	b.Wait(`document.querySelector(".reflist p:not([hidden])")?.textContent == "Nothing matches."`)
	b.Axe("reference without a match")
	b.Press(kb.Escape)
	b.Wait(`document.querySelector("#f-dhcp").value == "HDG-SRV-DC01"`)
	b.Click(`[aria-label="Clear DHCP served by"]`)
	b.Wait(`document.querySelector("input[name=dhcp]").value == ""`)
	b.Press("sql")
	b.Wait(`document.querySelector("sr-ref [role=option][aria-selected=true] b")?.textContent == "HDG-SRV-SQL01"`)
	b.Press(kb.Enter)
	b.Wait(`document.querySelector("input[name=dhcp]").value == "102"`)
	b.Click("#f-zone")
	b.Press(kb.ArrowDown)
	b.Press(kb.Enter)
	b.Wait(`document.querySelector("select[name=zone]").value == "off"`)
	b.Click(`[aria-label="Take away HDG-SRV-DC01"]`)
	b.Wait(`document.querySelector("input[name=dns]").value == "101"`)
	b.Click("sr-rows > .btn")
	b.Wait(`document.querySelectorAll(".rowline").length == 2`)
	b.Press("joost@harbourdental.example")
	b.Click("[data-generate]")
	b.Wait(`document.querySelector("[name=psk]").value.length == 20`)
	browser.Eval[int](b, `(document.querySelector("[name=name]").required = false, document.querySelector("[name=name]").value = "", 1)`)
	b.Press(kb.Enter, chromedp.ModifierCtrl)
	b.Wait(`document.documentElement.dataset.ready && document.activeElement?.id == "errors"`)
	b.Axe("refused form")
	b.Shot("form-refused")
	b.Click(".errors a")
	b.Wait(`document.activeElement.name == "name"`)
	got := g.forms[0]
	if got.Get("dhcp") != "102" || got.Get("dns") != "101" || got.Get("zone") != "off" || got.Get("emails0") != "marit@harbourdental.example work" || got.Get("emails1") != "joost@harbourdental.example work" || len(got.Get("psk")) != 20 {
		t.Errorf("the server got %v", got)
	}
}

func TestDraftComesBack(t *testing.T) {
	_, b := open(t)
	b.Visit("/form")
	b.Click("#f-subnet")
	b.Press(kb.End)
	b.Press("9")
	b.Click(".ProseMirror p")
	b.Wait(`document.querySelector("sr-editor").view.state.selection.from > 1`)
	b.Press("Draft words ")
	b.Click("sr-rows > .btn")
	b.Press("second@harbourdental.example")
	b.Wait(`JSON.parse(localStorage.getItem("draft:ines/lan/new"))?.values["emails.1.value"]?.[0] == "second@harbourdental.example"`)
	if browser.Eval[bool](b, `"psk" in JSON.parse(localStorage.getItem("draft:ines/lan/new")).values`) {
		t.Error("a draft holds the secret field")
	}
	b.Load("/list")
	if asked := b.Dialogs(); len(asked) > 0 {
		t.Errorf("the browser asked (%q) although the draft was kept", asked)
	}
	b.Visit("/form")
	b.Wait(`document.querySelector("#f-subnet").value == "10.20.1.0/249" && document.querySelector(".ProseMirror")?.textContent.includes("Draft words") && document.querySelector("[name='emails.1.value']").value.startsWith("second@")`)
	b.Shot("draft")
	b.Press(kb.Enter, chromedp.ModifierCtrl)
	b.Click("#f-name")
	b.Press(kb.Enter, chromedp.ModifierCtrl)
	b.Wait(`location.pathname == "/list" && document.documentElement.dataset.ready && document.querySelector(".toast")?.textContent.includes("LAN created")`)
	b.Wait(`localStorage.getItem("draft:ines/lan/new") === null`)
}

// TestLeavingAsks: what no draft holds is not lost without a word.
func TestLeavingAsks(t *testing.T) {
	_, b := open(t)
	b.Visit("/form")
	b.Click("[data-generate]")
	b.Wait(`document.querySelector("[name=psk]").value.length == 20`)
	b.Load("/list")
	b.Visit("/ticket")
	b.Wait(`document.querySelector(".ProseMirror")`)
	b.Click(".ProseMirror")
	b.Press("More ")
	b.Load("/list")
	if asked := b.Dialogs(); !slices.Equal(asked, []string{"beforeunload", "beforeunload"}) {
		t.Errorf("the browser asked %q", asked)
	}
}

func TestProgressEnds(t *testing.T) {
	_, b := open(t)
	b.Visit("/")
	b.Wait(`document.querySelector("sr-progress [data-link]").textContent == "Open the result" && !document.querySelector("sr-progress [data-link]").hidden`)
	b.Wait(`document.querySelector(".toast")?.textContent == "Import finished"`)
	b.Shot("progress-done")
}

func TestUploadByChoice(t *testing.T) {
	g, b := open(t)
	b.Allow("422")
	dir := t.TempDir()
	for _, n := range []string{"plan.txt", "setup.exe"} {
		if err := os.WriteFile(filepath.Join(dir, n), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.Visit("/record")
	b.Upload("sr-drop input[type=file]", filepath.Join(dir, "setup.exe"))
	b.Wait(`document.querySelector(".toast.bad")?.textContent.includes("Only pictures and texts")`)
	b.Axe("failure toast")
	b.Upload("sr-drop input[type=file]", filepath.Join(dir, "plan.txt"))
	b.Wait(`document.documentElement.dataset.ready && !document.querySelector(".toast.bad")`)
	if !slices.Equal(g.uploaded, []string{"plan.txt"}) {
		t.Errorf("uploaded %q", g.uploaded)
	}
}

func TestThemeStays(t *testing.T) {
	_, b := open(t)
	b.Visit("/")
	b.Click("[data-theme-form] button")
	b.Wait(`document.documentElement.dataset.theme == "dark"`)
	b.Wait(`fetch("/").then(r => r.text()).then(s => s.includes('data-theme="dark"'))`)
	b.Visit("/list")
	b.Wait(`document.documentElement.dataset.theme == "dark"`)
}

func TestPhoneSidebar(t *testing.T) {
	_, b := open(t)
	b.Phone()
	b.Visit("/list")
	b.Click("[data-sidebar]")
	b.Wait(`document.querySelector("#side.open") && getComputedStyle(document.getElementById("side")).visibility == "visible"`)
	b.Axe("phone with sidebar")
	b.Shot("sidebar-phone")
	b.Press(kb.Escape)
	b.Wait(`!document.querySelector("#side.open")`)
	b.Click("td.ck input")
	b.Wait(`getComputedStyle(document.querySelector(".bulk")).display == "flex"`)
	b.Shot("bulk-phone")
	b.NoSideScroll("list with a selection")
}

// TestUntrustedIsInert: what people wrote cannot use our attributes.
func TestUntrustedIsInert(t *testing.T) {
	_, b := open(t)
	b.Visit("/record")
	browser.Eval[int](b, `(() => { const u = document.querySelector("[data-untrusted]"), a = document.createElement("a"); a.href = "/list"; a.dataset.swap = "files"; a.dataset.key = "z"; a.id = "evil"; a.textContent = "x"; u.append(a); window.same = 1; return 1 })()`)
	b.Press("z")
	b.Wait(`window.same == 1 && location.pathname == "/record"`)
	b.Click("#evil")
	b.Wait(`location.pathname == "/list" && window.same === undefined`) // an ordinary link
}

// TestWithoutScript: everything but the editor and the palette works.
func TestWithoutScript(t *testing.T) {
	g, b := open(t)
	b.NoScript()
	b.Load("/list?q=wo")
	b.Shot("list-no-script")
	b.Click("td.ck input")
	b.Click(".bulk [value=tag]")
	b.Wait(`document.querySelector(".toast form button") && document.readyState == "complete"`)
	b.Load("/record")
	b.Click("#password [data-reveal]")
	if s := b.Text("#s"); s != "vT9#mQ2-kelp-Orbit!47" {
		t.Errorf("the page says %q", s)
	}
	b.Load("/form")
	b.FullShot("form-no-script")
	b.Click(".ff .primary")
	b.Wait(`location.pathname == "/list" && document.readyState == "complete"`)
	if got := g.forms[0]; got.Get("dhcp") != "100" || got.Get("dns") != "100,101" || got.Get("emails0") != "marit@harbourdental.example work" || got.Has("emails1") {
		t.Errorf("the server got %v", got)
	}
	if len(g.bulk) != 1 || g.bulk[0].Get("id") == "" {
		t.Errorf("the selection sent %v", g.bulk)
	}
}
