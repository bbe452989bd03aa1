package ldap_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/method/ldap"
	"strongroom/internal/feature/identity/providertest"
)

// TestSettings: what cannot be is refused before it is saved.
func TestSettings(t *testing.T) {
	for field, values := range map[string][]string{
		"servers":      {"", "http://x", "ldap://", "ldap://u:p@x", "ldaps://x/dc=example", "ldap://x?y", "dc1.example.com", strings.Repeat("ldap://x\n", 11)},
		"security":     {"", "tls"},
		"ca":           {"x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"},
		"people_base":  {"", "example.com", "ou=x,"},
		"filter":       {"", "(uid=alice)", "(uid={name}", "{name}", "uid={name})("},
		"group_filter": {"", "(member=x)", "(member={dn}"},
		"id":           {"", "a b", "a)(b"},
		"email":        {"", "mail*"},
	} {
		for _, v := range values {
			s := settings(map[string]string{"servers": "ldaps://dc1.example.com", field: v})
			if _, err := ldap.Kind().Open(method.Setup{Values: s}); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s %q: %v", field, v, err)
			}
		}
	}
	for _, v := range []string{"ldaps://dc1.example.com", "ldap://[::1]:3268/", "ldaps://a:1\n\n  ldap://b "} {
		if _, err := ldap.Kind().Open(method.Setup{Values: settings(map[string]string{"servers": v})}); err != nil {
			t.Errorf("%q: %v", v, err)
		}
	}
}

// lying gives a way to a directory that answers so, without encryption unless change
// says otherwise.
func lying(t *testing.T, change map[string]string, answer func(providertest.Asked) ([]byte, bool)) (*ldap.Way, *providertest.LDAP) {
	t.Helper()
	l := providertest.NewLDAP(t, answer)
	all := map[string]string{"servers": l.URL, "security": "plain", "bind_dn": ""}
	for k, v := range change {
		all[k] = v
	}
	return open(t, "service-word", all), l
}

// TestLies: nothing that a directory answers makes somebody of a stranger, and no
// password goes where it must not.
func TestLies(t *testing.T) {
	type asked = providertest.Asked
	entry := func(a asked, dn string, change map[string]string) []byte {
		all := map[string]string{"entryUUID": "4a1f", "mail": "alice@example.com"}
		for k, v := range change {
			all[k] = v
		}
		return append(a.Entry(dn, all), a.Done(0, "")...)
	}
	search := func(f func(asked) []byte) func(asked) ([]byte, bool) {
		return func(a asked) ([]byte, bool) {
			if a.Op == "search" {
				b := f(a)
				return b, bytes.Contains(b, []byte("\x04\x00")) // what is no answer is the end
			}
			return providertest.Honest(a)
		}
	}
	bind := func(code int) func(asked) ([]byte, bool) {
		return func(a asked) ([]byte, bool) {
			if a.Op == "bind" && a.Password == "pass-word" {
				return a.Done(code, "the password pass-word is wrong"), true
			}
			return providertest.Honest(a)
		}
	}
	for name, x := range map[string]struct {
		answer func(asked) ([]byte, bool)
		kind   fault.Kind
	}{
		"nobody":                {search(func(a asked) []byte { return a.Done(0, "") }), fault.Unauthorized},
		"an entry without name": {search(func(a asked) []byte { return entry(a, "", nil) }), fault.Unauthorized},
		"two entries":           {search(func(a asked) []byte { return append(a.Entry("cn=x", nil), entry(a, "cn=y", nil)...) }), fault.Unauthorized},
		"more than it shows":    {search(func(a asked) []byte { return append(a.Entry("cn=x", nil), a.Done(4, "")...) }), fault.Unauthorized},
		"only a reference":      {search(func(a asked) []byte { return append(a.Referral("ldap://evil.example"), a.Done(0, "")...) }), fault.Unauthorized},
		"a referral":            {search(func(a asked) []byte { return a.Done(10, "ldap://evil.example") }), fault.Unavailable},
		"no name for ever":      {search(func(a asked) []byte { return entry(a, "cn=x", map[string]string{"entryUUID": ""}) }), fault.Unavailable},
		"a name with a line":    {search(func(a asked) []byte { return entry(a, "cn=x", map[string]string{"entryUUID": "a\nb"}) }), fault.Unavailable},
		"a long name": {search(func(a asked) []byte {
			return entry(a, "cn=x", map[string]string{"entryUUID": strings.Repeat("x", 300)})
		}), fault.Unavailable},
		"an entry of 9 MiB":      {search(func(a asked) []byte { return entry(a, "cn=x", map[string]string{"mail": strings.Repeat("x", 9<<20)}) }), fault.Unavailable},
		"a length of 2 GiB":      {search(func(asked) []byte { return []byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff} }), fault.Unavailable},
		"nested a thousand deep": {search(func(asked) []byte { return bytes.Repeat([]byte{0x30, 0x80}, 100_000) }), fault.Unavailable},
		"no LDAP":                {search(func(asked) []byte { return []byte("HTTP/1.1 200 OK\r\n\r\n") }), fault.Unavailable},
		"a wrong password":       {bind(49), fault.Unauthorized},
		"a referral for a bind":  {bind(10), fault.Unauthorized},
		"a lock":                 {bind(19), fault.Unauthorized},
		"unwilling":              {bind(53), fault.Unauthorized},
		"no such entry":          {bind(32), fault.Unauthorized},
		"a result of nobody":     {bind(4242), fault.Unauthorized},
		"TLS wanted":             {bind(13), fault.Unavailable},
		"busy":                   {bind(51), fault.Unavailable},
		"gone": {func(a asked) ([]byte, bool) {
			b, _ := providertest.Honest(a)
			return b, a.Op != "search"
		}, fault.Unavailable},
	} {
		w, _ := lying(t, map[string]string{"group_base": ""}, x.answer)
		c, err := w.Check(t.Context(), try("alice", "pass-word"))
		if !fault.Is(err, x.kind) || c.Subject != "" {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
		if err != nil && strings.Contains(err.Error(), "pass-word") {
			t.Errorf("%s: the error holds the password: %v", name, err)
		}
	}
	w, _ := lying(t, nil, nil)
	if c, err := w.Check(t.Context(), try("alice", "pass-word")); err != nil || c.Subject != "4a1f" || !slices.Contains(c.Groups, "technicians") {
		t.Errorf("an honest directory: %+v, %v", c, err)
	}
}

