package ivanti_test

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/view"
)

// actionIDs reads the ActionIds out of a description, by names.
func actionIDs(t *testing.T, metadata, element string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, m := range regexp.MustCompile(`(?s)<`+element+` Name="([^"]+)".*?Property="DefaultValue" String="([^"]+)"`).FindAllStringSubmatch(metadata, -1) {
		out[m[1]] = m[2]
	}
	return out
}

// TestQuickActions: the moves that the lifecycle declares are actions, by their names and
// by the ActionIds of $metadata; D16: a move that is not declared is refused, and the
// answer says so in the words that clients read.
func TestQuickActions(t *testing.T) {
	h := open(t)
	known := record.Values{"name": "No mail", "contact_id": h.customer, "owner_id": h.agent, "team_id": h.team, "service_id": h.service, "category_id": h.category}
	rid := h.Make("incident", h.org, known)
	at := incidents + "('" + rid.RecID() + "')"
	ids := actionIDs(t, h.do("GET", "/api/odata/incidents/$metadata", "").want(200).text, "Action")
	if len(ids) != len(incident.Life().States)+1 || ids["Close"] == "" || ids["Set_Waiting_for_Customer"] == "" || ids["Take_Ownership"] == "" {
		t.Fatalf("actions: %v", ids)
	}
	status := func(want string) {
		t.Helper()
		h.do("GET", at, "").want(200).is("Status", want)
	}
	full := func(name, more string) string {
		return `{"ActionId":"` + ids[name] + `","ShouldSave":true,"ActionParams":{"FormParams":{"actionId":"` + ids[name] + `","objectId":"` + rid.RecID() + `","actualObjectType":"Incident#"},"GridParams":{}},"PromptParams":[` + more + `],"promptParams":[` + more + `]}`
	}
	a := h.do("POST", at+"/Close", full("Close", "")).want(200).is("IsSuccess", false).is("saved", false)
	if !strings.Contains(a.text, "Incident.Status: What is Active does not become Closed.") {
		t.Errorf("an undeclared move: %s", a.text)
	}
	status("Active")
	h.do("POST", at+"/Resolve", "").want(200).is("IsSuccess", false) // without what the state demands
	h.do("POST", at+"/Resolve", full("Resolve", `{"Name":"Resolution","Value":"Restarted"},{"FieldName":"CauseCode","Value":"Software"}`)).want(200).is("IsSuccess", true).is("saved", true)
	status("Resolved")
	h.do("POST", at+"/resolve", "").want(200).is("IsSuccess", true) // twice is once
	h.do("POST", at+"/Close", strings.Replace(full("Close", ""), "true", "false", 1)).want(200).is("IsSuccess", true).is("saved", false)
	status("Resolved")
	h.do("POST", at+"/QuickAction.Close", "{}").want(200).is("IsSuccess", true)
	status("Closed")
	h.do("POST", at+"/Activate", "").want(200).is("IsSuccess", false)

	for name, want := range map[string]string{"Nothing": "no such quick action", "Close": "ActionId is that of"} {
		body := `{"ActionId":"` + ids["Resolve"] + `"}`
		if name == "Nothing" {
			body = `{"ActionId":"00000000-0000-0000-0000-000000000000"}`
		}
		h.do("POST", at+"/"+name, body).fault(400, "ISM_4000", want)
	}
	h.do("POST", at+"/By_Id_Alone", `{"actionid":"{`+strings.ToLower(ids["Resolve"])+`}"}`).want(200).is("IsSuccess", false)
	h.do("POST", at+"/Close", `{"ActionParams":{"FormParams":{"objectId":"`+h.customer.RecID()+`"}}}`).fault(400, "ISM_4000", "objectId")
	h.do("POST", incidents+"('"+id.ID(900000000007).RecID()+"')/Close", "").fault(400, "ISM_4000", "")
	h.do("POST", incidents+"('"+h.customer.RecID()+"')/Close", "").fault(400, "ISM_4000", "")

	other := h.Make("incident", h.org, record.Values{"name": "Whose?", "contact_id": h.customer})
	h.do("POST", incidents+"('"+other.RecID()+"')/Take_Ownership", "").want(200).is("IsSuccess", false) // the key is nobody's
	_, reader, err := (&apikey.Keys{Gate: h.Gate}).Create(t.Context(), h.Admin(), apikey.New{Name: "reader", Role: access.ReadOnly, Limit: &apikey.Limit{}})
	if err != nil {
		t.Fatal(err)
	}
	h.do("POST", incidents+"('"+other.RecID()+"')/Close", "", "Authorization", "rest_api_key="+reader).fault(403, "ISM_4001", "")
}

