package featurestest_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
)

const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"

// blobs counts what is in the tenant's blob space.
func (h *house) blobs() int {
	h.t.Helper()
	n := 0
	err := h.Tenant().Blobs.List(h.t.Context(), func(string, int64) error { n++; return nil })
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

func (h *house) files(rec id.ID) []*attachment.File {
	h.t.Helper()
	var out []*attachment.File
	h.View(h.Admin(), func(tx *gate.Tx) error {
		var err error
		out, err = attachment.List(tx, rec, attachment.Attached)
		return err
	})
	return out
}

func TestAttachment(t *testing.T) {
	h := open(t, false)
	rec := h.Make("location", h.Org("Harbour"), record.Values{"name": "Pier"})
	s := &attachment.Store{Gate: h.Gate}
	text := "port,patch\n1,A-01\n" + strings.Repeat("2,A-02\n", 30000)
	f, err := s.Add(t.Context(), h.Admin(), rec, `C:\files\patch panel.csv`, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if f.Name != "patch panel.csv" || f.Type != "text/csv; charset=utf-8" || f.Size != int64(len(text)) || f.Record != rec {
		t.Errorf("the file is %+v", f)
	}
	got, o, err := s.Open(t.Context(), h.Admin(), f.ID)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(o)
	if err != nil || string(content) != text || got.ID != f.ID {
		t.Errorf("read %d bytes of %d: %v", len(content), len(text), err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	h.Change(func(tx *gate.Tx) error {
		r, err := attachment.Rename(tx, f.ID, "../panel.csv")
		if err == nil && (r.Name != "panel.csv" || r.FileName != "patch panel.csv") {
			t.Errorf("renamed to %q, came as %q", r.Name, r.FileName)
		}
		return err
	})
	if list := h.files(rec); len(list) != 1 || list[0].Name != "panel.csv" {
		t.Errorf("the list has %d files", len(list))
	}
	if err := s.Remove(t.Context(), h.Admin(), f.ID); err != nil {
		t.Fatal(err)
	}
	if list, n := h.files(rec), h.blobs(); len(list) != 0 || n != 0 {
		t.Errorf("%d files and %d blobs are left", len(list), n)
	}
	var said []string
	h.View(h.Admin(), func(tx *gate.Tx) error {
		log, err := tx.Activity(audit.Filter{Object: rec})
		for _, e := range log {
			if e.Detail.Text != "" {
				said = append(said, e.Detail.Text)
			}
		}
		return err
	})
	want := "removed the file panel.csv|renamed the file patch panel.csv to panel.csv|added the file patch panel.csv"
	if strings.Join(said, "|") != want {
		t.Errorf("the log says %q, want %q", said, want)
	}
}

func TestAttachmentIsAsOpenAsItsRecord(t *testing.T) {
	h := open(t, false)
	a, b := h.Org("Harbour"), h.Org("Kestrel")
	rec := h.Make("location", a, record.Values{"name": "Pier"})
	s := &attachment.Store{Gate: h.Gate}
	f, err := s.Add(t.Context(), h.Admin(), rec, "plan.png", strings.NewReader(png))
	if err != nil {
		t.Fatal(err)
	}
	stranger, reader := h.User(access.Editor, b), h.User(access.ReadOnly, a)
	if _, _, err := s.Open(t.Context(), stranger, f.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("a stranger opened it: %v", err)
	}
	if err := s.Remove(t.Context(), stranger, f.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("a stranger removed it: %v", err)
	}
	if _, err := s.Add(t.Context(), stranger, rec, "x", strings.NewReader("x")); !fault.Is(err, fault.NotFound) {
		t.Errorf("a stranger added: %v", err)
	}
	_, o, err := s.Open(t.Context(), reader, f.ID)
	if err != nil {
		t.Fatal(err)
	}
	o.Close()
	if err := s.Remove(t.Context(), reader, f.ID); !fault.Is(err, fault.Denied) {
		t.Errorf("a reader removed it: %v", err)
	}
	if _, err := s.Add(t.Context(), reader, rec, "x", strings.NewReader("x")); !fault.Is(err, fault.Denied) {
		t.Errorf("a reader added: %v", err)
	}
	if n := h.blobs(); n != 1 {
		t.Errorf("refused uploads left %d blobs, want 1", n)
	}
}

func TestBadUploadsLeaveNothing(t *testing.T) {
	h := open(t, false)
	rec := h.Make("document", h.Org("Harbour"), record.Values{"name": "Plan"})
	s := &attachment.Store{Gate: h.Gate, Max: 2000}
	if _, err := s.Add(t.Context(), h.Admin(), rec, "exact.txt", strings.NewReader(strings.Repeat("x", 2000))); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]io.Reader{
		"too big":  strings.NewReader(strings.Repeat("x", 2001)),
		"cut off":  io.MultiReader(strings.NewReader(strings.Repeat("x", 600)), iotest.ErrReader(errors.New("connection reset"))),
		"at first": iotest.ErrReader(errors.New("connection reset")),
	} {
		if _, err := s.Add(t.Context(), h.Admin(), rec, name, r); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want Invalid", name, err)
		}
	}
	if _, err := s.AddImage(t.Context(), h.Admin(), rec, "x.png", strings.NewReader("<svg onload=alert(1)>")); !fault.Is(err, fault.Invalid) {
		t.Errorf("an image that is none: %v", err)
	}
	if n := h.blobs(); n != 1 {
		t.Errorf("%d blobs are left, want 1", n)
	}
}

func TestSweepRemovesWhatBelongsToNothing(t *testing.T) {
	h := open(t, false)
	rec := h.Make("location", h.Org("Harbour"), record.Values{"name": "Pier"})
	s := &attachment.Store{Gate: h.Gate}
	if _, err := s.Write(t.Context(), h.Admin(), "left.txt", strings.NewReader("never attached")); err != nil {
		t.Fatal(err)
	}
	kept, err := s.Write(t.Context(), h.Admin(), "kept.txt", strings.NewReader("attached"))
	if err != nil {
		t.Fatal(err)
	}
	h.Change(func(tx *gate.Tx) error {
		_, err := attachment.Attach(tx, rec, attachment.Attached, kept)
		return err
	})
	sweep := func(want, left int) {
		t.Helper()
		n, err := s.Sweep(t.Context(), h.Admin().Tenant)
		if err != nil || n != want || h.blobs() != left {
			t.Errorf("swept %d, want %d; %d are left, want %d: %v", n, want, h.blobs(), left, err)
		}
	}
	sweep(0, 2)
	h.Clock.Advance(25 * time.Hour)
	sweep(1, 1)
	h.purge("location", rec)
	sweep(1, 0)
}

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{
		"plan.png": "plan.png", "../../etc/passwd": "passwd", `..\..\boot.ini`: "boot.ini", "": "file", "...": "file", "a\u202egnp.exe": "agnp.exe",
		" a  b\t.txt ": "a b .txt", ".htaccess": "htaccess", "x\x00y.txt": "xy.txt", `a<b>:"c.txt`: "a_b___c.txt", "-rf": "rf", "trailing. ": "trailing",
	} {
		if got := attachment.CleanName(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	long := attachment.CleanName(strings.Repeat("ü", 300) + ".docx")
	if len(long) > 200 || !strings.HasSuffix(long, ".docx") || !utf8.ValidString(long) {
		t.Errorf("a long name becomes %q", long)
	}
}

func FuzzCleanName(f *testing.F) {
	for _, s := range []string{"a.txt", "../x", "\x00", "CON", strings.Repeat("é", 300), "a/b\\c.", "\xff\xfe.png"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n := attachment.CleanName(s)
		if n == "" || len(n) > 200 || !utf8.ValidString(n) || strings.ContainsAny(n, "/\\\x00\n\r\"") || n == "." || n == ".." {
			t.Errorf("%q becomes %q", s, n)
		}
		if again := attachment.CleanName(n); again != n {
			t.Errorf("%q becomes %q, then %q", s, n, again)
		}
	})
}

func TestTypeComesFromTheContent(t *testing.T) {
	for _, c := range []struct{ head, name, want string }{
		{png, "x.txt", "image/png"}, {"<html><script>", "x.html", "text/plain; charset=utf-8"}, {"<?xml version='1.0'?><svg>", "x.svg", "text/plain; charset=utf-8"},
		{"PK\x03\x04", "x.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}, {"PK\x03\x04", "x.png", "application/zip"},
		{"%PDF-1.7", "x.exe", "application/pdf"}, {"a,b", "x.CSV", "text/csv; charset=utf-8"}, {"", "x.csv", "text/csv; charset=utf-8"},
		{"<svg xmlns='http://www.w3.org/2000/svg'>", "x.svg", "text/plain; charset=utf-8"},
	} {
		if got := attachment.TypeOf([]byte(c.head), c.name); got != c.want {
			t.Errorf("%q named %s is %s, want %s", c.head, c.name, got, c.want)
		}
	}
}
