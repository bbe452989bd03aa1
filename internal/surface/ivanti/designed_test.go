package ivanti_test

import (
	"strings"
	"testing"

	"strongroom/internal/core/record"
	"strongroom/internal/feature/customobject"
)

// TestDesignedObjects: a kind that a tenant defines is a business object like any other.
func TestDesignedObjects(t *testing.T) {
	h := open(t)
	typ := h.Make(customobject.TypeKind, 0, record.Values{"name": "Agency", "states": []map[string]any{{"state": "Open", "begins": true, "becomes": "Shut"}, {"state": "Shut", "closed": true, "needs": ""}}})
	for _, v := range []record.Values{{"name": "Home town", "kind": "Text", "show_in_list": true}, {"name": "Staff", "kind": "Whole number", "show_in_list": true}, {"name": "Chief", "kind": "Link", "tag_type": "contact", "show_in_list": true},
		{"name": "Devices", "kind": "Tag", "tag_type": "configuration"}, {"name": "Sort", "kind": "Select", "default_value": "Travel\nPress", "show_in_list": true}, {"name": "Airport", "kind": "Text", "shown_when": "Sort", "shown_is": "Travel", "required": true}} {
		v[customobject.TypeField] = typ
		h.Make(customobject.FieldKind, 0, v)
	}
	other := h.Make(customobject.Kind, h.org, record.Values{customobject.TypeField: h.Make(customobject.TypeKind, 0, record.Values{"name": "Incident"}), "name": "Not one"})
	const set = "/api/odata/businessobject/agencys"
	made := h.do("POST", set, `{"Name":"Delft","HomeTown":"Delft","Staff":12,"ChiefLink":"`+h.customer.RecID()+`","Sort":"Travel","Airport":"RTM","OrgUnitLink":"`+h.org.RecID()+`"}`).want(201).
		is("AgencyNumber", 1001.0).is("Status", "Open").is("HomeTown", "Delft").is("ChiefLink_Category", "Employee").is("ChiefLink_RecID", h.customer.RecID())
	rid := made.doc["RecId"].(string)
	at := set + "('" + rid + "')"
	t.Run("asked", func(t *testing.T) {
		for filter, want := range map[string]float64{"HomeTown eq 'delft'": 1, "Staff gt 10 and Sort eq 'Travel'": 1, "Staff lt 10": 0, "ChiefLink eq '" + h.customer.RecID() + "'": 1, "Status eq 'Shut'": 0, "AgencyNumber eq 1001": 1} {
			if a := h.do("GET", set+"?$filter="+strings.NewReplacer(" ", "+", "'", "%27").Replace(filter)+"&$orderby=Staff+desc", "").want(200); a.doc["@odata.count"] != want {
				t.Errorf("%s: %s", filter, a.text)
			}
		}
		h.do("GET", set+"?$filter=Nothing+eq+1", "").fault(400, "ISM_4000", "Nothing")
		h.do("GET", "/HEAT/api/OData/BusinessObject/Agencys('"+strings.ToLower(rid)+"')", "").want(200).is("Staff", 12.0)
	})
	t.Run("described", func(t *testing.T) {
		a := h.do("GET", "/api/odata/agencys/$metadata", "").want(200)
		for _, want := range []string{`EntityType Name="Agency"`, `Name="HomeTown"`, `Name="Status_Valid"`, `NavigationProperty Name="AgencyAssociatesDevices"`, `Action Name="Set_Shut"`} {
			if !strings.Contains(a.text, want) {
				t.Errorf("no %s in %s", want, a.text)
			}
		}
	})
	t.Run("changed by its rules", func(*testing.T) {
		h.do("PATCH", at, `{"Staff":13}`).want(200).is("Staff", 13.0).is("HomeTown", "Delft")
		h.do("PATCH", at, `{"Airport":null}`).fault(400, "ISM_4000", "Agency.Airport: Airport is missing")
		h.do("PATCH", at, `{"Sort":"Film"}`).fault(400, "ISM_4000", "Agency.Sort")
		h.do("POST", set, `{"Name":"x","Status":"Shut"}`).fault(400, "ISM_4000", "Agency.Status")
	})
	t.Run("related", func(t *testing.T) {
		device := h.Make("configuration", h.org, record.Values{"name": "HOST", "configuration_type_id": h.Make("configuration_type", 0, record.Values{"name": "Server"})})
		ref := at + "/AgencyAssociatesDevices('" + device.RecID() + "')/$Ref"
		for _, method := range []string{"PATCH", "PATCH"} {
			h.do(method, ref, "").want(200).is("code", "ISM_2000")
		}
		if a := h.do("GET", at+"/AgencyAssociatesDevices", "").want(200); a.doc["@odata.count"] != 1.0 || !strings.Contains(a.text, "HOST") {
			t.Error(a.text)
		}
		h.do("DELETE", ref, "").want(200).is("code", "ISM_2000")
		h.do("DELETE", ref, "").fault(400, "ISM_4000", "not valid")
		h.do("GET", at+"/AgencyAssociatesChief", "").want(200).is("@odata.count", 1.0)
		h.do("GET", at+"/AgencyAssociatesNothing", "").fault(404, "ISM_4004", "")
		h.do("GET", at+"/AgencyContainsAttachment", "").want(200)
	})
	t.Run("moved by quick actions", func(*testing.T) {
		h.do("POST", at+"/Set_Shut", "").want(200).is("IsSuccess", true)
		h.do("POST", at+"/Set_Open", "").want(200).is("IsSuccess", false)
		h.do("PATCH", at, `{"Staff":14}`).fault(400, "ISM_4000", "Shut")
		h.do("POST", at+"/Fly", "").fault(400, "ISM_4000", "quick action")
	})
	t.Run("one of another kind is none of these", func(*testing.T) {
		wrong := set + "('" + other.RecID() + "')"
		h.do("GET", wrong, "").fault(400, "ISM_4000", "")
		h.do("PATCH", wrong, `{"Staff":1}`).fault(400, "ISM_4000", "")
		h.do("DELETE", wrong, "").fault(400, "ISM_4000", "")
		h.do("POST", wrong+"/Set_Shut", "").fault(400, "ISM_4000", "")
		h.do("GET", wrong+"/AgencyAssociatesDevices", "").fault(400, "ISM_4000", "")
		h.do("GET", "/api/odata/businessobject/custom__incidents", "").want(200).is("@odata.count", 1.0) // one of ours is called so
		h.do("GET", "/api/odata/businessobject/agency", "").fault(404, "ISM_4004", "")
		h.do("GET", "/api/odata/nothings/$metadata", "").fault(404, "ISM_4004", "")
	})
	h.do("PUT", set+"('"+rid+"')", "").want(200)
	h.do("DELETE", at, "").want(204)
	h.do("GET", at, "").fault(400, "ISM_4000", "")
}

