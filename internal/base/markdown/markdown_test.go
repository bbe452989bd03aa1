package markdown_test

import (
	"strings"
	"testing"

	"strongroom/internal/base/markdown"
	"strongroom/internal/base/richtext"
)

func TestHTML(t *testing.T) {
	for _, x := range []struct{ name, text, want string }{
		{"headings and text", "# Backup\n\nEvery *night* at **two**.\nSame paragraph.", "<h1>Backup</h1><p>Every <em>night</em> at <strong>two</strong>.\nSame paragraph.</p>"},
		{"lists", "1. one\n2. two\n   - inner", "<ol><li>one</li><li><p>two</p><ul><li>inner</li></ul></li></ol>"},
		{"tasks", "- [x] done\n- [ ] open", `<ul><li data-checked="true">done</li><li data-checked="false">open</li></ul>`},
		{"table", "| a | b |\n|---|---|\n| 1 | 2 |", "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>"},
		{"code", "```sh\nls <x>\n```", "<pre><code>ls &lt;x&gt;</code></pre>"},
		{"struck and bare links", "~~no~~ https://example.com", `<p><s>no</s> <a href="https://example.com">https://example.com</a></p>`},
		{"what runs is dropped", "a <script>alert(1)</script>[x](javascript:alert(1))<b onclick=x>y</b>", "<p>a x<strong>y</strong></p>"},
	} {
		t.Run(x.name, func(t *testing.T) {
			got, err := markdown.HTML(x.text)
			if err != nil || got != x.want {
				t.Errorf("got  %s\nwant %s (%v)", got, x.want, err)
			}
		})
	}
}

func same(s string) string { return s }

// TestBack writes documents as Markdown and reads them again.
func TestBack(t *testing.T) {
	for _, doc := range []string{
		"<h1>Backup</h1><h2>Nightly</h2><p>Every <em>night</em> at <strong>two</strong>.</p>",
		"<ol><li><p>one</p></li><li><p>two</p><ul><li>inner</li></ul></li></ol>",
		"<ul><li>one</li><li>two</li></ul>",
		`<ul><li data-checked="true">done</li><li data-checked="false">open</li></ul>`,
		"<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
		"<pre><code>ls -l\ncd /</code></pre>",
		"<blockquote><p>quoted</p></blockquote><hr><p>after</p>",
		`<p><s>no</s> <u>under</u> H<sub>2</sub>O <code>x_y</code> <a href="https://example.com/a_b">link</a></p>`,
		`<p><img src="/documents/images/7" alt="a plan"></p>`,
		"<p>1. not a list</p><p># not a heading</p><p>*stars* and _lines_ and [brackets] and &lt;tags&gt;</p>",
		`<ol start="4"><li>four</li></ol>`,
	} {
		text, err := markdown.Of(doc, same)
		if err != nil {
			t.Fatal(err)
		}
		back, err := markdown.HTML(text)
		if err != nil {
			t.Fatal(err)
		}
		if back != doc {
			t.Errorf("%s\nwas written as\n%s\nand read as\n%s", doc, text, back)
		}
	}
}

func TestLinksAreAsked(t *testing.T) {
	got, err := markdown.Of(`<p><a href="/documents/5">x</a> <img src="/documents/images/7" alt="y"></p>`, func(at string) string {
		return strings.Replace(at, "/documents/", "https://here/", 1)
	})
	if want := "[x](https://here/5) ![y](https://here/images/7)\n"; err != nil || got != want {
		t.Errorf("got %q, want %q (%v)", got, want, err)
	}
}

func FuzzBothWays(f *testing.F) {
	f.Add("# a\n\n- [ ] b\n\n| x |\n|--|\n| y |\n")
	f.Add("<details><summary>a</summary>b</details>")
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := markdown.HTML(text)
		if err != nil {
			t.Fatal(err)
		}
		if richtext.Clean(doc) != doc {
			t.Fatalf("%q is not in the normal form", doc)
		}
		if _, err := markdown.Of(doc, same); err != nil {
			t.Fatal(err)
		}
	})
}
