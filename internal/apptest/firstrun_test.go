package apptest_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/app"
	"strongroom/internal/apptest"
)

// TestFirstRunIsWholeOrNot: what fails in the first run leaves the page of the
// first run, now and after a start.
func TestFirstRunIsWholeOrNot(t *testing.T) {
	h := apptest.Open(t, apptest.Options{Empty: true})
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	post := func(change url.Values) int {
		t.Helper()
		form := url.Values{"code": {h.App.FirstRun.Code()}, "title": {"Northbeam"}, "name": {"northbeam"}, "person": {"Ines Okafor"},
			"email": {"ines@northbeam.example"}, "password": {"lantern-harbour-72-violet"}}
		for k, v := range change {
			form[k] = v
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+"/first-run", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", h.URL)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	begins := func() {
		t.Helper()
		resp, err := client.Get(h.URL + "/first-run")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("the page of the first run answers %d", resp.StatusCode)
		}
	}
	for _, bad := range []url.Values{{"password": {"short"}}, {"email": {"no address"}}, {"person": {strings.Repeat("x", 5000)}}} {
		if got := post(bad); got != http.StatusUnprocessableEntity {
			t.Errorf("%v answers %d", bad, got)
		}
		begins()
	}
	func() { // the process dies while the tenant is being made
		defer func() { _ = recover() }()
		_, _ = h.App.House.Make(t.Context(), "northbeam", "", func(context.Context) error { panic("died") })
	}()
	begins()
	old := h.App.FirstRun.Code()
	h.Stop()
	h.Start()
	begins()
	if h.App.FirstRun.Code() == old {
		t.Error("the code is the old one")
	}
	if got := post(nil); got != http.StatusSeeOther {
		t.Fatalf("the first run answers %d", got)
	}
	var list []app.TenantInfo
	if err := app.Do(t.Context(), app.Options{Config: h.App.Config}, "tenant.list", struct{}{}, &list, nil); err != nil {
		t.Fatal(err)
	}
	active := 0
	for _, i := range list {
		if i.State == "active" {
			active++
		}
	}
	if active != 1 {
		t.Errorf("tenants: %+v", list)
	}
}
