package ui_test

import (
	"net/url"
	"reflect"
	"testing"

	"strongroom/internal/base/web/ui"
)

func TestQuery(t *testing.T) {
	q := ui.Query{Path: "/list", Values: url.Values{"q": {"fire wall"}, "sort": {"name"}, "page": {"3"}, "tag": {"a", "b"}}}
	for _, c := range []struct {
		kv   []string
		want string
	}{
		{nil, "/list?q=fire+wall&sort=name&tag=a&tag=b"},
		{[]string{"page", "4"}, "/list?page=4&q=fire+wall&sort=name&tag=a&tag=b"},
		{[]string{"q", "", "tag", "", "sort", ""}, "/list"},
		{[]string{"view", "x&y"}, "/list?q=fire+wall&sort=name&tag=a&tag=b&view=x%26y"},
	} {
		if got := q.With(c.kv...); got != c.want {
			t.Errorf("%q gives %s", c.kv, got)
		}
	}
	if q.Values.Get("page") != "3" {
		t.Error("With changed the query itself")
	}
	up := q.Sortable(ui.Column{Label: "Name"}, "name")
	if up.Sort != "ascending" || up.Href != "/list?dir=desc&q=fire+wall&sort=name&tag=a&tag=b" {
		t.Errorf("sorted by name: %+v", up)
	}
	q.Values.Set("dir", "desc")
	if down := q.Sortable(ui.Column{}, "name"); down.Sort != "descending" || down.Href != "/list?q=fire+wall&sort=name&tag=a&tag=b" {
		t.Errorf("sorted down: %+v", down)
	}
	if other := q.Sortable(ui.Column{}, "type"); other.Sort != "" || other.Href != "/list?q=fire+wall&sort=type&tag=a&tag=b" {
		t.Errorf("another column: %+v", other)
	}
	want := []ui.Hidden{{Name: "dir", Value: "desc"}, {Name: "sort", Value: "name"}, {Name: "tag", Value: "a"}, {Name: "tag", Value: "b"}}
	if got := q.Hidden("q"); !reflect.DeepEqual(got, want) {
		t.Errorf("hidden are %v", got)
	}
}

func TestRowsField(t *testing.T) {
	columns := []ui.Field{{Name: "value", Label: "Address", Type: "email"}, {Name: "type_kind", Type: "select", Options: []ui.Option{{Value: "work"}, {Value: "home"}}}, {Name: "main_tick", Type: "checkbox"}}
	f := ui.RowsField(ui.Field{Name: "emails"}, columns, []map[string]string{{"value": "a@b", "type_kind": "home", "main_tick": "1"}}, 2)
	if len(f.Lines) != 3 || f.Type != "rows" {
		t.Fatalf("%d lines of type %s", len(f.Lines), f.Type)
	}
	first, last := f.Lines[0], f.Lines[2]
	if first[0].Name != "emails.0.value" || first[0].Value != "a@b" || !first[1].Options[1].Selected || first[1].Options[0].Selected || !first[2].Checked || !first[0].Inline {
		t.Errorf("the first line is %+v", first)
	}
	if last[0].Name != "emails.2.value" || last[0].Value != "" || last[2].Checked || columns[1].Options[1].Selected {
		t.Errorf("the last line is %+v", last)
	}
}

func TestFormWrong(t *testing.T) {
	f := ui.Form{Fields: []ui.Field{{Name: "a", Label: "A"}, {Name: "b", Label: "B"}}}
	f.Wrong("Some fields need attention.", "Nothing was saved.", map[string]string{"b": "Bad b.", "a": "Bad a.", "z": "Elsewhere."})
	want := []ui.FieldError{{Name: "a", Label: "A", Text: "Bad a."}, {Name: "b", Label: "B", Text: "Bad b."}, {Text: "Elsewhere."}}
	if !reflect.DeepEqual(f.Errors.Fields, want) || f.Fields[1].Error != "Bad b." || f.Errors.Text != "Some fields need attention." {
		t.Errorf("%+v", f)
	}
	g := ui.Form{Fields: []ui.Field{{Name: "a", Label: "A"}}}
	g.Wrong("Bad a.", "", map[string]string{"a": "Bad a."})
	if g.Errors.Text == "Bad a." {
		t.Error("one sentence is said twice")
	}
}
