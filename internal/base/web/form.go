package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/fault"
)

// maxFields is how many values one form may hold.
const maxFields = 5000

// Form is what a person sent: the body's fields only, never the query's. The
// getters note what is wrong with a field; Err gives all of it at once.
type Form struct {
	values url.Values
	errs   map[string]string
}

// File is one uploaded file, to be read as it arrives.
type File struct {
	Field string // the field's name
	Name  string // the sender's name of it: cleaned of folders and control characters, never a path
	Type  string // the sender's claim of its media type
	io.Reader
}

// ParseForm reads a form, urlencoded or multipart; files in it are skipped. A
// body larger than its route takes and anything that is no form is Invalid.
func ParseForm(r *http.Request) (*Form, error) { return ParseUpload(r, nil) }

// ParseUpload reads a form and hands over each file while it arrives, in the
// order of the form; nothing touches a disk. Fields that stand behind a file in
// the form are not known yet when take is called.
func ParseUpload(r *http.Request, take func(*File) error) (*Form, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && kind == "multipart/form-data" {
		return parseMultipart(r, take)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, unreadable(err)
	}
	if len(body) > 0 && kind != "application/x-www-form-urlencoded" {
		return nil, fault.New(fault.Invalid, "The request is not a form.")
	}
	if strings.Count(string(body), "&") >= maxFields {
		return nil, fault.New(fault.Invalid, "The form has too many fields.")
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The form cannot be read.")
	}
	return newForm(values)
}

// NewForm makes a form of values, for a filter in a query.
func NewForm(values url.Values) *Form { return &Form{values: values} }

func newForm(values url.Values) (*Form, error) {
	for _, vs := range values {
		for _, v := range vs {
			if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
				return nil, fault.New(fault.Invalid, "The form holds text that is not valid Unicode.")
			}
		}
	}
	return NewForm(values), nil
}

func unreadable(err error) error {
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fault.Wrap(err, fault.Invalid, "This is larger than %s, the most that is taken here.", Bytes(e.Limit))
	}
	return fault.Wrap(err, fault.Invalid, "The form was cut off on its way.").WithHint("Send it again.")
}

func parseMultipart(r *http.Request, take func(*File) error) (*Form, error) {
	end := &tail{ReadCloser: r.Body}
	r.Body = end
	m, err := r.MultipartReader()
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The form cannot be read.")
	}
	_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	last := []byte("--" + params["boundary"] + "--")
	values := url.Values{}
	for n := 0; ; n++ {
		part, err := m.NextPart()
		if errors.Is(err, io.EOF) && bytes.Contains(end.last, last) {
			return newForm(values)
		}
		if err != nil { // an early end among them, which the reader calls EOF too
			return nil, unreadable(err)
		}
		if n >= maxFields {
			return nil, fault.New(fault.Invalid, "The form has too many fields.")
		}
		if err := onePart(values, part, take); err != nil {
			return nil, err
		}
	}
}

// tail remembers the last bytes that were read.
type tail struct {
	io.ReadCloser
	last []byte
}

func (t *tail) Read(b []byte) (int, error) {
	const most = 512 // a boundary has 70 characters at most
	n, err := t.ReadCloser.Read(b)
	t.last = append(t.last, b[max(0, n-most):n]...)
	t.last = t.last[max(0, len(t.last)-most):]
	return n, err
}

func onePart(values url.Values, part *multipart.Part, take func(*File) error) error {
	_, params, _ := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if _, isFile := params["filename"]; isFile {
		if take == nil || params["filename"] == "" {
			return nil // a file field that was left empty
		}
		return take(&File{Field: part.FormName(), Name: cleanName(params["filename"]), Type: part.Header.Get("Content-Type"), Reader: part})
	}
	const most = DefaultBody
	b, err := io.ReadAll(io.LimitReader(part, most+1))
	if err != nil {
		return unreadable(err)
	}
	if len(b) > most {
		return fault.Field(part.FormName(), "This text is longer than %s.", Bytes(most))
	}
	values.Add(part.FormName(), string(b))
	return nil
}

