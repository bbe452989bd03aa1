package importertest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/checklist"
	"strongroom/internal/feature/flag"
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
	files   map[string]string
	store   string // address that files lie at
	fetched atomic.Int32
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
	if q.URL.Query().Get("download") == "true" {
		s.download(w, q, sort)
		return
	}
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
	if sort == "uploads" { // which come without anything around them
		_ = json.NewEncoder(w).Encode(list)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{sort: list})
}

// download gives a file, or says where it lies.
func (s *huduServer) download(w http.ResponseWriter, q *http.Request, sort string) {
	s.fetched.Add(1)
	content, ok := s.files[sort]
	switch {
	case !ok:
		w.WriteHeader(http.StatusNotFound)
	case strings.HasPrefix(sort, "uploads/") && s.store != "":
		http.Redirect(w, q, s.store+"/"+sort, http.StatusFound)
	default:
		_, _ = w.Write([]byte(content))
	}
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
		"procedures": {{"id": 1, "company_id": 1, "name": "Leaver", "run": true, "description": "<p>Last day</p>", "completion_percentage": "50%", "procedure_tasks_attributes": []map[string]any{
			{"id": 12, "name": "Collect keys", "position": 2, "due_date": "2024-05-06", "first_assigned_user_name": "Sam"}, {"id": 11, "name": "Lock account", "position": 1, "completed": true, "completed_date": "2024-05-01T10:00:00Z"}}},
			{"id": 2, "company_id": nil, "name": "Joiner", "run": false}},
		"procedure_tasks": {{"id": 21, "procedure_id": 2, "name": "Make account", "description": "<p>In the directory</p>", "position": 1}, {"id": 11, "procedure_id": 1, "name": "Lock account"}},
		"uploads":         {}, "photos": {}, "public_photos": {},
		"vlan_zones":    {{"id": 1, "company_id": 1, "name": "House", "vlan_id_ranges": "1-99"}},
		"vlans":         {{"id": 61, "company_id": 1, "name": "Staff", "vlan_id": 20, "vlan_zone_id": 1}},
		"networks":      {{"id": 1, "company_id": 1, "name": "Office", "address": "10.20.0.0/24", "vlan_id": 61, "location_id": 9, "description": "Ground floor", "role": "Clients"}, {"id": 2, "name": "Guests"}},
		"ip_addresses":  {{"id": 71, "company_id": 1, "address": "10.20.0.1", "status": "assigned", "fqdn": "fw1.acme.example", "network_id": 1, "asset_id": 9, "notes": "Gateway <here>"}},
		"rack_storages": {{"id": 81, "company_id": 1, "name": "Rack A", "height": 42, "starting_unit": 1, "max_wattage": 3000, "front_items": []map[string]any{{"id": 1, "asset_id": 9, "start_unit": 40, "end_unit": 41, "side": "Front", "power_draw": 90}}}},
		"rack_storage_items": {{"id": 1, "rack_storage_id": 81, "asset_id": 9, "start_unit": 40, "end_unit": 41, "side": "Front", "power_draw": 90},
			{"id": 2, "rack_storage_id": 81, "start_unit": 1, "end_unit": 1, "side": 1, "reserved_message": "For the UPS"}},
		"flag_types": {{"id": 5, "name": "Needs care", "color": "Light Orange"}},
		"flags":      {{"id": 1, "flag_type_id": 5, "flagable_type": "Asset", "flagable_id": 9, "description": "Fan"}, {"id": 2, "flag_type_id": 5, "flagable_type": "Network", "flagable_id": 1}, {"id": 3, "flag_type_id": 6, "flagable_type": "Asset", "flagable_id": 9}},
		"users": {{"id": 1, "first_name": "Ann", "last_name": "Ohm", "email": "ann@acme.example", "portal_member_company_id": 1, "security_level": "portal_member"},
			{"id": 2, "first_name": "Tess", "last_name": "Watt", "email": "tess@msp.example", "security_level": "admin"}},
		"expirations": {{"id": 1}},
	}
}

