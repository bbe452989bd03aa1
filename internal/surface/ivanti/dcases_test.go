package ivanti_test

import (
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// TestD: the failure modes of data that the design names, each as a subtest. D15 and D16
// are tests of feature/featurestest, D5 to D7 also of odata; D4, D13 and D14 are those of
// files, in TestAttachments.
func TestD(t *testing.T) {
	h := open(t)
	made := func(subject string, more record.Values) string {
		v := record.Values{"name": subject, "contact_id": h.customer}
		for k, x := range more {
			v[k] = x
		}
		return incidents + "('" + h.Make("incident", h.org, v).RecID() + "')"
	}
	first := made("first", record.Values{"owner_id": h.agent, "team_id": h.team, "service_id": h.service, "category_id": h.category})
	none := made("second", nil)
	ask := func(filter string) string { return incidents + "?$filter=" + url.QueryEscape(filter) }

	t.Run("D1 lost update", func(*testing.T) {
		tag := h.do("GET", first, "").want(200).header.Get("ETag")
		h.do("PATCH", first, `{"Urgency":"High"}`, "If-Match", tag).want(200)
		h.do("PATCH", first, `{"Urgency":"Low"}`, "If-Match", tag).want(409)
		h.do("GET", first, "").is("Urgency", "High")
	})
	t.Run("D2 an old client without a version", func(*testing.T) {
		h.do("PATCH", first, `{"Urgency":"Low"}`).want(200).is("Urgency", "Low")
	})
	t.Run("D3 a closed record", func(*testing.T) {
		at := made("closed", record.Values{"owner_id": h.agent, "team_id": h.team, "service_id": h.service, "category_id": h.category})
		h.do("PATCH", at, `{"Status":"Resolved","Resolution":"x","CauseCode":"Other"}`).want(200)
		h.do("PATCH", at, `{"Status":"Closed"}`).want(200)
		for _, body := range []string{`{"Subject":"x"}`, `{"Status":"Active"}`, `{"Resolution":"y"}`, `{"ProfileLink":null}`} {
			h.do("PATCH", at, body).fault(400, "ISM_4000", "")
		}
		prb := h.Make("problem", h.org, record.Values{"name": "behind", "category_id": h.category})
		h.do("PATCH", at, `{"ProblemLink":"`+prb.RecID()+`"}`).want(200).is("ProblemLink", prb.RecID()) // which it is found to belong to
	})
	t.Run("D5 injection", func(t *testing.T) {
		for _, s := range []string{"' or 1 eq 1 or '", "'; drop table record; --", "x'' or '1' eq '1", "‘ or 1 eq 1", "%", "_", `\`, "x' or Subject ne '"} {
			a := h.do("GET", ask("Subject eq '"+strings.ReplaceAll(s, "'", "''")+"'"), "").want(200)
			if a.doc["@odata.count"] != 0.0 {
				t.Errorf("%s finds %s", s, a.text)
			}
		}
		for _, s := range []string{"Subject eq '' or 1 eq 1 or ''", "Subject eq 'x", "Subject eq %27x", strings.Repeat("(", 10000) + "Subject eq 'x'" + strings.Repeat(")", 10000), "Subject eq 'x'" + strings.Repeat(" or Subject eq 'x'", 10000)} {
			if a := h.do("GET", incidents, "", "X-None", ""); a.status != 200 {
				t.Fatal(a.text)
			}
			if a := h.do("GET", ask(s), ""); a.status != 400 && a.status != 414 && a.status != 431 {
				t.Errorf("%.60s: %d %.200s", s, a.status, a.text)
			}
		}
	})
	t.Run("D6 what is unknown", func(*testing.T) {
		for _, q := range []string{"$filter=substringof('x',Subject)", "$filter=Nothing eq 1", "$orderby=Nothing", "$filter=Subject like 'x'"} {
			name, value, _ := strings.Cut(q, "=")
			h.do("GET", incidents+"?"+name+"="+url.QueryEscape(value), "").fault(400, "ISM_4000", "")
		}
	})
	t.Run("D7 sizes of pages", func(t *testing.T) {
		for _, q := range []string{"$top=-1", "$top=101", "$top=x", "$skip=-1", "$skip=99999999999999999999"} {
			h.do("GET", incidents+"?"+q, "").fault(400, "ISM_4000", "")
		}
		for _, q := range []string{"$top=0", "$skip=2000000000"} {
			if a := h.do("GET", incidents+"?"+q, "").want(200); !strings.Contains(a.text, `"value":[]`) || a.doc["@odata.count"] == 0.0 {
				t.Errorf("%s: %s", q, a.text)
			}
		}
	})
	t.Run("D8 null, an empty text, ne on what is not set", func(t *testing.T) {
		for _, filter := range []string{"Owner eq null", "Owner eq ''", "Owner_Valid eq null", "Owner ne 'Ada Berg'", "ResolvedDateTime eq null", "CauseCode ne 'Other'", "OwnerTeam ne 'Service Desk'"} {
			a := h.do("GET", ask("Subject eq 'second' and "+filter), "").want(200)
			if a.doc["@odata.count"] != 1.0 {
				t.Errorf("%s: %s", filter, a.text)
			}
		}
	})
	t.Run("D9 case in filters and in unique keys", func(t *testing.T) {
		if a := h.do("GET", "/api/odata/businessobject/categorys?$filter=Category+eq+'DELIVERY'", "").want(200); a.doc["@odata.count"] != 1.0 {
			t.Error(a.text)
		}
		h.do("POST", "/api/odata/businessobject/categorys", `{"Category":"dELIVERY"}`).fault(400, "ISM_4000", "Category.Category")
	})
	t.Run("D10 moments with offsets and in the gap of a clock", func(t *testing.T) {
		at := made("dated", nil)
		chg := h.do("POST", "/api/odata/businessobject/changes", `{"Subject":"x","OrgUnitLink":"`+h.org.RecID()+`","ScheduledStartDate":"2026-03-29T02:30:00+01:00","ScheduledEndDate":"2026-03-29T03:30:00"}`).want(201)
		chg.is("ScheduledStartDate", "2026-03-29T01:30:00Z").is("ScheduledEndDate", "2026-03-29T03:30:00Z")
		for _, same := range []string{"2026-03-29T01:30:00Z", "2026-03-29T03:30:00+02:00", "2026-03-28T20:30:00-05:00", "'2026-03-29T01:30:00.000Z'"} {
			if a := h.do("GET", "/api/odata/businessobject/changes?$filter="+url.QueryEscape("ScheduledStartDate eq "+same), "").want(200); a.doc["@odata.count"] != 1.0 {
				t.Errorf("%s: %s", same, a.text)
			}
		}
		h.do("DELETE", at, "").want(204)
	})
	t.Run("D11 a value outside its list", func(*testing.T) {
		for _, body := range []string{`{"Urgency":"Huge"}`, `{"Status":"Asleep"}`, `{"Owner":"Nobody"}`, `{"Status_Valid":"00000000000000000000000000000001"}`, `{"CauseCode":17}`} {
			h.do("PATCH", none, body).fault(400, "ISM_4000", "Incident.")
		}
	})
	t.Run("D12 a link to a record of the wrong object", func(*testing.T) {
		for _, wrong := range []id.ID{h.org, h.service, 900000000007} {
			h.do("PATCH", none, `{"ProfileLink":"`+wrong.RecID()+`"}`).fault(400, "ISM_4000", "Incident.ProfileLink")
		}
	})
	t.Run("D17 a person with open tickets is deleted", func(t *testing.T) {
		rosa := h.Make("contact", h.org, record.Values{"first_name": "Rosa", "last_name": "Gone"})
		at := made("hers", record.Values{"contact_id": rosa})
		h.do("DELETE", "/api/odata/businessobject/employees('"+rosa.RecID()+"')", "").want(204)
		a := h.do("GET", at, "").want(200).is("Subject", "hers").is("ProfileLink", nil).is("ProfileFullName", nil)
		if strings.Contains(a.text, "Gone") {
			t.Errorf("the name is still there: %s", a.text)
		}
		h.do("PATCH", at, `{"Urgency":"High"}`).want(200) // and the ticket can still be worked on
	})
}
