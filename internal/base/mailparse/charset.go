package mailparse

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// decode reads text in a set of characters by its name, and tells whether the set is
// known. Text in no or an unknown set is UTF-8, or if it is none, windows-1252.
func decode(b []byte, charset string) (string, bool) {
	charset = strings.ToLower(strings.Trim(charset, " \t\"'"))
	switch charset {
	case "utf-7", "unicode-1-1-utf-7", "csunicode11utf7":
		return utf7(string(b)), true
	case "utf-8", "utf8":
		return strings.ToValidUTF8(string(b), "\ufffd"), true
	case "", "us-ascii", "ascii", "ansi_x3.4-1968", "unknown-8bit", "x-unknown", "default", "8bit":
		return guess(b), true
	}
	e := lookup(charset)
	if e == nil {
		return guess(b), false
	}
	out, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return guess(b), false
	}
	return strings.ToValidUTF8(string(out), "\ufffd"), true
}

func guess(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	out, err := charmap.Windows1252.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\ufffd")
	}
	return string(out)
}

func lookup(charset string) encoding.Encoding {
	switch charset {
	case "gb2312", "gbk", "x-gbk", "gb_2312-80", "cp936", "ms936":
		return simplifiedchinese.GB18030 // which holds them
	case "hz-gb-2312":
		return simplifiedchinese.HZGB2312
	}
	for _, name := range []string{charset, strings.Replace(charset, "cp-", "cp", 1), strings.Replace(charset, "windows", "windows-", 1)} {
		if e, err := htmlindex.Get(name); err == nil && e != encoding.Replacement {
			return e
		}
		if e, err := ianaindex.MIME.Encoding(name); err == nil && e != nil {
			return e
		}
	}
	return nil
}

// utf7 reads UTF-7 (RFC 2152). What is none stays as it is.
func utf7(s string) string {
	var out strings.Builder
	for {
		i := strings.IndexByte(s, '+')
		if i < 0 {
			out.WriteString(s)
			return strings.ToValidUTF8(out.String(), "\ufffd")
		}
		out.WriteString(s[:i])
		s = s[i+1:]
		n := strings.IndexFunc(s, func(r rune) bool {
			return !(r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '+' || r == '/')
		})
		if n < 0 {
			n = len(s)
		}
		if n == 0 {
			out.WriteByte('+')
			s = strings.TrimPrefix(s, "-")
			continue
		}
		b, err := base64.RawStdEncoding.DecodeString(s[:n])
		if err != nil && len(b) < 2 {
			out.WriteString("+" + s[:n])
			s = s[n:]
			continue
		}
		var units []uint16
		for j := 0; j+1 < len(b); j += 2 {
			units = append(units, uint16(b[j])<<8|uint16(b[j+1]))
		}
		out.WriteString(string(utf16.Decode(units)))
		s = strings.TrimPrefix(s[n:], "-")
	}
}
