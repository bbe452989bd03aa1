package mailauth

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"

	"strongroom/internal/feature/tracker/seen"
)

// tags reads a list of name=value; name=value (RFC 6376, section 3.2). ok is false
// when it is none, or when a name comes twice.
func tags(s string) (list map[string]string, first string, ok bool) {
	list = map[string]string{}
	for part := range strings.SplitSeq(s, ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, value, found := strings.Cut(part, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := list[name]; !found || name == "" || twice || strings.ContainsAny(name, " \t") {
			return list, first, false
		}
		if first == "" {
			first = name
		}
		list[name] = strings.TrimSpace(value)
	}
	return list, first, len(list) > 0
}

// Key is the record of a DKIM key (RFC 6376, section 3.6.1).
type Key struct {
	Type    string // rsa or ed25519
	Bits    int    // of an RSA key
	Revoked bool
	Testing bool
	Problem string // why it cannot be used; a whole sentence
}

func (k Key) usable() bool { return k.Problem == "" && !k.Revoked }

// ParseKey reads the record of a key.
func ParseKey(s string) Key {
	list, first, ok := tags(s)
	k := Key{Type: "rsa"}
	if t := list["k"]; t != "" {
		k.Type = strings.ToLower(t)
	}
	p, has := list["p"]
	version, versioned := list["v"]
	switch {
	case !ok:
		k.Problem = "It is no list of tags."
	case versioned && (version != "DKIM1" || first != "v"):
		k.Problem = "It does not begin with v=DKIM1."
	case !has:
		k.Problem = "It has no key (p=)."
	}
	for flag := range strings.SplitSeq(list["t"], ":") {
		k.Testing = k.Testing || strings.TrimSpace(flag) == "y"
	}
	if k.Problem != "" {
		return k
	}
	p = strings.Join(strings.Fields(p), "")
	if p == "" {
		k.Revoked = true
		return k
	}
	raw, err := base64.StdEncoding.DecodeString(p)
	if err != nil {
		k.Problem = "Its key is cut off or mistyped."
		return k
	}
	k.decode(raw)
	return k
}

func (k *Key) decode(raw []byte) {
	switch k.Type {
	case "rsa":
		pub, err := x509.ParsePKIXPublicKey(raw)
		if err != nil {
			pub, err = x509.ParsePKCS1PublicKey(raw)
		}
		r, ok := pub.(*rsa.PublicKey)
		if err != nil || !ok {
			k.Problem = "Its key is cut off or mistyped."
			return
		}
		k.Bits = r.N.BitLen()
	case "ed25519":
		if len(raw) != 32 {
			k.Problem = "Its key is cut off or mistyped."
		}
	default:
		k.Problem = fmt.Sprintf("Its key is of a kind that nobody reads: %s.", seen.Line(k.Type))
	}
}

// judge says what is to be done about a key.
func (k Key) judge(sel string) []seen.Finding {
	var out []seen.Finding
	say := func(l seen.Level, text, do string) { out = append(out, seen.Finding{Level: l, Text: text, Do: do}) }
	switch {
	case k.Problem != "":
		say(seen.Bad, "The DKIM key under "+sel+" cannot be used. "+k.Problem, "Publish it again as your mail service shows it, in one record.")
	case k.Revoked:
		say(seen.Note, "The DKIM key under "+sel+" has been revoked.", "If your mail service still signs with it, publish its key; else take the selector off the domain.")
	case k.Type == "rsa" && k.Bits < 1024:
		say(seen.Bad, fmt.Sprintf("The DKIM key under %s has %d bits and can be broken.", sel, k.Bits), "Make a new one of 2048 bits.")
	case k.Type == "rsa" && k.Bits < 2048:
		say(seen.Note, fmt.Sprintf("The DKIM key under %s has %d bits.", sel, k.Bits), "Make one of 2048 bits when you next change it.")
	}
	if k.Testing && k.usable() {
		say(seen.Warn, "The DKIM key under "+sel+" says that it is for testing (t=y); receivers then treat signed mail as unsigned.", "Take t=y off once signing works.")
	}
	return out
}
