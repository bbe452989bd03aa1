package richtext

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// Rewrite asks f for a new value of every address in s, raw HTML or cleaned:
// (a, href), (img, src) and (img, data-src-original), which exports use for the
// full-size picture. The value is given unescaped; what f returns replaces it,
// "" removes the attribute. Everything else stays byte for byte; clean after
// rewriting, not only before.
func Rewrite(s string, f func(tag, attr, value string) string) string {
	z := html.NewTokenizer(strings.NewReader(s))
	var out strings.Builder
	for {
		kind := z.Next()
		raw := string(z.Raw())
		if kind == html.ErrorToken {
			out.WriteString(raw)
			return out.String()
		}
		if kind == html.StartTagToken || kind == html.SelfClosingTagToken {
			if t := z.Token(); rewriteToken(&t, f) {
				raw = t.String()
			}
		}
		out.WriteString(raw)
	}
}

func isAddress(tag, attr string) bool {
	return tag == "a" && attr == "href" || tag == "img" && (attr == "src" || attr == "data-src-original")
}

func rewriteToken(t *html.Token, f func(tag, attr, value string) string) (changed bool) {
	kept := t.Attr[:0]
	for _, a := range t.Attr {
		if isAddress(t.Data, a.Key) {
			v := f(t.Data, a.Key, a.Val)
			if changed = changed || v != a.Val; v == "" {
				continue
			}
			a.Val = v
		}
		kept = append(kept, a)
	}
	t.Attr = kept
	return changed
}

// Links gives the addresses of all links, as written, each once.
func Links(s string) []string { return addresses(s, "a", "href") }

// Images gives the sources of all images, as written, each once.
func Images(s string) []string { return addresses(s, "img", "src") }

func addresses(s, tag, attr string) []string {
	var out []string
	seen := map[string]bool{}
	Rewrite(s, func(t, a, v string) string {
		if t == tag && a == attr && v != "" && !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
		return v
	})
	return out
}

// InlineImages hands every image whose content stands in the HTML itself
// (`data:`) to store and puts the address it returns in its place; so images
// become stored files before Clean, which would drop them. media is found from
// the content: image/png, image/jpeg, image/gif or image/webp; what is none of
// these is removed. The first failure of store ends it.
func InlineImages(s string, store func(media string, content []byte) (src string, err error)) (string, error) {
	var failed error
	out := Rewrite(s, func(tag, attr, v string) string {
		if tag != "img" || !isData(v) || failed != nil {
			return v
		}
		content, ok := decodeData(v)
		media := http.DetectContentType(content)
		if !ok || !slices.Contains([]string{"image/png", "image/jpeg", "image/gif", "image/webp"}, media) {
			return ""
		}
		src, err := store(media, content)
		failed = err
		return src
	})
	if failed != nil {
		return "", failed
	}
	return out, nil
}

func isData(v string) bool {
	v = strings.TrimFunc(v, func(r rune) bool { return r <= ' ' })
	return len(v) >= 5 && strings.EqualFold(v[:5], "data:")
}

// decodeData gives the content of a data URL (RFC 2397).
func decodeData(v string) ([]byte, bool) {
	v = strings.TrimFunc(v, func(r rune) bool { return r <= ' ' })
	head, body, ok := strings.Cut(v, ",")
	if !ok {
		return nil, false
	}
	body, err := url.PathUnescape(body)
	if err != nil {
		return nil, false
	}
	if !strings.HasSuffix(strings.ToLower(head), ";base64") {
		return []byte(body), true
	}
	body = strings.TrimRight(strings.Join(strings.Fields(body), ""), "=")
	content, err := base64.RawStdEncoding.DecodeString(body)
	return content, err == nil
}

// Relink asks f for the address and the words of every link in s, raw HTML or
// cleaned. The words are given without marks and with single spaces. Other words
// replace them, within the marks that they begin with; no address leaves the words
// without the link. Everything else stays byte for byte.
func Relink(s string, f func(href, words string) (to, say string)) string {
	if !strings.Contains(s, "<a") && !strings.Contains(s, "<A") {
		return s
	}
	z := html.NewTokenizer(strings.NewReader(s))
	var out strings.Builder
	var l *link
	for {
		kind := z.Next()
		raw := string(z.Raw())
		if kind == html.ErrorToken {
			l.write(&out, f)
			out.WriteString(raw)
			return out.String()
		}
		t := z.Token()
		switch {
		case kind == html.StartTagToken && t.Data == "a":
			l.write(&out, f)
			l = &link{start: t, raw: raw}
		case kind == html.EndTagToken && t.Data == "a" && l != nil:
			l.end = raw
			l.write(&out, f)
			l = nil
		case l != nil:
			l.inner = append(l.inner, piece{raw, kind == html.TextToken, t.Data})
		default:
			out.WriteString(raw)
		}
	}
}

// link is a link while it is read.
type link struct {
	start    html.Token
	raw, end string
	inner    []piece
}

type piece struct {
	raw  string
	text bool
	data string
}

// write writes the link as f wants it.
func (l *link) write(out *strings.Builder, f func(href, words string) (to, say string)) {
	if l == nil {
		return
	}
	href, words := "", ""
	for _, a := range l.start.Attr {
		if a.Key == "href" {
			href = a.Val
		}
	}
	for _, p := range l.inner {
		if p.text {
			words += p.data
		}
	}
	words = strings.Join(strings.Fields(words), " ")
	to, say := f(href, words)
	linked := to != "" || href == ""
	if linked {
		out.WriteString(l.opening(href, to))
	}
	first := say != words
	for _, p := range l.inner {
		switch {
		case p.text && first:
			out.WriteString(html.EscapeString(say))
			first = false
		case p.text && say != words: // said already
		default:
			out.WriteString(p.raw)
		}
	}
	if linked {
		out.WriteString(l.end)
	}
}

func (l *link) opening(was, to string) string {
	if to == was {
		return l.raw
	}
	for i := range l.start.Attr {
		if l.start.Attr[i].Key == "href" {
			l.start.Attr[i].Val = to
		}
	}
	return l.start.String()
}
