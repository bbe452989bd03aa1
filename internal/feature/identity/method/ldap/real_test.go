package ldap_test

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	upstream "github.com/go-ldap/ldap/v3"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/method/ldap"
	"strongroom/internal/feature/identity/methodtest"
	"strongroom/internal/feature/identity/providertest"
)

// settings are those of a way to a directory; change may alter them.
func settings(change map[string]string) map[string]string {
	out := map[string]string{}
	for _, f := range ldap.Kind().Fields {
		out[f.Name] = f.Default
	}
	out["people_base"], out["group_base"], out["bind_dn"] = "ou=people,"+providertest.DirectoryBase, "ou=groups,"+providertest.DirectoryBase, providertest.ServiceDN
	for k, v := range change {
		out[k] = v
	}
	return out
}

// loopback reaches servers of tests.
func loopback() *dialer.Dialer {
	return &dialer.Dialer{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
}

// open makes a way; secret is the password of the account that looks people up.
func open(t testing.TB, secret string, change map[string]string) *ldap.Way {
	t.Helper()
	w, err := ldap.Kind().Open(method.Setup{Tenant: "demo", Values: settings(change), Now: time.Now, Dialer: loopback(),
		Secret: func(context.Context, string) (string, error) { return secret, nil }})
	if err != nil {
		t.Fatal(err)
	}
	return w.(*ldap.Way)
}

func try(name, password string) method.Try {
	return method.Try{Tenant: "demo", Email: name, Password: password}
}

// TestRealDirectory signs in at OpenLDAP, over TLS and StartTLS.
func TestRealDirectory(t *testing.T) {
	d := providertest.StartOpenLDAP(t, false, "")
	for name, server := range map[string]string{"ldaps": d.TLS, "starttls": d.Plain} {
		t.Run(name, func(t *testing.T) {
			w := open(t, providertest.ServicePassword, map[string]string{"servers": server, "ca": d.Authority.PEM})
			if lines, err := w.Test(t.Context()); err != nil || len(lines) != 3 || !strings.Contains(lines[0], "over TLS") {
				t.Errorf("the test button says %q, %v", lines, err)
			}
			methodtest.Run(t, methodtest.Subject{Method: w, Person: try("alice@example.com", "alice-pass"), Other: try("bob@example.com", "bob-pass")})
		})
	}
	w := open(t, providertest.ServicePassword, map[string]string{"servers": d.TLS, "ca": d.Authority.PEM})
	alice, err := w.Check(t.Context(), try("alice", "alice-pass"))
	if err != nil {
		t.Fatal(err)
	}
	if alice.Method != "ldap" || len(alice.Subject) != 36 || alice.Email != "alice@example.com" || !alice.Verified || alice.FirstName != "Alice" || alice.LastName != "Ångström" || alice.Level != 1 || alice.Once != "" {
		t.Errorf("alice is %+v", alice)
	}
	for _, g := range []string{"technicians", "staff", "everyone", "circle", providertest.GroupDN("technicians"), providertest.GroupDN("everyone")} {
		if !slices.Contains(alice.Groups, g) {
			t.Errorf("alice is not in %s: %q", g, alice.Groups)
		}
	}
	for name, mail := range map[string]string{"*)(uid=*": "eve@example.com", "zoë": "zoe@example.com", " bob ": "bob@example.com", "ALICE": "alice@example.com"} {
		password := strings.ToLower(strings.TrimSpace(name)) + "-pass"
		if c, err := w.Check(t.Context(), try(name, password)); err != nil || c.Email != mail {
			t.Errorf("%q is %+v, %v", name, c, err)
		}
	}
	for what, x := range map[string]method.Try{
		"a locked account":        try("dave", "dave-pass"),
		"a name of two":           try("twin@example.com", "twin1-pass"),
		"a filter for alice":      try("x)(uid=alice", "alice-pass"),
		"a filter for all":        try("*)(|(uid=*", "alice-pass"),
		"a comment of a filter":   try("alice)(objectClass=*)\x00", "alice-pass"),
		"an escaped wildcard":     try(`\2a`, "alice-pass"),
		"a distinguished name":    try(providertest.PersonDN("alice"), "alice-pass"),
		"the account of settings": try("reader", providertest.ServicePassword),
		"another tenant":          {Tenant: "other", Email: "alice", Password: "alice-pass"},
		"no password":             try("alice", ""),
		"a password of NUL":       try("alice", "\x00"),
	} {
		if c, err := w.Check(t.Context(), x); !fault.Is(err, fault.Unauthorized) || c.Subject != "" {
			t.Errorf("%s: %+v, %v", what, c, err)
		}
	}
	root := d.Root()
	move := upstream.NewModifyDNRequest(providertest.PersonDN("alice"), "uid=alice.b", true, "")
	if err := root.ModifyDN(move); err != nil {
		t.Fatal(err)
	}
	if c, err := w.Check(t.Context(), try("alice.b", "alice-pass")); err != nil || c.Subject != alice.Subject {
		t.Errorf("under another name she is %+v, %v", c, err)
	}
}

// TestTrust: only a server with a certificate that the settings name gets a password.
func TestTrust(t *testing.T) {
	d := providertest.StartOpenLDAP(t, false, "")
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(d.TLS, "ldaps://"))
	_, plain, _ := net.SplitHostPort(strings.TrimPrefix(d.Plain, "ldap://"))
	other := providertest.NewAuthority(t)
	for name, x := range map[string]struct{ server, ca, want string }{
		"the authority":                {d.TLS, d.Authority.PEM, ""},
		"the server's own certificate": {d.TLS, d.Cert, ""},
		"another authority":            {d.TLS, other.PEM, "nobody here trusts"},
		"the system's authorities":     {d.TLS, "", "nobody here trusts"},
		"StartTLS, another authority":  {d.Plain, other.PEM, "nobody here trusts"},
		"another name":                 {"ldaps://localhost:" + port, d.Authority.PEM, "another name"},
		"StartTLS, another name":       {"ldap://localhost:" + plain, d.Authority.PEM, "another name"},
		"TLS at the wrong port":        {"ldaps://127.0.0.1:" + plain, d.Authority.PEM, "does not"},
		"nothing there":                {"ldaps://127.0.0.1:1", d.Authority.PEM, "does not answer"},
	} {
		w := open(t, providertest.ServicePassword, map[string]string{"servers": x.server, "ca": x.ca})
		_, err := w.Check(t.Context(), try("bob", "bob-pass"))
		if x.want == "" && err != nil || x.want != "" && (!fault.Is(err, fault.Unavailable) || !strings.Contains(fault.Say(err).Text, x.want)) {
			t.Errorf("%s: %v", name, err)
		}
		if _, again := w.Test(t.Context()); (again == nil) != (x.want == "") {
			t.Errorf("%s: the test button says %v", name, again)
		}
	}
	for name, x := range map[string]struct {
		secret string
		change map[string]string
		want   string
	}{
		"a wrong account":           {"wrong", nil, "does not accept the account"},
		"no password of an account": {"", nil, "no password in the settings"},
		"no account":                {"", map[string]string{"bind_dn": ""}, ""},
		"nobody there":              {providertest.ServicePassword, map[string]string{"people_base": "ou=policies," + providertest.DirectoryBase, "filter": "(uid={name})"}, "Nobody is found"},
		"no such place":             {providertest.ServicePassword, map[string]string{"people_base": "ou=nowhere," + providertest.DirectoryBase}, "does not have the place"},
		"another place":             {providertest.ServicePassword, map[string]string{"people_base": "dc=elsewhere"}, "place"},
		"no such attribute":         {providertest.ServicePassword, map[string]string{"id": "objectGUID"}, "objectGUID"},
		"without encryption":        {providertest.ServicePassword, map[string]string{"servers": d.Plain, "security": "plain"}, "over TLS only"},
	} {
		change := map[string]string{"servers": d.TLS, "ca": d.Authority.PEM}
		for k, v := range x.change {
			change[k] = v
		}
		w := open(t, x.secret, change)
		if _, err := w.Test(t.Context()); !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.Say(err).Text, x.want) {
			t.Errorf("%s: the test button says %v", name, err)
		}
		if c, err := w.Check(t.Context(), try("bob", "bob-pass")); err == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// TestReadable: a server without encryption is used only where the settings say so.
func TestReadable(t *testing.T) {
	d := providertest.StartOpenLDAP(t, true, "")
	w := open(t, providertest.ServicePassword, map[string]string{"servers": d.Plain, "security": "plain"})
	if c, err := w.Check(t.Context(), try("bob", "bob-pass")); err != nil || c.Email != "bob@example.com" {
		t.Errorf("%+v, %v", c, err)
	}
	if lines, err := w.Test(t.Context()); err != nil || !strings.Contains(lines[0], "without encryption") {
		t.Errorf("the test button says %q, %v", lines, err)
	}
}

// TestFailover: where a server does not answer, the next does; a password that one
// refuses is not sent to another.
func TestFailover(t *testing.T) {
	d := providertest.StartOpenLDAP(t, false, "")
	w := open(t, providertest.ServicePassword, map[string]string{"servers": "ldaps://127.0.0.1:1\nldap://127.0.0.1:1\n" + d.TLS, "ca": d.Authority.PEM})
	for range 2 {
		if _, err := w.Check(t.Context(), try("bob", "bob-pass")); err != nil {
			t.Fatal(err)
		}
	}
	l := providertest.NewLDAP(t, nil)
	w = open(t, providertest.ServicePassword, map[string]string{"servers": d.TLS + "\n" + l.URL, "ca": d.Authority.PEM, "security": "plain"})
	if _, err := w.Check(t.Context(), try("bob", "wrong")); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("a wrong password: %v", err)
	}
	if got := l.Heard(); len(got) > 0 {
		t.Errorf("the second server heard %q", got)
	}
}

func BenchmarkCheck(b *testing.B) {
	d := providertest.StartOpenLDAP(b, false, "")
	w := open(b, providertest.ServicePassword, map[string]string{"servers": d.TLS, "ca": d.Authority.PEM})
	for b.Loop() {
		if _, err := w.Check(b.Context(), try("alice", "alice-pass")); err != nil {
			b.Fatal(err)
		}
	}
}
