package provisioning_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// door stands where the door for provisioning would: it says whether a key opens it.
func door(t *testing.T, h *webuitest.House) func(key string) int {
	keys := &apikey.Door{Keys: h.Server.APIKeys, Limiter: &apikey.Limiter{}, Provisions: true}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := keys.Caller(r)
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(c.Name)
	}))
	t.Cleanup(s.Close)
	return func(key string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+key)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
}

func TestProvisioning(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	opens := door(t, h)
	h.As(access.Manager).Get("/settings/provisioning").Want(http.StatusForbidden)
	h.As(access.Manager).Post("/settings/provisioning", url.Values{"role": {"Editor"}}).Want(http.StatusForbidden)
	h.As(access.Manager).Post("/settings/provisioning/keys", url.Values{"name": {"Mine"}}).Want(http.StatusForbidden)
	c := h.As(access.Administrator)
	if p := c.Get("/settings/provisioning").Want(http.StatusOK); !strings.Contains(p.Text("main"), h.URL+"/scim/v2") || !strings.Contains(p.Text("main"), "None yet.") {
		t.Errorf("the page says %s", p.Text("main"))
	}
	for _, words := range []string{"Tenant URL: the address above", "Secret Token: the key", "SCIM connector base URL: the address above", "Authentication Mode: HTTP Header", "as a bearer token"} {
		if text := c.Get("/settings/provisioning").Text("main"); !strings.Contains(text, words) {
			t.Errorf("what is entered there is not said: %s", words)
		}
	}
	if p := c.Post("/settings/provisioning/keys", url.Values{"name": {""}, "networks": {"here"}}).Want(http.StatusUnprocessableEntity); p.Text(".errors") == "" {
		t.Error("a key without a name is not refused in words")
	}
	key := c.Post("/settings/provisioning/keys", url.Values{"name": {"Entra ID"}, "expires": {h.Clock.Now().AddDate(1, 0, 0).Format(time.DateOnly)}}).Want(http.StatusOK).Text("output.once")
	if opens(key) != http.StatusOK {
		t.Fatal("the key opens nothing")
	}
	p := c.Get("/settings/provisioning")
	if said := p.Text("main"); strings.Contains(said, key) || !strings.Contains(said, "Entra ID") || !strings.Contains(said, "Until") {
		t.Errorf("the page says %s", said)
	}
	rotate := p.Attr(`a[href$="/rotate"]`, "href")
	if said := c.Get("/keys").Text("main"); !strings.Contains(said, "keeps users and groups, and nothing else") {
		t.Errorf("the keys are %s", said)
	}

	// A new text beside the old one, and then alone.
	c.Post(rotate, url.Values{"overlap": {"5"}}).Want(http.StatusUnprocessableEntity)
	second := c.Post(rotate, url.Values{"overlap": {"24"}}).Want(http.StatusOK).Text("output.once")
	if opens(key) != http.StatusOK || opens(second) != http.StatusOK || second == key {
		t.Error("old and new are not good together")
	}
	if said := c.Get("/settings/provisioning").Text("main"); !strings.Contains(said, "the key before is good until") {
		t.Errorf("the page says %s", said)
	}
	c.Post(strings.TrimSuffix(rotate, "rotate")+"end-before", nil).Want(http.StatusSeeOther)
	if opens(key) == http.StatusOK || opens(second) != http.StatusOK {
		t.Error("the key before is good after its end")
	}
	c.Post(strings.TrimSuffix(rotate, "rotate")+"end-before", nil).Want(http.StatusNotFound)

	// What groups mean.
	by := h.Server.Provision
	caller, _, err := h.Server.APIKeys.ResolveProvisioning(t.Context(), second, h.Admin().Addr)
	if err != nil {
		t.Fatal(err)
	}
	group, user := provisioned(t, by, caller)
	if p := c.Post("/settings/provisioning", url.Values{"role": {"Administrator"}, "subject": {"userName"}}).Want(http.StatusUnprocessableEntity); !strings.Contains(p.Text("main"), "nobody is made an administrator") {
		t.Errorf("it says %s", p.Text(".errors"))
	}
	if p := c.Post("/settings/provisioning", url.Values{"role": {"Creator"}, "subject": {"userName"}, "roles.0.group": {group}, "roles.0.role_kind": {""}}).Want(http.StatusUnprocessableEntity); p.Form("#settings").Get("role") != "Creator" {
		t.Error("what was entered is lost")
	}
	c.Post("/settings/provisioning", url.Values{"role": {"Creator"}, "subject": {"userName"}, "roles.0.group": {group}, "roles.0.role_kind": {"Editor"}}).Want(http.StatusSeeOther)
	if got := h.Load("user", user).Values.Text("role_name"); got != string(access.Editor) {
		t.Errorf("she is %s", got)
	}
	if said := c.Get("/settings/provisioning").Text("main"); !strings.Contains(said, "Refused, 409") || !strings.Contains(said, "was made here, and not by provisioning.") || !strings.Contains(said, "Made a group.") {
		t.Errorf("the calls are %s", said)
	}
	for _, at := range []string{"/users/" + user.String(), "/groups/" + group} {
		if !strings.Contains(c.Get(at).Want(http.StatusOK).Text("main"), "Kept by provisioning") {
			t.Errorf("%s does not say who keeps it", at)
		}
	}
	h.Make("group", 0, record.Values{"name": "By hand"})
	if strings.Contains(c.Get("/groups/"+h.One("group", "By hand").String()).Text("main"), "Kept by provisioning") {
		t.Error("a group made by hand is marked")
	}

	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Everywhere("provisioning", "/settings/provisioning")
	b.Everywhere("provisioning-rotate", rotate)
}
