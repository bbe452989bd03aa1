package asked_test

import (
	"reflect"
	"testing"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/itglue/asked"
)

// TestNumbersOfASeries: tickets are found by their numbers as people write them.
func TestNumbersOfASeries(t *testing.T) {
	names := asked.Of(&record.Kind{Name: "incident", Fields: []record.Field{{Name: "number", Type: record.Integer, Series: "INC", Filter: true}}})
	for query, want := range map[string][]any{
		"filter[number]=INC-1042":           {int64(1042)},
		"filter[number]=inc-1042,1043":      {int64(1042), int64(1043)},
		"filter[range][number]=INC-1,INC-9": {int64(1), int64(9)},
		"filter[range][number]=INC-1,*":     {int64(1), nil},
		"filter[number][ne]=INC-7":          {int64(7)},
		"filter[number]=REQ-1042":           nil,
		"filter[number]=INC-":               nil,
	} {
		q := jsonapi.ParseQuery(query)
		f, ok := q.Filter("number")
		if !ok {
			t.Fatalf("%s is no filter", query)
		}
		got, ok := names.Condition(f)
		if !ok || len(got.Values)+len(want) > 0 && !reflect.DeepEqual(got.Values, want) {
			t.Errorf("%s asks for %v", query, got.Values)
		}
	}
}
