package apptest_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/apptest"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
)

// TestSealedFieldsEverywhere marks a field that has values, and then looks for them by every
// way that leads out of the house, as the administrator, who may see all.
func TestSealedFieldsEverywhere(t *testing.T) {
	h := apptest.Open(t, apptest.Options{Bare: true})
	x := h.Tenants[0]
	key, admin := x.People[access.Administrator].Key, x.People[access.Administrator]
	const was, is = "QX-FIRST-4471", "QX-SECOND-9932"
	types, err := h.API(key, http.MethodGet, "/configuration_types", nil).JSON()
	if err != nil {
		t.Fatal(err)
	}
	typ := types["data"].([]any)[0].(map[string]any)["id"]
	attributes := func(serial any) map[string]any {
		return map[string]any{"data": map[string]any{"type": "configurations", "attributes": map[string]any{"organization-id": x.Open.String(), "configuration-type-id": typ, "name": "Edge router", "serial-number": serial}}}
	}
	made := h.API(key, http.MethodPost, "/configurations", attributes(was))
	doc, err := made.JSON()
	if err != nil || made.Status != http.StatusCreated {
		t.Fatalf("%d %s %v", made.Status, made.Body, err)
	}
	rid, _ := doc["data"].(map[string]any)["id"].(string)
	change := func(serial any) *apptest.Answer {
		t.Helper()
		a := h.API(key, http.MethodPatch, "/configurations/"+rid, attributes(serial))
		if a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		return a
	}
	change(is)
	jid, err := h.App.Sensitive.Mark(t.Context(), x.Admin, "configuration", "serial_number", true)
	if err != nil {
		t.Fatal(err)
	}
	state := ""
	for deadline := time.Now().Add(time.Minute); state != job.Done && time.Now().Before(deadline); {
		x.View(func(tx *gate.Tx) error {
			s, err := job.Get(tx, jid)
			if err == nil {
				state = s.State
			}
			return err
		})
	}
	if state != job.Done {
		t.Fatalf("the job is %s", state)
	}
	clean := func(where string, b []byte) {
		t.Helper()
		for _, s := range []string{was, is} {
			if bytes.Contains(bytes.ToUpper(b), []byte(s)) {
				t.Errorf("%s shows %s: %.300s", where, s, b)
			}
		}
	}
	t.Run("pages", func(t *testing.T) {
		at := "/configurations/" + rid
		for _, path := range []string{at, at + "/edit", at + "/history", "/configurations?cols=serial_number", "/configurations/export", "/configurations/export?as=shown&cols=serial_number",
			"/organizations/" + x.Open.String() + "/configurations", "/search?q=QX-SECOND", "/", "/activity", "/audit", "/records/" + rid + "/card"} {
			a := admin.Page(http.MethodGet, path, nil)
			if a.Status >= http.StatusBadRequest {
				t.Errorf("%s answers %d", path, a.Status)
			}
			clean(path, bytes.ReplaceAll(bytes.ToUpper(a.Body), []byte("Q=QX-SECOND"), nil))
		}
		if a := admin.Page(http.MethodGet, "/search?q=QX-SECOND-9932", nil); bytes.Contains(a.Body[bytes.Index(a.Body, []byte("<main")):], []byte("Edge router")) { // beside it stands what was looked at last
			t.Error("the search finds the record by the sealed value")
		}
		clean("going back to version 1", admin.Page(http.MethodPost, at+"/history/1", url.Values{}).Body)
	})
	t.Run("IT Glue API", func(t *testing.T) {
		for _, path := range []string{"/configurations/" + rid, "/configurations", "/organizations/" + x.Open.String() + "/relationships/configurations", "/configurations?sort=name&filter[name]=Edge%20router", "/logs"} {
			clean(path, h.API(key, http.MethodGet, path, nil).Body)
		}
		if a := h.API(key, http.MethodGet, "/configurations?sort=serial_number", nil); a.Status < 400 {
			t.Errorf("it can be sorted by: %d", a.Status)
		}
		clean("an answer to a change", change("").Body)
		find := func(key, value string) string {
			return string(h.API(key, http.MethodGet, "/configurations?filter[serial_number]="+value, nil).Body)
		}
		if !strings.Contains(find(key, is), "Edge router") || strings.Contains(find(key, was), "Edge router") || strings.Contains(find(key, "QX-SECOND"), "Edge router") {
			t.Errorf("records are not found by the whole value: %s", find(key, is))
		}
		if strings.Contains(find(admin.NoSecret, is), "Edge router") {
			t.Error("a key that may not see the value can ask for it")
		}
	})
	t.Run("assistants", func(t *testing.T) {
		a, err := overHTTP(t, h, x.Name, key)
		if err != nil {
			t.Fatal(err)
		}
		for tool, args := range map[string]map[string]any{"search": {"query": "QX-SECOND-9932"}, "list_records": {"kind": "configuration"}, "get_record": {"id": rid}, "related": {"id": rid}} {
			got, _ := a.call(tool, args)
			clean(tool, []byte(strings.ReplaceAll(got, `for \"QX-SECOND-9932\"`, "")))
		}
	})
	t.Run("export", func(t *testing.T) {
		var out bytes.Buffer
		if _, err := h.App.Exporter.Everything(t.Context(), x.Admin, &out, "to look for it", true, func(string, int64, int64) {}); err != nil {
			t.Fatal(err)
		}
		z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			clean(f.Name, b)
		}
	})
	t.Run("it is still there, and goes when it is cleared", func(t *testing.T) {
		v, err := h.App.Sensitive.Show(t.Context(), x.Admin, mustID(t, rid), "serial_number", 0, "a look")
		if err != nil || v.Value != is {
			t.Errorf("%v %v", v, err)
		}
		change(nil)
		if v, err := h.App.Sensitive.Show(t.Context(), x.Admin, mustID(t, rid), "serial_number", 0, "a look"); err == nil {
			t.Errorf("it still is %v", v.Value)
		}
	})
}

func mustID(t *testing.T, s string) id.ID {
	t.Helper()
	i, ok := id.Parse(s)
	if !ok {
		t.Fatalf("%q is no id", s)
	}
	return i
}
