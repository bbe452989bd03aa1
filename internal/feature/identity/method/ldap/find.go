package ldap

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
)

// isText tells whether something that was entered is passed on: text without
// control characters, of which a directory may stop at the first.
func isText(s string, most int) bool {
	return s != "" && len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func contains(text string, any ...string) bool {
	return slices.ContainsFunc(any, func(s string) bool { return strings.Contains(text, s) })
}

// attributes are those of a person that are asked for.
func (w *Way) attributes() []string {
	var out []string
	for _, name := range []string{"id", "email", "first", "last"} {
		if a := w.setup.Text(name); a != "" {
			out = append(out, a)
		}
	}
	return out
}

// find looks up the one entry that a name fits. Unauthorized when none or several do.
func (w *Way) find(c *ldap.Conn, name string) (*ldap.Entry, error) {
	filter := strings.ReplaceAll(w.setup.Text("filter"), nameMark, ldap.EscapeFilter(name))
	r, err := c.Search(ldap.NewSearchRequest(w.setup.Text("people_base"), ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 2, int(askTime.Seconds()), false, filter, w.attributes(), nil))
	if ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) {
		return nil, refused()
	}
	if err != nil {
		return nil, err
	}
	if len(r.Entries) != 1 || r.Entries[0].DN == "" {
		return nil, refused()
	}
	return r.Entries[0], nil
}

// claim says who an entry is.
func (w *Way) claim(e *ldap.Entry) (method.Claim, error) {
	subject := subjectOf(e, w.setup.Text("id"))
	if subject == "" {
		return method.Claim{}, fault.New(fault.Unavailable, "The directory does not show the attribute %s, by which people are known.", w.setup.Text("id")).
			WithHint("An administrator can change the settings of sign-in, or what the account that looks people up may read.")
	}
	email := text(e, w.setup.Text("email"))
	return method.Claim{Method: Name, Subject: subject, Email: email, Verified: email != "", FirstName: text(e, w.setup.Text("first")), LastName: text(e, w.setup.Text("last")), Level: 1}, nil
}

// subjectOf is the name of an entry that never changes; "" when it has none, or
// several.
func subjectOf(e *ldap.Entry, attribute string) string {
	values := e.GetEqualFoldRawAttributeValues(attribute)
	if len(values) != 1 || len(values[0]) == 0 || len(values[0]) > 255 {
		return ""
	}
	if strings.EqualFold(attribute, "objectGUID") || strings.EqualFold(attribute, "objectSid") { // octets
		return hex.EncodeToString(values[0])
	}
	if s := string(values[0]); isText(s, 255) {
		return s
	}
	return ""
}

// text is the first value of an attribute, as far as it is text.
func text(e *ldap.Entry, attribute string) string {
	if attribute == "" {
		return ""
	}
	s := strings.TrimSpace(e.GetEqualFoldAttributeValue(attribute))
	if !isText(s, 255) {
		return ""
	}
	return s
}

const (
	mostDepth  = 30   // of groups in groups
	mostGroups = 5000 // of one person
	atOnce     = 50   // names in one filter
)

// group is a group of the directory.
type group struct{ dn, name string }

// groups finds the groups that somebody is in, and those that these are in.
func (w *Way) groups(c *ldap.Conn, dn string) ([]group, error) {
	return w.climb(dn, func(names []string) ([]group, error) { return w.holding(c, names) })
}

// climb finds the groups that hold an entry, those that hold these, and so on.
func (w *Way) climb(dn string, holding func([]string) ([]group, error)) ([]group, error) {
	seen := map[string]bool{}
	var out []group
	next := []string{dn}
	for depth := 0; len(next) > 0; depth++ {
		if depth > mostDepth || len(seen) > mostGroups {
			return nil, fault.New(fault.Unavailable, "The directory says that this person is in more than %d groups, or in groups more than %d deep.", mostGroups, mostDepth)
		}
		var found []string
		for part := range slices.Chunk(next, atOnce) {
			list, err := holding(part)
			if err != nil {
				return nil, err
			}
			for _, g := range list {
				if key := strings.ToLower(g.dn); g.dn != "" && !seen[key] {
					seen[key] = true
					found, out = append(found, g.dn), append(out, g)
				}
			}
		}
		next = found
	}
	return out, nil
}

// names lists groups by both of their names.
func names(list []group) (all, plain []string) {
	for _, g := range list {
		all = append(all, g.dn)
		if g.name != "" {
			all = append(all, g.name)
			if !slices.Contains(plain, g.name) {
				plain = append(plain, g.name)
			}
		}
	}
	return all, plain
}

// holding finds the groups that hold one of some entries.
func (w *Way) holding(c *ldap.Conn, names []string) ([]group, error) {
	var filter strings.Builder
	filter.WriteString("(|")
	for _, dn := range names {
		filter.WriteString(strings.ReplaceAll(w.setup.Text("group_filter"), dnMark, ldap.EscapeFilter(dn)))
	}
	filter.WriteString(")")
	attributes := []string{"1.1"} // none, RFC 4511, 4.5.1.8
	if a := w.setup.Text("group_name"); a != "" {
		attributes = []string{a}
	}
	r, err := c.SearchWithPaging(ldap.NewSearchRequest(w.setup.Text("group_base"), ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, int(askTime.Seconds()), false, filter.String(), attributes, nil), pageSize)
	if err != nil {
		return nil, fmt.Errorf("groups: %w", err)
	}
	var out []group
	for _, e := range r.Entries {
		out = append(out, group{e.DN, text(e, w.setup.Text("group_name"))})
	}
	return out, nil
}

// pageSize is how many entries a server is asked for at once (RFC 2696).
const pageSize = 200
