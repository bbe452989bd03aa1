package richtext_test

import (
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"pgregory.net/rapid"

	"strongroom/internal/base/richtext"
)

func TestNormalForm(t *testing.T) {
	for _, c := range []struct{ why, in, want string }{
		{"nothing", "", ""},
		{"bare text", "some text", "some text"},
		{"text that is no markup", `a < b & c "d" it's`, `a &lt; b &amp; c "d" it's`},
		{"paragraphs", "<p>a</p>\n<p>b</p>", "<p>a</p><p>b</p>"},
		{"empty paragraph", "<p>a</p><p></p><p>b</p>", "<p>a</p><p></p><p>b</p>"},
		{"boxes", "<div>a</div><div>b<div>c</div></div>", "<p>a</p><p>b</p><p>c</p>"},
		{"one box", `<div class="x">a</div>`, "a"},
		{"text beside blocks", "before<h2>t</h2> after ", "<p>before</p><h2>t</h2><p>after</p>"},
		{"marks", "<b>a</b><i>b</i><strike>c</strike><ins>d</ins><kbd>e</kbd>", "<strong>a</strong><em>b</em><s>c</s><u>d</u><code>e</code>"},
		{"order of marks", "<em><strong>a</strong>b</em>", "<strong><em>a</em></strong><em>b</em>"},
		{"crossed marks", "<b>a<i>b</b>c</i>", "<strong>a<em>b</em></strong><em>c</em>"},
		{"a mark twice", "<b><b>a</b></b>", "<strong>a</strong>"},
		{"block inside a mark", "<b>a<p>b</p></b>", "<p><strong>a</strong></p><p><strong>b</strong></p>"},
		{"block inside a heading", "<h1>a<div>b</div></h1>", "<h1>a</h1><h1>b</h1>"},
		{"list inside a heading", "<h1><ul><li>x</li></ul></h1>", "<ul><li>x</li></ul>"},
		{"links", `<a href="https://example.com/a?b=1&amp;c=2" target=_blank rel=x onclick=y>t</a>`, `<a href="https://example.com/a?b=1&amp;c=2">t</a>`},
		{"link over blocks", `<a href="/x"><div>a</div><div>b</div></a>`, `<p><a href="/x">a</a></p><p><a href="/x">b</a></p>`},
		{"link without address", `<a name="x">t</a>`, "t"},
		{"anchor", `<a href="#top">t</a>`, `<a href="#top">t</a>`},
		{"schemes", `<a href="ssh://admin@10.0.0.1:22">s</a><a href="rdp://srv">r</a><a href="tel:+49301234">t</a><a href="mailto:a@b.c?subject=x">m</a>`,
			`<a href="ssh://admin@10.0.0.1:22">s</a><a href="rdp://srv">r</a><a href="tel:+49301234">t</a><a href="mailto:a@b.c?subject=x">m</a>`},
		{"address with spaces", `<a href=" /a b/100% sure.pdf ">t</a>`, `<a href="/a%20b/100%25%20sure.pdf">t</a>`},
		{"image", `<img src="1/docs/2/images/3" alt='a "b"' width=10 height=20px style="x" loading=lazy>`, `<img src="1/docs/2/images/3" alt="a &quot;b&quot;" width="10">`},
		{"image without source", `<p>a<img alt=x>b</p>`, "<p>ab</p>"},
		{"lists", "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>", "<ul><li>a</li><li><p>b</p><ul><li>c</li></ul></li></ul>"},
		{"list right in a list", "<ul><li>a</li><ul><li>b</li></ul></ul>", "<ul><li><p>a</p><ul><li>b</li></ul></li></ul>"},
		{"text in a list", "<ol start=3>x<li>a</li></ol>", `<ol start="3"><li>x</li><li>a</li></ol>`},
		{"item without list", "<li>a</li>", "<ul><li>a</li></ul>"},
		{"tasks", `<ul><li><input type="checkbox" checked> a</li><li><label><input type=checkbox>b</label></li><li data-checked=true>c</li></ul>`,
			`<ul><li data-checked="true"> a</li><li data-checked="false">b</li><li data-checked="true">c</li></ul>`},
		{"table", `<table class=x><thead><tr><th colspan=2 rowspan=1>h</th></tr></thead><tr><td data-colwidth="100,200" style="color:red">a</td><td colwidth=80>b</td></tr></table>`,
			`<table><thead><tr><th colspan="2">h</th></tr></thead><tbody><tr><td data-colwidth="100,200">a</td><td data-colwidth="80">b</td></tr></tbody></table>`},
		{"caption", "<table><caption>c</caption><tr><td>a</table>", "<table><caption>c</caption><tbody><tr><td>a</td></tr></tbody></table>"},
		{"text in a table", "<table>x<tr><td>a</td></tr></table>", "<p>x</p><table><tbody><tr><td>a</td></tr></tbody></table>"},
		{"table without cells", "a<table><tr></tr></table>", "a"},
		{"cell alone", "<td>a</td>", "a"},
		{"closing tags alone", "</p></table></div>a", "<p></p><p>a</p>"},
		{"code block", "<pre><code class=x>a\n  b</code></pre>", "<pre><code>a\n  b</code></pre>"},
		{"code block with a blank line first", "<pre>\n\na</pre>", "<pre>\n\na</pre>"},
		{"details", "<details open><summary>s</summary>text</details>", "<details><summary>s</summary><p>text</p></details>"},
		{"summary alone", "<summary>s</summary>", "<p>s</p>"},
		{"quote and rule", "<blockquote>a<hr>b</blockquote>", "<blockquote><p>a</p><hr><p>b</p></blockquote>"},
		{"break", "a<br/>b<br>", "a<br>b<br>"},
		{"no-break space", "a&nbsp;b", "a&nbsp;b"},
		{"definition list", "<dl><dt>a</dt><dd>b</dd></dl>", "<p>a</p><p>b</p>"},
		{"spans and fonts", `<p><span style="font-size:9px">a</span><font color=red>b</font></p>`, "<p>ab</p>"},
		{"Word", `<p class=MsoNormal><o:p>a</o:p><!--[if mso]>x<![endif]--></p>`, "<p>a</p>"},
		{"whole document", "<!doctype html><html><head><title>t</title><style>p{}</style></head><body><p>a</p></body></html>", "<p>a</p>"},
		{"deep", strings.Repeat("<blockquote>", 600) + "x", "<p>x</p>"},
		{"not UTF-8", "a\xffb", "a\ufffdb"},
	} {
		t.Run(c.why, func(t *testing.T) {
			got := richtext.Clean(c.in)
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			safe(t, got)
			if again := richtext.Clean(got); again != got {
				t.Errorf("again %s\nfrom  %s", again, got)
			}
		})
	}
}

