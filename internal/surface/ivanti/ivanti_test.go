package ivanti_test

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"mime/multipart"
	"strings"
	"testing"

	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/ivanti"
)

// TestLifeOfAnIncident: made with few fields, changed by PATCH and PUT, deleted, as the
// clients of Ivanti do it.
func TestLifeOfAnIncident(t *testing.T) {
	h := open(t)
	a := h.do("POST", incidents, `{"Subject":"No mail","Symptom":"<p>Since 9</p>","ProfileLink":"`+h.customer.RecID()+`","Urgency":"High","Impact":"High","CreatedBy":"somebody else","RecId":""}`).want(201)
	a.is("ProfileFullName", "Rosa Lind").is("Subject", "No mail").is("Status", "Logged").is("Priority", "1").is("IsVIP", true).is("ProfileLink_RecID", h.customer.RecID()).is("ProfileLink", h.customer.RecID()).is("ProfileLink_Category", "Employee")
	a.is("OrgUnitLink_RecID", h.org.RecID()).is("OrgUnitLink_Category", "OrganizationalUnit").is("Owner", nil).is("Owner_Valid", nil).is("ReadOnly", false).is("IsInFinalState", false)
	if a.doc["CreatedBy"] == "somebody else" || a.doc["IncidentNumber"] != 1.0 && a.doc["IncidentNumber"] == nil || !strings.HasSuffix(a.doc["@odata.context"].(string), "/api/odata/$metadata#incidents/$entity") {
		t.Errorf("made: %s", a.text)
	}
	rec := a.doc["RecId"].(string)
	if len(rec) != 32 {
		t.Fatalf("RecId %s", rec)
	}
	at := incidents + "('" + rec + "')"

	// A validated field by its name, another by its twin; Active once it is known with whom it lies.
	a = h.do("PATCH", at, `{"owner":"ADA@example.com","OwnerTeam":"service desk","Service_Valid":"`+h.service.RecID()+`","Category":"Delivery","Status":"Active","LastModDateTime":"2001-01-01T00:00:00Z"}`,
		"Content-Type", "text/plain").want(200)
	a.is("Owner", "Ada Berg").is("Owner_Valid", h.agent.RecID()).is("OwnerTeam", "Service Desk").is("Service", "E-mail").is("Category_Valid", h.category.RecID()).is("Status", "Active")
	valid := a.doc["Status_Valid"].(string)
	tag := a.header.Get("ETag")

	// D16: an undeclared move. D11: a value outside its list. Nothing of the rest is saved.
	h.do("PATCH", at, `{"Status":"Closed"}`).fault(400, "ISM_4000", "Incident.Status")
	h.do("PATCH", at, `{"Status":"Waiting","Subject":"x"}`).fault(400, "ISM_4000", "Waiting for Customer")
	h.do("PATCH", at, `{"Owner":"Nobody"}`).fault(400, "ISM_4000", "Incident.Owner")
	h.do("PATCH", at, `{"Subjekt":"x"}`).fault(400, "ISM_4000", "Subjekt")
	h.do("PATCH", at, `{"Urgency_Valid":"`+valid+`"}`).fault(400, "ISM_4000", "Incident.Urgency")
	h.do("PATCH", at, `["x"]`).fault(400, "ISM_4000", "object of JSON")
	h.do("PATCH", at, ``).want(200).is("Subject", "No mail")

	// D1: two editors; D2: an old client without a version.
	h.do("PUT", at, `{"Urgency":"Low"}`, "If-Match", tag).want(200).is("Priority", "3")
	h.do("PUT", at, `{"Urgency":"Medium"}`, "If-Match", tag).want(409)
	h.do("PUT", at, `{"Urgency":"Medium"}`).want(200).is("Priority", "2")

	// D3: what is closed does not change, whoever asks.
	h.do("PATCH", at, `{"Status":"Resolved","Resolution":"Queue restarted","CauseCode":"Software"}`).want(200)
	h.do("PATCH", at, `{"Status":"Closed"}`).want(200).is("ReadOnly", true).is("IsInFinalState", true).is("ClosedBy", nil)
	if a := h.do("PATCH", at, `{"Subject":"again"}`); a.status != 400 && a.status != 409 {
		t.Errorf("a closed incident is changed: %d %s", a.status, a.text)
	}

	a = h.do("DELETE", at, "").want(204)
	if a.text != "" {
		t.Errorf("DELETE answers %q", a.text)
	}
	h.do("GET", at, "").fault(400, "ISM_4000", "")
	h.do("DELETE", at, "").fault(400, "ISM_4000", "")
}