// TestSavedSearches: what somebody saved as a view is asked by its name or its ActionId,
// and narrowed further; nobody asks another's.
func TestSavedSearches(t *testing.T) {
	h := open(t)
	for name, urgency := range map[string]string{"a": "High", "b": "Low", "c": "High"} {
		h.Make("incident", h.org, record.Values{"name": name, "contact_id": h.customer, "urgency": urgency, "impact": "High"})
	}
	save := func(who *access.Caller, v view.View) {
		t.Helper()
		v.Kind = "incident"
		if err := h.Gate.Change(t.Context(), who, access.View, gate.Thing{}, func(tx *gate.Tx) error { return view.Save(tx, v) }); err != nil {
			t.Fatal(err)
		}
	}
	save(h.Admin(), view.View{Name: "Most pressing", Query: "urgency=High&sort=name&dir=desc&cols=priority&per=100", Shared: true})
	save(h.Admin(), view.View{Name: "Flagged", Query: "flag=7", Shared: true})
	save(&access.Caller{Tenant: h.Tenant().Name, User: h.agent, Role: access.Administrator}, view.View{Name: "Her own", Query: "urgency=Low"})

	ids := actionIDs(t, h.do("GET", "/api/odata/incidents/$metadata", "").want(200).text, "Function")
	if len(ids) != 2 || ids["Most_pressing"] == "" {
		t.Fatalf("searches: %v", ids)
	}
	found := func(path, body string) string {
		t.Helper()
		var out []string
		for _, x := range h.do("GET", path, body).want(200).doc["value"].([]any) {
			out = append(out, x.(map[string]any)["Subject"].(string))
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct{ path, body, want string }{
		{"/Most_pressing?ActionId=" + ids["Most_pressing"], "", "c a"},
		{"/most_pressing", "", "c a"},
		{"/Whatever?actionid=" + strings.ToLower(ids["Most_pressing"]), "", "c a"},
		{"/Whatever", `{"ActionId":"` + ids["Most_pressing"] + `"}`, "c a"}, // a GET with a body of JSON
		{"/Most_pressing?$orderby=Subject", "", "a c"},
		{"/Most_pressing?$filter=" + url.QueryEscape("Subject eq 'a' or Subject eq 'b'"), "", "a"},
		{"/Most_pressing?$top=1&$skip=1", "", "a"},
	} {
		if got := found(incidents+c.path, c.body); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.path, c.body, got, c.want)
		}
	}
	// T1, D6: another's view and one that is not there are no empty list, and not everything.
	want := h.do("GET", incidents+"/Nothing", "").fault(400, "ISM_4000", "").text
	if got := h.do("GET", incidents+"/Her_own", "").fault(400, "ISM_4000", "").text; got != want {
		t.Errorf("another's view: %s", got)
	}
	h.do("GET", incidents+"/Flagged", "").fault(400, "ISM_4000", "narrowed by flag")
	h.do("GET", incidents+"/Most_pressing?$filter=Nothing%20eq%201", "").fault(400, "ISM_4000", "Nothing")
}

// TestFulltext: the search for words, of one object and of all.
func TestFulltext(t *testing.T) {
	h := open(t)
	h.Make("incident", h.org, record.Values{"name": "Printer jam", "contact_id": h.customer})
	h.Make("incident", h.org, record.Values{"name": "Mailbox full", "contact_id": h.customer, "description": "<p>since the printer</p>"})
	h.Make("incident", h.org, record.Values{"name": "Telephone mute", "contact_id": h.customer})
	h.Make("configuration", h.org, record.Values{"name": "Printer 2", "configuration_type_id": h.Make("configuration_type", 0, record.Values{"name": "Printer"})})
	for body, want := range map[string]int{
		`{"Text":"print","ObjectType":"Incident#","Top":25,"Skip":0}`: 2, `{"text":"printer jam","objectType":"incident"}`: 1, `{"Text":"jam OR mailbox or mute","ObjectType":"Incident#","$top":2,"$skip":1}`: 3,
		`{"Text":"nothing at all","ObjectType":"Incident#"}`: 0, `{"Text":"or","ObjectType":"Incident#"}`: 0,
	} {
		a := h.do("POST", "/HEAT/api/rest/Search/Fulltext", body, "Content-Type", "").want(200).is("totalRows", float64(want)).is("keyRef", "RecId")
		data := a.doc["data"].([]any)
		if len(data) > 0 && data[0].(map[string]any)["IncidentNumber"] == nil || a.doc["metaData"] == nil {
			t.Errorf("%s: %s", body, a.text)
		}
		if strings.Contains(body, "$top") && len(data) != 2 || !strings.Contains(body, "$top") && len(data) != want {
			t.Errorf("%s: %d of them", body, len(data))
		}
	}
	a := h.do("POST", "/api/rest/Search", `{"Text":"printer"}`).want(200)
	kinds := map[string]bool{}
	for _, x := range a.doc["data"].([]any) {
		kinds[x.(map[string]any)["ObjectType"].(string)] = true
	}
	if !kinds["Incident#"] || !kinds["CI#"] {
		t.Errorf("of all: %s", a.text)
	}
	long, _ := json.Marshal(map[string]string{"Text": strings.Repeat("x or ", 20), "ObjectType": "Incident#"})
	for body, word := range map[string]string{`{}`: "nothing to search", `{"Text":"x"}`: "ObjectType", `{"Text":"x","ObjectType":"Nothing#"}`: "ObjectType", `{"Text":7}`: "texts", `{"Text":"x","ObjectType":"Incident#","Top":101}`: "100",
		`{"Text":"x","ObjectType":"Incident#","Skip":-1}`: "Skip", string(long): "sides"} {
		h.do("POST", "/api/rest/search/fulltext", body).fault(400, "ISM_4000", word)
	}
}