func (h *house) hudu(s *huduServer, dry bool) (*importer.Report, error) {
	h.t.Helper()
	site := httptest.NewServer(s)
	defer site.Close()
	h.im.Layouts = append(h.im.Layouts, hudu.Layout{Client: site.Client(), Pace: time.Microsecond})
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
	if r.Kinds["organization"].Created != 151 || r.Kinds[flexibleasset.Kind].Created != 6 || r.Kinds["document"].Created != 1 || r.Kinds["document"].Skipped != 1 || r.Skipped != 2 || r.Kinds["relation"].Created != 3 || r.Kinds["domain"].Created != 1 || r.Kinds["document_folder"].Created != 4 {
		t.Fatalf("it is %+v, %+v", r.Counts, r.Problems)
	}
	if said := fmt.Sprint(r.Unknown); len(r.Unknown) != 2 || !strings.Contains(said, "Tess Watt tess@msp.example") || !strings.Contains(said, "expirations") {
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
	if h.related(asset) < 2 || h.related(site.ID) != 1 {
		h.t.Error("what Hudu relates is not related")
	}
	h.proceduresOfHudu()
	h.networksOfHudu(asset)
}

// networksOfHudu looks at what Hudu keeps apart from its assets, at flags and at people.
func (h *house) networksOfHudu(fw id.ID) {
	h.t.Helper()
	for name, want := range map[string][]string{
		"Office":    {"10.20.0.0/24", "20", "Ground floor", "Role: Clients", h.one(flexibleasset.Kind, "Staff").ID.String(), fw.String()},
		"Staff":     {"20", h.one(flexibleasset.Kind, "House").ID.String()},
		"House":     {"1-99"},
		"10.20.0.1": {"assigned", "fw1.acme.example", "Gateway &lt;here&gt;", h.one(flexibleasset.Kind, "Office").ID.String(), fw.String()},
		"Rack A":    {"42", "3000", fw.String(), "<li>Units 40 to 41, front: FW1, 90 W</li><li>Unit 1, rear: For the UPS</li>"},
	} {
		said := fmt.Sprint(h.one(flexibleasset.Kind, name).Values)
		for _, w := range want {
			if !strings.Contains(said, w) {
				h.t.Errorf("%s lacks %q: %s", name, w, said)
			}
		}
	}
	ann := h.one("contact", "Ann Ohm")
	if ann.Org != h.one("organization", "Acme").ID || ann.Values["primary_email"] != "ann@acme.example" {
		h.t.Errorf("the contact is %+v", ann.Values)
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		for _, rec := range []id.ID{fw, h.one(flexibleasset.Kind, "Office").ID} {
			on, err := flag.Of(tx, rec)
			if err != nil || len(on) != 1 || on[0].Name != "Needs care" || on[0].Colour != "amber" {
				h.t.Errorf("%d bears %+v, %v", rec, on, err)
			}
		}
		users, err := h.Records.List(tx, "user", record.Query{Limit: 10})
		for _, u := range users.Records {
			if strings.Contains(u.Name, "Tess") || strings.Contains(u.Name, "Ann") {
				h.t.Errorf("the import let %s in", u.Name)
			}
		}
		return err
	})
}

// proceduresOfHudu looks at the checklist and the template.
func (h *house) proceduresOfHudu() {
	h.t.Helper()
	leaver, joiner := h.one(checklist.Kind, "Leaver"), h.one(checklist.TemplateKind, "Joiner")
	if leaver.Org != h.one("organization", "Acme").ID || leaver.Values["tasks_count"] != int64(2) || leaver.Values["tasks_done"] != int64(1) || joiner.Org != 0 {
		h.t.Errorf("the procedures are %v, %v", leaver.Values, joiner.Values)
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		tasks, err := checklist.Tasks(tx, h.Records, checklist.TaskKind, leaver.ID)
		if err != nil {
			return err
		}
		first, second := tasks[0].Values, tasks[1].Values
		names := tasks[0].Name + ", " + tasks[1].Name
		at := time.Date(2024, 5, 1, 10, 0, 0, 0, time.UTC).UnixMilli()
		if names != "Lock account, Collect keys" || first["completed_at"] != at || second["due_date"] != "2024-05-06" || second.Text("notes") != "Assigned to: Sam" {
			h.t.Errorf("the tasks are %v, %v", first, second)
		}
		steps, err := checklist.Tasks(tx, h.Records, checklist.StepKind, joiner.ID)
		if err == nil && (len(steps) != 1 || !strings.Contains(steps[0].Values.Text("description"), "In the directory")) {
			h.t.Errorf("the tasks of the template are %v", steps)
		}
		return err
	})
}

// pixel is a picture of one pixel, as it lies in a file.
const pixel = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"

