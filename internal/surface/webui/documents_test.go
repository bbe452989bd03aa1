package webui_test

import (
	"archive/zip"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/crossref"
	"strongroom/internal/surface/webui/webuitest"
)

func TestDocumentsFromFiles(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Harbour Dental")
	folder := h.Make("document_folder", org, record.Values{"name": "Runbooks"})
	word, err := os.ReadFile("../../base/docx/testdata/word.docx")
	if err != nil {
		t.Fatal(err)
	}
	at := "/organizations/" + org.String() + "/documents"
	reader := h.As(access.ReadOnly) // who does not see the organization
	reader.Get(at + "/files").Want(http.StatusForbidden)
	reader.Upload(at+"/files", nil, map[string]string{"a.md": "x"}).Want(http.StatusForbidden)
	c := h.As(access.Editor)
	if !c.Get(at).Want(http.StatusOK).Has(`a[href="` + at + `/files"]`) {
		t.Error("no button leads to the form")
	}
	if !c.Get(at + "/files").Want(http.StatusOK).Has(`input[type="file"][multiple]`) {
		t.Error("the form takes no files")
	}
	to := c.Upload(at+"/files", url.Values{"folder": {folder.String()}, "draft": {"1"}}, map[string]string{"whatever.docx": string(word)}).Want(http.StatusSeeOther).To()
	page := c.Get(to).Want(http.StatusOK)
	if page.Text("h1") != "Replacing the firewall" || !page.Has(".prose table") || !strings.Contains(page.Text("main"), "Draft") || !strings.Contains(page.Text("main"), "Runbooks") {
		t.Errorf("the document is %q", page.Text("main"))
	}
	if got := c.Get(page.Attr(".prose img", "src")).Want(http.StatusOK); got.Header.Get("Content-Type") != "image/png" {
		t.Error("the picture did not come along")
	}
	several := c.Upload(at+"/files", nil, map[string]string{"one.md": "# One\n\n![gone](plan.png) text", "bad.docx": "Dear all", "tool.exe": "MZ"}).Want(http.StatusOK)
	said := several.Text("main")
	for _, want := range []string{"1 of 3 files", "Pictures that are not in the file were left out: 1", "tool.exe", "Left out"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said: %s", want, said)
		}
	}
	if n := c.Get(at).Want(http.StatusOK).Count("tbody tr"); n != 2 {
		t.Errorf("%d documents", n)
	}
	c.Upload(at+"/files", nil, nil).Want(http.StatusUnprocessableEntity)

	z := c.Get(to + "/as/markdown").Want(http.StatusOK)
	files := unzip(t, z.Body)
	if text := files["Replacing the firewall.md"]; !strings.HasPrefix(text, "# Replacing the firewall\n") || !strings.Contains(text, "](images/1.png)") || !strings.Contains(text, "| Port |") {
		t.Errorf("as Markdown it is %s", text)
	}
	if !strings.HasPrefix(files["images/1.png"], "\x89PNG") {
		t.Error("the picture is not in the zip")
	}
	if text := unzip(t, c.Get(to+"/as/html").Want(http.StatusOK).Body)["Replacing the firewall.html"]; !strings.Contains(text, `<img src="images/1.png"`) || !strings.Contains(text, "<h1>Replacing the firewall</h1>") {
		t.Errorf("as HTML it is %s", text)
	}
	c.Get(to + "/as/docx").Want(http.StatusNotFound)
	reader.Get(to + "/as/pdf").Want(http.StatusNotFound)
	pdf := c.Get(to + "/as/pdf").Want(http.StatusOK)
	if got := pdf.Header.Get("Content-Type"); got != "application/pdf" || !strings.HasPrefix(pdf.Body, "%PDF-") || !strings.Contains(pdf.Body, "/Subtype /Image") {
		t.Errorf("as PDF it is %s of %d bytes", got, len(pdf.Body))
	}
	if text := onPaper(t, pdf.Body); !strings.Contains(text, "Replacing the firewall") || !strings.Contains(text, "Harbour Dental") || !strings.Contains(text, "Port") {
		t.Errorf("on paper it is %s", text)
	}
	plain := h.Make("document", org, record.Values{"name": "Plain", "content": `<p>See <a href="/documents/1">this</a>.</p>`})
	if got := c.Get("/documents/" + plain.String() + "/as/markdown").Want(http.StatusOK); got.Body != "# Plain\n\nSee [this]("+h.URL+"/documents/1).\n" {
		t.Errorf("the plain one is %q", got.Body)
	}
	if trail := h.As(access.Administrator).Get("/audit").Want(http.StatusOK).Text("main"); strings.Count(trail, "downloaded it") != 4 {
		t.Error("the downloads are not in the trail")
	}
}