// vectors are ways to get a script to run, gathered from the usual lists.
var vectors = []string{
	`<script>alert(1)</script>`, `<SCRIPT SRC=//evil.example/x.js></SCRIPT>`, `<scr<script>ipt>alert(1)</scr</script>ipt>`, `<script/x>alert(1)</script>`,
	`<img src=x onerror=alert(1)>`, `<img src="x" onerror="alert(1)"/>`, `<IMG """><SCRIPT>alert(1)</SCRIPT>">`, `<img/src=x/onerror=alert(1)>`, "<img src=`x`onerror=alert(1)>",
	`<a href="javascript:alert(1)">x</a>`, `<a href="JaVaScRiPt:alert(1)">x</a>`, `<a href=" &#14; javascript:alert(1)">x</a>`, "<a href=\"jav\tascript:alert(1)\">x</a>",
	`<a href="jav&#x0A;ascript:alert(1)">x</a>`, `<a href="javascript&colon;alert(1)">x</a>`, `<a href="&#106;&#97;vascript:alert(1)">x</a>`, `<a href="\x01javascript:alert(1)">x</a>`, "<a href=\"\x01javascript:alert(1)\">x</a>",
	`<a href="vbscript:msgbox(1)">x</a>`, `<a href="data:text/html;base64,PHNjcmlwdD4=">x</a>`, `<a href="//evil.example">x</a>`, `<a href="/\evil.example">x</a>`, `<a href="\\evil.example\share">x</a>`, `<a href="/&#9;/evil.example">x</a>`,
	`<a href="https:evil.example">x</a>`, `<a href="file:///etc/passwd">x</a>`, `<a href="blob:https://x/1">x</a>`, `<a href="view-source:javascript:alert(1)">x</a>`,
	`<img src="javascript:alert(1)">`, `<img src="data:image/svg+xml,<svg onload=alert(1)>">`, `<img src="ssh://x">`, `<img srcset="x 1x, //evil.example 2x">`,
	`<svg onload=alert(1)>`, `<svg><script>alert(1)</script></svg>`, `<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>`, `<svg><style><img src=x onerror=alert(1)></style></svg>`, `<svg><foreignObject><p onclick=x>hi</p></foreignObject></svg>`,
	`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`, `<math><annotation-xml encoding="text/html"><script>alert(1)</script></annotation-xml></math>`,
	`<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`, `<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">`, `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
	`<iframe src="javascript:alert(1)"></iframe>`, `<iframe srcdoc="<script>alert(1)</script>"></iframe>`, `<object data="javascript:alert(1)"></object>`, `<embed src="x.swf">`, `<applet code=x>`, `<frameset><frame src=x></frameset>`,
	`<style>@import 'https://evil.example';</style>`, `<div style="background:url(javascript:alert(1))">x</div>`, `<p style="position:fixed;inset:0">x</p>`, `<link rel=stylesheet href=//evil.example>`, `<base href="//evil.example/">`, `<meta http-equiv=refresh content="0;url=//evil.example">`,
	`<form action="//evil.example"><input name=a><button formaction="javascript:alert(1)">x</button></form>`, `<textarea autofocus onfocus=alert(1)>`, `<select><option><script>alert(1)</script></select>`, `<details open ontoggle=alert(1)><summary>x</summary></details>`,
	`<video src=x onerror=alert(1)><source onerror=alert(1)></video>`, `<audio src onloadstart=alert(1)>`, `<marquee onstart=alert(1)>x</marquee>`, `<body onload=alert(1)>`, `<html onmouseover=alert(1)>`, `<input type=image src=x onerror=alert(1)>`, `<isindex action=javascript:alert(1)>`,
	`<table background="javascript:alert(1)"><tr><td background="javascript:alert(1)">x</table>`, `<table><td><svg><desc><td><img src=x onerror=alert(1)></svg>`, `<a href=x id=y name=body class="htmx" hx-get="/x" data-on="x">x</a>`, `<p data-action="delete" is="x-y" slot=a part=b>x</p>`,
	`<!--><img src=x onerror=alert(1)>-->`, `<!--[if gte IE 4]><script>alert(1)</script><![endif]-->`, `<![CDATA[<img src=x onerror=alert(1)>]]>`, `<?xml version="1.0"?><script>alert(1)</script>`, `<!doctype html [<!ENTITY x "y">]>&x;`,
	`<template><script>alert(1)</script></template>`, `<xmp><img src=x onerror=alert(1)></xmp>`, `<plaintext><script>alert(1)`, `<title></title><img src=x onerror=alert(1)>`, `<listing>&lt;img src=x onerror=alert(1)&gt;</listing>`, `<noembed><img src=x onerror=alert(1)></noembed>`,
	`&lt;script&gt;alert(1)&lt;/script&gt;`, `<<script>alert(1)//<</script>`, `<img src=x:alert(1) onerror=eval(src)>`, `<p><a href="https://x"><a href="javascript:1">y</a></a></p>`, "<a\x00 href=javascript:alert(1)>x</a>", "<scr\x00ipt>alert(1)</scr\x00ipt>", `<img src=x onerror="&#0000106avascript:alert(1)">`,
	`<pre><script>alert(1)</script></pre>`, `<code onclick=x><img src=x onerror=alert(1)></code>`, `<ul><li data-checked="javascript:1" data-colwidth="1">x</li></ul>`, `<td colspan="1e9" data-colwidth="url(x)">x</td>`, `<table><tr><td colspan=99999999>x</table>`, `<ol start="-1 onload=x"><li>x</ol>`,
	"<\u212Aeygen>", `<İmg src=x onerror=alert(1)>`, `<ſcript>alert(1)</ſcript>`, `<x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>`, `<image src=x onerror=alert(1)>`, `<a href="https://user:pass@host/\">x</a>`, `<h1><h2><table><h3><a><table><a>x`,
}

