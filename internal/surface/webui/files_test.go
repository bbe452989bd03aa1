package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

func TestFiles(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	rid := h.Make("contact", h.Org("Harbour Dental"), record.Values{"first_name": "Ann", "last_name": "Lee"})
	c := h.As(access.Editor)
	c.Upload("/attach/"+rid.String(), nil, map[string]string{"page.html": "<script>alert(1)</script>"}).Want(http.StatusSeeOther)
	at := c.Get("/contacts/"+rid.String()).Want(http.StatusOK).Attr(".filelist .t a", "href")
	for _, path := range []string{at + "/content", at + "/content?inline=1"} {
		got := c.Get(path).Want(http.StatusOK)
		if got.Body != "<script>alert(1)</script>" || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/plain") ||
			!strings.HasPrefix(got.Header.Get("Content-Disposition"), "attachment") || got.Header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(got.Header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: %v", path, got.Header)
		}
	}
	c.Post(at, url.Values{"name": {""}}).Want(http.StatusUnprocessableEntity)
	c.Post(at, url.Values{"name": {"notes.html"}}).Want(http.StatusSeeOther)
	if s := c.Get(at).Want(http.StatusOK).Text("h1"); s != "notes.html" {
		t.Errorf("it is called %q", s)
	}
	h.As(access.Lite).Get(at).Want(http.StatusNotFound)
	h.As(access.Lite).Get(at + "/content").Want(http.StatusNotFound)
	if trail := c.Get("/activity/" + rid.String()).Want(http.StatusOK).Text("main"); strings.Count(trail, "downloaded a file of it: page.html") != 2 {
		t.Errorf("the downloads are not in the audit trail: %s", trail)
	}
	c.Post(at+"/remove", nil).Want(http.StatusSeeOther)
	c.Get(at).Want(http.StatusNotFound)
}

func TestPicturesAreShownInPlace(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	rid := h.Make("contact", h.Org("Harbour Dental"), record.Values{"first_name": "Ann", "last_name": "Lee"})
	c := h.As(access.Editor)
	c.Upload("/attach/"+rid.String(), nil, map[string]string{"rack.png": image, "logo.svg": `<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`}).Want(http.StatusSeeOther)
	page := c.Get("/contacts/" + rid.String()).Want(http.StatusOK)
	if n := page.Count(".filelist img"); n != 1 {
		t.Errorf("%d pictures are shown", n)
	}
	if got := c.Get(page.Attr(".filelist img", "src")).Want(http.StatusOK); !strings.HasPrefix(got.Header.Get("Content-Disposition"), "inline") || got.Header.Get("Content-Type") != "image/png" {
		t.Errorf("the picture comes as %v", got.Header)
	}
	c.Get(strings.TrimSuffix(page.Attr(".filelist img", "src"), "?inline=1")).Want(http.StatusOK)
	if trail := c.Get("/activity/" + rid.String()).Want(http.StatusOK).Text("main"); strings.Count(trail, "downloaded a file of it: rack.png") != 1 {
		t.Errorf("of a picture that was shown and then downloaded the audit trail says %s", trail)
	}
}

func TestImagesOfDocuments(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	rid := h.Make("document", h.Org("Harbour Dental"), record.Values{"name": "Rack"})
	at := "/documents/" + rid.String()
	c := h.As(access.Editor)
	if up := c.Get(at+"/edit").Attr("sr-editor", "data-upload"); up != at+"/images" {
		t.Fatalf("the editor uploads to %q", up)
	}
	var got struct{ URL string }
	c.Upload(at+"/images", nil, map[string]string{"rack.png": image}).Want(http.StatusCreated).JSON(&got)
	c.Get(got.URL).Want(http.StatusOK)
	c.Upload(at+"/images", nil, map[string]string{"rack.svg": "<svg/>"}).Want(http.StatusUnprocessableEntity)
	form := c.Get(at + "/edit").Form("form.genform")
	form.Set("content", `<p>See <img src="`+got.URL+`" alt="rack"></p><p><script>alert(1)</script></p>`)
	c.Post(at, form).Want(http.StatusSeeOther)
	page := c.Get(at).Want(http.StatusOK)
	if page.Attr(".sheetpage img", "src") != got.URL || page.Has(".sheetpage script") {
		t.Errorf("the document shows %s", page.Body)
	}
	h.As(access.Lite).Get(got.URL).Want(http.StatusNotFound)
	c.Get("/documents/" + rid.String() + "/999").Want(http.StatusNotFound)
}