// TestT4Missing: a RecId that is not there, one of another object and what is no RecId
// are answered alike.
func TestT4Missing(t *testing.T) {
	h := open(t)
	want := h.do("GET", incidents+"('"+id.ID(900000000007).RecID()+"')", "").fault(400, "ISM_4000", "").text
	for _, rec := range []string{h.customer.RecID(), "xyz", "00000000000000000000000000000000", "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", h.customer.String()} {
		if a := h.do("GET", incidents+"('"+rec+"')", ""); a.text != want {
			t.Errorf("%s: %d %s", rec, a.status, a.text)
		}
	}
	h.do("GET", "/api/odata/businessobject/incident", "").fault(404, "ISM_4004", "")
	h.do("GET", "/api/odata/nothings/$metadata", "").fault(404, "ISM_4004", "")
}

func TestLists(t *testing.T) {
	h := open(t)
	for _, v := range []record.Values{
		{"name": "a", "urgency": "High", "impact": "High", "owner_id": h.agent, "vip": true}, {"name": "b", "urgency": "Low", "impact": "Low", "team_id": h.team},
		{"name": "c'd", "source": "Email", "service_id": h.service, "description": "<p>The printer in the back office</p>"},
	} {
		v["contact_id"] = h.customer
		h.Make("incident", h.org, v)
	}
	a := h.do("GET", incidents, "").want(200)
	if a.doc["@odata.count"] != 3.0 || !strings.HasSuffix(a.doc["@odata.context"].(string), "#incidents") {
		t.Errorf("all: %s", a.text)
	}
	for filter, want := range map[string]string{
		"": "a b c'd", "Priority eq '1'": "a", "priority eq 1": "a", "Priority ne '1' and Priority ne '5'": "c'd", "Subject eq 'C''D'": "c'd", "Subject eq 'A' or Subject eq 'b'": "a b",
		"Owner eq 'Ada Berg'": "a", "Owner eq 'ada@example.com'": "a", "Owner eq 'Nobody'": "", "Owner ne 'Ada Berg'": "b c'd", "Owner eq '$NULL'": "b c'd", "Owner ne null": "a", "ProfileFullName eq 'Rosa Lind'": "a b c'd", "startswith(ProfileFullName,'x')": "",
		"Owner_Valid eq '" + h.agent.RecID() + "'": "a", "contains(OwnerTeam,'desk')": "b", "startswith(Subject,'C')": "c'd", "Source eq 'Email' and (Service eq 'E-mail' or Service eq 'x')": "c'd",
		"ProfileLink eq '" + h.customer.RecID() + "' and Urgency eq 'Low'": "b", "ProfileLink_RecID ne '" + h.customer.RecID() + "'": "", "ProfileLink_RecID eq 'x'": "",
		"CreatedDateTime gt 2001-01-01": "a b c'd", "LastModDateTime lt '2001-01-01T00:00:00Z'": "", "IsInFinalState eq true": "", "IncidentNumber gt 0": "a b c'd",
		"OrgUnitLink eq '" + h.org.RecID() + "'": "a b c'd", "Subject eq ''": "", "Subject ne ''": "a b c'd", "ResolvedDateTime eq null": "a b c'd", "ReadOnly eq false": "a b c'd",
	} {
		if got := h.list(filter); got != want {
			t.Errorf("%s: %q, want %q", filter, got, want)
		}
	}
	if got := h.list("", "$search", "print back"); got != "c'd" {
		t.Errorf("$search: %s", got)
	}
	if got := h.list("Priority eq '1'", "$search", "printer"); got != "" {
		t.Errorf("$search and a filter: %s", got)
	}
	// D6: what is unknown, or cannot be filtered or sorted by, is refused; D7: pages.
	for query, word := range map[string]string{
		"$filter=Subjekt%20eq%20'x'": "Subjekt", "$filter=length(Subject)%20eq%201": "length", "$filter=Resolution%20eq%20null": "", "$filter=CreatedBy%20eq%20'x'": "CreatedBy", "$filter=ProfileLink_Category%20eq%20'Employee'": "Category",
		"$filter=Owner%20gt%20'a'": "Owner", "$filter=IncidentNumber%20eq%20'x'": "whole number", "$filter=IsVIP%20eq%20'x'": "true or false", "$filter=CreatedDateTime%20gt%20'x'": "date", "$filter=contains(IncidentNumber,'1')": "no text",
		"$orderby=Subjekt": "Subjekt", "$orderby=": "$orderby", "$orderby=Owner_Valid": "Sort by Owner", "$orderby=CreatedBy": "CreatedBy", "$orderby=Symptom": "", "$top=101": "100", "$skip=-1": "$skip",
		"$filter=Subject%20gt%202026-01-01": "quotes",
	} {
		h.do("GET", incidents+"?"+query, "").fault(400, "ISM_4000", word)
	}
	a = h.do("GET", incidents+"?%24top=1&$skip=1&$orderby=Subject+desc&$select=Subject,+owner_valid,Nothing&_t=1", "").want(200)
	if got := a.doc["value"].([]any); len(got) != 1 || a.doc["@odata.count"] != 3.0 {
		t.Errorf("a page: %s", a.text)
	} else if x := got[0].(map[string]any); len(x) != 3 || x["Subject"] != "b" || x["RecId"] == nil {
		t.Errorf("selected: %v", x)
	}
	if a := h.do("GET", incidents+"?$top=0", "").want(200); len(a.doc["value"].([]any)) != 0 || a.doc["@odata.count"] != 3.0 {
		t.Errorf("none: %s", a.text)
	}
	a = h.do("GET", incidents+"?$filter=Subject+eq+'none'", "").want(200)
	if !strings.Contains(a.text, `"value":[]`) {
		t.Errorf("nothing found: %s", a.text)
	}
	a = h.do("GET", "/HEAT//api/OData/BusinessObject/Incidents?$filter=Owner_valid%20ne%20null&$orderby=Owner", "", "Content-Type", "application/json").want(200)
	if a.doc["@odata.count"] != 1.0 {
		t.Errorf("another spelling: %s", a.text)
	}
}