// allowed is written apart from the code under test.
var allowed = map[string]string{
	"h1": "", "h2": "", "h3": "", "h4": "", "h5": "", "h6": "", "p": "", "pre": "", "blockquote": "", "hr": "", "details": "", "summary": "", "ul": "", "ol": " start ", "li": " data-checked ",
	"table": "", "caption": "", "thead": "", "tbody": "", "tfoot": "", "tr": "", "td": " colspan rowspan data-colwidth ", "th": " colspan rowspan data-colwidth ",
	"a": " href ", "strong": "", "em": "", "u": "", "s": "", "sub": "", "sup": "", "code": "", "br": "", "img": " src alt width height ",
}

// safe reads cleaned HTML as a browser would and looks at every node.
func safe(t interface {
	Helper()
	Errorf(string, ...any)
}, s string) {
	t.Helper()
	nodes, err := html.ParseFragment(strings.NewReader(s), &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil {
		t.Errorf("the result does not parse: %v", err)
	}
	var look func(n *html.Node)
	look = func(n *html.Node) {
		if n.Type != html.ElementNode && n.Type != html.TextNode {
			t.Errorf("a node of type %d in %q", n.Type, s)
		}
		if n.Type == html.ElementNode {
			attrs, ok := allowed[n.Data]
			if !ok || n.Namespace != "" {
				t.Errorf("element %s in %q", n.Data, s)
			}
			for _, a := range n.Attr {
				if !strings.Contains(attrs, " "+a.Key+" ") {
					t.Errorf("attribute %s of %s in %q", a.Key, n.Data, s)
				}
				v := strings.ToLower(a.Val)
				bad := strings.HasPrefix(v, "//") || strings.ContainsAny(v, "\\\t\n\r\x00 ")
				if scheme, _, ok := strings.Cut(v, ":"); ok && !strings.ContainsAny(scheme, "/?#") {
					bad = bad || !strings.Contains(" http https mailto tel ssh rdp ", " "+scheme+" ")
				}
				if bad && (a.Key == "href" || a.Key == "src") {
					t.Errorf("address %q in %q", a.Val, s)
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			look(c)
		}
	}
	for _, n := range nodes {
		look(n)
	}
}

func TestNoScriptSurvives(t *testing.T) {
	for _, v := range vectors {
		for _, in := range []string{v, "<p>before</p>" + v + "<p>after</p>", "<table><tr><td>" + v + "</td></tr></table>", "<ul><li>" + v, `<a href="/x">` + v + "</a>", v + v} {
			got := richtext.Clean(in)
			safe(t, got)
			if again := richtext.Clean(got); again != got {
				t.Errorf("%q\nonce  %q\ntwice %q", in, got, again)
			}
		}
	}
}

func TestTextAroundAnAttackStays(t *testing.T) {
	for in, want := range map[string]string{
		`before<script>alert(1)</script>after`:                  "beforeafter",
		`a<a href="javascript:alert(1)">click</a>b`:             "aclickb",
		`<p onclick=x>a</p><iframe>b</iframe><p>c</p>`:          "<p>a</p><p>c</p>",
		`<svg><desc>inside</desc></svg>outside`:                 "outside",
		`<noscript>hidden</noscript>shown`:                      "shown",
		`<button>Press</button><select><option>1</select> text`: "Press text",
	} {
		if got := richtext.Clean(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestFromText(t *testing.T) {
	for in, want := range map[string]string{
		"":                    "",
		"a":                   "<p>a</p>",
		"a\nb\r\n\r\nc\n\n\n": "<p>a<br>b</p><p>c</p>",
		"\n\n<script>a & b":   "<p>&lt;script&gt;a &amp; b</p>",
		" indented\n\tmore ":  "<p> indented<br>\tmore </p>",
		"zero\x00 and \xff":   "<p>zero and \ufffd</p>",
	} {
		if got := richtext.FromText(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// piece draws fragments that are likely to disturb each other.
func piece() *rapid.Generator[string] {
	tags := append(richtext.Elements(), "div", "span", "b", "i", "font", "svg", "math", "style", "script", "template", "form", "button", "select", "textarea", "noscript", "title", "mglyph", "mtext", "foreignObject", "dl", "dd", "center", "nobr", "image", "frameset", "col", "colgroup", "input")
	attrs := []string{"", "", "", ` href="/x"`, ` href=javascript:1`, ` src=a`, ` src="a b"`, ` class=x`, ` onclick=y`, ` colspan=2`, ` data-checked=true`, ` type=checkbox`, ` start=4`, ` href="https://e/%zz?a=b;c&d#e"`, ` href="mailto:a b"`}
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) string {
			return "<" + rapid.SampledFrom(tags).Draw(t, "tag") + rapid.SampledFrom(attrs).Draw(t, "attr") + ">"
		}),
		rapid.Custom(func(t *rapid.T) string { return "</" + rapid.SampledFrom(tags).Draw(t, "tag") + ">" }),
		rapid.SampledFrom([]string{"x", " ", "\n", "&lt;", "&amp;", "&nbsp;", "<!--", "-->", "<![CDATA[", "]]>", "\x00", "\"", "<", ">", "a\r\nb", "&#x80;", "\f"}),
		rapid.SampledFrom(vectors),
	)
}

func TestCleanTwiceIsCleanOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := strings.Join(rapid.SliceOfN(piece(), 0, 25).Draw(t, "pieces"), "")
		once := richtext.Clean(in)
		safe(t, once)
		if twice := richtext.Clean(once); twice != once {
			t.Fatalf("in    %q\nonce  %q\ntwice %q", in, once, twice)
		}
	})
}

// TestTextIsKept: the text of well-formed input is the text of the result, and
// its markup is not given up.
func TestTextIsKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		var grow func(depth int)
		grow = func(depth int) {
			for range rapid.IntRange(0, 3).Draw(t, "n") {
				tag := rapid.SampledFrom([]string{"", "p", "div", "b", "i", "ul", "li", "h2", "blockquote", "span", "pre", "code"}).Draw(t, "tag")
				if tag == "" || depth == 0 {
					b.WriteString(rapid.StringMatching(`[a-z]{1,4}`).Draw(t, "word"))
					continue
				}
				b.WriteString("<" + tag + ">")
				grow(depth - 1)
				b.WriteString("</" + tag + ">")
			}
		}
		grow(5)
		squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if got, want := squeeze(richtext.Text(richtext.Clean(b.String()))), squeeze(richtext.Text(b.String())); got != want {
			t.Fatalf("%s\n%s\nwant %s", b.String(), got, want)
		}
		if bold.MatchString(b.String()) && !strings.Contains(richtext.Clean(b.String()), "<strong>") {
			t.Fatal("markup was given up")
		}
	})
}