// onPaper gives the text of a PDF.
func onPaper(t *testing.T, pdf string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "pdftotext", "-layout", "-", "-")
	cmd.Stdin = strings.NewReader(pdf)
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("no pdftotext here: install poppler-utils, as make test does")
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func unzip(t *testing.T, content string) map[string]string {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		in.Close()
		out[f.Name] = string(b)
	}
	return out
}

func TestHistoryMarksWords(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	doc := h.Make("document", h.Org("Harbour Dental"), record.Values{"name": "Backup", "content": "<p>Copy the files of the old server at night and check them.</p><p>Then rest.</p>"})
	c := h.As(access.Editor)
	at := "/documents/" + doc.String()
	form := c.Get(at + "/edit").Want(http.StatusOK).Form("form#form")
	form.Set("content", "<p>Copy the files of the new server at night and check them.</p><p>Then rest.</p>")
	c.Post(at, form).Want(http.StatusSeeOther)
	page := c.Get(at + "/history").Want(http.StatusOK)
	if page.Text(".diff del mark") != "old" || page.Text(".diff ins mark") != "new" {
		t.Errorf("marked are %q and %q", page.Text(".diff del mark"), page.Text(".diff ins mark"))
	}
}

func TestTemplatesOfDocuments(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org, other := h.Org("Harbour Dental"), h.Org("Alder & Vine")
	tmpl := h.Make("document", org, record.Values{"name": "Site visit", "template": true, "content": "<p>At {{organization}}, by {{author}} on {{date}}.</p>"})
	h.Make("document_section", 0, record.Values{"document_id": tmpl, "resource_type": "Document::Heading", "content": "Next"})
	c := h.As(access.Administrator)
	at := "/organizations/" + other.String() + "/documents"
	if !c.Get(at).Want(http.StatusOK).Has(`a[href="` + at + `/templates"]`) {
		t.Error("no button leads to the templates")
	}
	to := c.Get(at+"/templates").Want(http.StatusOK).Attr(`main a[href*="template=1"]`, "href")
	form := c.Get(to).Want(http.StatusOK).Form("form#form")
	day := h.Clock.Now().UTC().Format("2006-01-02")
	if got := form.Get("content"); !strings.HasPrefix(got, "<p>At Alder &amp; Vine, by ") || !strings.HasSuffix(got, " on "+day+".</p><h2>Next</h2>") || form.Get("name") != "Site visit" || form.Get("template") != "0" {
		t.Errorf("the form begins with %v", form)
	}
	made := c.Post("/documents", form).Want(http.StatusSeeOther).To()
	if page := c.Get(made).Want(http.StatusOK); strings.Contains(page.Text(".page-head, main"), "Template") {
		t.Error("what was made of a template is one too")
	}
	if n := len(c.Get(at + "/templates").Want(http.StatusOK).Texts(`main a[href*="template=1"]`)); n != 1 {
		t.Errorf("%d templates", n)
	}
}