// cleanName takes folders and control characters off a file's name.
func cleanName(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(c rune) rune {
		if c < 0x20 || c == 0x7f || c == utf8.RuneError || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069 {
			return -1 // also what turns the writing direction, which hides an ending
		}
		return c
	}, name)
	name = strings.Trim(name, " .")
	for len(name) > 200 {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	if name == "" {
		return "file"
	}
	return name
}

// Has tells whether the form has the field, be it empty.
func (f *Form) Has(name string) bool { return f.values.Has(name) }

// Raw gives a field as it was sent: passwords keep their spaces.
func (f *Form) Raw(name string) string { return f.values.Get(name) }

// Text gives a field without spaces around it and with plain line ends.
func (f *Form) Text(name string) string {
	return strings.TrimSpace(strings.ReplaceAll(f.values.Get(name), "\r\n", "\n"))
}

// All gives every value of a field that may be sent more than once.
func (f *Form) All(name string) []string { return f.values[name] }

// Bool tells whether a checkbox is ticked. A form that sends a hidden "0" before
// the checkbox is read by its last value.
func (f *Form) Bool(name string) bool {
	v := f.values[name]
	if len(v) == 0 {
		return false
	}
	switch v[len(v)-1] {
	case "", "0", "false", "off":
		return false
	}
	return true
}

// Int gives a whole number; zero when the field is empty.
func (f *Form) Int(name string) int64 {
	s := f.Text(name)
	if s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		f.Wrong(name, "This is not a whole number.")
	}
	return n
}

// Date gives a day as <input type=date> sends it, at midnight UTC; the zero time
// when the field is empty.
func (f *Form) Date(name string) time.Time {
	s := f.Text(name)
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		f.Wrong(name, "This is not a date like 2026-11-20.")
	}
	return t
}

// Rows gives the rows of a list field, sent as NAME.0.COLUMN, NAME.1.COLUMN...,
// in the order of their numbers. Rows whose texts are all empty are left out.
func (f *Form) Rows(name string) []map[string]string {
	rows := map[int]map[string]string{}
	for key, v := range f.values {
		rest, ok := strings.CutPrefix(key, name+".")
		if !ok || len(v) == 0 {
			continue
		}
		number, column, ok := strings.Cut(rest, ".")
		i, err := strconv.Atoi(number)
		if !ok || err != nil || i < 0 {
			continue
		}
		if rows[i] == nil {
			rows[i] = map[string]string{}
		}
		rows[i][column] = strings.TrimSpace(v[len(v)-1])
	}
	order := make([]int, 0, len(rows))
	for i := range rows {
		order = append(order, i)
	}
	sort.Ints(order)
	var out []map[string]string
	for _, i := range order {
		if !blank(rows[i]) {
			out = append(out, rows[i])
		}
	}
	return out
}

// blank tells whether a row says nothing: a kind chosen in a list or a tick
// alone is no row, so columns whose names end in "_kind" or "_tick" do not count.
func blank(row map[string]string) bool {
	for column, v := range row {
		if v != "" && !strings.HasSuffix(column, "_kind") && !strings.HasSuffix(column, "_tick") {
			return false
		}
	}
	return true
}

// Require notes each named field that is empty.
func (f *Form) Require(names ...string) {
	for _, n := range names {
		if f.Text(n) == "" {
			f.Wrong(n, "This is needed.")
		}
	}
}

// Wrong notes what is wrong with a field; the first sentence stays.
func (f *Form) Wrong(name, format string, args ...any) {
	if f.errs == nil {
		f.errs = map[string]string{}
	}
	if f.errs[name] == "" {
		f.errs[name] = fmt.Sprintf(format, args...)
	}
}

// Err gives everything noted as one Invalid failure; nil when there is nothing.
func (f *Form) Err() error { return fault.Fields(f.errs) }
