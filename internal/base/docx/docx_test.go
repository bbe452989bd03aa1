package docx_test

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"strongroom/internal/base/docx"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
)

// TestRead reads documents that two other programs wrote: word.docx with
// python-docx on Word's own template, pandoc.docx with pandoc.
func TestRead(t *testing.T) {
	for _, x := range []struct{ file, title, want string }{
		{"word.docx", "Replacing the firewall", `<h1>Replacing the firewall</h1><h1>Before</h1>
<p>Call the <strong>provider</strong> and <em>the site</em>.</p>
<ol><li>Back up the rules</li><li>Note the addresses</li></ol><ul><li>inner and outer</li><li>a bullet</li></ul>
<table><tbody><tr><th>Port</th><th>Network</th><th>Note</th></tr>
<tr><td rowspan="2">1</td><td colspan="2">LAN &amp; WAN</td></tr><tr><td>10.0.0.0/24</td><td></td></tr></tbody></table>
<p><img src="/docx/word/media/image1.png"></p>
<p>H<sub>2</sub>O, <code>show run</code></p>
<p>See <a href="https://example.com/guide?a=1&amp;b=2">the guide</a></p>
<p>Kept inserted</p><blockquote><p>Never restart at noon.</p></blockquote>`},
		{"pandoc.docx", "Nightly backup", `<h1>Nightly backup</h1><h1>Backup</h1>
<p>Every <em>night</em> at <strong>two</strong>, see <a href="https://example.com/x">the guide</a>.<sup>1</sup></p>
<ol><li>Stop the service</li><li><p>Copy</p><ol><li>the files</li><li>the database</li></ol></li></ol>
<ul><li>one</li><li>two</li></ul>
<pre><code>rsync -a /srv /backup|systemctl start db</code></pre>
<blockquote><p>Keep the tapes.</p></blockquote>
<table><tbody><tr><th>Host</th><th>Size</th></tr><tr><td>db1</td><td>40 GB</td></tr></tbody></table>
<hr><ol><li><p> Ask before.</p></li></ol>`},
	} {
		t.Run(x.file, func(t *testing.T) {
			b, err := os.ReadFile("testdata/" + x.file)
			if err != nil {
				t.Fatal(err)
			}
			d, err := docx.Read(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			want := strings.NewReplacer("\n", "", "|", "\n").Replace(x.want)
			if d.Title != x.title || d.HTML != want {
				t.Errorf("%q\ngot  %s\nwant %s", d.Title, d.HTML, want)
			}
			if x.file != "word.docx" {
				return
			}
			name, in, err := d.Open("/docx/word/media/image1.png")
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			if png, err := io.ReadAll(in); err != nil || name != "image1.png" || !bytes.HasPrefix(png, []byte("\x89PNG")) {
				t.Errorf("the picture %s is %.8q, %v", name, png, err)
			}
		})
	}
}

const (
	wordNames = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"`
	begin     = `<w:document ` + wordNames + `><w:body>`
	end       = `</w:body></w:document>`
)

// pack makes a document of the text of its main part.
func pack(t testing.TB, body string, more ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i := 0; i < len(more)+2; i += 2 {
		name, text := "word/document.xml", begin+body+end
		if i > 0 {
			name, text = more[i-2], more[i-1]
		}
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestPieces(t *testing.T) {
	for _, x := range []struct{ name, body, want string }{
		{"runs of one form are joined", `<w:p><w:r><w:rPr><w:b/></w:rPr><w:t>a</w:t></w:r><w:r><w:rPr><w:b w:val="true"/></w:rPr><w:t>b</w:t></w:r><w:r><w:rPr><w:b w:val="0"/></w:rPr><w:t>c</w:t></w:r></w:p>`,
			"<p><strong>ab</strong>c</p>"},
		{"hidden text is left out", `<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>a</w:t></w:r><w:r><w:t>b</w:t></w:r></w:p>`, "<p>b</p>"},
		{"a link as a field", `<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> HYPERLINK "https://example.com/" </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>x</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r><w:r><w:t>y</w:t></w:r></w:p>`,
			`<p><a href="https://example.com/">x</a>y</p>`},
		{"a link that would run", `<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>HYPERLINK "javascript:alert(1)"</w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>x</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>`,
			`<p>x</p>`},
		{"one of two forms", `<w:p><w:r><mc:AlternateContent><mc:Choice><w:t>new</w:t></mc:Choice><mc:Fallback><w:t>old</w:t></mc:Fallback></mc:AlternateContent></w:r></w:p>`, "<p>new</p>"},
		{"a text box stands below", `<w:p><w:r><w:t>a</w:t><w:drawing><w:txbxContent><w:p><w:r><w:t>b</w:t></w:r></w:p></w:txbxContent></w:drawing></w:r></w:p>`, "<p>a</p><p>b</p>"},
		{"moved text stands once", `<w:p><w:moveFrom><w:r><w:t>x</w:t></w:r></w:moveFrom><w:moveTo><w:r><w:t>y</w:t></w:r></w:moveTo></w:p>`, "<p>y</p>"},
		{"controls", `<w:sdt><w:sdtContent><w:p><w:r><w:t>a</w:t><w:br/><w:t>b</w:t><w:tab/><w:t>c</w:t></w:r></w:p></w:sdtContent></w:sdt>`, "<p>a<br>b c</p>"},
		{"an unknown picture", `<w:p><w:r><w:drawing><w:blip r:embed="rId9"/></w:drawing></w:r></w:p>`, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			b := pack(t, x.body)
			d, err := docx.Read(bytes.NewReader(b), int64(len(b)))
			if err != nil || d.HTML != x.want {
				t.Errorf("got %s, %v\nwant %s", d.HTML, err, x.want)
			}
		})
	}
}

func TestBadFiles(t *testing.T) {
	deep := strings.Repeat("<w:x>", 300) + strings.Repeat("</w:x>", 300)
	for _, x := range []struct {
		name, says string
		file       []byte
	}{
		{"text", "zip", []byte("Dear all")},
		{"empty", "empty", nil},
		{"old format", "old format", []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1and more")},
		{"another zip", "no text", func() []byte {
			return pack(t, "", "xl/workbook.xml", "<a/>", "_rels/.rels", `<Relationships><Relationship Id="1" Type="x/officeDocument" Target="xl/workbook.xml"/></Relationships>`)
		}()},
		{"cut off", "damaged", pack(t, "<w:p><w:r>")},
		{"nested too deeply", "too deeply", pack(t, deep)},
	} {
		t.Run(x.name, func(t *testing.T) {
			_, err := docx.Read(bytes.NewReader(x.file), int64(len(x.file)))
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), x.says) {
				t.Errorf("says %v", err)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`<w:p><w:r><w:t>a</w:t></w:r></w:p>`, `<w:styles/>`)
	f.Add(`<w:tbl><w:tr><w:tc><w:tcPr><w:vMerge/></w:tcPr><w:p/></w:tc></w:tr></w:tbl>`, `<w:numbering><w:num w:numId="1"/></w:numbering>`)
	f.Fuzz(func(t *testing.T, body, styles string) {
		b := pack(t, body, "word/styles.xml", styles, "word/_rels/document.xml.rels", `<Relationships><Relationship Id="1" Type="x/styles" Target="styles.xml"/></Relationships>`)
		d, err := docx.Read(bytes.NewReader(b), int64(len(b)))
		if err == nil && richtext.Clean(d.HTML) != d.HTML {
			t.Errorf("%q is not in the normal form", d.HTML)
		}
	})
}
