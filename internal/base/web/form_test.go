package web_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
)

func post(body string) *http.Request {
	r := httptest.NewRequest("POST", "/?query=1&name=query", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func TestForm(t *testing.T) {
	f, err := web.ParseForm(post("name=+Ines+&pw=+x+&n=12&bad=1x&day=2026-11-20&nod=20.11.&on=0&on=1&off=0&text=a%0D%0Ab&id=1&id=2"))
	if err != nil {
		t.Fatal(err)
	}
	if f.Text("name") != "Ines" || f.Raw("pw") != " x " || f.Int("n") != 12 || !f.Bool("on") || f.Bool("off") || f.Bool("none") || f.Text("text") != "a\nb" || !reflect.DeepEqual(f.All("id"), []string{"1", "2"}) {
		t.Error("a field is read wrongly")
	}
	if f.Has("query") || f.Text("name") == "query" {
		t.Error("the query is taken for the form")
	}
	if d := f.Date("day"); d.Format("2 Jan 2006") != "20 Nov 2026" {
		t.Errorf("the date is %v", d)
	}
	if f.Err() != nil {
		t.Errorf("a good form is refused: %v", f.Err())
	}
	f.Int("bad")
	f.Date("nod")
	f.Require("name", "missing")
	f.Wrong("missing", "another sentence")
	say := fault.Say(f.Err())
	want := map[string]string{"bad": "This is not a whole number.", "nod": "This is not a date like 2026-11-20.", "missing": "This is needed."}
	if say.Kind != fault.Invalid || !reflect.DeepEqual(say.Fields, want) {
		t.Errorf("the form says %v %v", say.Kind, say.Fields)
	}
}

func TestFormRows(t *testing.T) {
	f, err := web.ParseForm(post("e.10.value=third&e.2.value=second&e.2.type_kind=work&e.0.value=first&e.3.value=&e.3.type_kind=home&e.3.main_tick=1&e.x.value=no&e.-1.value=no&e.4=no&other.0.value=no"))
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]string{{"value": "first"}, {"value": "second", "type_kind": "work"}, {"value": "third"}}
	if got := f.Rows("e"); !reflect.DeepEqual(got, want) {
		t.Errorf("rows are %v", got)
	}
}

func TestFormRefuses(t *testing.T) {
	for name, r := range map[string]*http.Request{
		"not a form":      func() *http.Request { r := post("{}"); r.Header.Set("Content-Type", "application/json"); return r }(),
		"too many fields": post(strings.Repeat("a=1&", 6000)),
		"bad escape":      post("a=%zz"),
		"not Unicode":     post("a=%ff"),
		"a zero byte":     post("a=%00"),
	} {
		if _, err := web.ParseForm(r); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := web.ParseForm(httptest.NewRequest("POST", "/", nil)); err != nil {
		t.Errorf("an empty body is refused: %v", err)
	}
}

func upload(t *testing.T, parts ...[3]string) *http.Request {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for _, p := range parts {
		create := func() (io.Writer, error) { return m.CreateFormField(p[0]) }
		if p[1] != "" {
			create = func() (io.Writer, error) { return m.CreateFormFile(p[0], p[1]) }
		}
		w, err := create()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, p[2]); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/", &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	return r
}

func TestUpload(t *testing.T) {
	r := upload(t, [3]string{"note", "", "hello"}, [3]string{"file", `..\..\C:\plan` + "\u202egnp.exe", "abc"}, [3]string{"file", "../../etc/passwd", "de"}, [3]string{"file", "...", "f"}, [3]string{"file", strings.Repeat("ä", 300) + ".txt", "g"})
	var got []string
	f, err := web.ParseUpload(r, func(file *web.File) error {
		b, err := io.ReadAll(file)
		got = append(got, fmt.Sprintf("%s=%s:%d", file.Field, file.Name, len(b)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"file=plangnp.exe:3", "file=passwd:2", "file=file:1", "file=" + strings.Repeat("ä", 100) + ":1"}
	if !reflect.DeepEqual(got, want) || f.Text("note") != "hello" {
		t.Errorf("got %q and note %q", got, f.Text("note"))
	}
	if f, err := web.ParseForm(upload(t, [3]string{"a", "", "1"}, [3]string{"file", "x.txt", "body"})); err != nil || f.Text("a") != "1" || f.Has("file") {
		t.Errorf("a form with a file nobody takes: %v", err)
	}
	stop := fault.New(fault.Invalid, "Not this one.")
	if _, err := web.ParseUpload(upload(t, [3]string{"file", "x", "1"}), func(*web.File) error { return stop }); err != error(stop) {
		t.Errorf("the taker's refusal becomes %v", err)
	}
	whole := upload(t, [3]string{"file", "x", "body"}).ContentLength
	for n := range whole - 4 { // the last boundary needs no line end
		cut := upload(t, [3]string{"file", "x", "body"})
		cut.Body = io.NopCloser(io.LimitReader(cut.Body, n))
		if _, err := web.ParseUpload(cut, nil); !fault.Is(err, fault.Invalid) && n > 0 {
			t.Errorf("a form cut off after %d of %d bytes: %v", n, whole, err)
		}
	}
}

func FuzzForm(f *testing.F) {
	f.Add("a=1&a.0.b=2", "application/x-www-form-urlencoded")
	f.Add("--x\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\nc\r\n--x--", "multipart/form-data; boundary=x")
	f.Fuzz(func(t *testing.T, body, kind string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		form, err := web.ParseUpload(r, func(file *web.File) error {
			if strings.ContainsAny(file.Name, "/\\\x00\n") || file.Name == "" || file.Name == ".." {
				t.Fatalf("a file is called %q", file.Name)
			}
			return nil
		})
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("not Invalid: %v", err)
			}
			return
		}
		form.Rows("a")
		form.Int("a")
		form.Date("a")
	})
}

func TestNewForm(t *testing.T) {
	f := web.NewForm(url.Values{"q": {" x "}})
	if f.Text("q") != "x" {
		t.Errorf("got %q", f.Text("q"))
	}
}
