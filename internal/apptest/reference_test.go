package apptest_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"strongroom/internal/apptest"
	"strongroom/internal/core/access"
)

// TestReferenceOfTheWholeAPI: programs read the description without a key, and
// each resource in it has its page for people.
func TestReferenceOfTheWholeAPI(t *testing.T) {
	h := apptest.Open(t, apptest.Options{Bare: true})
	get := func(c *http.Client, path string) *apptest.Answer {
		t.Helper()
		a, err := h.Do(c, "GET", path, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	var doc struct {
		Tags []struct{ Name string }
	}
	if a := get(h.Programs(), "/api/v1/openapi.json"); a.Status != http.StatusOK {
		t.Fatalf("the description: %d", a.Status)
	} else if err := json.Unmarshal(a.Body, &doc); err != nil {
		t.Fatal(err)
	}
	if want := len(h.App.Records.Kinds.Kinds()); len(doc.Tags) <= want {
		t.Errorf("%d resources and %d kinds", len(doc.Tags), want)
	}
	reader := h.Tenants[0].People[access.ReadOnly].Browser()
	for _, tag := range doc.Tags {
		if a := get(reader, "/help/api/"+tag.Name); a.Status != http.StatusOK {
			t.Errorf("the page of %s: %d %.500s", tag.Name, a.Status, a.Body)
		}
	}
	if a := get(h.Programs(), "/help/api"); a.Status == http.StatusOK {
		t.Error("a stranger reads the pages")
	}
}
