package featurestest_test

import (
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/document"
)

func TestDocumentIsItsBodyAndItsSections(t *testing.T) {
	h := open(t, false)
	org := h.Org("Harbour")
	doc := h.Make("document", org, record.Values{"name": "Restart the practice software", "content": "<p>Before you begin.</p><script>x</script>"})
	section := func(typ, content string, more record.Values) id.ID {
		v := record.Values{"document_id": doc, "resource_type": typ, "content": content}
		for k, m := range more {
			v[k] = m
		}
		return h.Make("document_section", 0, v)
	}
	section(document.Heading, "<p>Steps</p>", record.Values{"level": 3})
	section(document.Step, "<p>Stop the service.</p>", record.Values{"duration": 2})
	last := section(document.Step, "<p>Start it.</p>", nil)
	section(document.Step, "<p>Or call us.</p>", record.Values{"reset_count": true})
	pics := section(document.Gallery, "", nil)
	store := &attachment.Store{Gate: h.Gate}
	img, err := store.AddImage(t.Context(), h.Admin(), pics, "screen.png", strings.NewReader(png))
	if err != nil {
		t.Fatal(err)
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		r, err := h.Records.Get(tx, "document", doc)
		if err != nil {
			return err
		}
		got, err := document.Body(tx, h.Records, r)
		want := `<p>Before you begin.</p><h3>Steps</h3><p><strong>Step 1, about 2 min</strong></p><p>Stop the service.</p>` +
			`<p><strong>Step 2</strong></p><p>Start it.</p><p><strong>Step 1</strong></p><p>Or call us.</p>` +
			`<p><img src="/documents/images/` + img.ID.String() + `" alt="screen.png"></p>`
		if got != want {
			t.Errorf("the body is\n%s\nwant\n%s", got, want)
		}
		return err
	})
	h.mustUpdate("document_section", last, record.Values{"sort": 0})
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := document.Sections(tx, h.Records, doc)
		if len(list) != 5 || list[0].ID != last {
			t.Errorf("the moved section is not the first of %d", len(list))
		}
		return err
	})
}

func TestSectionRules(t *testing.T) {
	h := open(t, false)
	org := h.Org("Harbour")
	doc, other := h.Make("document", org, record.Values{"name": "A"}), h.Make("document", org, record.Values{"name": "B"})
	for field, v := range map[string]record.Values{
		"level":         {"resource_type": document.Heading, "level": 7},
		"duration":      {"resource_type": document.Text, "duration": 5},
		"reset_count":   {"resource_type": document.Gallery, "reset_count": true},
		"resource_type": {"resource_type": "Document::Video"},
	} {
		v["document_id"] = doc
		invalid(t, h.create("document_section", 0, v), field)
	}
	invalid(t, h.create("document_section", 0, record.Values{"document_id": doc, "resource_type": document.Text, "level": 2}), "level")
	invalid(t, h.create("document_section", 0, record.Values{"document_id": doc, "resource_type": document.Step, "duration": -1}), "duration")
	s := h.Make("document_section", 0, record.Values{"document_id": doc, "resource_type": document.Text, "content": "<p>x</p>"})
	_, err := h.update("document_section", s, record.Values{"resource_type": document.Step})
	invalid(t, err, "resource_type")
	_, err = h.update("document_section", s, record.Values{"document_id": other})
	invalid(t, err, "document_id")
	heading := h.Make("document_section", 0, record.Values{"document_id": doc, "resource_type": document.Heading, "content": "<p>" + strings.Repeat("wörd ", 40) + "</p>"})
	r := h.get("document_section", heading)
	shows(t, r, record.Values{"level": int64(2), "sort": int64(2)})
	if n := len([]rune(r.Name)); n != 80 {
		t.Errorf("the name has %d characters, want 80: %s", n, r.Name)
	}
}

func TestPublish(t *testing.T) {
	h := open(t, false)
	doc := h.Make("document", h.Org("Harbour"), record.Values{"name": "Draft", "published": false})
	shows(t, h.get("document", doc), record.Values{"published": false})
	err := h.Gate.Change(t.Context(), h.User(access.Editor), access.Edit, gate.Thing{ID: doc}, func(tx *gate.Tx) error {
		_, err := document.Publish(tx, h.Records, doc)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	shows(t, h.get("document", doc), record.Values{"published": true})
}
