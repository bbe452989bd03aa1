package ivanti_test

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"
)

// TestTheListOfIvanti asks for each object, field, relationship and state that programs of
// Ivanti are known to use: it is in $metadata, or the list says why not, and the manual does.
func TestTheListOfIvanti(t *testing.T) {
	h := open(t)
	f, err := os.Open("testdata/ivanti.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.Comment, r.FieldsPerRecord = '\t', '#', 4
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	manual, err := os.ReadFile("../../../doc/features/ivanti.md")
	if err != nil {
		t.Fatal(err)
	}
	described := map[string]*answer{}
	of := func(set string) *answer {
		if described[set] == nil {
			described[set] = h.do("GET", "/api/odata/"+set+"/$metadata", "")
		}
		return described[set]
	}
	for _, row := range rows {
		what, set, name, why := row[0], row[1], row[2], row[3]
		a := of(set)
		has := a.status == 200
		switch what {
		case "field":
			has = has && strings.Contains(a.text, `<Property Name="`+name+`"`)
		case "relationship":
			has = has && strings.Contains(a.text, `<NavigationProperty Name="`+name+`"`)
		case "state":
			filter := "/api/odata/businessobject/" + set + "?$top=0&$filter=Status_Valid+eq+null+or+Status+eq+'" + strings.ReplaceAll(name, " ", "+") + "'"
			has = has && h.do("GET", filter, "").status == 200 && strings.Contains(a.text, "Status_Valid") && h.states(set)[name]
		}
		switch {
		case has && why != "":
			t.Errorf("%s %s %s is there, and the list says it is not: %s", what, set, name, why)
		case !has && why == "":
			t.Errorf("%s %s %s is not there", what, set, name)
		case !has && !strings.Contains(string(manual), "| "+why+" |"):
			t.Errorf("%s %s %s: the manual has no line on %q", what, set, name, why)
		}
	}
}

// states are those that a kind declares.
func (h *house) states(set string) map[string]bool {
	out := map[string]bool{}
	k := h.Records.Kinds.Kind(h.api.Sets()[set])
	for _, s := range k.Field(k.Life.StateField()).Choices {
		out[s] = true
	}
	return out
}
