package itglue

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/text/cases"
	"golang.org/x/text/encoding/charmap"
)

// Decode gives the text of a document as UTF-8. western tells that it was not
// UTF-8 and was read as Windows-1252.
func Decode(b []byte) (s string, western bool) {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if utf8.Valid(b) {
		return string(b), false
	}
	out, err := charmap.Windows1252.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\ufffd"), true
	}
	return string(out), true
}

// FullSize takes the full-size picture where a text shows a smaller one of it.
func FullSize(s string, have func(src string) bool) string {
	if !strings.Contains(s, "data-src-original") {
		return s
	}
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
			if tok := z.Token(); tok.Data == "img" && useOriginal(&tok, have) {
				raw = tok.String()
			}
		}
		out.WriteString(raw)
	}
}

func useOriginal(t *html.Token, have func(string) bool) bool {
	src, original := -1, ""
	for i, a := range t.Attr {
		switch a.Key {
		case "src":
			src = i
		case "data-src-original":
			original = a.Val
		}
	}
	if src < 0 || original == "" || !have(original) {
		return false
	}
	t.Attr[src].Val = original
	return true
}

// SameFile tells whether a folder is called like an organization, as far as a
// file system allows that.
func SameFile(folder, name string) bool {
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return r
			}
			return -1
		}, cases.Fold().String(s))
	}
	return name != "" && letters(folder) == letters(FileName(name))
}
