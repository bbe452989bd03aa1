package importertest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/layout/hudu"
)

// huduServer speaks as much of Hudu's API as is documented and asked for.
type huduServer struct {
	things  map[string][]map[string]any
	refuse  atomic.Int32 // requests that are answered with 429 first
	asked   atomic.Int32
	broken  string // what is answered with an error
	noPages bool   // gives everything on each page, as for layouts
}

func (s *huduServer) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	s.asked.Add(1)
	if q.Header.Get("x-api-key") != "hudu-key" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if s.refuse.Add(-1) >= 0 {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	sort := strings.TrimPrefix(q.URL.Path, "/api/v1/")
	list, ok := s.things[sort]
	if !ok || sort == s.broken {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	var page, size int
	fmt.Sscan(q.URL.Query().Get("page"), &page)
	fmt.Sscan(q.URL.Query().Get("page_size"), &size)
	if !s.noPages || sort != "asset_layouts" {
		from := min(len(list), (page-1)*size)
		list = list[from:min(len(list), from+size)]
	}
	_ = json.NewEncoder(w).Encode(map[string]any{sort: list})
}

func huduThings() map[string][]map[string]any {
	companies := []map[string]any{{"id": 1, "name": "Acme", "nickname": "ACM", "city": "Boston", "company_type": "Customer", "notes": "<p>Good</p>", "archived": false, "updated_at": "2024-01-01"}}
	for i := range 150 { // more than a page
		companies = append(companies, map[string]any{"id": 100 + i, "name": fmt.Sprintf("Company %d", i)})
	}
	return map[string][]map[string]any{
		"companies": companies,
		"asset_layouts": {{"id": 5, "name": "Firewall", "fields": []map[string]any{{"id": 51, "label": "Model", "field_type": "Text"}, {"id": 52, "label": "Enable password", "field_type": "Password"},
			{"id": 53, "label": "Bought", "field_type": "Date"}, {"id": 54, "label": "Managed", "field_type": "CheckBox"}, {"id": 55, "label": "Notes", "field_type": "RichText"}}}},
		"assets": {{"id": 9, "company_id": 1, "asset_layout_id": 5, "name": "FW1", "fields": []map[string]any{{"id": 1, "label": "Model", "value": "X1"}, {"id": 2, "label": "Enable password", "value": "hudu-asset-secret"},
			{"id": 3, "label": "Bought", "value": "2024-02-03"}, {"id": 4, "label": "Managed", "value": true}, {"id": 5, "label": "Notes", "value": "<p>Rack</p>"}}}},
		"articles":        {{"id": 3, "company_id": 1, "name": "How to", "content": "<p>Turn it off</p>"}, {"id": 4, "company_id": nil, "name": "For all", "content": "x"}},
		"asset_passwords": {{"id": 7, "company_id": 1, "name": "Root", "username": "root", "password": "hudu-secret", "login_url": "https://fw1.example", "description": "main", "passwordable_type": "Asset", "passwordable_id": 9}},
		"websites":        {{"id": 1, "name": "https://acme.example"}},
		"procedures":      {},
	}
}

func (h *house) hudu(s *huduServer, dry bool) (*importer.Report, error) {
	h.t.Helper()
	site := httptest.NewServer(s)
	defer site.Close()
	h.im.Layouts = append(h.im.Layouts, hudu.Layout{Client: site.Client()})
	defer func() { h.im.Layouts = h.im.Layouts[:len(h.im.Layouts)-1] }()
	settings, err := json.Marshal(hudu.Settings{URL: site.URL + "/"})
	if err != nil {
		h.t.Fatal(err)
	}
	o := importer.Options{Layout: hudu.Name, Password: "hudu-key", Settings: settings}
	if dry {
		return h.im.Check(h.t.Context(), h.Admin(), importer.Source{}, o)
	}
	return h.im.Run(h.t.Context(), h.Admin(), importer.Source{}, o, nil)
}

func TestHudu(t *testing.T) {
	h := open(t)
	s := &huduServer{things: huduThings(), noPages: true}
	check, err := h.hudu(s, true)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := json.Marshal(check); strings.Contains(string(text), "secret") || check.Kinds["organization"].Created != 151 || check.Kinds["password"].Created != 1 {
		t.Errorf("the check says %s", text)
	}
	s.refuse.Store(2)
	r, err := h.hudu(s, false)
	if err != nil {
		t.Fatal(err)
	}
	if r.Kinds["organization"].Created != 151 || r.Kinds[flexibleasset.Kind].Created != 1 || r.Kinds["document"].Created != 1 || r.Kinds["document"].Skipped != 1 || r.Skipped != 1 {
		t.Fatalf("it is %+v, %+v", r.Counts, r.Problems)
	}
	if len(r.Unknown) != 1 || r.Unknown[0].Rows != 1 {
		t.Errorf("what has no place is %+v", r.Unknown)
	}
	asset := h.one(flexibleasset.Kind, "FW1")
	said := fmt.Sprint(asset.Values)
	for _, want := range []string{"X1", "2024-02-03", "true", "Rack"} {
		if !strings.Contains(said, want) {
			t.Errorf("the asset lacks %q: %s", want, said)
		}
	}
	var embedded string
	h.View(h.Admin(), func(tx *gate.Tx) error {
		p, err := h.Records.List(tx, "password", record.Query{Limit: 10})
		for _, rec := range p.Records {
			embedded += rec.Name + "=" + h.reveal(rec.ID, "password") + " "
		}
		return err
	})
	if !strings.Contains(embedded, "Root=hudu-secret") || !strings.Contains(embedded, "=hudu-asset-secret") {
		t.Errorf("the passwords are %q", embedded)
	}
	if root := h.one("password", "Root"); root.Values["resource_id"] != int64(asset.ID) || root.Values["url"] != "https://fw1.example" {
		t.Errorf("the password is %+v", root.Values)
	}
	again, err := h.hudu(s, false)
	if err != nil || again.Created+again.Changed != 0 {
		t.Errorf("a second time it is %+v, %v", again, err)
	}
	s.things["companies"][0]["nickname"] = "AC"
	if third, err := h.hudu(s, false); err != nil || third.Changed != 1 || h.one("organization", "Acme").Values["short_name"] != "AC" {
		t.Errorf("with a change it is %+v, %v", third, err)
	}
}

func TestHuduThatBreaksOff(t *testing.T) {
	h := open(t)
	s := &huduServer{things: huduThings(), broken: "assets"}
	if _, err := h.hudu(s, false); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("it ended with %v", err)
	}
	s.broken = ""
	r, err := h.hudu(s, false)
	if err != nil || r.Kinds["organization"].Created != 0 || r.Kinds[flexibleasset.Kind].Created != 1 {
		t.Errorf("it went on with %+v, %v", r, err)
	}
}
