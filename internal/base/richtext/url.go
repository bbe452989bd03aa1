package richtext

import (
	"net/url"
	"strings"
)

// cleanURL gives the form in which an address is kept, or false when it may not
// be. A link may be http, https, mailto, tel, ssh, rdp or a path of our own; an
// image http, https or such a path.
func cleanURL(s string, link bool) (string, bool) {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	if strings.ContainsAny(s, "\t\n\r") { // browsers leave them out
		s = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(s)
	}
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", false
	}
	if len(s) > 1 && strings.IndexByte(`/\`, s[0]) >= 0 && strings.IndexByte(`/\`, s[1]) >= 0 || s[0] == '\\' {
		return "", false // another host, as browsers read it
	}
	u, err := url.Parse(escapeLoose(s))
	if err != nil {
		return "", false
	}
	switch strings.ToLower(u.Scheme) {
	case "":
		if u.Host != "" || u.Opaque != "" || u.User != nil {
			return "", false
		}
	case "http", "https":
		if u.Host == "" {
			return "", false
		}
	case "ssh", "rdp":
		if !link || u.Host == "" && u.Opaque == "" {
			return "", false
		}
	case "mailto", "tel":
		if !link {
			return "", false
		}
	default:
		return "", false
	}
	s = u.String()
	return s, s != "" && !strings.HasPrefix(s, "//")
}

// escapeLoose escapes what people and exports leave bare in addresses: spaces,
// a lone per cent sign and the characters that browsers escape or turn.
func escapeLoose(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == '%' && (i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2])):
			b.WriteString("%25")
		case strings.IndexByte(" \"<>\\^`{|}", c) >= 0:
			b.WriteString("%" + string("0123456789ABCDEF"[c>>4]) + string("0123456789ABCDEF"[c&15]))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}
