package ldap

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"strongroom/internal/base/fault"
)

// Test asks each server, looks whether it shows people and groups, and says what it
// found.
func (w *Way) Test(ctx context.Context) ([]string, error) {
	var found []string
	for _, s := range w.servers {
		err := w.at(ctx, s, forSignIn, func(c *ldap.Conn) error {
			found = append(found, w.greeting(s))
			more, err := w.survey(c)
			found = append(found, more...)
			return err
		})
		if err != nil {
			if gone(err) && ctx.Err() != nil {
				return found, ctx.Err()
			}
			return found, err
		}
	}
	return found, nil
}

// greeting says how a server was reached.
func (w *Way) greeting(s server) string {
	how := " over TLS, with a certificate that is trusted"
	if !s.tls && w.setup.Text("security") == readable {
		how = " without encryption: whoever is on the way reads the passwords"
	}
	who := "takes the account that looks people up."
	if w.setup.Text("bind_dn") == "" {
		who = "lets people be looked up without an account."
	}
	return fmt.Sprintf("%s answers%s, and %s", s.addr, how, who)
}

// few is how many entries a test looks at.
const few = 5

// survey looks at some people and groups.
func (w *Way) survey(c *ldap.Conn) ([]string, error) {
	people, err := look(c, w.setup.Text("people_base"), strings.ReplaceAll(w.setup.Text("filter"), nameMark, "*"), w.attributes())
	if err != nil {
		return nil, err
	}
	if len(people) == 0 {
		return nil, fault.New(fault.Unavailable, "Nobody is found there.").WithHint("Check where people are, the filter, and what the account that looks people up may read.")
	}
	known, mail := 0, 0
	for _, e := range people {
		if subjectOf(e, w.setup.Text("id")) != "" {
			known++
		}
		if text(e, w.setup.Text("email")) != "" {
			mail++
		}
	}
	found := []string{"People are found, such as " + people[0].DN + "."}
	if known < len(people) {
		return found, fault.New(fault.Unavailable, "Of %d people, %d have no attribute %s, by which people are known.", len(people), len(people)-known, w.setup.Text("id")).
			WithHint("OpenLDAP has entryUUID, Active Directory objectGUID, FreeIPA ipaUniqueID.")
	}
	if mail < len(people) {
		found = append(found, fmt.Sprintf("Of %d people, %d have no e-mail address in %s: no users can be made of them.", len(people), len(people)-mail, w.setup.Text("email")))
	}
	if w.setup.Text("group_base") == "" {
		return append(found, "Groups are not looked at."), nil
	}
	groups, err := look(c, w.setup.Text("group_base"), strings.ReplaceAll(w.setup.Text("group_filter"), dnMark, "*"), []string{w.setup.Text("group_name")})
	if err != nil {
		return found, err
	}
	if len(groups) == 0 {
		return append(found, "No group with members is found."), nil
	}
	return append(found, "Groups are found, such as "+groups[0].DN+"."), nil
}

// look gives the first few entries that a filter fits.
func look(c *ldap.Conn, base, filter string, attributes []string) ([]*ldap.Entry, error) {
	r, err := c.Search(ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, few, int(askTime.Seconds()), false, filter, attributes, nil))
	if err != nil && !ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) {
		return nil, err
	}
	if r == nil {
		return nil, nil
	}
	return r.Entries, nil
}
