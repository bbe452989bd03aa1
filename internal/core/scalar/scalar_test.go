package scalar_test

import (
	"encoding/json"
	"testing"

	"strongroom/internal/core/scalar"
)

func TestIntegers(t *testing.T) {
	for _, c := range []struct {
		in     any
		series string
		want   int64
		ok     bool
	}{{"INC-1042", "INC", 1042, true}, {"inc-7", "INC", 7, true}, {"INC", "INC", 0, false}, {"1042", "INC", 1042, true}, {"REQ-7", "INC", 0, false},
		{2.5, "", 0, false}, {float64(3), "", 3, true}, {1e17, "", 0, false}, {json.Number("12"), "", 12, true}, {json.Number("1.5"), "", 0, false}, {nil, "", 0, false}, {true, "", 0, false}} {
		if n, ok := scalar.Integer(c.in, c.series); ok != c.ok || ok && n != c.want {
			t.Errorf("%v of %q is %d, %v", c.in, c.series, n, ok)
		}
	}
}

func TestMoments(t *testing.T) {
	const noon = int64(1795780800000)
	for _, in := range []any{"2026-11-27T12:00:00Z", "2026-11-27T12:00", "2026-11-27T13:00:00+01:00", json.Number("1795780800000"), noon, "1795780800000"} {
		if n, ok := scalar.Moment(in); !ok || n != noon {
			t.Errorf("%v is %d, %v", in, n, ok)
		}
	}
	if _, ok := scalar.Moment("2026-02-30T12:00"); ok {
		t.Error("the thirtieth of February is a moment")
	}
}

func TestNumbersAndAnswers(t *testing.T) {
	for _, in := range []any{"NaN", "Inf", "-inf", "1e999", "", "one", nil} {
		if n, ok := scalar.Number(in); ok {
			t.Errorf("%v is the number %v", in, n)
		}
	}
	if n, ok := scalar.Number("2.5"); !ok || n != 2.5 {
		t.Error("2.5 is no number")
	}
	for in, want := range map[any]bool{"Yes": true, "off": false, "1": true, json.Number("0"): false, 2.0: true} {
		if yes, ok := scalar.Bool(in); !ok || yes != want {
			t.Errorf("%v is %v, %v", in, yes, ok)
		}
	}
	if _, ok := scalar.Bool("maybe"); ok {
		t.Error("maybe is an answer")
	}
}
