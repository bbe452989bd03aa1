package table_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/table"
)

func open(t testing.TB, text string, o table.Options) *table.Reader {
	t.Helper()
	r, err := table.Read(strings.NewReader(text), "x.csv", o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// all gives the rows as `line:cell|cell`.
func all(t testing.TB, r *table.Reader) []string {
	t.Helper()
	out := []string{}
	for {
		row, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			return append(out, "error: "+fault.Say(err).Text)
		}
		out = append(out, fmt.Sprintf("%d:%s", row.Line, strings.Join(row.Cells, "|")))
	}
}

func texts(w []table.Warning) string {
	var out []string
	for _, x := range w {
		out = append(out, fmt.Sprintf("%d %v %s", x.Line, x.Skipped, x.Text))
	}
	return strings.Join(out, "\n")
}

func TestRows(t *testing.T) {
	for _, c := range []struct {
		why, in string
		rows    []string
		warns   []string // parts of the warnings, in order
	}{
		{"plain", "a,b\n1,2\n3,4\n", []string{"2:1|2", "3:3|4"}, nil},
		{"no newline at the end", "a,b\n1,2", []string{"2:1|2"}, nil},
		{"CRLF", "a,b\r\n1,2\r\n\r\n3,4\r\n", []string{"2:1|2", "4:3|4"}, nil},
		{"CR alone", "a,b\r1,2\r3,4", []string{"2:1|2", "3:3|4"}, nil},
		{"byte order mark", "\ufeffa,b\n1,2\n", []string{"2:1|2"}, nil},
		{"header only", "a,b\n", nil, nil},
		{"blank lines first", "\n\na,b\n1,2\n", []string{"4:1|2"}, nil},
		{"newlines in values", "a,b\n\"x\ny\r\nz\",2\n3,4\n", []string{"2:x\ny\r\nz|2", "5:3|4"}, nil},
		{"quotes in values", `a,b` + "\n" + `"say ""hi""","<p class=""x"">"` + "\n", []string{`2:say "hi"|<p class="x">`}, nil},
		{"empty values", "a,b,c\n,,\n\"\",,\"\"\n", []string{"2:||", "3:||"}, nil},
		{"one column", "a\n1\n\n\"\"\n2\n", []string{"2:1", "4:", "5:2"}, nil},
		{"spaces are kept", "a,b\n 1 ,\t2\n", []string{"2: 1 |\t2"}, nil},
		{"quote inside a plain value", "a,b\n5\" disk,2\n", []string{"2:5\" disk|2"}, nil},
		{"quote inside a quoted value", "a,b\n\"5\" disk\",2\n3,4\n", []string{"2:5\" disk|2", "3:3|4"}, []string{"2 false Line 2 of x.csv has a single quotation mark"}},
		{"quote that makes a value run on", "a,b\n\"x\"y,2\n3,4\n", []string{"3:3|4"}, []string{"2 true Line 2 of x.csv has a quotation mark in the wrong place"}},
		{"quote that swallows a comma", "a,b\n\"x\"y,z\"\n3,4\n", []string{"3:3|4"}, []string{"2 true Line 2"}},
		{"too few", "a,b,c\n1,2\n3,4,5\n", []string{"2:1|2|", "3:3|4|5"}, []string{"2 false Line 2 of x.csv has 2 cells instead of 3"}},
		{"too many", "a,b\n1,2,3\n4,5\n", []string{"3:4|5"}, []string{"2 true Line 2 of x.csv has 3 cells instead of 2"}},
		{"too many, empty", "a,b,\n1,2,,,\n", []string{"2:1|2"}, nil},
		{"line of a row after a long one", "a,b\n\"1\n\n\n\",2\n1\n", []string{"2:1\n\n\n|2", "6:1|"}, []string{"6 false"}},
		{"zero bytes", "a,b\n1\x00,2\n", []string{"2:1|2"}, []string{"2 false Line 2 of x.csv held zero bytes"}},
		{"semicolons", "a;b\n1,5;2\n", []string{"2:1,5|2"}, nil},
		{"tabs", "a\tb\n1\t2\n", []string{"2:1|2"}, nil},
		{"sep line", "sep=;\r\na;b,c\r\n1;2\r\n", []string{"3:1|2"}, nil},
		{"comma hidden by quotes", "\"a,x\";b\n1;2\n", []string{"2:1|2"}, nil},
		{"ends in a value", "a,b\n1,2\n3,\"4\n5,6\n", []string{"2:1|2", "error: The file x.csv ends inside a quoted value of the row that starts on line 3."}, nil},
		{"Latin-1", "a,b\nM\xfcller,\x80\n\xc3\xa9,x\n", []string{"2:Müller|€", "3:Ã©|x"}, []string{"2 false x.csv: The file is not UTF-8"}},
		{"one bad byte in UTF-8", "a,b\nMüller,\xe9\nÜ,x\n", []string{"2:Müller|é", "3:Ü|x"}, []string{"2 false x.csv: A character on line 2"}},
		{"character cut at the end", "a,b\nü,\xc3", []string{"2:ü|Ã"}, []string{"2 false"}},
		{"duplicate names", "a,A,a\n1,2,3\n", []string{"2:1|2|3"}, []string{`1 false The column "A" of x.csv is named twice on line 1; the later one is called "A (2)"`, `"a (3)"`}},
		{"column without a name", "a,,c\n1,2,3\n", []string{"2:1|2|3"}, []string{`Column 2 of x.csv has no name`}},
	} {
		t.Run(c.why, func(t *testing.T) {
			for _, in := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in)), iotest.DataErrReader(strings.NewReader(c.in))} {
				r, err := table.Read(in, "x.csv", table.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if got := all(t, r); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", append([]string{}, c.rows...)) {
					t.Errorf("rows %q, want %q", got, c.rows)
				}
				if len(r.Warnings()) != len(c.warns) {
					t.Fatalf("warnings:\n%s\nwant %q", texts(r.Warnings()), c.warns)
				}
				for i, w := range c.warns {
					if !strings.Contains(texts(r.Warnings()[i:i+1]), w) {
						t.Errorf("warning %q, want %q", texts(r.Warnings()[i:i+1]), w)
					}
				}
			}
		})
	}
}