var bold = regexp.MustCompile(`<b>[a-z]`)

func FuzzClean(f *testing.F) {
	for _, v := range vectors {
		f.Add(v)
	}
	f.Add("<ul><li>a<ul><li>b</ul><p>c<table><tr><td>d")
	f.Fuzz(func(t *testing.T, in string) {
		once := richtext.Clean(in)
		safe(t, once)
		if twice := richtext.Clean(once); twice != once {
			t.Fatalf("once  %q\ntwice %q", once, twice)
		}
		plain := richtext.FromText(in)
		if again := richtext.Clean(plain); again != plain {
			t.Fatalf("from text %q\ncleaned   %q", plain, again)
		}
	})
}

func BenchmarkClean(b *testing.B) {
	doc := strings.Repeat(`<h2>Title</h2><p>Some <b>text</b> with a <a href="https://example.com/x">link</a>.</p><ul><li>one</li><li>two</li></ul><table><tr><td>a</td><td>b</td></tr></table>`, 100)
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		richtext.Clean(doc)
	}
}

func TestRelink(t *testing.T) {
	f := func(href, words string) (string, string) {
		switch href {
		case "/gone":
			return "", words
		case "/moved":
			return "/new?a=1&b=2", words
		case "/named":
			return href, "A < B"
		}
		return href, words
	}
	for in, want := range map[string]string{
		`<p>no link &amp; so</p>`:                                `<p>no link &amp; so</p>`,
		`<a href="/x">as  it <b>is</b></a>`:                      `<a href="/x">as  it <b>is</b></a>`,
		`a<a href="/gone">b <em>c</em></a>d`:                     `ab <em>c</em>d`,
		`<a href="/moved">x</a>`:                                 `<a href="/new?a=1&amp;b=2">x</a>`,
		`<a href="/named"><b>one</b> two</a>.`:                   `<a href="/named"><b>A &lt; B</b></a>.`,
		`<a href="/named"></a>`:                                  `<a href="/named"></a>`,
		`<a href="/named">never closed`:                          `<a href="/named">A &lt; B`,
		`<a href="/gone">one<a href="/moved">two</a></a>`:        `one<a href="/new?a=1&amp;b=2">two</a></a>`,
		`<A HREF="/gone">x</A><a name="y">z</a>`:                 `x<a name="y">z</a>`,
		`<a href="/gone"><img src="/documents/images/1"></a>end`: `<img src="/documents/images/1">end`,
	} {
		if got := richtext.Relink(in, f); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}
