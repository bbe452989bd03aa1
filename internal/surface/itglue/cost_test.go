package itglue_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
)

// crowd makes n records of several kinds in one organization, with what refers
// to what.
func crowd(h *house, n int) {
	h.t.Helper()
	org := h.Make("organization", 0, record.Values{"name": "Acme", "short_name": "A"})
	for i := range n {
		parent := h.Make("organization", 0, record.Values{"name": fmt.Sprint("Sub ", i), "parent_id": org})
		place := h.Make("location", org, record.Values{"name": fmt.Sprint("Place ", i), "country_id": h.one("country", "Austria")})
		who := h.Make("contact", org, record.Values{"first_name": fmt.Sprint("Person ", i), "location_id": place})
		typ := h.Make("configuration_type", 0, record.Values{"name": fmt.Sprint("Type ", n, i)})
		cfg := h.Make("configuration", org, record.Values{"name": fmt.Sprint("srv ", i), "configuration_type_id": typ, "location_id": place, "contact_id": who, "warranty_expires_at": "2027-01-01"})
		h.Make("configuration_interface", 0, record.Values{"configuration_id": cfg, "ip_address": "10.0.0.1"})
		category := h.Make("password_category", 0, record.Values{"name": fmt.Sprint("Category ", n, i)})
		pw := h.Make("password", org, record.Values{"name": fmt.Sprint("pw ", i), "password_category_id": category, "resource_type": "Configuration", "resource_id": int64(cfg)})
		folder := h.Make("document_folder", org, record.Values{"name": fmt.Sprint("Folder ", i)})
		h.Make("document", org, record.Values{"name": fmt.Sprint("doc ", i), "document_folder_id": folder})
		h.Make("document", org, record.Values{"name": fmt.Sprint("root ", i)})
		group := h.Make("group", 0, record.Values{"name": fmt.Sprint("Group ", n, i)})
		h.user(access.Editor, false, parent)
		h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, "password", pw, false, nil, []id.ID{group}) })
	}
}

// TestNoListAsksForEachRow: a list of ten takes as many statements as a list of
// two, includes included.
func TestNoListAsksForEachRow(t *testing.T) {
	h := open(t)
	lists := []string{"organizations", "configurations", "contacts", "locations", "passwords", "documents?filter[document_folder_id][ne]=null", "document_folders", "password_categories", "configuration_types",
		"groups?include=users,organizations", "users", "configuration_interfaces", "regions", "expirations", "logs",
		"configurations?include=attachments,passwords,configuration_interfaces,location,contact,user_resource_accesses,group_resource_accesses",
		"contacts?include=location,attachments,passwords", "passwords?include=group_resource_accesses,attachments"}
	count := func(path string) int64 {
		before := h.Tenant().DB.Statements()
		h.get("/" + path)
		return h.Tenant().DB.Statements() - before
	}
	crowd(h, 2)
	few := map[string]int64{}
	for _, l := range lists {
		count(l) // the first use of a key in a minute is noted
		few[l] = count(l)
	}
	crowd(h, 8)
	for _, l := range lists {
		count(l)
		if many := count(l); many > few[l] || many > 20 {
			t.Errorf("%s: %d statements for ten, %d for two", l, many, few[l])
		}
	}
	if n := few["locations"]; n > 4 {
		t.Errorf("a plain list takes %d statements", n)
	}
}

// benched gives a house with many configurations and a function that asks for a
// page of fifty of them, without a network between.
func benched(b *testing.B, kind string) (*house, func() int) {
	h := open(b)
	h.api.Log = slog.New(slog.DiscardHandler)
	org := h.Org("Acme")
	typ := h.one("configuration_type", "Server")
	h.Change(func(tx *gate.Tx) error {
		for i := range 2000 {
			v := record.Values{"name": fmt.Sprint(kind, " ", i), "organization_id": org, "notes": "<p>Some notes on this.</p>"}
			if kind == "configuration" {
				v["configuration_type_id"], v["serial_number"], v["primary_ip"], v["hostname"] = typ, fmt.Sprint("SN", i), "10.0.0.1", "host.example.com"
			}
			if _, err := h.Records.Create(tx, kind, v); err != nil {
				return err
			}
		}
		return nil
	})
	handler := h.api.Handler()
	path := "/" + kind + "s?page[size]=50&page[number]=3"
	return h, func() int {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("X-Api-Key", h.key)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Errorf("%d %s", w.Code, w.Body)
		}
		n, _ := io.Copy(io.Discard, w.Body)
		return int(n)
	}
}

// BenchmarkList is a page of fifty; 2,000 a second on two cores is the aim.
func BenchmarkList(b *testing.B) {
	for _, kind := range []string{"location", "configuration", "password"} {
		b.Run(kind, func(b *testing.B) {
			_, get := benched(b, kind)
			b.SetBytes(int64(get()))
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					get()
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}

// BenchmarkShow is one record without a secret.
func BenchmarkShow(b *testing.B) {
	h, _ := benched(b, "configuration")
	handler := h.api.Handler()
	path := "/configurations/" + h.one("configuration", "configuration 7").String()
	key := h.newKey(apikey.New{Name: "x", Role: access.Administrator, Limit: &apikey.Limit{}})
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			r := httptest.NewRequest("GET", path, nil)
			r.Header.Set("X-Api-Key", key)
			handler.ServeHTTP(httptest.NewRecorder(), r)
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}