func TestUTF16(t *testing.T) {
	for _, e := range []unicode.Endianness{unicode.LittleEndian, unicode.BigEndian} {
		text, err := unicode.UTF16(e, unicode.UseBOM).NewEncoder().String("a,b\r\nMüller,😀\r\n")
		if err != nil {
			t.Fatal(err)
		}
		if got := all(t, open(t, text, table.Options{})); len(got) != 1 || got[0] != "2:Müller|😀" {
			t.Errorf("%v: %q", e, got)
		}
	}
}

func TestFilesRefused(t *testing.T) {
	for _, c := range []struct{ why, in, want string }{
		{"empty", "", "The file x.csv is empty."},
		{"blank lines", "\n\r\n\n", "The file x.csv is empty."},
		{"only a mark", "\ufeff", "The file x.csv is empty."},
		{"no names", ",,\n1,2,3\n", "The file x.csv names no columns on line 1."},
		{"one missing", "id,name\n", `The file x.csv lacks the column "user_name".`},
		{"all missing", "a,b\n", `The file x.csv lacks the columns "id", "name" and "user_name".`},
		{"UTF-16 without a mark", "i\x00d\x00", "The file x.csv is not text: its first line holds zero bytes."},
		{"quote in the header", "\"i\"d,name\n", "The names of the columns on line 1 of x.csv have a quotation mark in the wrong place."},
		{"header without end", "id,\"name\n1,2\n", "The file x.csv ends inside a quoted value of the row that starts on line 1."},
	} {
		_, err := table.Read(strings.NewReader(c.in), "x.csv", table.Options{Required: []string{"id", "name", "user_name"}})
		if e := fault.Say(err); !fault.Is(err, fault.Invalid) || e.Text != c.want || e.Hint == "" {
			t.Errorf("%s: %q, hint %q; want %q", c.why, e.Text, e.Hint, c.want)
		}
	}
}

func TestColumns(t *testing.T) {
	r := open(t, "ID, Help Center ,user-name,OTP  secret,Photos,Id\n1,Yes,bob,,a.png,9\n", table.Options{
		Required: []string{"id", "help_center"}, Known: []string{"user_name", "otp_secret", "not there"}})
	row, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	for col, want := range map[string]string{"id": "1", "help_center": "Yes", "help center": "Yes", "Help-Center": "Yes", "user_name": "bob", "photos": "a.png", "not there": ""} {
		if got := row.Get(col); got != want {
			t.Errorf("%s = %q, want %q", col, got, want)
		}
	}
	if got := row.Get("otp_secret", "one_time_password", "user_name"); got != "bob" {
		t.Errorf("first of several: %q", got)
	}
	if !row.Has("otp_secret") || row.Has("not there") {
		t.Error("Has is about the file, not the value")
	}
	if got := fmt.Sprint(row.Extra()); got != "map[Id (2):9 Photos:a.png]" {
		t.Errorf("extra %s", got)
	}
	if got := strings.Join(r.Header(), "|"); got != "ID|Help Center|user-name|OTP  secret|Photos|Id (2)" {
		t.Errorf("header %q", got)
	}
}

