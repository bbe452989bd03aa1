package jsonapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/jsonapi"
)

func TestParseQuery(t *testing.T) {
	for _, c := range []struct{ raw, want string }{
		{"", "[] [] [] [] 0 0"},
		{"filter[name]=a,b", "[{name 0 a,b}] [] [] [] 0 0"},
		{"filter%5BOrganization-Id%5D=7", "[{organization_id 0 7}] [] [] [] 0 0"},
		{"filter[a][ne]=null&filter[exclude][b]=1&filter[range][c]=1,2&filter[d][]=x&filter[e][eq]=y", "[{a 1 null} {b 1 1} {c 2 1,2} {d 0 x} {e 0 y}] [] [] [] 0 0"},
		{"filter[a]=1&filter%5Ba%5D=2&filter[a][ne]=3", "[{a 0 2} {a 1 3}] [] [] [] 0 0"},
		{"filter=x&filter[]=y&filter[a][b]=1&filter[a][b][c]=z&filter[a", "[] [filter filter[] filter[a][b] filter[a][b][c]] [] [] 0 0"},
		{"sort=name,-updated-at,--id,,-", "[] [] [{name false} {updated_at true} {id true}] [] 0 0"},
		{"include=a-b,%20c,,", "[] [] [] [a_b c] 0 0"},
		{"page[number]=2&page[size]=7&page%5Bsize%5D=3", "[] [] [] [] 2 3"},
		{`page={"number":1}&page[number]=x&page[size]=-1&page[a]=1`, "[] [] [] [] 0 0"},
		{"filter[name]=a+b%2", "[{name 0 a+b%2}] [] [] [] 0 0"},
		{"filter[name]=a+b%2B", "[{name 0 a b+}] [] [] [] 0 0"},
		{"&&=&a", "[] [] [] [] 0 0"},
	} {
		q := jsonapi.ParseQuery(c.raw)
		if got := fmt.Sprint(q.Filters, q.Strange, q.Sort, q.Include, q.Number, q.Size); got != c.want {
			t.Errorf("%s: got %s, want %s", c.raw, got, c.want)
		}
	}
	q := jsonapi.ParseQuery("show-password=0&showPassword=1&x=%26")
	if v, ok := q.Flag("show_password"); !ok || v != "1" {
		t.Errorf("flag: %q %v", v, ok)
	}
	if f, ok := jsonapi.ParseQuery("filter[a]=1").Filter("a"); !ok || f.Raw != "1" {
		t.Errorf("filter: %v %v", f, ok)
	}
}

func TestLink(t *testing.T) {
	q := jsonapi.ParseQuery("filter[name]=a%26b,%C3%A4&page[number]=7&sort=-x&page[size]=9&page=1")
	link := string(q.Link(nil, "http://h/things", 2, 50))
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	v := u.Query()
	if v.Get("filter[name]") != "a&b,ä" || v.Get("page[number]") != "2" || v.Get("page[size]") != "50" || v.Get("sort") != "-x" || len(v) != 4 {
		t.Errorf("%s", link)
	}
}

