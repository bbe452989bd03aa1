package itglue_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/search"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/password/demand"
)

// reveals counts the audit entries of granted reveals of a record.
func (h *house) reveals(rec id.ID) int {
	h.t.Helper()
	n := 0
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := tx.Activity(audit.Filter{Object: rec, Limit: 1000})
		for _, e := range list {
			if e.Action == secret.Granted {
				n++
			}
		}
		return err
	})
	return n
}

func TestClients11PasswordValues(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	at := "/organizations/" + org.String() + "/relationships/passwords"
	made := h.do("POST", "/passwords", body("passwords", attrs{"name": "root", "organization-id": org, "password": "s3cret", "username": "root", "otpSecret": "JBSWY3DPEHPK3PXP"}), 201)
	rec := made.id()
	one := "/passwords/" + rec.String()
	if made.has("data.attributes.password") {
		t.Errorf("the answer to POST has the password: %s", made.body)
	}
	made.shows("data.attributes.otp-enabled", true)
	for _, path := range []string{"/passwords", at, "/passwords?show_password=true", "/passwords?filter[id]=" + rec.String()} {
		if r := h.get(path); r.has("data.0.attributes.password") || strings.Contains(string(r.body), "s3cret") {
			t.Errorf("%s has the password: %s", path, r.body)
		}
	}
	if n := h.reveals(rec); n != 0 {
		t.Errorf("%d reveals before anybody asked", n)
	}
	for i, path := range []string{one, at + "/" + rec.String(), one + "?show_password=true", one} {
		r := h.get(path).shows("data.attributes.password", "s3cret")
		if r.header.Get("Content-Encoding") != "" || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers of a secret: %v", r.header)
		}
		if n := h.reveals(rec); n != i+1 {
			t.Errorf("%d reveals recorded, want %d", n, i+1)
		}
	}
	for _, path := range []string{one, one + "?show_password=false"} {
		if strings.Contains(string(h.get(path).body), "JBSWY3DPEHPK3PXP") {
			t.Errorf("%s shows the key of the one-time codes", path)
		}
	}
	patch := h.do("PATCH", one, body("passwords", attrs{"password": "n3w"}), 200)
	if patch.has("data.attributes.password") {
		t.Errorf("the answer to PATCH has the password")
	}
	h.do("PATCH", one+"?show_password=true", body("passwords", attrs{"notes": "x", "password": ""}), 200).shows("data.attributes.password", "n3w")
	h.do("PATCH", one, body("passwords", attrs{"password": nil}), 200)
	h.get(one).shows("data.attributes.password", "n3w")
	h.do("PATCH", one, body("passwords", attrs{"otp-secret": nil}), 200).shows("data.attributes.otp-enabled", false)
	h.do("POST", "/passwords?show_password=true", body("passwords", attrs{"name": "a", "organization_id": org, "password": "p2"}), 201).shows("data.attributes.password", "p2")
	h.do("POST", "/passwords", body("passwords", attrs{"name": "a", "organization_id": org}), 422).shows("errors.0.source.pointer", "/data/attributes/password")
	empty := h.Make("password", org, record.Values{"name": "without"})
	if r := h.get("/passwords/" + empty.String()); !r.has("data.attributes.password") || r.at("data.attributes.password") != nil || h.reveals(empty) != 0 {
		t.Errorf("a password that was never set: %s", r.body)
	}
}

func TestSecretsAreNotCompressed(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	pw := h.Make("password", org, record.Values{"name": strings.Repeat("x", 500), "password": "s3cret", "notes": strings.Repeat("y", 3000)})
	get := func(path string) string {
		return h.ask(h.key, "GET", path, nil, "Accept-Encoding", "gzip").header.Get("Content-Encoding")
	}
	if got := get("/passwords/" + pw.String()); got != "" {
		t.Errorf("an answer with a secret is %s", got)
	}
	if got := get("/passwords/" + pw.String() + "?show_password=false"); got != "gzip" {
		t.Errorf("an answer without one is %q", got)
	}
	if got := get("/passwords"); got != "gzip" {
		t.Errorf("a list is %q", got)
	}
}