func TestReviewOfADocument(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	doc := h.Make("document", h.Org("Harbour Dental"), record.Values{"name": "Backup", "review_days": 30, "expires_on": "2020-01-31"})
	c, at := h.As(access.Editor), "/documents/"+doc.String()
	if !c.Get(at).Want(http.StatusOK).Has(`form[action="` + at + `/reviewed"]`) {
		t.Fatal("no button says that it was reviewed")
	}
	c.Post(at+"/reviewed", nil).Want(http.StatusSeeOther)
	form := c.Get(at + "/edit").Want(http.StatusOK).Form("form#form")
	if want := h.Clock.Now().UTC().AddDate(0, 0, 30).Format("2006-01-02"); form.Get("expires_on") != want {
		t.Errorf("it is due again on %s, not %s", form.Get("expires_on"), want)
	}
	form.Set("review_days", "0")
	if bad := c.Post(at, form).Want(http.StatusUnprocessableEntity); !bad.Has("#e-review_days") {
		t.Error("no days are taken")
	}
	h.As(access.ReadOnly).Post(at+"/reviewed", nil).Want(http.StatusNotFound)
}

// TestRecordsInAText: a record stands in a document as a link that follows its
// name, or as a card, and a password on a card is revealed there.
func TestRecordsInAText(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Harbour Dental")
	quay := h.Make("location", org, record.Values{"name": "Quay", "city": "Portmouth"})
	vault := h.Make("location", org, record.Values{"name": "Vault room", "restricted": true})
	root := h.Make("password", org, record.Values{"name": "Root", "username": "root", "password": "kelp-forest-71"})
	card := func(rec id.ID, words string) string {
		return `<p><a href="` + crossref.CardURL(rec) + `">` + words + `</a></p>`
	}
	doc := h.Make("document", org, record.Values{"name": "Plan", "content": `<p>At <a href="/locations/` + quay.String() + `">Quay</a>.</p>` +
		card(quay, "Quay") + card(root, "Root") + card(vault, "The vault") + `<ul><li>` + card(quay, "in a list") + `</li></ul><p>End.</p>`})
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "location", quay, 0, record.Values{"name": "North quay"})
		return err
	})
	at := "/documents/" + doc.String()
	page := h.As(access.Editor).Get(at).Want(http.StatusOK)
	if got := page.Texts(".reccard header b"); !slices.Equal(got, []string{"North quay", "Root"}) {
		t.Errorf("the cards are %q", got)
	}
	if got := page.Texts(".sheetpage .prose p"); !slices.Equal(got, []string{"At North quay.", "The vault", "North quay", "End."}) || page.Has(`.sheetpage .prose a[href*="`+vault.String()+`"]`) {
		t.Errorf("the text is %q", got)
	}
	if got := page.Attr(`.reccard sr-secret form`, "action"); got != "/passwords/"+root.String()+"/reveal" {
		t.Errorf("the password of the card is revealed at %q", got)
	}
	if got := page.Attr(`.reccard .acts a`, "href"); got != "/passwords/"+root.String()+"/share" {
		t.Errorf("the password of the card is shared at %q", got)
	}
	if strings.Contains(page.Body, "kelp-forest") {
		t.Error("the page holds the password")
	}
	if got := h.As(access.Administrator).Get(at).Want(http.StatusOK).Texts(".reccard header b"); !slices.Equal(got, []string{"North quay", "Root", "Vault room"}) {
		t.Errorf("for an administrator the cards are %q", got)
	}
	for _, address := range []string{"/records/" + quay.String(), crossref.CardURL(quay)} {
		if to := h.As(access.Editor).Get(address).Want(http.StatusSeeOther).To(); to != "/locations/"+quay.String() {
			t.Errorf("%s leads to %s", address, to)
		}
		h.As(access.Editor).Get(strings.Replace(address, quay.String(), vault.String(), 1)).Want(http.StatusNotFound)
	}
	md := h.As(access.Administrator).Get(at + "/as/markdown").Want(http.StatusOK).Body
	if !strings.Contains(md, "[North quay](http") || !strings.Contains(md, "/locations/"+quay.String()+")") || strings.Contains(md, "/card") {
		t.Errorf("as Markdown it is %s", md)
	}

	b := browser.Open(t, h.URL)
	signInBy(b, access.Administrator)
	b.Visit(at)
	b.Axe("cards light")
	b.FullShot("document-cards")
	b.Click(".reccard sr-secret button")
	b.Wait(`document.querySelector(".reccard").parentElement.textContent.includes("kelp-forest-71")`)
	b.Dark(true)
	b.Visit(at)
	b.Axe("cards dark")
	b.Desktop()
	b.Phone()
	b.Visit(at)
	b.NoSideScroll("cards on a phone")
	b.Axe("cards phone")
	b.Desktop()
	writeRecords(b, at)
	kept := h.Load("document", doc).Values.Text("content")
	for _, want := range []string{`<a href="` + crossref.URL(root) + `">Root</a>`, `<p><a href="` + crossref.CardURL(quay) + `">North quay</a></p>`, `<img src="/documents/images/`} {
		if !strings.Contains(kept, want) {
			t.Errorf("the text lacks %s: %s", want, kept)
		}
	}
}

