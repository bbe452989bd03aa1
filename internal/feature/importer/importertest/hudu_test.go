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
	"strongroom/internal/core/id"
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
		"articles":        {{"id": 3, "company_id": 1, "name": "How to", "folder_id": 22, "content": "<p>Turn it off</p>"}, {"id": 4, "company_id": nil, "name": "For all", "content": "x"}},
		"asset_passwords": {{"id": 7, "company_id": 1, "name": "Root", "username": "root", "password": "hudu-secret", "login_url": "https://fw1.example", "description": "main", "passwordable_type": "Asset", "passwordable_id": 9, "password_folder_id": 31}},
		"folders": {{"id": 22, "company_id": 1, "name": "Inner", "parent_folder_id": 21}, {"id": 21, "company_id": 1, "name": "Outer"}, {"id": 23, "name": "Global"},
			{"id": 24, "company_id": 1, "name": "Ring A", "parent_folder_id": 25}, {"id": 25, "company_id": 1, "name": "Ring B", "parent_folder_id": 24}, {"id": 26, "company_id": 1, "name": "Photos", "folder_type": "photo"}},
		"password_folders": {{"id": 31, "company_id": 1, "name": "Servers"}},
		"websites":         {{"id": 1, "company_id": 1, "name": "https://www.acme.example/shop", "notes": "main"}, {"id": 2, "company_id": 1, "name": "http://acme.example"}},
		"relations": {{"id": 1, "fromable_type": "Asset", "fromable_id": 9, "toable_type": "Article", "toable_id": 3, "description": "how"}, {"id": 2, "fromable_type": "Article", "fromable_id": 3, "toable_type": "Asset", "toable_id": 9},
			{"id": 3, "fromable_type": "Website", "fromable_id": 2, "toable_type": "AssetPassword", "toable_id": 7}, {"id": 4, "fromable_type": "Asset", "fromable_id": 9, "toable_type": "Procedure", "toable_id": 1}},
		"procedures": {{"id": 1, "company_id": 1, "name": "Leaver"}},
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
	if r.Kinds["organization"].Created != 151 || r.Kinds[flexibleasset.Kind].Created != 1 || r.Kinds["document"].Created != 1 || r.Kinds["document"].Skipped != 1 || r.Skipped != 2 || r.Kinds["relation"].Created != 2 || r.Kinds["relation"].Skipped != 1 || r.Kinds["domain"].Created != 1 || r.Kinds["document_folder"].Created != 4 {
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
	h.besideHudu(asset.ID)
	again, err := h.hudu(s, false)
	if err != nil || again.Created+again.Changed != 0 {
		t.Errorf("a second time it is %+v, %v", again, err)
	}
	s.things["companies"][0]["nickname"] = "AC"
	if third, err := h.hudu(s, false); err != nil || third.Changed != 1 || h.one("organization", "Acme").Values["short_name"] != "AC" {
		t.Errorf("with a change it is %+v, %v", third, err)
	}
}

// besideHudu looks at folders, websites and relations.
func (h *house) besideHudu(asset id.ID) {
	h.t.Helper()
	if doc := h.one("document", "How to"); doc.Names["document_folder_id"] != "Inner" {
		h.t.Errorf("the article lies in %v", doc.Names)
	}
	if inner := h.one("document_folder", "Inner"); inner.Names["parent_id"] != "Outer" {
		h.t.Errorf("the folder lies in %v", inner.Names)
	}
	if root := h.one("password", "Root"); root.Names["password_folder_id"] != "Servers" {
		h.t.Errorf("the password lies in %v", root.Names)
	}
	site := h.one("domain", "acme.example")
	if !strings.Contains(site.Values.Text("notes"), "https://www.acme.example/shop") {
		h.t.Errorf("the website is %v", site.Values)
	}
	if h.related(asset) < 1 || h.related(site.ID) != 1 {
		h.t.Error("what Hudu relates is not related")
	}
}

func (h *house) huduFile(in files, s hudu.Settings, dry bool) *importer.Report {
	h.t.Helper()
	h.im.Layouts = append(h.im.Layouts, hudu.Layout{})
	defer func() { h.im.Layouts = h.im.Layouts[:len(h.im.Layouts)-1] }()
	settings, err := json.Marshal(s)
	if err != nil {
		h.t.Fatal(err)
	}
	o, from := importer.Options{Layout: hudu.Name, Settings: settings}, importer.Source{Path: in.pack(h.t, "")}
	var r *importer.Report
	if dry {
		r, err = h.im.Check(h.t.Context(), h.Admin(), from, o)
	} else {
		r, err = h.im.Run(h.t.Context(), h.Admin(), from, o, nil)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// TestHuduFromAFile: JSON as the API gives it, in one file or in one for each list, comes
// in as it does through the API.
func TestHuduFromAFile(t *testing.T) {
	all, apart := map[string]any{}, files{}
	for name, list := range huduThings() {
		if all[name] = list; name == "companies" {
			all[name] = list[:1]
		}
		b, err := json.Marshal(all[name])
		if err != nil {
			t.Fatal(err)
		}
		apart["export/"+name+".json"] = string(b)
	}
	one, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]files{"one": {"hudu.json": string(one)}, "apart": apart} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			check := h.huduFile(in, hudu.Settings{}, true)
			if text, _ := json.Marshal(check); strings.Contains(string(text), "secret") {
				t.Errorf("the check says %s", text)
			}
			r := h.huduFile(in, hudu.Settings{}, false)
			if r.Counts != check.Counts || r.Kinds["relation"].Created != 2 || r.Kinds["password"].Created != 1 {
				t.Fatalf("it is %+v, was to be %+v; %v", r.Counts, check.Counts, r.Problems)
			}
			h.besideHudu(h.one(flexibleasset.Kind, "FW1").ID)
			if again := h.huduFile(in, hudu.Settings{}, false); again.Created+again.Changed != 0 {
				t.Errorf("a second time it is %+v", again.Counts)
			}
		})
	}
}

// TestHuduTables: tables of one company, which name none or name it.
func TestHuduTables(t *testing.T) {
	h := open(t)
	in := files{
		"Firewall.csv":  csv("id,name,company_name,Model,Enable password", "9,FW1,Beta,X1,table-secret"),
		"passwords.csv": csv("name,username,password,url,description", "Root,root,hunter2,https://fw1.example,main", "Door,,4711,,"),
		"websites.csv":  csv("id,name,company_name", "1,https://acme.example,"),
	}
	s := hudu.Settings{Company: "Acme"}
	r := h.huduFile(in, s, false)
	if r.Created == 0 || r.Skipped != 0 || r.Kinds["organization"].Created != 2 {
		t.Fatalf("it is %+v, %+v", r.Counts, r.Problems)
	}
	if s := h.reveal(h.one("password", "Root").ID, "password"); s != "hunter2" {
		t.Errorf("the password is %q", s)
	}
	fw := h.one(flexibleasset.Kind, "FW1")
	if said := fmt.Sprint(fw.Values); strings.Contains(said, "table-secret") || !strings.Contains(said, "X1") {
		t.Errorf("the asset is %s", said)
	}
	if h.reveal(h.one("password", "Enable password").ID, "password") != "table-secret" || h.one("domain", "acme.example").Org != h.one("organization", "Acme").ID {
		t.Error("the password of the asset or the website is not as in the table")
	}
	if again := h.huduFile(in, s, false); again.Created+again.Changed != 0 {
		t.Errorf("a second time it is %+v", again.Counts)
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
