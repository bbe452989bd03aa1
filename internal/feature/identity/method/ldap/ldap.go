// Package ldap signs people in with a directory: it looks up who has the name that
// was given, as an account of the settings, and then binds as what it found, with the
// password that was given.
//
// Always true: a password is sent to the servers of the settings alone, over TLS
// unless the settings say otherwise, once for each server that answers; a connection
// whose StartTLS failed is closed; an empty password is never sent, since a directory
// takes it for no sign-in at all (RFC 4513, 5.1.2); what was given is escaped before it
// is part of a filter; a name that fits two entries is nobody's; no referral is
// followed; and every refusal sounds the same. No answer of a server to a password is
// logged: it could repeat it.
package ldap

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
)

// Name is how the method is called in claims and in the audit log.
const Name = "ldap"

// The settings of how ldap:// servers are reached.
const (
	startTLS = "starttls"
	readable = "plain"
)

// What stands in a filter for what it looks for.
const (
	nameMark = "{name}"
	dnMark   = "{dn}"
)

// Kind declares the method.
func Kind() method.Kind {
	return method.Kind{
		Name: Name, Label: "LDAP directory", Text: "Active Directory, OpenLDAP, FreeIPA and other directories, with the password that people have there.", Lists: true, Open: open,
		Steps: []string{
			"In the directory make an account that may read people and groups, and nothing else. Enter its name as the directory takes it, such as cn=reader,dc=example,dc=com or, in Active Directory, strongroom@example.com.",
			"Enter the servers and where people are. With certificates of your own authority paste that authority’s certificate.",
			"Active Directory: change the filter and the attribute that never changes as said below each, and find groups by (member={dn}).",
			"Add the way and press Test: it says for each server whether it answers, by which encryption, and whether the account finds people.",
			"People press the button on the sign-in page and enter the name and password that they have there. “Import people” on the page of the way brings in everybody at once.",
		},
		Fields: []method.Field{
			{Name: "servers", Label: "Servers", Type: "textarea", Required: true, Hint: "A line each, such as ldaps://dc1.example.com. When one does not answer, the next is asked."},
			{Name: "security", Label: "ldap:// servers", Type: "select", Required: true, Default: startTLS, Options: []method.Option{
				{Value: startTLS, Label: "Begin TLS (StartTLS), or are not used"}, {Value: readable, Label: "Are used without encryption: passwords can be read on the way"}}},
			{Name: "ca", Label: "Certificates", Type: "textarea", Hint: "In PEM: of the authority that signed the servers' certificates, or of the servers themselves; then no other is believed. Empty: those that this server's system trusts."},
			{Name: "bind_dn", Label: "Account that looks people up", Type: "text", Hint: "Its distinguished name, such as cn=strongroom,ou=services,dc=example,dc=com; Active Directory takes strongroom@example.com too. Empty: none is needed."},
			{Name: "bind_password", Label: "Password of that account", Type: method.Secret},
			{Name: "people_base", Label: "Where people are", Type: "text", Required: true, Hint: "A distinguished name, such as ou=people,dc=example,dc=com. People below it are found."},
			{Name: "filter", Label: "Who may sign in", Type: "text", Required: true, Default: "(&(objectClass=person)(|(uid={name})(mail={name})))", Hint: "A filter, with {name} for what was entered. Active Directory: (&(objectCategory=person)(objectClass=user)(|(sAMAccountName={name})(userPrincipalName={name})))"},
			{Name: "id", Label: "Attribute that never changes", Type: "text", Required: true, Default: "entryUUID", Hint: "Active Directory: objectGUID. FreeIPA: ipaUniqueID."},
			{Name: "email", Label: "Attribute with the e-mail address", Type: "text", Required: true, Default: "mail"},
			{Name: "first", Label: "Attribute with the first name", Type: "text", Default: "givenName"},
			{Name: "last", Label: "Attribute with the last name", Type: "text", Default: "sn"},
			{Name: "group_base", Label: "Where groups are", Type: "text", Hint: "A distinguished name. Empty: groups are not looked at."},
			{Name: "group_filter", Label: "Groups of somebody", Type: "text", Default: "(|(member={dn})(uniqueMember={dn}))", Hint: "A filter, with {dn} for the name of a person, or of a group that is in another."},
			{Name: "group_name", Label: "Attribute with a group's name", Type: "text", Default: "cn", Hint: "A group's distinguished name can be used as well."},
		},
	}
}

// Way is one directory. It has method.Password and method.Directory.
type Way struct {
	setup   method.Setup
	servers []server
	roots   *x509.CertPool // nil is the system's

	mu   sync.Mutex
	down map[string]time.Time // addresses of servers that did not answer, and when
}