// writeRecords begins a document's text with a link to a record, a card of
// another, a picture that is pasted, and one that is dropped.
func writeRecords(b *browser.Tab, at string) {
	const writing = `!document.querySelector("#record-h") && document.activeElement.closest(".ProseMirror")`
	insert := func(words, how string) {
		b.Press("l", chromedp.ModifierCtrl|chromedp.ModifierShift)
		b.Wait(`document.querySelector("dialog[open] sr-ref [role=combobox]")`)
		b.Type("dialog[open] sr-ref [role=combobox]", words)
		b.Wait(`document.querySelector("dialog[open] [role=option]")`)
		b.Press(kb.Enter)
		b.Axe("a record for the text")
		b.Click(`dialog[open] input[value="` + how + `"]`)
		b.Click("dialog[open] .btn.primary")
		b.Wait(writing)
	}
	b.Visit(at + "/edit")
	b.Wait(`document.querySelector(".ProseMirror")`)
	b.Click(".ProseMirror p")
	b.Wait(writing)
	b.Press(kb.Home, chromedp.ModifierCtrl)
	insert("Root", "link")
	insert("North quay", "card")
	browser.Eval[bool](b, `(() => {
		const canvas = document.createElement("canvas"); canvas.width = canvas.height = 4;
		const bytes = Uint8Array.from(atob(canvas.toDataURL("image/png").split(",")[1]), (c) => c.charCodeAt(0));
		const data = new DataTransfer(); data.items.add(new File([bytes], "plan.png", { type: "image/png" }));
		return document.querySelector(".ProseMirror").dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
	})()`)
	b.Wait(`document.querySelector('.ProseMirror img[src^="/documents/images/"]')`)
	browser.Eval[bool](b, `(() => {
		const canvas = document.createElement("canvas"); canvas.width = canvas.height = 5;
		const bytes = Uint8Array.from(atob(canvas.toDataURL("image/png").split(",")[1]), (c) => c.charCodeAt(0));
		const data = new DataTransfer(); data.items.add(new File([bytes], "shelf.png", { type: "image/png" }));
		const at = document.querySelector(".ProseMirror > p:last-of-type"), r = at.getBoundingClientRect();
		return at.dispatchEvent(new DragEvent("drop", { dataTransfer: data, clientX: r.left + 4, clientY: r.top + 4, bubbles: true, cancelable: true }));
	})()`)
	b.Wait(`document.querySelectorAll('.ProseMirror img[src^="/documents/images/"]').length === 2`)
	b.FullShot("editor-records")
	b.Click("form#form .btn.primary")
	b.Wait(`document.querySelector(".reccard")`)
}
