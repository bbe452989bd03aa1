package ivanti_test

import (
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/core/record"
)

// TestTolerances names each liberty that clients take, one subtest for each.
func TestTolerances(t *testing.T) {
	h := open(t)
	rid := h.Make("incident", h.org, record.Values{"name": "first (1)", "contact_id": h.customer, "owner_id": h.agent})
	h.Make("incident", h.org, record.Values{"name": "second", "contact_id": h.customer})
	at := incidents + "('" + rid.RecID() + "')"
	customer := h.customer.RecID()
	count := func(t *testing.T, path string, want float64) {
		t.Helper()
		if a := h.do("GET", path, "").want(200); a.doc["@odata.count"] != want {
			t.Errorf("%s: %s", path, a.text)
		}
	}
	for _, c := range []struct {
		name string
		try  func(t *testing.T)
	}{
		{"the prefix HEAT is optional", func(t *testing.T) { count(t, "/HEAT"+incidents, 2) }},
		{"paths in any case", func(t *testing.T) { count(t, "/api/OData/businessObject/Incidents", 2) }},
		{"names of fields in any case, answered in the canonical one", func(t *testing.T) {
			count(t, incidents+"?$filter=subject%20eq%20'second'&$select=SUBJECT", 1)
			h.do("PATCH", at, `{"uRgEnCy":"High"}`).want(200).is("Urgency", "High")
		}},
		{"a plus is a space, and %24 is $", func(t *testing.T) { count(t, incidents+"?%24filter=Subject+eq+'second'", 1) }},
		{"GET with a body of JSON", func(t *testing.T) {
			if a := h.do("GET", incidents, `{"x":1}`, "Content-Type", "application/json").want(200); a.doc["@odata.count"] != 2.0 {
				t.Error(a.text)
			}
		}},
		{"PATCH with an empty body", func(*testing.T) { h.do("PATCH", at, "").want(200).is("Subject", "first (1)") }},
		{"PATCH as a form", func(*testing.T) {
			h.do("PATCH", at, "Urgency=Low&Impact=High", "Content-Type", "application/x-www-form-urlencoded").want(200).is("Urgency", "Low").is("Impact", "High")
		}},
		{"JSON in a body that calls itself a form", func(*testing.T) {
			h.do("PATCH", at, `{"Urgency":"Medium"}`, "Content-Type", "application/x-www-form-urlencoded").want(200).is("Urgency", "Medium")
		}},
		{"POST of JSON without a Content-Type", func(*testing.T) {
			a := h.do("POST", incidents, `{"Subject":"third","ProfileLink_RecID":"`+customer+`"}`, "Content-Type", "").want(201)
			h.do("DELETE", incidents+"('"+a.doc["RecId"].(string)+"')", "").want(204)
		}},
		{"unknown query parameters", func(t *testing.T) { count(t, incidents+"?_t=17&$count=true&$format=json&$expand=x&$apply=y", 2) }},
		{"PUT is PATCH", func(*testing.T) { h.do("PUT", at, `{"Urgency":"High"}`).want(200).is("Subject", "first (1)") }},
		{"null in four spellings", func(t *testing.T) {
			for filter, want := range map[string]float64{"Owner eq '$NULL'": 1, "Owner eq null": 1, "Owner ne null": 1, "Owner ne '$null'": 1, "Owner eq ''": 1} {
				count(t, incidents+"?$filter="+url.QueryEscape(filter), want)
			}
		}},
		{"brackets in filters, and in texts", func(t *testing.T) {
			count(t, incidents+"?$filter="+url.QueryEscape("(Subject eq 'first (1)') and (Urgency ne 'x' or (Impact eq 'y'))"), 1)
		}},
		{"dates bare and in quotes", func(t *testing.T) {
			for _, day := range []string{"2001-01-01", "2001-01-01T00:00:00Z", "'2001-01-01'", "'2001-01-01T00:00:00Z'", "2001-01-01T00:00:00%2B02:00"} {
				count(t, incidents+"?$filter=CreatedDateTime+gt+"+day, 2)
			}
		}},
		{"$select with spaces and unknown names, RecId always", func(t *testing.T) {
			for _, path := range []string{incidents + "?$select=Subject,+Nothing+,,Owner&$top=1", at + "?$select=Subject,%20Nothing"} {
				a := h.do("GET", path, "").want(200)
				if !strings.Contains(a.text, `"RecId":`) || strings.Contains(a.text, "Nothing") || strings.Contains(a.text, "Urgency") {
					t.Errorf("%s: %s", path, a.text)
				}
			}
		}},
		{"$top on one record means nothing", func(*testing.T) { h.do("GET", at+"?$top=1", "").want(200).is("Subject", "first (1)") }},
		{"$top of 101 is refused", func(*testing.T) { h.do("GET", incidents+"?$top=101", "").fault(400, "ISM_4000", "100") }},
		{"a link by its alias or by _RecID", func(*testing.T) {
			for _, name := range []string{"ProfileLink", "ProfileLink_RecID", "profilelink_recid"} {
				h.do("PATCH", at, `{"`+name+`":"`+customer+`","ProfileLink_Category":"Employee"}`).want(200).is("ProfileLink", customer).is("ProfileLink_RecID", customer)
			}
		}},
		{"the twins of status, priority and category are the server's", func(t *testing.T) {
			a := h.do("PATCH", at, `{"Category":"Delivery"}`).want(200).is("Category_Valid", h.category.RecID())
			for _, twin := range []string{"Status_Valid", "Priority_Valid", "Urgency_Valid"} {
				if s, _ := a.doc[twin].(string); len(s) != 32 {
					t.Errorf("%s is %v", twin, a.doc[twin])
				}
			}
		}},
		{"nothing found is 200 and an empty list", func(t *testing.T) {
			for _, path := range []string{incidents + "?$filter=Subject+eq+'none'", at + "/IncidentContainsTask", at + "/IncidentContainsAttachment"} {
				if a := h.do("GET", path, "").want(200); !strings.Contains(a.text, `"value":[]`) {
					t.Errorf("%s: %s", path, a.text)
				}
			}
		}},
		{"an incident of few fields is filled before it is refused", func(*testing.T) {
			a := h.do("POST", incidents, `{"Subject":"fourth","Symptom":"x","Status":"Logged","ProfileLink":"`+customer+`"}`).want(201).is("Priority", "3").is("Urgency", "Medium").is("Source", "Phone").is("OrgUnitLink_RecID", h.org.RecID())
			h.do("DELETE", incidents+"('"+a.doc["RecId"].(string)+"')", "").want(204)
		}},
	} {
		t.Run(c.name, c.try)
	}
}