// server is one server of a directory.
type server struct {
	host string // that its certificate must name
	addr string // host:port
	tls  bool   // from the first byte on
}

func open(s method.Setup) (method.Way, error) {
	w := &Way{setup: s, down: map[string]time.Time{}}
	bad := map[string]string{}
	for _, l := range s.Lines("servers") {
		x, ok := readServer(l)
		if !ok {
			bad["servers"] = "A line is of the form ldaps://dc1.example.com or ldap://dc1.example.com:389."
		}
		w.servers = append(w.servers, x)
	}
	if len(w.servers) == 0 || len(w.servers) > mostServers {
		bad["servers"] = "There are 1 to 10 servers, a line each."
	}
	if m := s.Text("security"); m != startTLS && m != readable {
		bad["security"] = "Choose how servers are reached."
	}
	if text := s.Text("ca"); text != "" {
		if w.roots = certificates(text); w.roots == nil {
			bad["ca"] = "These are no certificates in PEM: each begins with -----BEGIN CERTIFICATE-----."
		}
	}
	for _, name := range []string{"people_base", "group_base"} {
		if _, err := ldap.ParseDN(s.Text(name)); err != nil || name == "people_base" && s.Text(name) == "" {
			bad[name] = "This is no distinguished name, such as ou=people,dc=example,dc=com."
		}
	}
	if !isFilter(s.Text("filter"), nameMark) {
		bad["filter"] = "This is no filter that holds {name}."
	}
	if s.Text("group_base") != "" && !isFilter(s.Text("group_filter"), dnMark) {
		bad["group_filter"] = "This is no filter that holds {dn}."
	}
	for _, name := range []string{"id", "email", "first", "last", "group_name"} {
		text := s.Text(name)
		if !isAttribute(text) && (text != "" || name == "id" || name == "email") {
			bad[name] = "An attribute's name consists of letters, digits and hyphens."
		}
	}
	return w, fault.Fields(bad)
}

const mostServers = 10

func readServer(line string) (server, bool) {
	u, err := url.Parse(line)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return server{}, false
	}
	port := u.Port()
	switch {
	case u.Scheme == "ldaps" && port == "":
		port = "636"
	case u.Scheme == "ldap" && port == "":
		port = "389"
	case u.Scheme != "ldap" && u.Scheme != "ldaps":
		return server{}, false
	}
	return server{host: u.Hostname(), addr: net.JoinHostPort(u.Hostname(), port), tls: u.Scheme == "ldaps"}, true
}

// certificates reads what is believed: a certificate that stands here is believed as
// it is, be it an authority's or a server's own. Nil when something else stands there.
func certificates(text string) *x509.CertPool {
	pool, rest := x509.NewCertPool(), []byte(text)
	for len(strings.TrimSpace(string(rest))) > 0 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			return nil
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil
		}
		pool.AddCert(c)
	}
	return pool
}

func isFilter(text, mark string) bool {
	if !strings.Contains(text, mark) || len(text) > 4096 {
		return false
	}
	_, err := ldap.CompileFilter(strings.ReplaceAll(text, mark, "x"))
	return err == nil
}

func isAttribute(s string) bool {
	return s != "" && len(s) <= 100 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}

// refused is the one answer to a name or password that is wrong.
func refused() error {
	return fault.New(fault.Unauthorized, "The name or the password is wrong.").WithHint("They are those of your company's directory.")
}

// The longest name and password that are passed on, in bytes.
const mostName, mostPassword = 256, 4096

// Check tells who has a name and a password.
func (w *Way) Check(ctx context.Context, t method.Try) (method.Claim, error) {
	if err := ctx.Err(); err != nil {
		return method.Claim{}, err
	}
	name := strings.TrimSpace(t.Email)
	if t.Tenant != w.setup.Tenant || !isText(name, mostName) || !isText(t.Password, mostPassword) {
		return method.Claim{}, refused()
	}
	var out method.Claim
	err := w.with(ctx, forSignIn, func(c *ldap.Conn) error {
		e, err := w.find(c, name)
		if err != nil {
			return err
		}
		if out, err = w.claim(e); err != nil {
			return err
		}
		if err = bindAs(c, e.DN, t.Password); err != nil {
			return err
		}
		if w.setup.Text("group_base") == "" {
			return nil
		}
		if err = w.bindService(ctx, c); err != nil {
			return err
		}
		list, err := w.groups(c, e.DN)
		out.Groups, _ = names(list)
		return err
	})
	if err != nil {
		return method.Claim{}, err
	}
	return out, nil
}
