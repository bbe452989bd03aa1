package featurestest_test

import (
	"fmt"
	"slices"
	"testing"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/document"
	"strongroom/internal/feature/organization"
	"strongroom/internal/feature/password"
	"strongroom/internal/feature/rule"
)

func TestOrganizationsAreNeverBelowThemselves(t *testing.T) {
	h := open(t, false)
	top := h.Org("Group")
	mid := h.Make("organization", 0, record.Values{"name": "Division", "parent_id": top})
	low := h.Make("organization", 0, record.Values{"name": "Site", "parent_id": mid})
	for _, below := range []id.ID{top, mid, low} {
		_, err := h.update("organization", top, record.Values{"parent_id": below})
		invalid(t, err, "parent_id")
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		up, err := organization.Ancestors(tx, low)
		if want := []id.ID{top, mid}; !slices.Equal(up, want) {
			t.Errorf("ancestors are %v, want %v", up, want)
		}
		return err
	})
	h.mustUpdate("organization", low, record.Values{"parent_id": nil})
	h.mustUpdate("organization", top, record.Values{"parent_id": low})
}

func TestOneOrganizationIsOurOwn(t *testing.T) {
	h := open(t, false)
	own := h.Make("organization", 0, record.Values{"name": "Northbeam", "primary": true})
	invalid(t, h.create("organization", 0, record.Values{"name": "Other", "primary": true}), "primary")
	h.mustUpdate("organization", own, record.Values{"short_name": "NB"})
	h.trash("organization", own)
	h.Make("organization", 0, record.Values{"name": "Other", "primary": true})
}

func TestFoldersFormTrees(t *testing.T) {
	h := open(t, false)
	a, b := h.Org("Harbour"), h.Org("Kestrel")
	for _, kind := range []string{"document_folder", "password_folder"} {
		top := h.Make(kind, a, record.Values{"name": "Network"})
		sub := h.Make(kind, a, record.Values{"name": "Firewalls", "parent_id": top})
		other := h.Make(kind, b, record.Values{"name": "Network"})
		_, err := h.update(kind, top, record.Values{"parent_id": sub})
		invalid(t, err, "parent_id")
		_, err = h.update(kind, sub, record.Values{"parent_id": other})
		invalid(t, err, "parent_id")
		_, err = h.update(kind, sub, record.Values{"organization_id": b})
		invalid(t, err, "organization_id")
		ancestors := document.Ancestors
		if kind == "password_folder" {
			ancestors = password.Ancestors
		}
		h.View(h.Admin(), func(tx *gate.Tx) error {
			up, err := ancestors(tx, sub)
			if !slices.Equal(up, []id.ID{top}) {
				t.Errorf("%s: ancestors are %v, want %v", kind, up, top)
			}
			return err
		})
	}
}

func TestTreesAreNotEndless(t *testing.T) {
	h := open(t, false)
	org := h.Org("Harbour")
	at := h.Make("document_folder", org, record.Values{"name": "0"})
	for i := range rule.Depth {
		at = h.Make("document_folder", org, record.Values{"name": fmt.Sprint(i + 1), "parent_id": at})
	}
	invalid(t, h.create("document_folder", org, record.Values{"name": "too deep", "parent_id": at}), "parent_id")
}
