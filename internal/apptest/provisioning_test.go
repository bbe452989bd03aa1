package apptest_test

import (
	"net/http"
	"strings"

	"strongroom/internal/core/access"
	"strongroom/internal/feature/apikey"
)

// provisioning asks the door for provisioning for what its key may not see, asks all other
// doors with that key, and that door with all other keys.
func (x *isolation) provisioning() {
	_, key, err := x.h.App.APIKeys.Create(x.t.Context(), x.own.Admin, apikey.New{Name: "Provisioning", Provisions: true, Limit: &apikey.Limit{}})
	if err != nil {
		x.t.Fatal(err)
	}
	c := x.h.Programs()
	header := http.Header{"Authorization": {"Bearer " + key}}
	p := &asker{name: "the key for provisioning", role: access.Administrator, client: c, header: header, blind: true}
	inside := x.h.App.SCIM.Routes()
	for _, route := range inside {
		f := x.filler(route)
		if f == nil {
			continue // it said what is wrong
		}
		x.route([]*asker{p}, f, "")
		for _, a := range x.programs() {
			if got := x.ask(a, f, "", target{id: missing}); got.Status != http.StatusUnauthorized {
				x.t.Errorf("%s: %s answers %d", a.name, route, got.Status)
			}
		}
	}
	before, asked := x.state(), 0
	for prefix, routes := range map[string][]string{"/api/v1": x.h.App.API.Routes(), "": x.h.App.Vault.Routes(), "/api": x.h.App.Ivanti.Routes()} {
		for _, route := range routes {
			f := x.filler(route)
			if f == nil || leaveOut[route] != "" {
				continue
			}
			asked++
			got := x.ask(p, f, prefix, target{id: x.own.Open, parent: x.own.Open, org: x.own.Open, kind: "organization"})
			if got.Status != http.StatusUnauthorized && got.Status != http.StatusForbidden && got.Status != http.StatusNotFound || strings.Contains(string(got.Body), x.own.Name+" company") {
				x.t.Errorf("%s%s answers the key for provisioning with %d %.200s", prefix, route, got.Status, got.Body)
			}
		}
	}
	if got, err := x.h.Do(c, http.MethodPost, "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, http.Header{"Authorization": header["Authorization"], "Content-Type": {"application/json"}}); err != nil || got.Status < 400 {
		x.t.Errorf("assistants' door answers %v, %v", got, err)
	}
	if now := x.state(); now != before || asked < 100 || len(inside) < 12 {
		x.t.Errorf("%d routes were asked with the key, %d with others: %s, and before %s", asked, len(inside), now, before)
	}
}