// TestStartTLSFails: where StartTLS is refused, or TLS does not come about, the
// connection is closed before anything else is said on it.
func TestStartTLSFails(t *testing.T) {
	for name, answer := range map[string]func(providertest.Asked) ([]byte, bool){
		"refused":   func(a providertest.Asked) ([]byte, bool) { return a.Done(2, ""), true },
		"not there": func(a providertest.Asked) ([]byte, bool) { return a.Done(53, ""), true },
		"no TLS":    func(a providertest.Asked) ([]byte, bool) { return append(a.Done(0, ""), "no TLS"...), false },
		"an answer to a bind before it": func(a providertest.Asked) ([]byte, bool) {
			return append(a.Done(0, ""), providertest.Asked{Op: "bind"}.Done(0, "")...), true
		},
	} {
		w, l := lying(t, map[string]string{"security": "starttls", "bind_dn": "cn=x"}, answer)
		if c, err := w.Check(t.Context(), try("alice", "pass-word")); !fault.Is(err, fault.Unavailable) || c.Subject != "" {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
		for _, h := range l.Heard() {
			if strings.HasPrefix(h, "bind") || strings.HasPrefix(h, "search") {
				t.Errorf("%s: then it heard %q", name, h)
			}
		}
	}
}

// TestEmptyPassword: none is sent, be it that of who signs in or that of the account
// of the settings.
func TestEmptyPassword(t *testing.T) {
	w, l := lying(t, nil, nil)
	if c, err := w.Check(t.Context(), try("alice", "")); !fault.Is(err, fault.Unauthorized) || c.Subject != "" {
		t.Errorf("%+v, %v", c, err)
	}
	all := settings(map[string]string{"servers": l.URL, "security": "plain"})
	empty, err := ldap.Kind().Open(method.Setup{Tenant: "demo", Values: all, Now: time.Now, Dialer: loopback(), Secret: func(context.Context, string) (string, error) { return "", nil }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := empty.(method.Password).Check(t.Context(), try("alice", "pass-word")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("an account without a password: %v", err)
	}
	for _, h := range l.Heard() {
		if strings.HasPrefix(h, "bind") {
			t.Errorf("it heard %q", h)
		}
	}
}

// TestSlow: a directory that says nothing does not hold anybody for long who gives up.
func TestSlow(t *testing.T) {
	w, l := lying(t, nil, func(providertest.Asked) ([]byte, bool) { return nil, true })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := w.Check(ctx, try("alice", "pass-word")); done <- err }()
	for deadline := time.Now().Add(time.Minute); len(l.Heard()) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the directory was not asked")
		}
	}
	cancel()
	select {
	case err := <-done:
		if err == nil {
			t.Error("it says yes")
		}
	case <-time.After(5 * time.Second):
		t.Error("it waits")
	}
}

// FuzzCheck: whatever is entered, the directory is asked for one name, in a filter of
// the same form, and the password goes to nobody else.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{"alice", "*", "*)(uid=*", "a)(|(uid=*))", `\2a`, "\x00", "zoë", strings.Repeat("x", 300), "#", " ", "=,+<>;\"\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		var filters []string
		l := providertest.NewLDAP(t, func(a providertest.Asked) ([]byte, bool) {
			if a.Op == "search" {
				filters = append(filters, a.Filter)
				return a.Done(0, ""), true
			}
			return providertest.Honest(a)
		})
		w := open(t, "service-word", map[string]string{"servers": l.URL, "security": "plain", "filter": "(uid={name})"})
		if c, err := w.Check(t.Context(), try(name, "pass-word")); !fault.Is(err, fault.Unauthorized) || c.Subject != "" {
			t.Errorf("%q: %+v, %v", name, c, err)
		}
		for _, s := range filters {
			if !strings.HasPrefix(s, "(uid=") || strings.Count(s, "(") != 1 || strings.Contains(s, "*") {
				t.Errorf("%q became %s", name, s)
			}
		}
		for _, h := range l.Heard() {
			if strings.Contains(h, "pass-word") {
				t.Errorf("%q: it heard %q", name, h)
			}
		}
	})
}