// TestWhereNotToCopy: each line of the table of what Ivanti does and we do not. Those on keys and
// sessions are also TestWhoAsks, that on secrets TestT2SecretsAreNotAskedFor, those on files
// TestAttachments, that on refused actions TestQuickActions, and that on votes those of votes.
func TestWhereNotToCopy(t *testing.T) {
	h := open(t)
	rid := h.Make("incident", h.org, record.Values{"name": "first", "contact_id": h.customer, "owner_id": h.agent, "team_id": h.team, "service_id": h.service, "category_id": h.category})
	at := incidents + "('" + rid.RecID() + "')"
	for _, c := range []struct {
		name string
		try  func(t *testing.T)
	}{
		{"a function of a filter that is not known is refused, not dropped", func(*testing.T) {
			for _, filter := range []string{"endswith(Subject,'x')", "length(Subject) gt 1", "Subject has 'x'", "year(CreatedDateTime) eq 2001", "not Subject eq 'x'", "any(Subject)"} {
				h.do("GET", incidents+"?$filter="+url.QueryEscape(filter), "").fault(400, "ISM_4000", "")
			}
		}},
		{"a wrong order is refused, and does not read as nothing found", func(*testing.T) {
			for _, order := range []string{"", "Nothing", "Subject up", "Subject,,Owner"} {
				h.do("GET", incidents+"?$orderby="+url.QueryEscape(order), "").fault(400, "ISM_4000", "")
			}
		}},
		{"an object that is not known has no metadata", func(*testing.T) {
			h.do("GET", "/api/odata/nothings/$metadata", "").fault(404, "ISM_4004", "")
		}},
		{"who made and changed a record is the server's to say", func(t *testing.T) {
			a := h.do("PATCH", at, `{"CreatedBy":"Somebody","CreatedDateTime":"2001-01-01T00:00:00Z","LastModBy":"Somebody","RecId":"X"}`).want(200)
			if a.doc["CreatedBy"] == "Somebody" || a.doc["LastModBy"] == "Somebody" || strings.HasPrefix(a.doc["CreatedDateTime"].(string), "2001") {
				t.Errorf("the server's fields: %s", a.text)
			}
		}},
		{"a closed record that is read only is", func(*testing.T) {
			h.do("POST", at+"/Resolve", `{"PromptParams":{"Resolution":"x","CauseCode":"Other"}}`).want(200).is("IsSuccess", true)
			h.do("POST", at+"/Close", "").want(200).is("IsSuccess", true)
			h.do("PATCH", at, `{"Subject":"again"}`).fault(400, "ISM_4000", "Closed")
		}},
		{"people have no password in plain text", func(t *testing.T) {
			if a := h.do("GET", "/api/odata/employees/$metadata", "").want(200); strings.Contains(a.text, "RemoteControlPwd") || strings.Contains(a.text, "Password") {
				t.Error("people have a password in plain text")
			}
		}},
		{"no call tells of the server's insides, and no fault of a session", func(t *testing.T) {
			token := strings.Trim(strings.TrimSpace(h.do("POST", "/api/rest/authentication/login", `{"tenant":"`+h.Tenant().Name+`","username":"ada@example.com","password":"correct horse"}`, "Authorization", "").want(200).text), `"`)
			for _, path := range []string{"/api/CentralConfig/GetConfig", "/api/rest/CentralConfig", "/api/odata/nothings", incidents + "('X')"} {
				a := h.do("GET", path, "", "Authorization", token)
				if a.status < 400 || strings.Contains(a.text, token) || strings.Contains(strings.ToLower(a.text), "sql") {
					t.Errorf("%s: %d %s", path, a.status, a.text)
				}
			}
		}},
		{"who has no key is refused, and not shown an empty list", func(*testing.T) {
			h.do("GET", incidents, "", "Authorization", "").fault(401, "ISM_4001", "")
		}},
	} {
		t.Run(c.name, c.try)
	}
}
