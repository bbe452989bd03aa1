package itglue_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/archive"
	"strongroom/internal/core/access"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
)

// TestMetrics: what users did is counted by day, and hidden from those who may
// not see it.
func TestMetrics(t *testing.T) {
	w := newWorld(t)
	who, key := w.user(access.Manager, true)
	pw := w.ask(key, "POST", "/passwords", body("passwords", attrs{"organization-id": w.org, "name": "Wifi", "password": "x"})).is(201)
	at := "/passwords/" + pw.id().String()
	w.ask(key, "GET", at, nil).is(200).shows("data.attributes.password", "x")
	w.ask(key, "PATCH", at, body("passwords", attrs{"name": "Wireless"})).is(200)
	w.ask(key, "DELETE", at, nil).is(204)
	mine := "/user_metrics?filter[user_id]=" + who.String()
	r := w.get(mine + "&filter[resource_type]=passwords&filter[organization_id]=" + w.org.String())
	r.shows("data.0.attributes.created", "1").shows("data.0.attributes.viewed", "1").shows("data.0.attributes.edited", "1").shows("data.0.attributes.deleted", "1").
		shows("data.0.attributes.resource-type", "Password").shows("data.0.attributes.date", w.Clock.Now().UTC().Format(time.DateOnly)).shows("meta.total-count", "1")
	if again := w.get(mine); again.at("data.0.id") != r.at("data.0.id") {
		t.Error("the id of a metric changes")
	}
	w.Clock.Advance(48 * time.Hour)
	w.ask(key, "POST", "/locations", body("locations", attrs{"organization-id": w.org, "name": "Pier"})).is(201)
	if got := w.get(mine + "&sort=-date").at("data.0.attributes.resource-type"); got != "Location" {
		t.Errorf("the newest is %v", got)
	}
	day := w.Clock.Now().UTC()
	if got := w.get(mine + "&filter[date]=" + day.AddDate(0, 0, -1).Format(time.DateOnly) + ",*"); got.at("data.1") != nil || got.at("data.0.attributes.created") == nil {
		t.Errorf("since yesterday there are %s", got.body)
	}
	for _, bad := range []string{"*," + day.Format(time.DateOnly), day.AddDate(0, 0, -7).Format(time.DateOnly) + ",*", day.AddDate(0, 0, 3).Format(time.DateOnly) + "," + day.Format(time.DateOnly), "soon"} {
		w.do("GET", "/user_metrics?filter[date]="+bad, nil, 422)
	}
	_, editor := w.user(access.Editor, false)
	w.ask(editor, "GET", "/user_metrics", nil).is(403)
	_, elsewhere := w.user(access.Manager, false, w.Org("Other"))
	if got := w.ask(elsewhere, "GET", "/user_metrics?filter[organization_id]="+w.org.String(), nil).is(200); got.at("data.0") != nil {
		t.Errorf("a manager of another organization sees %s", got.body)
	}
}

// TestExports: an export is asked for, made, fetched and removed.
func TestExports(t *testing.T) {
	w := newWorld(t)
	w.Make("password", w.org, record.Values{"name": "Wifi", "password": "hunter2"})
	other := w.Org("Other")
	w.Make("location", other, record.Values{"name": "Elsewhere"})
	key := w.newKey(apikey.New{Name: "exporter", Role: access.Manager, Passwords: true, Limit: &apikey.Limit{}})
	all := w.ask(key, "POST", "/exports", body("exports", attrs{"include-logs": true})).is(201)
	all.shows("data.attributes.export-all", true).shows("data.attributes.export-status", "pending").shows("data.attributes.download-url", nil).shows("data.attributes.organization-id", nil)
	one := w.ask(key, "POST", "/exports", body("exports", attrs{"organization-id": w.org, "zip-password": "letmein"})).is(201)
	one.shows("data.attributes.encrypted-status", true).shows("data.attributes.organization-name", "Acme")
	if strings.Contains(string(one.body), "letmein") {
		t.Error("the password of the zip comes back")
	}
	gone := w.ask(key, "POST", "/exports", body("exports", attrs{})).is(201).id().String()
	w.ask(key, "GET", "/exports/"+gone+"/download", nil).is(404)
	w.ask(key, "DELETE", "/exports/"+gone, nil).is(204)
	w.ask(key, "GET", "/exports/"+gone, nil).is(404)
	w.ask(key, "POST", "/exports", body("exports", attrs{"organization-id": 987654321})).is(422).shows("errors.0.source.pointer", "/data/attributes/organization-id")

	w.work(func() bool {
		return w.ask(key, "GET", "/exports/"+one.id().String(), nil).at("data.attributes.export-status") == "completed" &&
			w.ask(key, "GET", "/exports/"+all.id().String(), nil).at("data.attributes.export-status") == "completed"
	})
	w.ask(key, "GET", "/exports?sort=created_at", nil).is(200).shows("meta.total-count", "2")
	url, _ := w.ask(key, "GET", "/exports?filter[id]="+all.id().String(), nil).is(200).at("data.0.attributes.download-url").(string)
	if z := opened(t, w.ask(key, "GET", url, nil).is(200).body, ""); !strings.Contains(z["locations.csv"], "Elsewhere") || !strings.Contains(z["passwords.csv"], "hunter2") {
		t.Errorf("the export of everything holds %v", z)
	}
	if z := opened(t, w.ask(key, "GET", "/exports/"+one.id().String()+"/download", nil).is(200).body, "letmein"); strings.Contains(z["locations.csv"], "Elsewhere") || !strings.Contains(z["passwords.csv"], "hunter2") {
		t.Errorf("the export of one organization holds %v", z)
	}

	foreign := w.newKey(apikey.New{Name: "another", Role: access.Manager, Passwords: true, Limit: &apikey.Limit{}})
	w.ask(foreign, "GET", "/exports/"+one.id().String(), nil).is(404)
	w.ask(foreign, "GET", "/exports/"+one.id().String()+"/download", nil).is(404)
	w.ask(foreign, "DELETE", "/exports/"+one.id().String(), nil).is(404)
	w.ask(foreign, "GET", "/exports", nil).is(200).shows("meta.total-count", "0")
	_, editor := w.user(access.Editor, true)
	for _, method := range []string{"GET", "POST"} {
		w.ask(editor, method, "/exports", body("exports", attrs{})).is(403)
	}
	w.get("/exports").shows("meta.total-count", "2") // an administrator sees all
	w.Clock.Advance(8 * 24 * time.Hour)
	if n, err := w.api.Exports.Sweep(t.Context(), w.Admin().Tenant); n != 2 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	w.get("/exports").shows("meta.total-count", "0")
}

// work lets jobs run until something is done.
func (w *world) work(done func() bool) {
	w.t.Helper()
	ctx, stop := context.WithTimeout(w.t.Context(), time.Minute)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- w.jobs.Run(ctx) }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			w.t.Fatalf("the jobs did not end: %s", w.get("/exports").body)
		case <-tick.C:
		}
	}
	stop()
	if err := <-ended; err != nil {
		w.t.Error(err)
	}
}

// opened gives the tables of an export.
func opened(t *testing.T, zip []byte, password string) map[string]string {
	t.Helper()
	z, err := archive.Open(bytes.NewReader(zip), int64(len(zip)), archive.Options{Password: password})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.Files() {
		r, err := z.Open(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		out[f.Name] = string(b)
	}
	return out
}
