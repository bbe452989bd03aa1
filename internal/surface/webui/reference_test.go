package webui_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/base/openapi"
	"strongroom/internal/core/access"
	"strongroom/internal/surface/webui"
	"strongroom/internal/surface/webui/webuitest"
)

// described is an API of one resource that lies below another too.
func described() *openapi.Document {
	text := func(types ...string) *openapi.Schema { return &openapi.Schema{Type: openapi.Types(types)} }
	members := func(list ...openapi.Member[*openapi.Schema]) *openapi.Schema {
		return &openapi.Schema{Type: openapi.Types{"object"}, Properties: list}
	}
	size := text("string", "null")
	size.Description, size.Enum = "How big it is.", []any{"small", "large", nil}
	d := &openapi.Document{Info: openapi.Info{Description: "What it is.\n\nHow it goes."}, Tags: []openapi.Tag{{Name: "ships"}}}
	d.Components.Schemas.Set("ships", members(openapi.Member[*openapi.Schema]{Name: "attributes", Value: members(
		openapi.Member[*openapi.Schema]{Name: "name", Value: text("string", "null")}, openapi.Member[*openapi.Schema]{Name: "size", Value: size})}))
	fresh := members(openapi.Member[*openapi.Schema]{Name: "name", Value: text("string")}, openapi.Member[*openapi.Schema]{Name: "secret", Value: text("string")})
	d.Components.Schemas.Set("ships-change", fresh)
	needs := *fresh
	needs.Required = []string{"name"}
	d.Components.Schemas.Set("ships-new", &needs)
	d.Components.Parameters.Set("ships-filter", &openapi.Parameter{Name: "filter", In: "query", Description: "Only those.", Schema: members(openapi.Member[*openapi.Schema]{Name: "size", Value: text("string")})})
	d.Components.Responses.Set("ships-page", &openapi.Response{Description: "A page of ships."})
	list := &openapi.Operation{ID: "listShips", Tags: []string{"ships"}, Summary: "List the ships", Parameters: []*openapi.Parameter{{Ref: "#/components/parameters/ships-filter"}}}
	list.Responses.Set("200", &openapi.Response{Ref: "#/components/responses/ships-page"})
	below := *list
	below.ID, below.Summary = "listShipsOfHarbour", "List the ships of a harbour"
	d.Paths.Set("/ships", &openapi.Path{Operations: openapi.Members[*openapi.Operation]{{Name: "get", Value: list}}})
	d.Paths.Set("/harbours/{harbour_id}/relationships/ships", &openapi.Path{Operations: openapi.Members[*openapi.Operation]{{Name: "get", Value: &below}}})
	return d
}

// TestNoReferenceWithoutAnAPI: a house without the API has no pages of it.
func TestNoReferenceWithoutAnAPI(t *testing.T) {
	webuitest.Open(t, webuitest.Options{}).As(access.Administrator).Get("/help/api").Want(http.StatusNotFound)
}

func TestReferenceOfTheAPI(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Change: func(s *webui.Server) { s.API = described }})
	for _, role := range []access.Role{access.ReadOnly, access.Administrator} {
		c := h.As(role)
		page := c.Get("/help/api").Want(http.StatusOK)
		if got := page.Text(".apiindex li"); got != "ships 2 calls" {
			t.Errorf("the resources are %q", got)
		}
		one := c.Get("/help/api/ships").Want(http.StatusOK)
		if got := one.Texts(".apicalls .apipath"); !slices.Equal(got, []string{"/ships", "/harbours/harbour_id/relationships/ships"}) {
			t.Errorf("the calls are %q", got)
		}
		if got := one.Texts(".apicalls dd"); !slices.Contains(got, "A page of ships.") || !slices.Contains(got, "Only those.") {
			t.Errorf("of a call it says %q", got)
		}
		rows := one.Texts("table.dense tbody tr")
		for i, want := range []string{"namestringyesrequired", "sizestringyesnoHow big it is. One of small, large.", "secretstringnoyes"} {
			if i >= len(rows) || rows[i] != want {
				t.Errorf("the attributes are %q", rows)
			}
		}
		if got := one.Text("pre.code"); !strings.Contains(got, `"name": "…"`) || strings.Contains(got, "secret") {
			t.Errorf("the body of a new one is %s", got)
		}
		c.Get("/help/api/boats").Want(http.StatusNotFound)
	}
	b := browser.Open(t, h.URL)
	signInBy(b, access.Administrator)
	for _, path := range []string{"/help/api", "/help/api/ships"} {
		b.Everywhere("api"+strings.ReplaceAll(strings.TrimPrefix(path, "/help/api"), "/", "-"), path)
	}
}