// TestSubtypes: what Ivanti has objects of their own for is the same record with a type; notes
// and tasks name what they belong to by ParentLink.
func TestSubtypes(t *testing.T) {
	h := open(t)
	rid := h.Make("incident", h.org, record.Values{"name": "first", "contact_id": h.customer})
	const tasks, notes = "/api/odata/businessobject/task__workorders", "/api/odata/businessobject/journal__notess"
	made := h.do("POST", tasks, `{"Subject":"Lift the floor","ParentLink_RecID":"`+rid.RecID()+`","ParentLink_Category":"Incident","OrgUnitLink":"`+h.org.RecID()+`"}`).want(201).
		is("TaskType", "Work Order").is("ParentLink", rid.RecID()).is("ParentLink_RecID", rid.RecID()).is("ParentLink_Category", "Incident")
	at := "('" + made.doc["RecId"].(string) + "')"
	plain := h.do("POST", "/api/odata/businessobject/tasks", `{"Subject":"Call","OrgUnitLink":"`+h.org.RecID()+`"}`).want(201).is("TaskType", "Assignment").is("ParentLink", nil)
	for set, want := range map[string]float64{tasks: 1, "/api/odata/businessobject/task__assignments": 1, "/api/odata/businessobject/task__softwareinstallations": 0, "/api/odata/businessobject/tasks": 2} {
		h.do("GET", set, "").want(200).is("@odata.count", want)
	}
	h.do("GET", tasks+at, "").want(200)
	h.do("PATCH", tasks+at, `{"Subject":"Lift it"}`).want(200)
	h.do("POST", tasks+at+"/Cancel", "").want(200).is("IsSuccess", true)
	for _, method := range []string{"GET", "PATCH", "DELETE"} { // one of another type is none of these
		h.do(method, tasks+"('"+plain.doc["RecId"].(string)+"')", "").fault(400, "ISM_4000", "")
	}
	h.do("GET", incidents+"('"+rid.RecID()+"')/IncidentAssociatedCancelledTask", "").want(200).is("@odata.count", 1.0)
	h.do("GET", incidents+"('"+rid.RecID()+"')/IncidentAssocTaskAssignment", "").want(200).is("@odata.count", 0.0)

	h.do("POST", notes, `{"NotesBody":"Looked at it","ParentLink_RecID":"`+rid.RecID()+`","ParentLink_Category":"Incident"}`).want(201).is("JournalType", "Note").is("ParentLink_Category", "Incident")
	h.do("POST", notes, `{"NotesBody":"x","ParentLink_RecID":"`+h.customer.RecID()+`"}`).fault(400, "ISM_4000", "Journal__Notes.ParentLink")
	for filter, want := range map[string]float64{"ParentLink_RecID+eq+'" + rid.RecID() + "'": 1, "ParentLink+eq+'" + h.customer.RecID() + "'": 0, "ParentLink_RecID+eq+'x'": 0} {
		h.do("GET", notes+"?$filter="+filter, "").want(200).is("@odata.count", want)
	}
	h.do("GET", notes+"?$filter=ParentLink_RecID+ne+'x'", "").fault(400, "ISM_4000", "eq")
	h.do("GET", incidents+"('"+rid.RecID()+"')/IncidentContainsJournal", "").want(200).is("@odata.count", 1.0)

	typ := h.Make("configuration_type", 0, record.Values{"name": "Server"})
	h.do("POST", "/api/odata/businessobject/ci__servers", `{"Name":"HOST","OrgUnitLink":"`+h.org.RecID()+`"}`).want(201).is("CIType", "Server").is("CIType_Valid", typ.RecID())
	h.do("GET", "/api/odata/businessobject/ci__servers", "").want(200).is("@odata.count", 1.0)
	h.do("GET", "/api/odata/businessobject/ci__routers", "").want(200).is("@odata.count", 0.0)
	h.do("POST", "/api/odata/businessobject/ci__routers", `{"Name":"R","OrgUnitLink":"`+h.org.RecID()+`"}`).fault(400, "ISM_4000", "Router")
	h.do("GET", "/api/odata/ci__servers/$metadata", "").want(200)
}
