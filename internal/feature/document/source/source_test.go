package source_test

import (
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/document/source"
)

func TestRead(t *testing.T) {
	png := base64.StdEncoding.EncodeToString([]byte("\x89PNG\r\n\x1a\n and more"))
	for _, x := range []struct{ file, text, name, want string }{
		{"Backup plan.md", "# Nightly backup\n\nAt *two*.", "Nightly backup", "<p>At <em>two</em>.</p>"},
		{"plan.MD", "---\ntitle: x\n---\nAt two.", "plan", "<p>At two.</p>"},
		{"plan.md", "## Before\n\n# After", "plan", "<h2>Before</h2><h1>After</h1>"},
		{"notes.txt", "\xef\xbb\xbfone\r\n\r\ntwo <b>", "notes", "<p>one</p><p>two &lt;b&gt;</p>"},
		{"old.txt", "Stra\xdfe", "old", "<p>Straße</p>"},
		{"page.html", `<html><head><title> The  page </title><style>p{}</style></head><body><h1>The page</h1><p onclick=x>a</p><script>b</script></body></html>`, "The page", "<p>a</p>"},
		{"page.htm", `<meta charset="iso-8859-1"><p>Stra` + "\xdf" + `e</p>`, "page", "<p>Straße</p>"},
		{"page.html", `<p><img src="data:image/png;base64,` + png + `"><img src="cid:4"></p>`, "page", `<p><img src="/inline/1"></p>`},
	} {
		t.Run(x.file, func(t *testing.T) {
			d, err := source.Read(x.file, strings.NewReader(x.text), int64(len(x.text)))
			if err != nil {
				t.Fatal(err)
			}
			if d.Name != x.name || d.HTML != x.want {
				t.Errorf("%q: %s\nwant %q: %s", d.Name, d.HTML, x.name, x.want)
			}
		})
	}
}

func TestPicture(t *testing.T) {
	text := `<img src="data:image/png;base64,` + base64.StdEncoding.EncodeToString([]byte("\x89PNG\r\n\x1a\n")) + `">`
	d, err := source.Read("a.html", strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	name, in, err := d.Picture("/inline/1")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if b, err := io.ReadAll(in); err != nil || name != "image-1.png" || string(b) != "\x89PNG\r\n\x1a\n" {
		t.Errorf("%s is %q, %v", name, b, err)
	}
	if _, _, err := d.Picture("/inline/2"); !errors.Is(err, source.ErrNoPicture) {
		t.Errorf("another one: %v", err)
	}
	plain, err := source.Read("a.txt", strings.NewReader("x"), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := plain.Picture("/inline/1"); !errors.Is(err, source.ErrNoPicture) {
		t.Errorf("of a text: %v", err)
	}
}

func TestRefused(t *testing.T) {
	for file, says := range map[string]string{"plan.pdf": ".docx", "plan": ".docx", "plan.docx": "zip"} {
		_, err := source.Read(file, strings.NewReader("some text"), 9)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error()+fault.Say(err).Hint, says) {
			t.Errorf("%s: %v", file, err)
		}
	}
	if _, err := source.Read("plan.md", strings.NewReader(""), source.MostFile+1); !fault.Is(err, fault.Invalid) {
		t.Errorf("a large one: %v", err)
	}
}