// huduFiles are things with files and pictures, links between assets and addresses in
// texts; base begins the addresses of Hudu.
func huduFiles(base string) (map[string][]map[string]any, map[string]string) {
	things := huduThings()
	things["companies"] = things["companies"][:1]
	things["asset_layouts"] = append(things["asset_layouts"], map[string]any{"id": 6, "name": "Server", "fields": []map[string]any{{"id": 61, "label": "Behind", "field_type": "AssetTag", "linkable_id": 5}}})
	things["assets"] = append([]map[string]any{{"id": 10, "company_id": 1, "asset_layout_id": 6, "name": "SRV1", "primary_serial": "SN-4711", "fields": []map[string]any{{"label": "Behind", "value": `[{"id":9,"name":"FW1","url":"/a/fw1-abc"}]`}}}}, things["assets"]...)
	things["assets"][1]["url"] = base + "/a/fw1-abc"
	things["articles"] = append(things["articles"], map[string]any{"id": 5, "company_id": 1, "name": "Pictures", "url": base + "/kba/pictures-1", "content": `<p><img src="/public_photo/slug1" alt="Rack"/><img src="` + base + `/public_photo/gone"/></p>` +
		`<p>See <a href="` + base + `/a/fw1-abc">the firewall</a>, <a href="/file/up1">the plan</a> and <a href="https://other.example/a/fw1-abc">another</a>.</p>`})
	things["asset_passwords"][0]["url"], things["asset_passwords"][0]["login_url"] = base+"/passwords/root-1", "https://fw1.example"
	things["uploads"] = []map[string]any{{"id": 1, "name": "plan.pdf", "ext": "pdf", "size": "9 Bytes", "url": base + "/file/up1", "uploadable_type": "Asset", "uploadable_id": 9},
		{"id": 2, "name": "lost.txt", "uploadable_type": "Asset", "uploadable_id": 9}, {"id": 3, "name": "nobody.txt", "uploadable_type": "Asset", "uploadable_id": 999}}
	things["photos"] = []map[string]any{{"id": 4, "caption": "Server room", "photoable_type": "Company", "photoable_id": 1}}
	things["public_photos"] = []map[string]any{{"id": "slug1", "numeric_id": 77, "url": base + "/public_photo/slug1", "file_name": "rack.png", "record_type": "Article", "record_id": 5}}
	return things, map[string]string{"uploads/1": "the plan\n", "photos/4": pixel, "public_photos/77": pixel}
}

// huduFilesThere looks at what came of them.
func (h *house) huduFilesThere(r *importer.Report) {
	h.t.Helper()
	if c := r.Kinds["attachment"]; c == nil || c.Created != 3 || c.Skipped != 2 {
		h.t.Fatalf("the files are %+v; %+v", c, r.Problems)
	}
	fw, srv, doc := h.one(flexibleasset.Kind, "FW1"), h.one(flexibleasset.Kind, "SRV1"), h.one("document", "Pictures")
	if said := fmt.Sprint(srv.Values); !strings.Contains(said, "SN-4711") || !strings.Contains(said, fw.ID.String()) {
		h.t.Errorf("the server is %s", said)
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		files, err := attachment.All(tx, fw.ID)
		if err != nil || len(files) != 1 || files[0].Name != "plan.pdf" {
			h.t.Fatalf("the files are %+v, %v", files, err)
		}
		images, err := attachment.List(tx, doc.ID, attachment.Image)
		if err != nil || len(images) != 1 {
			h.t.Fatalf("the pictures are %+v, %v", images, err)
		}
		photos, err := attachment.All(tx, h.one("organization", "Acme").ID)
		if err != nil || len(photos) != 1 || photos[0].Name != "Server room.png" {
			h.t.Errorf("the photos are %+v, %v", photos, err)
		}
		for _, want := range []string{"/documents/images/" + images[0].ID.String(), `href="/records/` + fw.ID.String() + `"`, "/files/" + files[0].ID.String() + "/content", "https://other.example/a/fw1-abc"} {
			if text := doc.Values.Text("content"); !strings.Contains(text, want) {
				h.t.Errorf("the text lacks %s: %s", want, text)
			}
		}
		return nil
	})
}

// TestHuduFiles: files, photos and the pictures of texts come in, from where Hudu says
// that they lie, and the key goes to Hudu alone; links lead to what is here.
func TestHuduFiles(t *testing.T) {
	h := open(t)
	s := &huduServer{}
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("X-Api-Key") != "" {
			t.Error("the key went to another place")
		}
		_, _ = w.Write([]byte(s.files[strings.TrimPrefix(q.URL.Path, "/")]))
	}))
	defer store.Close()
	s.things, s.files = huduFiles("")
	s.store = store.URL
	if check, err := h.hudu(s, true); err != nil || check.Kinds["attachment"].Created != 4 || s.fetched.Load() != 0 {
		t.Fatalf("the check is %+v, %v; it fetched %d", check, err, s.fetched.Load())
	}
	r, err := h.hudu(s, false)
	if err != nil {
		t.Fatal(err)
	}
	h.huduFilesThere(r)
	if root := h.one("password", "Root"); root.Values["url"] != "https://fw1.example" {
		t.Errorf("the password is %v", root.Values)
	}
	fetched := s.fetched.Load()
	again, err := h.hudu(s, false)
	if err != nil || again.Created+again.Changed != 0 || s.fetched.Load() != fetched+1 { // what was lost is asked for again
		t.Errorf("a second time it is %+v, %v; it fetched %d more", again.Counts, err, s.fetched.Load()-fetched)
	}
	s.things["uploads"][0]["size"], s.files["uploads/1"] = "10 Bytes", "the plan 2\n"
	third, err := h.hudu(s, false)
	if err != nil || third.Kinds["attachment"].Changed != 1 {
		t.Errorf("with a new file it is %+v, %v", third.Counts, err)
	}
}