// endless gives a table whose second row never ends its value.
type endless struct {
	head string
	fill byte
	left int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.head != "" {
		n := copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.left)
	for i := range p[:n] {
		p[i] = e.fill
	}
	e.left -= n
	return n, nil
}

func TestGiganticValues(t *testing.T) {
	for _, c := range []struct {
		why, head string
		fill      byte
		want      string
	}{
		{"value", "a,b\n1,\"", 'x', "has a value of more than 16777216 bytes"},
		{"columns", "a,b\n1,", ',', "has more than 10000 columns"},
	} {
		r, err := table.Read(&endless{c.head, c.fill, 100 << 20}, "x.csv", table.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the failure stays
			_, err = r.Next()
			if e := fault.Say(err); !fault.Is(err, fault.Invalid) || !strings.Contains(e.Text, c.want) || !strings.Contains(e.Text, "x.csv that starts on line 2") {
				t.Errorf("%s: %v", c.why, err)
			}
		}
	}
}

func TestDiskFailurePassesThrough(t *testing.T) {
	bad := errors.New("disk gone")
	r, err := table.Read(io.MultiReader(strings.NewReader("a,b\n1,2\n3,"), iotest.ErrReader(bad)), "x.csv", table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); !errors.Is(err, bad) || fault.Of(err) != fault.Internal {
		t.Errorf("got %v", err)
	}
}

func TestWarningsAreCounted(t *testing.T) {
	r := open(t, "a,b\n"+strings.Repeat("1\n", 1500), table.Options{})
	if n := len(all(t, r)); n != 1500 {
		t.Errorf("%d rows", n)
	}
	w := r.Warnings()
	if len(w) != 1001 || !strings.Contains(w[1000].Text, "500 further") {
		t.Errorf("%d warnings, the last %q", len(w), w[len(w)-1].Text)
	}
}