// TestRelationships: related records are listed, made, linked and unlinked, whichever way
// the two are tied.
func TestRelationships(t *testing.T) {
	h := open(t)
	first := h.Make("incident", h.org, record.Values{"name": "first", "contact_id": h.customer})
	second := h.Make("incident", h.org, record.Values{"name": "second", "contact_id": h.customer, "master": true})
	prb := h.Make("problem", h.org, record.Values{"name": "behind", "category_id": h.category})
	srv := h.Make("configuration", h.org, record.Values{"name": "srv", "configuration_type_id": h.Make("configuration_type", 0, record.Values{"name": "Server"})})
	at := func(rid id.ID, rel string) string { return incidents + "('" + rid.RecID() + "')/" + rel }
	ref := func(rid id.ID, rel string, to id.ID) string { return at(rid, rel) + "('" + to.RecID() + "')/$Ref" }
	count := func(path string, want float64) {
		t.Helper()
		if a := h.do("GET", path, "").want(200); a.doc["@odata.count"] != want {
			t.Errorf("%s: %s", path, a.text)
		}
	}
	count(at(first, "IncidentContainsTask"), 0)
	made := h.do("POST", at(first, "IncidentContainsTask"), `{"Subject":"Restart","Priority":"2"}`).want(201)
	if made.doc["IncidentLink_RecID"] != first.RecID() || made.doc["OrgUnitLink_RecID"] != h.org.RecID() {
		t.Errorf("a task: %s", made.text)
	}
	count(at(first, "incidentcontainstask")+"?$filter=Priority+eq+'2'", 1)
	count(at(first, "IncidentContainsTask")+"?$filter=Priority+eq+'1'", 0)
	for _, c := range []struct {
		rel  string
		to   id.ID
		back string
	}{
		{"ProblemAssociatesIncident", prb, "/api/odata/businessobject/problems('" + prb.RecID() + "')/ProblemAssociatesIncident"}, {"IncidentAssocMasterIncident", second, at(second, "IncidentAssocChildIncident")},
		{"IncidentAssociatesCI", srv, "/api/odata/businessobject/cis('" + srv.RecID() + "')/CIAssociatedActiveIncident"},
	} {
		h.do("DELETE", ref(first, c.rel, c.to), "").fault(400, "ISM_4000", "")
		for range 2 { // linking twice links once
			h.do("PATCH", ref(first, c.rel, c.to), "{}", "Content-Type", "application/x-www-form-urlencoded").want(200).is("code", "ISM_2000")
		}
		count(at(first, c.rel), 1)
		count(c.back, 1)
		h.do("PATCH", ref(first, c.rel, h.customer), "").fault(400, "ISM_4000", "") // D12: a record of the wrong object
		h.do("DELETE", ref(first, c.rel, c.to), "").want(200).is("code", "ISM_2000")
		count(at(first, c.rel), 0)
		count(c.back, 0)
	}
	h.do("DELETE", ref(first, "IncidentAssociatedCustomer", h.customer), "").fault(400, "ISM_4000", "Incident.ProfileLink")
	h.do("GET", at(first, "IncidentAssocNothing"), "").fault(404, "ISM_4004", "")
	h.do("GET", at(h.customer, "IncidentContainsTask"), "").fault(400, "ISM_4000", "")
}