// TestHuduFilesInAZip: files lie in folders called like their sort, with their number in
// front or by their name.
func TestHuduFilesInAZip(t *testing.T) {
	h := open(t)
	things, content := huduFiles("https://acme.huducloud.com")
	b, err := json.Marshal(things)
	if err != nil {
		t.Fatal(err)
	}
	in := files{"hudu.json": string(b), "uploads/1 plan.csv": content["uploads/1"], "photos/4/original.png": content["photos/4"], "public_photos/rack.png": content["public_photos/77"]}
	h.huduFilesThere(h.huduFile(in, hudu.Settings{}, false))
	if again := h.huduFile(in, hudu.Settings{}, false); again.Created+again.Changed != 0 {
		t.Errorf("a second time it is %+v", again.Counts)
	}
}

// TestHuduTypesThatAreHere: networks join the type of the library that a tenant has, and
// a layout of Hudu that is called like one of ours stays what it is.
func TestHuduTypesThatAreHere(t *testing.T) {
	h := open(t)
	h.Change(func(tx *gate.Tx) error {
		list := flexibleasset.Library()
		_, err := list[slices.IndexFunc(list, func(y flexibleasset.Ready) bool { return y.Name == "LAN" })].Make(tx, h.Records)
		return err
	})
	things := huduThings()
	in := files{"companies.json": `[{"id":1,"name":"Acme"}]`, "asset_layouts.json": `[{"id":5,"name":"Rack","fields":[{"id":1,"label":"Key","field_type":"Text"}]}]`,
		"assets.json": `[{"id":9,"company_id":1,"asset_layout_id":5,"name":"Spare","fields":[{"label":"Key","value":"On the wall"}]}]`}
	for _, sort := range []string{"networks", "vlans", "rack_storages"} {
		b, err := json.Marshal(things[sort])
		if err != nil {
			t.Fatal(err)
		}
		in[sort+".json"] = string(b)
	}
	r := h.huduFile(in, hudu.Settings{}, false)
	office, rack, spare := h.one(flexibleasset.Kind, "Office"), h.one(flexibleasset.Kind, "Rack A"), h.one(flexibleasset.Kind, "Spare")
	if office.Names[flexibleasset.TypeField] != "LAN" || rack.Names[flexibleasset.TypeField] != "Rack of Hudu" || spare.Names[flexibleasset.TypeField] != "Rack" {
		t.Errorf("they are of the types %v, %v, %v; %v", office.Names, rack.Names, spare.Names, r.Problems)
	}
	if said := fmt.Sprint(office.Values); !strings.Contains(said, "10.20.0.0/24") || !strings.Contains(said, "Ground floor") {
		t.Errorf("the network is %s", said)
	}
}

// TestHuduOfNoCompany: what belongs to none comes to the company that is said.
func TestHuduOfNoCompany(t *testing.T) {
	h := open(t)
	in := files{"companies.json": `[{"id":1,"name":"Acme"}]`, "asset_layouts.json": "[]", "articles.json": `[{"id":4,"company_id":null,"name":"For all","content":"x","folder_id":23}]`, "folders.json": `[{"id":23,"name":"Global"}]`}
	r := h.huduFile(in, hudu.Settings{Company: "Everybody"}, false)
	doc := h.one("document", "For all")
	if r.Skipped != 0 || doc.Org != h.one("organization", "Everybody").ID || doc.Names["document_folder_id"] != "Global" {
		t.Errorf("it is %+v, %v", r.Counts, doc.Names)
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
			if r.Counts != check.Counts || r.Kinds["relation"].Created != 3 || r.Kinds["password"].Created != 1 {
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
	if err != nil || r.Kinds["organization"].Created != 0 || r.Kinds[flexibleasset.Kind].Created != 6 {
		t.Errorf("it went on with %+v, %v", r, err)
	}
}
