package ivanti_test

import (
	"encoding/json"
	"strings"
	"testing"

	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

const requests = "/api/odata/businessobject/servicereqs"

// TestCatalogue: what can be ordered is listed, its form read, and a request made with
// answers, as the clients of Ivanti do it.
func TestCatalogue(t *testing.T) {
	h := open(t)
	laptop := h.Make("offering", 0, record.Values{"name": "Laptop", "description": "<p>One that fits.</p>", "status": "Published", "service_id": h.service, "team_id": h.team, "price": 900.0})
	h.Make("offering", 0, record.Values{"name": "Not yet", "description": "<p>x</p>"})
	h.Make("offering", h.Org("Another"), record.Values{"name": "Theirs", "description": "<p>x</p>", "status": "Published"})
	ask := func(name string, v record.Values) id.ID {
		t.Helper()
		v["name"], v["offering_id"] = name, laptop
		return h.Make("offering_question", 0, v)
	}
	size := ask("Which size?", record.Values{"answer_type": "combo", "choices": "13 inches\n15 inches\nOther", "required": true, "order": 1})
	other := ask("Which other?", record.Values{"answer_type": "text", "required": true, "order": 2, "when_id": size, "when_answer": "Other", "most": 20.0})
	extras := ask("With what?", record.Values{"answer_type": "list", "choices": "Bag\nMouse\nScreen", "order": 3})

	a := h.do("GET", "/api/rest/Template/"+h.customer.RecID()+"/_All_", "").want(200)
	if strings.Count(a.text, "strSubscriptionId") != 1 || !strings.Contains(a.text, `"strName":"Laptop"`) || !strings.Contains(a.text, laptop.RecID()) {
		t.Fatalf("to be ordered: %s", a.text)
	}
	h.do("GET", "/api/rest/template/"+h.agent.RecID()+"/_all_", "").fault(400, "ISM_4000", "")

	a = h.do("GET", "/HEAT/api/odata/businessobject/servicereqtemplateparams?$filter=ParentLink_RecID+eq+'"+laptop.RecID()+"'&$orderby=SequenceNum", "").want(200)
	params := a.doc["value"].([]any)
	first := params[0].(map[string]any)
	if len(params) != 3 || first["RequiredExpression"] != "$(true)" || first["DisplayName"] != "Which size?" || first["Name"] != "Which size?" || first["DisplayType"] != "combo" || !strings.Contains(first["ConfigOptions"].(string), "15 inches") {
		t.Errorf("the form: %s", a.text)
	}
	h.do("GET", "/api/odata/businessobject/servicereqtemplateparams?$filter=ConfigOptions+eq+'x'", "").fault(400, "ISM_4000", "ConfigOptions")

	var rows [][3]string
	for _, method := range []string{"GET", "POST"} {
		a = h.do(method, "/api/rest/ServiceRequest/"+size.RecID()+"/ValidationList", "").want(200)
		if err := json.Unmarshal([]byte(a.text), &rows); err != nil || len(rows) != 3 || rows[1][1] != "15 inches" || len(rows[1][0]) != 32 {
			t.Fatalf("%s: %v %s", method, err, a.text)
		}
	}
	order := func(parameters, more string) *answer {
		t.Helper()
		return h.do("POST", "/api/rest/ServiceRequest/new", `{"subscriptionId":"`+laptop.RecID()+`","strUserId":"`+h.customer.RecID()+`","strCustomerLocation":"x","localOffset":-60,"delayedFulfill":false,"formName":"x","saveReqState":"false",
			"serviceReqData":{"Subject":"","Symptom":"Please"}`+more+`,"parameters":{`+parameters+`},"attachmentsToUpload":[],"attachmentsToDelete":[]}`).want(200)
	}
	said := func(q id.ID, answer string) string { return `"par-` + q.RecID() + `":"` + answer + `"` }
	for parameters, why := range map[string]string{
		"": "Which size?", said(size, "17 inches"): "There is no such choice", said(size, "Other"): "Which other?", said(size, "Other") + "," + said(other, strings.Repeat("x", 21)): "The most is 20 characters",
		said(size, "13 inches") + "," + said(h.customer, "x"): "not all of these questions", `"x":"y"`: "no question", `"par-` + size.RecID() + `":[]`: "is a text",
	} {
		if a := order(parameters, "").is("IsSuccess", false); !strings.Contains(a.doc["ErrorText"].(string), why) {
			t.Errorf("%s: %s, want %s", parameters, a.text, why)
		}
	}
	if a := h.do("GET", requests, ""); a.doc["@odata.count"] != 0.0 {
		t.Errorf("what is refused is kept: %s", a.text)
	}
	a = order(`"par-`+size.RecID()+`":"","par-`+size.RecID()+`-recId":"`+rows[1][0]+`",`+said(extras, "mouse~^Screen")+","+said(other, "not shown"), "").is("IsSuccess", true)
	one := a.doc["ServiceRequests"].([]any)[0].(map[string]any)
	if one["strRequestNum"] == "" {
		t.Errorf("the number: %s", a.text)
	}
	at := requests + "('" + one["strRequestRecId"].(string) + "')"
	h.do("GET", at, "").want(200).is("Subject", "Laptop").is("Status", "Submitted").is("Service", "E-mail").is("OwnerTeam", "Service Desk").is("Price", 900.0).is("SvcReqTmplLink", laptop.RecID()).is("ProfileLink", h.customer.RecID())
	a = h.do("GET", "/api/odata/businessobject/servicereqparams?$filter=ParentLink_RecID+eq+'"+one["strRequestRecId"].(string)+"'&$select=ParameterName,ParameterValue", "").want(200)
	if a.doc["@odata.count"] != 2.0 || !strings.Contains(a.text, `"ParameterValue":"15 inches"`) || !strings.Contains(a.text, `"ParameterValue":"Mouse~^Screen"`) || strings.Contains(a.text, "not shown") {
		t.Errorf("the answers: %s", a.text)
	}
	order(said(size, "13 inches"), `,"x":1`).is("IsSuccess", true)

	for body, why := range map[string]string{
		`{}`: "RecId", `{"subscriptionId":"` + laptop.RecID() + `"}`: "strUserId", `{"subscriptionId":"` + laptop.RecID() + `","strUserId":"` + h.agent.RecID() + `"}`: "customer",
		`{"subscriptionId":"` + h.customer.RecID() + `","strUserId":"` + h.customer.RecID() + `"}`:                               "cannot be ordered",
		`{"subscriptionId":"` + laptop.RecID() + `","strUserId":"` + h.customer.RecID() + `","attachmentsToUpload":[{"x":"y"}]}`: "Files do not come",
	} {
		if a := h.do("POST", "/api/rest/servicerequest/new", body).want(200).is("IsSuccess", false); !strings.Contains(a.text, why) {
			t.Errorf("%s: %s, want %s", body, a.text, why)
		}
	}

	// A request that is made as an object, with the offering alone, or with words alone.
	h.do("POST", requests, `{"SvcReqTmplLink":"`+laptop.RecID()+`","ProfileLink":"`+h.customer.RecID()+`","Symptom":"Please","Status":"Submitted","Urgency":"Low"}`).want(201).is("Subject", "Laptop").is("Urgency", "Low")
	h.do("POST", requests, `{"ProfileLink":"`+h.customer.RecID()+`","Symptom":"<p>A second screen</p>"}`).want(201).is("Subject", "A second screen")
	h.do("POST", requests, `{"ProfileLink":"`+h.customer.RecID()+`"}`).fault(400, "ISM_4000", "ServiceReq.Subject")
}