// form makes a form with fields and files, in this order: "name=value" or "name@file=content".
func form(t *testing.T, parts ...string) (body, kind string) {
	t.Helper()
	var b strings.Builder
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		name, value, _ := strings.Cut(p, "=")
		name, file, isFile := strings.Cut(name, "@")
		part, err := w.CreateFormField(name)
		if isFile {
			part, err = w.CreateFormFile(name, file)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

// TestAttachments: files are put on a record, listed, fetched and taken off; D4, D13, D14.
func TestAttachments(t *testing.T) {
	h := open(t)
	rid := h.Make("incident", h.org, record.Values{"name": "first", "contact_id": h.customer})
	up := func(parts ...string) *answer {
		t.Helper()
		body, kind := form(t, parts...)
		return h.do("POST", "/api/rest/Attachment", body, "Content-Type", kind)
	}
	at, typ := "ObjectID="+rid.RecID(), "ObjectType=incident#"
	a := up(at, typ, "AttachmentType=x", "whatever@log.txt=hello").want(200)
	up("file@../../etc/pass\r\nwd.txt=second", "businessObjectId="+rid.RecID(), "objectType=Incident#").want(200) // the file first, a name with a path
	var said []struct {
		FileName   string
		IsUploaded bool
		Message    string
	}
	if err := json.Unmarshal([]byte(a.text), &said); err != nil || len(said) != 1 || said[0].FileName != "log.txt" || !said[0].IsUploaded || len(said[0].Message) != 32 {
		t.Fatalf("%s, %v", a.text, err)
	}
	up(at, typ, "file@LOG.TXT=again").fault(300, "ISM_3000", "name")
	up(at, typ, "file@big.bin="+strings.Repeat("x", 1<<20+1)).fault(300, "ISM_3000", "MiB")
	up(at, typ).fault(400, "ISM_4000", "no file")
	up(at, "ObjectType=Nothing#", "file@a=b").fault(400, "ISM_4000", "ObjectType")
	up("ObjectID="+h.customer.RecID(), typ, "file@a=b").fault(400, "ISM_4000", "")
	h.do("POST", "/api/rest/Attachment", "{}").fault(400, "ISM_4000", "form")

	for _, path := range []string{incidents + "('" + rid.RecID() + "')/IncidentContainsAttachment", "/api/odata/businessobject/attachments?$filter=ParentLink_RecID+eq+'" + rid.RecID() + "'"} {
		a := h.do("GET", path, "").want(200)
		if a.doc["@odata.count"] != 2.0 || strings.Contains(a.text, "..") || strings.Contains(a.text, `"ATTACHNAME":"../`) || !strings.Contains(a.text, `"ATTACHSIZE":5`) {
			t.Errorf("%s: %s", path, a.text)
		}
	}
	h.do("GET", "/api/odata/businessobject/attachments", "").fault(400, "ISM_4000", "ParentLink_RecID")
	if a := h.do("GET", "/api/odata/businessobject/attachments?$filter=ParentLink_RecID+eq+'x'", "").want(200); a.doc["@odata.count"] != 0.0 {
		t.Errorf("files of nothing: %s", a.text)
	}
	file := said[0].Message
	got := h.do("GET", "/api/rest/Attachment?ID="+file, "").want(200)
	if got.text != "hello" || !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment; filename=log.txt") {
		t.Errorf("fetched %q as %s", got.text, got.header.Get("Content-Disposition"))
	}
	h.do("GET", "/api/odata/businessobject/attachments('"+file+"')", "").want(200).is("ATTACHNAME", "log.txt")
	h.do("DELETE", "/api/rest/Attachment/"+file, "").want(204)
	h.do("GET", "/api/rest/Attachment?id="+file, "").fault(400, "ISM_4000", "") // taken off is gone, and not left behind
	h.do("DELETE", "/api/rest/Attachment?ID="+file, "").fault(400, "ISM_4000", "")
	for n, path := range []string{"/api/rest/Attachment?ID=", "/api/odata/businessobject/attachments/"} { // the other two ways
		a := up(at, typ, "file@"+[]string{"one", "two"}[n]+".txt=x").want(200)
		if err := json.Unmarshal([]byte(a.text), &said); err != nil {
			t.Fatal(err)
		}
		h.do("GET", "/api/rest/Attachment/"+said[0].Message, "").want(200)
		h.do("DELETE", path+said[0].Message, "").want(204)
		h.do("GET", "/api/rest/Attachment/"+said[0].Message, "").fault(400, "ISM_4000", "")
	}
}

// TestT2SecretsAreNotAskedFor: passwords are an object like others, without what they hold, and no
// question tells anything of that.
func TestT2SecretsAreNotAskedFor(t *testing.T) {
	h := open(t)
	h.Make("password", h.org, record.Values{"name": "Router", "username": "admin", "password": "kelp-anchor-9"})
	a := h.do("GET", "/api/odata/businessobject/passwords", "").want(200)
	if !strings.Contains(a.text, "Router") || strings.Contains(a.text, "kelp") || strings.Contains(a.text, `"Password"`) {
		t.Errorf("passwords: %s", a.text)
	}
	for _, ask := range []string{"$filter=Password%20eq%20'kelp-anchor-9'", "$filter=Password%20ne%20''", "$filter=contains(Password,'k')", "$filter=Name%20eq%20'x'%20or%20Password%20gt%20'k'", "$orderby=Password", "$orderby=Name,Password%20desc"} {
		h.do("GET", "/api/odata/businessobject/passwords?"+ask, "").fault(400, "ISM_4000", "Password")
	}
}

func TestMetadata(t *testing.T) {
	h := open(t)
	a := h.do("GET", "/api/odata/incidents/$metadata", "").want(200)
	var doc struct {
		Types []struct {
			Name       string `xml:"Name,attr"`
			Properties []struct {
				Name string `xml:"Name,attr"`
				Type string `xml:"Type,attr"`
			} `xml:"Property"`
		} `xml:"DataServices>Schema>EntityType"`
	}
	if err := xml.Unmarshal([]byte(a.text), &doc); err != nil || len(doc.Types) != 1 || doc.Types[0].Name != "Incident" {
		t.Fatalf("%v: %s", err, a.text)
	}
	types := map[string]string{}
	for _, p := range doc.Types[0].Properties {
		if types[p.Name] != "" {
			t.Errorf("%s is there twice", p.Name)
		}
		types[p.Name] = p.Type
	}
	for name, want := range map[string]string{"RecId": "Edm.String", "IsVIP": "Edm.Boolean", "IncidentNumber": "Edm.Int64", "CreatedDateTime": "Edm.DateTimeOffset", "ProfileLink_RecID": "Edm.String", "Owner_Valid": "Edm.String"} {
		if types[name] != want {
			t.Errorf("%s is %q", name, types[name])
		}
	}
	// What a record has is what the description says.
	made := h.do("POST", incidents, `{"Subject":"x","ProfileLink_RecID":"`+h.customer.RecID()+`"}`).want(201)
	for name := range made.doc {
		if !strings.HasPrefix(name, "@") && types[name] == "" {
			t.Errorf("%s is not described", name)
		}
	}
	if len(made.doc)-1 != len(types) {
		t.Errorf("%d fields are described, %d there", len(types), len(made.doc)-1)
	}
}

func TestWhoAsks(t *testing.T) {
	h := open(t)
	for _, said := range []string{"", "rest_api_key=", "rest_api_key=wrong", "Basic eDp5", "nothing"} {
		h.do("GET", incidents, "", "Authorization", said).want(401).fault(401, "ISM_4001", "")
	}
	h.do("GET", incidents, "", "Authorization", "Bearer "+h.key).want(200)
	h.do("GET", incidents, "", "Authorization", "REST_API_KEY="+h.key).want(200)

	name := h.Tenant().Name
	for body, kind := range map[string]string{
		`{"tenant":"` + name + `.example.com","UserName":"ada@example.com","Password":"correct horse","role":"Admin"}`: "application/json",
		"tenant=" + name + "&username=ada%40example.com&password=correct+horse&role=Admin":                             "application/x-www-form-urlencoded",
	} {
		a := h.do("POST", "/api/rest/Authentication/Login", body, "Content-Type", kind, "Authorization", "").want(200)
		token := strings.Trim(strings.TrimSpace(a.text), `"`)
		h.do("GET", incidents, "", "Authorization", token).want(200)
		h.do("GET", incidents, "", "Authorization", token+"x").want(401)
	}
	h.do("POST", "/api/rest/authentication/login", `{"tenant":"`+name+`","username":"ada@example.com","password":"wrong"}`).fault(400, "ISM_4000", "")
	h.do("POST", "/api/rest/authentication/login", `{"username":1}`).fault(400, "ISM_4000", "tenant")
}

// TestEveryKindIsAnObject: names are not taken twice, and every object answers.
func TestEveryKindIsAnObject(t *testing.T) {
	h := open(t)
	api := &ivanti.API{Gate: h.Gate, Records: h.Records}
	sets := api.Sets()
	if len(sets) != len(h.Records.Kinds.Kinds()) {
		t.Errorf("%d objects of %d kinds", len(sets), len(h.Records.Kinds.Kinds()))
	}
	for set := range sets {
		h.do("GET", "/api/odata/businessobject/"+set, "").want(200)
		h.do("GET", "/api/odata/"+set+"/$metadata", "").want(200)
	}
	for set, kind := range map[string]string{"incidents": "incident", "servicereqs": "service_request", "categorys": "category", "employees": "contact", "organizationalunits": "organization", "ci__services": "service", "standarduserteams": "team", "cis": "configuration"} {
		if sets[set] != kind {
			t.Errorf("%s is %q", set, sets[set])
		}
	}
}

// TestPaths: which addresses are this API's.
func TestPaths(t *testing.T) {
	for _, p := range []string{"/api/odata/x", "/HEAT/api/rest/y", "/heat/API/OData/z", "//api//odata/q"} {
		if !ivanti.Is(p) {
			t.Errorf("%s is another's", p)
		}
	}
	for _, p := range []string{"/api/v1/odata", "/api", "/heat", "/odata/", "/api/odatax", "/api/restaurants"} {
		if ivanti.Is(p) {
			t.Errorf("%s is ours", p)
		}
	}
}