func TestSplit(t *testing.T) {
	for raw, want := range map[string]string{
		"": "[] true", "a": "[a] true", "a,b": "[a b] false", ` a , b `: "[a b] false", `Acme\, Inc`: "[Acme, Inc] true", `a\,b,c`: "[a,b c] false",
		`a\\,b`: `[a\ b] false`, `\`: `[\] true`, `a\b`: `[a\b] true`, ",": "[] false",
	} {
		parts, plain := jsonapi.Split(raw)
		if got := fmt.Sprint(parts, plain); got != want {
			t.Errorf("%q: got %s, want %s", raw, got, want)
		}
	}
}

func TestSnake(t *testing.T) {
	for in, want := range map[string]string{"a": "a", "organization-id": "organization_id", "otpSecret": "otp_secret", "address-1": "address_1", "Document::Text": "document::text", "ID": "id", "": "", "a-B": "a_b"} {
		if got := jsonapi.Snake(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	if got := jsonapi.Kebab("a_b_1"); got != "a-b-1" {
		t.Error(got)
	}
}

func TestPage(t *testing.T) {
	for _, c := range []struct {
		number, size int
		total        int64
		want         string
	}{
		{1, 50, 0, "1 <nil> <nil> 0 0 0"},
		{1, 50, 50, "1 <nil> <nil> 1 50 0"},
		{1, 50, 51, "1 2 <nil> 2 51 4"},
		{2, 50, 51, "2 <nil> 1 2 51 4"},
		{2, 10, 30, "2 3 1 3 30 5"},
		{9, 10, 30, "9 <nil> 3 3 30 4"},
		{9, 10, 0, "9 <nil> 1 0 0 4"},
	} {
		b := jsonapi.Page{Self: "http://h/x", Number: c.number, Size: c.size, Total: c.total}.Append([]byte(`{"data":[]`), jsonapi.ParseQuery("a=b"), []byte(`{}`))
		var d struct {
			Meta struct {
				Current int `json:"current-page"`
				Next    any `json:"next-page"`
				Prev    any `json:"prev-page"`
				Pages   int `json:"total-pages"`
				Count   int `json:"total-count"`
			}
			Links map[string]string
		}
		if err := json.Unmarshal(append(b, '}'), &d); err != nil {
			t.Fatal(err)
		}
		m := d.Meta
		if got := fmt.Sprint(m.Current, m.Next, m.Prev, m.Pages, m.Count, len(d.Links)); got != c.want {
			t.Errorf("%+v: got %s", c, got)
		}
		if _, has := d.Links["next"]; has != (m.Next != nil) {
			t.Errorf("links and meta disagree: %s", b)
		}
	}
	for raw, want := range map[string]string{"": "1 50", "page[size]=10000": "1 1000", "page[size]=0&page[number]=0": "1 50", "page[number]=9223372036854775807": "21990232555 50"} {
		n, s := jsonapi.ParseQuery(raw).Page()
		if got := fmt.Sprint(n, s); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

func TestParseDocument(t *testing.T) {
	d, err := jsonapi.ParseDocument([]byte(`{"meta":null,"links":{},"data":{"id":"","type":"password-folders","attributes":{"id":7,"otpSecret":"x","Big-Number":12345678901234567890,"nil":null},
		"relationships":{"a-b":{"data":[{"id":1,"attributes":{"x-y":1},"relationships":{"deep":{"data":[{}]}}}]},"one":{"data":{"id":"2"}},"none":{},"null":null,"empty":{"data":[]},"nothing":{"data":null}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	i := d.Items[0]
	if d.Many || i.ID != "7" || i.Type != "password_folders" || i.Attributes["otp_secret"] != "x" || i.Attributes["big_number"] != json.Number("12345678901234567890") {
		t.Errorf("%+v", i)
	}
	if v, ok := i.Attributes["nil"]; !ok || v != nil {
		t.Errorf("a null is lost")
	}
	if len(i.Relationships) != 2 || i.Relationships["a_b"][0].Attributes["x_y"] != json.Number("1") || i.Relationships["a_b"][0].Relationships != nil || i.Relationships["one"][0].ID != "2" {
		t.Errorf("relationships: %+v", i.Relationships)
	}
	many, err := jsonapi.ParseDocument([]byte(`{"data":[]}`))
	if err != nil || !many.Many || len(many.Items) != 0 {
		t.Errorf("%+v %v", many, err)
	}
	for _, bad := range []string{"", "null", "[]", `"x"`, "{", `{"data":null}`, `{"data":1}`, `{"data":[1]}`, `{"data":[null]}`, `{"data":{"attributes":[]}}`, `{"data":{}}{}`, `{"data":{}} x`,
		`{"data":[` + strings.Repeat(`{},`, 1000) + `{}]}`, strings.Repeat(`{"data":`, 20000), `{"data":{"relationships":{"a":{"data":[1]}}}}`} {
		_, err := jsonapi.ParseDocument([]byte(bad))
		if !errors.Is(err, jsonapi.ErrMalformed) || !fault.Is(err, fault.Invalid) {
			t.Errorf("%.40s: %v", bad, err)
		}
	}
}

func TestCheckType(t *testing.T) {
	for typ, ok := range map[string]bool{"": true, "application/json": true, "application/vnd.api+json": true, "text/json": true, "text/plain": true, "text/xml": false, "image/png": false, "multipart/form-data; boundary=x": false, ";;": true} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", typ)
		if err := jsonapi.CheckType(r); (err == nil) != ok || err != nil && !errors.Is(err, jsonapi.ErrMediaType) {
			t.Errorf("%q: %v", typ, err)
		}
		r.ContentLength = 0
		if err := jsonapi.CheckType(r); err != nil {
			t.Errorf("%q without a body: %v", typ, err)
		}
	}
}

func TestAppend(t *testing.T) {
	if got := string(jsonapi.AppendTime(nil, 1473872564007)); got != `"2016-09-14T17:02:44.007Z"` {
		t.Error(got)
	}
	if got := string(jsonapi.AppendTime(nil, 0)); got != "null" {
		t.Error(got)
	}
	b := jsonapi.StartItem("7", "things")
	b = jsonapi.AppendValue(jsonapi.Attr(b, "a"), "x{")
	b = jsonapi.AppendValue(jsonapi.Attr(b, "b"), []int{1})
	b = jsonapi.AppendValue(jsonapi.Attr(b, "c"), nil)
	b = jsonapi.AppendValue(jsonapi.Attr(b, "d"), func() {})
	if got := string(jsonapi.EndItem(b)); got != `{"id":"7","type":"things","attributes":{"a":"x{","b":[1],"c":null,"d":null},"relationships":{}}` {
		t.Error(got)
	}
	e := jsonapi.AppendErrors(nil, []jsonapi.Error{{Status: 404, Title: "T", Detail: "D\"\n"}, {Status: 422, Title: "U", Detail: "E", Pointer: "/data"}})
	if got := string(e); got != `{"errors":[{"status":"404","title":"T","detail":"D\"\n"},{"status":"422","title":"U","detail":"E","source":{"pointer":"/data"}}]}` {
		t.Error(got)
	}
}

func TestMoment(t *testing.T) {
	for in, want := range map[string]string{
		"2026-03-02":                "2026-03-02T00:00:00.000Z 2026-03-02T23:59:59.999Z",
		"2026-03-02T10:00:00Z":      "2026-03-02T10:00:00.000Z 2026-03-02T10:00:00.999Z",
		"2026-03-02T10:00:00+02:00": "2026-03-02T08:00:00.000Z 2026-03-02T08:00:00.999Z",
		"2026-03-02T10:00:00.123Z":  "2026-03-02T10:00:00.123Z 2026-03-02T10:00:00.123Z",
		"2026-03-02 10:00:00 UTC":   "2026-03-02T10:00:00.000Z 2026-03-02T10:00:00.999Z",
		"2026-13-02":                "",
		"":                          "",
	} {
		from, to, ok := jsonapi.Moment(in)
		got := ""
		if ok {
			const l = "2006-01-02T15:04:05.000Z"
			got = from.Format(l) + " " + to.Format(l)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{"filter[name]=a\\,b,c&page[number]=2&sort=-a", "filter[exclude][a]=1&filter[a][ne]=&x=%zz", `page={"a":1}&include=a,b`, "filter[[a]]=1&=&&]["} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q := jsonapi.ParseQuery(raw)
		number, size := q.Page()
		if number < 1 || size < 1 || size > jsonapi.MaxPage {
			t.Fatalf("page %d of %d", number, size)
		}
		for _, x := range q.Filters {
			if x.Name == "" {
				t.Fatalf("a filter without a name: %q", raw)
			}
			jsonapi.Split(x.Raw)
		}
		link := string(q.Link(nil, "http://h/x", 3, 7))
		_, after, _ := strings.Cut(link, "?")
		again := jsonapi.ParseQuery(after)
		if again.Number != 3 || again.Size != 7 || fmt.Sprint(again.Filters, again.Sort, again.Include) != fmt.Sprint(q.Filters, q.Sort, q.Include) {
			t.Fatalf("%q: a link asks for something else: %s", raw, link)
		}
		if _, err := url.Parse(link); err != nil {
			t.Fatalf("%q: %v", link, err)
		}
	})
}

func FuzzParseDocument(f *testing.F) {
	for _, s := range []string{`{"data":{"id":1,"attributes":{"a-b":null}}}`, `{"data":[{"relationships":{"a":{"data":[{}]}}}]}`, `{"data":null}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := jsonapi.ParseDocument(body)
		if err != nil {
			if !errors.Is(err, jsonapi.ErrMalformed) {
				t.Fatalf("%v", err)
			}
			return
		}
		for _, i := range d.Items {
			if i.Attributes == nil {
				t.Fatal("no attributes")
			}
		}
	})
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "a\"\\\n\x00\x1f", "ä€😀", "\xff\xc3", "</script>\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b := jsonapi.AppendString(nil, s)
		var back string
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if utf8.ValidString(s) && back != s || !utf8.Valid(b) {
			t.Fatalf("%q became %q", s, back)
		}
	})
}

func FuzzMoment(f *testing.F) {
	f.Add("2026-03-02")
	f.Add("2026-03-02T10:00:00.5+14:00")
	f.Fuzz(func(t *testing.T, s string) {
		if from, to, ok := jsonapi.Moment(s); ok && (to.Before(from) || to.Sub(from) > 24*time.Hour) {
			t.Fatalf("%s: %v %v", s, from, to)
		}
	})
}
