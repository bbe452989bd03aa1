package odata_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/surface/ivanti/odata"
)

func day(y int, m time.Month, d, h, min int) time.Time {
	return time.Date(y, m, d, h, min, 0, 0, time.UTC)
}

func TestFilters(t *testing.T) {
	type f = odata.Filter
	for text, want := range map[string]f{
		"Status eq 'Active'":                   {{{"Status", odata.Equal, "Active"}}},
		"status EQ 'O''Brien '":                {{{"status", odata.Equal, "O'Brien "}}},
		"Owner eq '$NULL'":                     {{{"Owner", odata.Equal, nil}}},
		"Owner ne null":                        {{{"Owner", odata.NotEqual, nil}}},
		"IsVIP eq true":                        {{{"IsVIP", odata.Equal, true}}},
		"IncidentNumber ge -17":                {{{"IncidentNumber", odata.GreaterEqual, int64(-17)}}},
		"Cost lt 12.5":                         {{{"Cost", odata.Less, 12.5}}},
		"Subject eq ''":                        {{{"Subject", odata.Equal, ""}}},
		"contains(Subject,'a b')":              {{{"Subject", odata.Contains, "a b"}}},
		"startswith( tolower(Subject) , 'a' )": {{{"Subject", odata.StartsWith, "a"}}},
		"tolower(Subject) eq 'x'":              {{{"Subject", odata.Equal, "x"}}},
		"CreatedDateTime gt 2026-03-04":        {{{"CreatedDateTime", odata.Greater, day(2026, 3, 4, 0, 0)}}},
		"A eq 1 and B eq 2 or C eq 3":          {{{"A", odata.Equal, int64(1)}, {"B", odata.Equal, int64(2)}}, {{"C", odata.Equal, int64(3)}}},
		"A eq 1 and (B eq 2 or C eq 3)":        {{{"A", odata.Equal, int64(1)}, {"B", odata.Equal, int64(2)}}, {{"A", odata.Equal, int64(1)}, {"C", odata.Equal, int64(3)}}},
		"((A eq 1))":                           {{{"A", odata.Equal, int64(1)}}},
		"orders eq 'and or'":                   {{{"orders", odata.Equal, "and or"}}},
	} {
		if got, err := odata.ParseFilter(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]time.Time{
		"2026-03-04T05:06:00Z": day(2026, 3, 4, 5, 6), "2026-03-04T05:06": day(2026, 3, 4, 5, 6), "2026-03-04T05:06:00": day(2026, 3, 4, 5, 6),
		"2026-03-04T05:06:00.000+02:00": day(2026, 3, 4, 3, 6), "2026-03-04T05:06:00 02:00": day(2026, 3, 4, 3, 6), // a plus sign of an address
		"2026-03-04t05:06:00z": day(2026, 3, 4, 5, 6),
	} {
		if strings.Contains(text, "t0") {
			continue // read by Time alone
		}
		got, err := odata.ParseFilter("A lt " + text)
		if err != nil || got[0][0].Value != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	if at, ok := odata.Time("2026-03-04t05:06:00z"); !ok || at != day(2026, 3, 4, 5, 6) {
		t.Errorf("small letters: %v", at)
	}
}

// TestD5 and D6 of the design: what cannot be read, or is not known, is refused in a
// sentence, and never lets everything through.
func TestD5D6Refused(t *testing.T) {
	deep := strings.Repeat("(", 5000) + "A eq 1" + strings.Repeat(")", 5000)
	wide := "A eq 1" + strings.Repeat(" or A eq 1", 1500)
	out := "(A eq 1 or A eq 2)" + strings.Repeat(" and (A eq 1 or A eq 2)", 29)
	for _, text := range []string{
		"", " ", "A", "A eq", "eq 1", "A eq 1 B", "A eq 1 and", "and A eq 1", "A eq 1 or or B eq 2", "(A eq 1", "A eq 1)", "()", "A like 'x'", "A eq 'x", "A eq ’x’", "A eq “x”",
		"A eq datetime'2026-01-01T00:00:00'", "A eq x", "A eq 2026-13-01", "A eq 2026-02-30", "A eq 1e", "A eq 0x10", "A eq NaN", "A gt null", "not A eq 1", "not (A eq 1)",
		"length(A) eq 1", "year(CreatedDateTime) eq 2026", "contains(A)", "contains(A,'')", "contains('a',A)", "contains(A,null)", "endswith(A,'x')", "substringof('x',A)",
		"A eq 'x' -- ", "A eq 'x'; drop table record", "A/B eq 1", "1 eq 1", "'a' eq 'a'", "A eq 1,2", "A in ('x')", "A eq 'x'\x00", "\xff", deep, wide, out, "A eq '" + strings.Repeat("x", 20000) + "'",
	} {
		got, err := odata.ParseFilter(text)
		if !fault.Is(err, fault.Invalid) || got != nil {
			t.Errorf("%.60q: %v, %v", text, got, err)
		}
		if err != nil && len(err.Error()) > 400 {
			t.Errorf("%.60q: an error of %d bytes", text, len(err.Error()))
		}
	}
	if _, err := odata.ParseFilter("Größe eq 1"); err == nil || !strings.Contains(err.Error(), "character 3") {
		t.Errorf("the place is not told: %v", err)
	}
}

// TestD7 of the design, and the rest of the options.
func TestD7Options(t *testing.T) {
	for _, c := range []struct {
		raw  string
		want odata.Query
	}{
		{"", odata.Query{Top: 25}},
		{"$top=0&$skip=7", odata.Query{Skip: 7}},
		{"%24top=100&_t=123&$count=true&$format=json&$expand=X", odata.Query{Top: 100}},
		{"$orderby=Status+desc,+Subject", odata.Query{Top: 25, Order: []odata.Order{{"Status", true}, {"Subject", false}}}},
		{"$select=Subject,+Status+,,No-Field", odata.Query{Top: 25, Select: []string{"Subject", "Status"}}},
		{"$select=*", odata.Query{Top: 25}},
		{"$FILTER=A+eq+1&$search=+printer+paper+", odata.Query{Top: 25, Filter: odata.Filter{{{"A", odata.Equal, int64(1)}}}, Search: "printer paper"}},
	} {
		if got, err := odata.Parse(c.raw); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", c.raw, got, err)
		}
	}
	for _, raw := range []string{"$top=101", "$top=-1", "$top=x", "$top=", "$skip=-1", "$skip=99999999999", "$orderby=", "$orderby=A,", "$orderby=A+up", "$orderby=A+desc+x", "$orderby=A-B",
		"$orderby=A,B,C,D,E,F,G,H,I", "$filter=", "$filter=A+eq+1&$filter=A+eq+2", "%zz=1"} {
		if _, err := odata.Parse(raw); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

// FuzzFilter: every filter is refused or has alternatives of which none is empty, within
// its limits.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{"A eq 1", "A eq 'x''y' and (B ne null or contains(C,'z'))", "A lt 2026-01-01T00:00:00.1+01:00", "((((", "A eq '", "tolower(A) eq 'x' or A ge -1.5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := odata.ParseFilter(s)
		if err != nil {
			if got != nil || !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v, %v", s, got, err)
			}
			return
		}
		terms := 0
		for _, all := range got {
			if len(all) == 0 {
				t.Errorf("%q lets everything through: %v", s, got)
			}
			terms += len(all)
		}
		if len(got) == 0 || terms > 500 {
			t.Errorf("%q: %d alternatives, %d terms", s, len(got), terms)
		}
	})
}
