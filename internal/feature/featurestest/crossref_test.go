package featurestest_test

import (
	"fmt"
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/crossref"
)

// read gives the text of a document as somebody reads it.
func (h *house) read(who *access.Caller, doc id.ID) (text string) {
	h.t.Helper()
	h.View(who, func(tx *gate.Tx) error {
		r, err := h.Records.Get(tx, "document", doc)
		if err != nil {
			return err
		}
		text, err = crossref.Resolve(tx, h.Records, r.Values.Text("content"))
		return err
	})
	return text
}

func TestLinksFollowNames(t *testing.T) {
	h := open(t, false)
	org := h.Org("Harbour")
	server := h.Make("configuration", org, record.Values{"name": "R&D <1>", "configuration_type_id": h.Make("configuration_type", 0, record.Values{"name": "Server"})})
	secret := h.Make("location", org, record.Values{"name": "Vault room", "restricted": true})
	at, other := fmt.Sprintf("/configurations/%d", server), fmt.Sprintf("/%d/locations/%d", org, secret)
	doc := h.Make("document", org, record.Values{"name": "Plan", "content": `<p>On <a href="` + at + `">r&amp;d   &lt;1&gt;</a>, in the <a href="` + other + `"><strong>Vault</strong> room</a>, ` +
		`<a href="` + at + `">that machine</a>, <a href="/configurations/77">nothing</a>, <a href="https://example.com/locations/1">out</a>.</p>`})
	kept := h.get("document", doc).Values.Text("content")
	for _, want := range []string{
		`<a href="` + crossref.URL(server) + `">r&amp;d   &lt;1&gt;</a>`, `<a href="` + crossref.URL(secret) + `"><strong>Vault</strong> room</a>`,
		`<a href="` + at + `">that machine</a>`, `<a href="/configurations/77">nothing</a>`, `<a href="https://example.com/locations/1">out</a>`,
	} {
		if !strings.Contains(kept, want) {
			t.Errorf("what is kept lacks %s: %s", want, kept)
		}
	}
	h.mustUpdate("configuration", server, record.Values{"name": "DC01"})
	h.mustUpdate("location", secret, record.Values{"name": "Strongroom & vault"})
	admin := `<p>On <a href="` + at + `">DC01</a>, in the <a href="/locations/` + secret.String() + `"><strong>Strongroom &amp; vault</strong></a>, `
	if got := h.read(h.Admin(), doc); !strings.HasPrefix(got, admin) {
		t.Errorf("an administrator reads %s", got)
	}
	reader := h.User(access.ReadOnly)
	if got := h.read(reader, doc); !strings.HasPrefix(got, `<p>On <a href="`+at+`">DC01</a>, in the <strong>Vault</strong> room, `) {
		t.Errorf("who does not see the room reads %s", got)
	}
	h.Change(func(tx *gate.Tx) error { return h.Records.Trash(tx, "configuration", server) })
	if got := h.read(h.Admin(), doc); !strings.HasPrefix(got, `<p>On r&amp;d   &lt;1&gt;, in the `) {
		t.Errorf("of what is gone one reads %s", got)
	}
	before := h.get("document", doc).Version
	h.mustUpdate("document", doc, record.Values{"content": kept})
	if now := h.get("document", doc); now.Version != before || now.Values.Text("content") != kept {
		t.Errorf("the same text made version %d of %d: %s", now.Version, before, now.Values.Text("content"))
	}
}

func TestAddressesOfCards(t *testing.T) {
	h := open(t, false)
	org := h.Org("Harbour")
	place := h.Make("location", org, record.Values{"name": "Quay"})
	doc := h.Make("document", org, record.Values{"name": "Plan", "content": `<p><a href="` + crossref.CardURL(place) + `">Old quay</a></p><p><a href="/records/x/card">no</a></p>`})
	if got := h.read(h.Admin(), doc); !strings.Contains(got, `<a href="`+crossref.CardURL(place)+`">Quay</a>`) || !strings.Contains(got, `<a href="/records/x/card">no</a>`) {
		t.Errorf("read: %s", got)
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		got, err := crossref.Plain(tx, h.Records, h.get("document", doc).Values.Text("content"))
		if !strings.Contains(got, `<a href="/locations/`+place.String()+`">Quay</a>`) {
			t.Errorf("for others: %s", got)
		}
		return err
	})
	for href, want := range map[string]id.ID{crossref.URL(7): 7, crossref.CardURL(7): 7, "/records/": 0, "/records/7/cards": 0, "/record/7": 0, "records/7": 0, "https://x/records/7": 0} {
		if got, _, ok := crossref.Parse(href); got != want || ok != (want != 0) {
			t.Errorf("%s is of %d, %v", href, got, ok)
		}
	}
}