// TestMemoryStaysFlat reads 20 MB and looks at the heap on the way.
func TestMemoryStaysFlat(t *testing.T) {
	line := "4711,Contoso,\"a password, with a \"\"long\"\" name\",bob,\"" + strings.Repeat("<p>note</p>\n", 80) + "\"\n"
	rows := 20 << 20 / len(line)
	in := io.MultiReader(strings.NewReader("id,organization,name,username,notes\n"), &repeated{line: line, left: rows})
	r, err := table.Read(in, "x.csv", table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	start, n := heap(), 0
	for ; ; n++ {
		row, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if row.Get("username") != "bob" {
			t.Fatalf("row %d: %q", n, row.Cells)
		}
		if n%5000 == 4999 {
			if now := heap(); now > start+4<<20 {
				t.Fatalf("after %d rows the heap grew from %d to %d bytes", n, start, now)
			}
		}
	}
	if n != rows || len(r.Warnings()) != 0 {
		t.Errorf("%d rows of %d, %s", n, rows, texts(r.Warnings()))
	}
}

type repeated struct {
	line string
	left int
	rest string
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.rest == "" {
		if r.left == 0 {
			return 0, io.EOF
		}
		r.left--
		r.rest = r.line
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func TestParseBool(t *testing.T) {
	for in, want := range map[string]bool{"Yes": true, "yes": true, " TRUE ": true, "1": true, "y": true, "No": false, "false": false, "0": false, "": false} {
		if got, err := table.ParseBool(in); err != nil || got != want {
			t.Errorf("%q: %v %v", in, got, err)
		}
	}
	for _, in := range []string{"maybe", "2", "yesno"} {
		if _, err := table.ParseBool(in); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), in) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestParseDate(t *testing.T) {
	for in, want := range map[string]string{
		"": "", " 2024-02-29 ": "2024-02-29", "2024-2-9": "2024-02-09", "2024-02-29T23:59:59Z": "2024-02-29",
		"2024-02-29T23:59:59.123+09:00": "2024-02-29", "2023-05-01 14:03:22 UTC": "2023-05-01",
		"2/29/2024": "2024-02-29", "02/09/2024": "2024-02-09", "12/31/2024 11:59 PM": "2024-12-31",
	} {
		if got, err := table.ParseDate(in); err != nil || got != want {
			t.Errorf("%q: %q %v", in, got, err)
		}
	}
	for _, in := range []string{"2023-02-29", "31/12/2024", "2024-13-01", "tomorrow", "2024-02-29x", "0000-01-01", "20240229", "1/2/24", "2024-02-29T"} {
		if got, err := table.ParseDate(in); !fault.Is(err, fault.Invalid) || fault.Say(err).Hint == "" {
			t.Errorf("%q: %q %v", in, got, err)
		}
	}
}

func TestWriter(t *testing.T) {
	var b strings.Builder
	w, err := table.Create(&b, []string{"id", "help center", "notes"})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range [][]string{{"1", "Yes", "a \"b\", c"}, {"", "", ""}, {"=1+1", " x", "a\nb\r\n"}} {
		if err := w.Write(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Write("too", "few"); err == nil {
		t.Error("a short row was taken")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := "id,help center,notes\r\n1,Yes,\"a \"\"b\"\", c\"\r\n,,\r\n=1+1,\" x\",\"a\nb\r\n\"\r\n"
	if b.String() != want {
		t.Errorf("got  %q\nwant %q", b.String(), want)
	}
}

func TestForSpreadsheet(t *testing.T) {
	for in, want := range map[string]string{
		"=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0", "-2+3": "'-2+3", " =1": "' =1",
		"\t=1": "\"'\t=1\"", "-5": "-5", "+3.2": "+3.2", "plain": "plain", "a=b": "a=b", "＝1": "'＝1", "": "", "+49 30 1234": "'+49 30 1234",
	} {
		var b strings.Builder
		w, err := table.CreateForSpreadsheet(&b, []string{"a", "b"})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(in, "x"); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimPrefix(b.String(), "\ufeffa,b\r\n"); got != want+",x\r\n" {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestWriterKeepsTheFailure(t *testing.T) {
	bad := errors.New("disk full")
	w, err := table.Create(failing{bad}, []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		err = w.Write(strings.Repeat("x", 1000))
	}
	if !errors.Is(err, bad) || !errors.Is(w.Close(), bad) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestRoundTripOfAnything(t *testing.T) {
	value := rapid.StringOf(rapid.OneOf(rapid.SampledFrom([]rune("\",;\t\r\n ab=é€")), rapid.Rune().Filter(func(r rune) bool { return r != 0 && r != 0xfffd })))
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 4).Draw(t, "width")
		header := make([]string, width)
		for i := range header {
			header[i] = fmt.Sprintf("column_%d", i)
		}
		rows := rapid.SliceOfN(rapid.SliceOfN(value, width, width), 0, 6).Draw(t, "rows")
		var b strings.Builder
		w, err := table.Create(&b, header)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if err := w.Write(row...); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := table.Read(strings.NewReader(b.String()), "x.csv", table.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range rows {
			row, err := r.Next()
			if err != nil || fmt.Sprintf("%q", row.Cells) != fmt.Sprintf("%q", want) {
				t.Fatalf("row %d: %q, want %q (%v)", i, row.Cells, want, err)
			}
		}
		if _, err := r.Next(); err != io.EOF || len(r.Warnings()) != 0 {
			t.Fatalf("at the end: %v, %s", err, texts(r.Warnings()))
		}
	})
}

// FuzzRead: any bytes are refused with a sentence or give rows of the header's
// width whose lines rise.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "\ufeffa;b\r\n\"x\ny\";2", "sep=\t\na\tb\n", "\xff\xfea\x00", "a\n\"\"x\"\n\n", "a,a\nM\xfcller,\x00\r1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := table.Read(strings.NewReader(string(b)), "x.csv", table.Options{MaxCell: 100})
		if err != nil {
			sentence(t, err)
			return
		}
		for last := 0; ; {
			row, err := r.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				sentence(t, err)
				return
			}
			if row.Line <= last || len(row.Cells) != len(r.Header()) {
				t.Fatalf("line %d after %d, %d cells of %d", row.Line, last, len(row.Cells), len(r.Header()))
			}
			last = row.Line
			for _, c := range row.Cells {
				if strings.ToValidUTF8(c, "") != c || strings.Contains(c, "\x00") {
					t.Fatalf("cell %q", c)
				}
			}
		}
	})
}

func sentence(t *testing.T, err error) {
	t.Helper()
	if e := fault.Say(err); !fault.Is(err, fault.Invalid) || !strings.HasSuffix(e.Text, ".") || e.Hint == "" {
		t.Fatalf("%v, hint %q", err, e.Hint)
	}
}

func BenchmarkRead(b *testing.B) {
	line := "4711,Contoso,\"a password, with a \"\"long\"\" name\",bob,\"" + strings.Repeat("<p>note</p>\n", 80) + "\"\n"
	text := "id,organization,name,username,notes\n" + strings.Repeat(line, 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r := open(b, text, table.Options{})
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
	}
}