func TestKeysWithoutPasswords(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	pw := h.Make("password", org, record.Values{"name": "x", "password": "s3cret"})
	_, lite := h.user(access.Lite, true)
	for who, key := range map[string]string{"lite": lite, "key": h.newKey(apikey.New{Name: "nopw", Role: access.Administrator, Limit: &apikey.Limit{}})} {
		for _, q := range []string{"", "?show_password=true"} {
			r := h.ask(key, "GET", "/passwords/"+pw.String()+q, nil).is(200)
			if r.has("data.attributes.password") {
				t.Errorf("%s: %s", who, r.body)
			}
		}
		h.ask(key, "PATCH", "/passwords/"+pw.String(), body("passwords", attrs{"password": "mine"})).is(403)
	}
	h.get("/passwords/"+pw.String()).shows("data.attributes.password", "s3cret")
	if n := h.reveals(pw); n != 1 {
		t.Errorf("%d reveals", n)
	}
}

func TestPasswordsWithoutTheKeyService(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	pw := h.Make("password", org, record.Values{"name": "x", "password": "s3cret"})
	h.Keys.Stop()
	h.ask(h.key, "GET", "/passwords/"+pw.String(), nil).is(503)
	h.get("/passwords/" + pw.String() + "?show_password=false")
	h.get("/passwords")
	h.do("PATCH", "/passwords/"+pw.String(), body("passwords", attrs{"password": "other"}), 200)
	h.Keys.Start()
	h.get("/passwords/"+pw.String()).shows("data.attributes.password", "other")
	h.Keys.Stop()
	h.Keys.Options.Waiting = -1 // more than none at once is too many
	h.Keys.Start()
	if r := h.ask(h.key, "GET", "/passwords/"+pw.String(), nil).is(503); r.header.Get("Retry-After") != "1" {
		t.Errorf("too busy, it answers with %v", r.header)
	}
}

func TestPasswordThatAsksForAReason(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	pw := h.Make("password", org, record.Values{"name": "x", "password": "s3cret", "reason_required": true})
	if r := h.get("/passwords/" + pw.String()); r.has("data.attributes.password") {
		t.Errorf("shown without a reason: %s", r.body)
	}
	h.do("GET", "/passwords/"+pw.String()+"?show_password=true", nil, 422)
	h.ask(h.key, "GET", "/passwords/"+pw.String(), nil, "X-Reason", "ticket 7").is(200).shows("data.attributes.password", "s3cret")
	h.ask(h.key, "GET", "/passwords/"+pw.String()+"?show_password=true", nil, "X-Reason", "\u00a0\u2003").is(422) // blank, though nobody sees it
	h.ask(h.key, "GET", "/passwords/"+pw.String(), nil, "X-Reason", strings.Repeat("long ", 5000)+"\xff").is(200)
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := tx.Activity(audit.Filter{Object: pw, Action: secret.Granted, Limit: 1})
		if len(list) != 1 || len(list[0].Detail.Reason) > 500 {
			t.Errorf("a long reason is recorded as %+v", list)
		}
		return err
	})
}

func TestVersions(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	rec := h.do("POST", "/passwords", body("passwords", attrs{"name": "one", "organization-id": org, "password": "p1"}), 201).id()
	one := "/passwords/" + rec.String()
	for i, a := range []attrs{{"password": "p2"}, {"name": "three"}, {"password": "p4", "username": "u4"}} {
		h.Clock.Advance(time.Duration(i+1) * time.Minute)
		h.do("PATCH", one, body("passwords", a), 200)
	}
	inc := h.get(one + "?include=recent_versions&show_password=false")
	list, _ := inc.at("data.relationships.recent-versions.data").([]any)
	if len(list) != 4 {
		t.Fatalf("versions: %s", inc.body)
	}
	for i, want := range []struct{ name, password string }{{"one", "p1"}, {"one", "p2"}, {"three", "p2"}, {"three", "p4"}} {
		r := h.get(one+"?version_id="+strconv.Itoa(i+1)).shows("data.attributes.name", want.name).shows("data.attributes.password", want.password)
		r.shows("data.attributes.organization-name", "Acme")
	}
	h.do("GET", one+"?version_id=99", nil, 404)
	h.do("GET", one+"?version_id=x", nil, 404)
}

func TestEmbeddedPasswords(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	cfg := h.Make("configuration", org, record.Values{"name": "srv", "configuration_type_id": h.one("configuration_type", "Server")})
	r := h.do("POST", "/passwords", body("passwords", attrs{"name": "root", "organization-id": org, "password": "x", "resource-type": "Configuration", "resource-id": cfg}), 201)
	r.shows("data.attributes.cached-resource-name", "srv").shows("data.attributes.resource-id", cfg).
		shows("data.attributes.parent-url", h.url+"/"+org.String()+"/configurations/"+cfg.String()).
		shows("data.attributes.resource-url", h.url+"/"+org.String()+"/passwords/"+r.id().String())
	inc := h.get("/configurations/" + cfg.String() + "?include=passwords,related_items")
	inc.shows("data.relationships.passwords.data.0.id", r.id().String()).shows("included.0.attributes.name", "root")
	if strings.Contains(string(inc.body), `"password":`) {
		t.Errorf("an included password has its value: %s", inc.body)
	}
	h.do("POST", "/passwords", body("passwords", attrs{"name": "root", "organization-id": org, "password": "x", "resource-type": "Configuration", "resource-id": 99999}), 422).
		shows("errors.0.source.pointer", "/data/attributes/resource-id")
}

