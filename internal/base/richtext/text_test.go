package richtext_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"strongroom/internal/base/richtext"
)

func TestText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"plain", "plain"},
		{"<p>a</p><p>b</p>", "a\nb"},
		{"<div>a</div>b<div>c</div>", "a\nb\nc"},
		{"<p>one\n  two&nbsp;three</p>", "one two three"},
		{"a<br>b", "a\nb"},
		{"<h1>T</h1><ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>", "T\na\nb\nc"},
		{"<table><tr><td>a</td><td><p>b</p></td></tr><tr><td>c</td><td>d</td></tr></table>", "a\tb\nc\td"},
		{"<pre>x\n  y\n</pre>z", "x\n  y\nz"},
		{`see <img src="x" alt="the plan"> here`, "see the plan here"},
		{"<script>var x</script><style>p{}</style>shown", "shown"},
		{"a<b>b</b>c", "abc"},
		{"&lt;not a tag&gt; &amp;", "<not a tag> &"},
		{strings.Repeat("<div>", 600) + "deep<script>no</script>", "deep"},
	} {
		if got := richtext.Text(c.in); got != c.want {
			t.Errorf("%.80s: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestRewrite(t *testing.T) {
	in := `<!-- kept --><P CLASS=x>a &nbsp; <a title='t' href="https://x.itglue.com/1/docs/2?a=1&amp;b=2">doc</a> <IMG src='1/docs/2/images/3' data-src-original="full"/><script>var a = '<a href="no">'</script><img alt=x><a href="same">s</a>`
	var seen []string
	got := richtext.Rewrite(in, func(tag, attr, v string) string {
		seen = append(seen, tag+" "+attr+" "+v)
		switch {
		case strings.HasPrefix(v, "https://x.itglue.com/"):
			return "/o/1/doc/7?q=\"&"
		case attr == "src":
			return "/blob/9"
		case attr == "data-src-original":
			return ""
		}
		return v
	})
	want := `<!-- kept --><P CLASS=x>a &nbsp; <a title="t" href="/o/1/doc/7?q=&#34;&amp;">doc</a> <img src="/blob/9"/><script>var a = '<a href="no">'</script><img alt=x><a href="same">s</a>`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if s := strings.Join(seen, "; "); s != "a href https://x.itglue.com/1/docs/2?a=1&b=2; img src 1/docs/2/images/3; img data-src-original full; a href same" {
		t.Errorf("seen %s", s)
	}
}

func TestRewriteWithoutChangeKeepsEveryByte(t *testing.T) {
	for _, v := range append(vectors, "<p", "<a href", "a\r\nb\x00", "\xff") {
		if got := richtext.Rewrite(v, func(_, _, value string) string { return value }); got != v {
			t.Errorf("%q became %q", v, got)
		}
	}
}

func TestLinksAndImages(t *testing.T) {
	in := `<a href="/a">1</a><img src="x.png"><a href="/b">2</a><a href="/a">3</a><a>4</a><img src="y"><img src="x.png">`
	if got := fmt.Sprint(richtext.Links(in)); got != "[/a /b]" {
		t.Errorf("links %s", got)
	}
	if got := fmt.Sprint(richtext.Images(in)); got != "[x.png y]" {
		t.Errorf("images %s", got)
	}
}

const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"

func TestInlineImages(t *testing.T) {
	enc := base64.StdEncoding.EncodeToString([]byte(png))
	in := `<p>a<img alt="p" src="data:image/png;base64,` + enc + `"><img src=" DATA:text/plain;base64,` + enc[:12] + "\n" + enc[12:] + `"><img src="data:image/svg+xml,%3Csvg onload=x%3E"><img src="data:image/png;base64,!!"><img src="/kept"><img src="data:"></p>`
	var got []string
	out, err := richtext.InlineImages(in, func(media string, content []byte) (string, error) {
		got = append(got, media+" "+string(content))
		return fmt.Sprintf("/blob/%d", len(got)), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0] != "image/png "+png || got[1] != got[0] {
		t.Errorf("stored %q", got)
	}
	if clean := richtext.Clean(out); clean != `<p>a<img src="/blob/1" alt="p"><img src="/blob/2"><img src="/kept"></p>` {
		t.Errorf("cleaned %s", clean)
	}
	bad := errors.New("disk full")
	calls := 0
	out, err = richtext.InlineImages(in, func(string, []byte) (string, error) { calls++; return "", bad })
	if !errors.Is(err, bad) || out != "" || calls != 1 {
		t.Errorf("%q %v after %d calls", out, err, calls)
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add(`<a href="x">y</a><img src=data:,x>`)
	f.Add(`<a href='&amp;'><img/src=x><script><a href=y>`)
	f.Fuzz(func(t *testing.T, in string) {
		if got := richtext.Rewrite(in, func(_, _, v string) string { return v }); got != in {
			t.Fatalf("%q became %q", in, got)
		}
		out, err := richtext.InlineImages(in, func(string, []byte) (string, error) { return "/x", nil })
		if err != nil {
			t.Fatal(err)
		}
		for _, src := range richtext.Images(out) {
			if strings.HasPrefix(strings.ToLower(src), "data:") {
				t.Fatalf("%q stays", src)
			}
		}
	})
}
