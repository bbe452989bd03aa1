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