func TestContentsOfDocument(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	rid := h.Make("document", h.Org("Harbour Dental"), record.Values{"name": "Guide", "content": "<h1>Before</h1><p>a</p><h2>Cable</h2><h1>After</h1><pre>long</pre>"})
	page := h.As(access.Editor).Get("/documents/" + rid.String()).Want(http.StatusOK)
	if got := strings.Join(page.Texts(".toc a"), ", "); got != "Before, Cable, After" {
		t.Errorf("the contents are %q", got)
	}
	if page.Text("#part-2") != "Cable" || page.Has(".sheetpage h1") || !page.Has(".sheetpage h3#part-2") {
		t.Error("the headings have no anchors, or stand beside the page's own")
	}
}

func TestSections(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	doc := h.Make("document", h.Org("Harbour Dental"), record.Values{"name": "Guide"})
	at := "/documents/" + doc.String()
	c := h.As(access.Editor)
	for _, s := range []string{"First", "Second"} {
		form := c.Get("/document_sections/new?document_id=" + doc.String() + "&resource_type=Document%3A%3AStep").Want(http.StatusOK).Form("form.genform")
		form.Set("content", "<p>"+s+"</p>")
		if to := c.Post("/document_sections", form).Want(http.StatusSeeOther).To(); to != at {
			t.Errorf("a new section leads to %s", to)
		}
	}
	c.Post("/document_sections/"+h.One("document_section", "Second").String()+"/move", url.Values{"to": {"up"}}).Want(http.StatusSeeOther)
	if got := strings.Join(c.Get(at).Texts(".sects b"), ", "); got != "Second, First" {
		t.Errorf("the sections are %s", got)
	}
	c.Post("/document_sections/"+h.One("document_section", "Second").String()+"/delete", nil).Want(http.StatusSeeOther)
	if got := strings.Join(c.Get(at).Texts(".sects b"), ", "); got != "First" {
		t.Errorf("the sections are %s", got)
	}
}

func TestFolders(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Harbour Dental")
	doc := h.Make("document", org, record.Values{"name": "Guide"})
	c := h.As(access.Editor)
	at := "/organizations/" + org.String() + "/documents/folders"
	if got := c.Get(at).Want(http.StatusOK).Texts("#inside tbody a"); len(got) != 1 || got[0] != "Guide" {
		t.Errorf("in no folder lie %q", got)
	}
	c.Post(at, url.Values{"name": {" "}}).Want(http.StatusUnprocessableEntity)
	top := c.Post(at, url.Values{"name": {"Network"}}).Want(http.StatusSeeOther).To()
	under := c.Post(top, url.Values{"name": {"Edge"}}).Want(http.StatusSeeOther).To()
	if n := c.Get(under).Want(http.StatusOK).Count(".ftree ul ul a"); n != 1 {
		t.Error("the folder does not lie in the other")
	}
	_, edge, _ := strings.Cut(under, "folder=")
	ask := c.Post(at+"/move", url.Values{"id": {doc.String()}, "from": {"0"}}).Want(http.StatusOK) // without script
	form := ask.Form("form.genform")
	form.Set("folder", edge)
	c.Post(ask.Attr("form.genform", "action"), form).Want(http.StatusSeeOther)
	if got := c.Get(under).Texts("#inside tbody a"); len(got) != 1 || got[0] != "Guide" {
		t.Errorf("in the folder lie %q", got)
	}
	if s := c.Get("/documents/" + doc.String()).Text(".orghead"); !strings.Contains(s, "Network / Edge") {
		t.Errorf("the document says %q", s)
	}
	if to := c.Get("/document_folders/" + edge).Want(http.StatusSeeOther).To(); to != under {
		t.Errorf("the folder's own address leads to %s", to)
	}
	h.As(access.Lite).Get(at).Want(http.StatusNotFound)
}