// TestTheOwnersNameIsForWhoSeesIt: the name of a record that a password is
// embedded in goes with that record's restriction, not with the password's.
func TestTheOwnersNameIsForWhoSeesIt(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	cfg := h.Make("configuration", org, record.Values{"name": "merger-server", "configuration_type_id": h.one("configuration_type", "Server")})
	pw := h.Make("password", org, record.Values{"name": "root", "password": "x", "resource_type": "Configuration", "resource_id": int64(cfg)})
	foreign := h.Make("password", org, record.Values{"name": "line", "password": "x", "cached_resource_name": "Fibre line", "external_resource_type": "Line"})
	reader, editor := h.user(access.Editor, true)
	one, filtered := "/passwords/"+pw.String()+"?show_password=false", "/passwords?filter[cached_resource_name]=MERGER-server"
	finds := func(want ...id.ID) {
		t.Helper()
		var c *access.Caller
		h.View(h.Admin(), func(tx *gate.Tx) (err error) { c, err = access.Load(tx.SQL(), reader); return err })
		c.Tenant = coretest.Name
		h.View(c, func(tx *gate.Tx) error {
			list, err := search.Find(tx, "merger", search.Options{})
			var got []id.ID
			for _, x := range list {
				got = append(got, x.ID)
			}
			if !slices.Equal(got, want) {
				t.Errorf("the search finds %v, want %v", got, want)
			}
			return err
		})
	}
	h.ask(editor, "GET", one, nil).is(200).shows("data.attributes.cached-resource-name", "merger-server")
	h.ask(editor, "GET", filtered, nil).is(200).shows("data.0.id", pw.String())
	finds(cfg)
	h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, "configuration", cfg, true, nil, nil) })
	r := h.ask(editor, "GET", one, nil).is(200).shows("data.attributes.cached-resource-name", nil).shows("data.attributes.parent-url", nil)
	if strings.Contains(string(r.body), "merger") {
		t.Errorf("the name is told: %s", r.body)
	}
	for _, path := range []string{filtered, "/passwords?filter[cached-resource-name]=merger-server"} {
		if r := h.ask(editor, "GET", path, nil).is(200); r.at("data.0") != nil {
			t.Errorf("%s finds it: %s", path, r.body)
		}
	}
	finds()
	h.get(one).shows("data.attributes.cached-resource-name", "merger-server")
	h.get(filtered).shows("data.0.id", pw.String())
	h.ask(editor, "GET", "/passwords?filter[cached_resource_name]=fibre+line", nil).is(200).shows("data.0.id", foreign.String()).
		shows("data.0.attributes.cached-resource-name", "Fibre line")
	h.do("DELETE", "/passwords?filter[cached_resource_name]=merger-server", nil, 400)
}

// TestPasswordTakesApproval: without an approval the record comes without its value;
// who insists is refused, and told what to do.
func TestPasswordTakesApproval(t *testing.T) {
	h := open(t)
	pw := h.Make("password", h.Org("Acme"), record.Values{"name": "x", "password": "s3cret"})
	h.Change(func(tx *gate.Tx) error { return demand.Raise(tx, pw, 1, false) })
	at := "/passwords/" + pw.String()
	if r := h.get(at).shows("data.attributes.name", "x"); r.has("data.attributes.password") || strings.Contains(string(r.body), "s3cret") {
		t.Errorf("without an approval the answer is %s", r.body)
	}
	if r := h.do("GET", at+"?show_password=true", nil, 403); !strings.Contains(string(r.body), at+"/approval") {
		t.Errorf("the refusal is %s", r.body)
	}
	if r := h.do("PATCH", at+"?show_password=true", body("passwords", attrs{"password": "other"}), 200); r.has("data.attributes.password") {
		t.Errorf("the answer to a change is %s", r.body)
	}
	if n := h.reveals(pw); n != 0 {
		t.Errorf("%d reveals are recorded", n)
	}
}