func TestRelated(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org, other := h.Org("Harbour Dental"), h.Org("Kestrel")
	doc, conf := h.Make("document", org, record.Values{"name": "Guide"}), h.Make("contact", other, record.Values{"first_name": "Kestrel", "last_name": "Contact"})
	c := h.As(access.Editor)
	at := "/related/" + doc.String()
	var found struct {
		Items []struct{ ID, Label, Sub string }
	}
	c.Get("/refs/any?q=kestrel").Want(http.StatusOK).JSON(&found)
	if len(found.Items) != 2 {
		t.Errorf("found %+v", found.Items)
	}
	h.As(access.Lite).Get("/refs/any?q=kestrel").Want(http.StatusOK).JSON(&found)
	if len(found.Items) != 0 {
		t.Errorf("somebody who sees nothing finds %+v", found.Items)
	}
	c.Post(at, url.Values{"item": {""}}).Want(http.StatusUnprocessableEntity)
	c.Post(at, url.Values{"item": {"99999999"}}).Want(http.StatusUnprocessableEntity)
	c.Post(at, url.Values{"item": {conf.String()}, "notes": {"who to call"}}).Want(http.StatusSeeOther)
	if s := c.Get("/contacts/" + conf.String()).Text(".rail"); !strings.Contains(s, "Guide") || !strings.Contains(s, "who to call") {
		t.Errorf("from the other side: %q", s)
	}
	page := c.Get(at).Want(http.StatusOK)
	c.Post(page.Attr("form.notes", "action"), url.Values{"notes": {"at night"}}).Want(http.StatusSeeOther)
	gone := c.Post(page.Attr(`form[action$="/remove"]`, "action"), nil).Want(http.StatusSeeOther)
	if gone.To() != at || len(gone.Header.Values("Set-Cookie")) == 0 {
		t.Error("there is nothing to undo the removal with")
	}
	if c.Get(at).Has("form.notes") {
		t.Error("it is there still")
	}
}

func TestPublish(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	rid := h.Make("document", h.Org("Harbour Dental"), record.Values{"name": "Guide"})
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Inside().Update(tx, "document", rid, 0, record.Values{"published": false})
		return err
	})
	at := "/documents/" + rid.String()
	if p := h.As(access.ReadOnly); p.Get(at).Status != http.StatusNotFound {
		t.Fatal("the reader sees the organization")
	}
	c := h.As(access.Editor)
	if s := c.Get(at).Text(".orghead"); !strings.Contains(s, "Draft") || !strings.Contains(s, "Publish") {
		t.Errorf("a draft is headed %q", s)
	}
	c.Post(at+"/publish", nil).Want(http.StatusSeeOther)
	if s := c.Get(at).Text(".orghead"); strings.Contains(s, "Draft") {
		t.Errorf("once published it is headed %q", s)
	}
	if p := h.As(access.Lite); p.Post(at+"/draft", nil).Status != http.StatusNotFound {
		t.Error("who does not see it makes it a draft")
	}
	c.Post(c.Get(at).Attr(`form[action$="/draft"]`, "action"), nil).Want(http.StatusSeeOther)
	if s := c.Get(at).Text(".orghead"); !strings.Contains(s, "Draft") || !strings.Contains(s, "Publish") {
		t.Errorf("once taken back it is headed %q", s)
	}
}
