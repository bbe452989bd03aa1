package query_test

import (
	"encoding/json"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/surface/scim/query"
)

const anna = `{"id":"7","userName":"Anna@Example.com","externalId":"Ab1","active":true,"name":{"givenName":"Anna","familyName":"Ödmann"},
	"emails":[{"value":"anna@example.com","type":"work","primary":true},{"value":"a@home.example","type":"home"}],"nickName":""}`

func match(t *testing.T, filter string) bool {
	t.Helper()
	f, err := query.ParseFilter(filter)
	if err != nil {
		t.Fatalf("%s: %v", filter, err)
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(anna), &doc); err != nil {
		t.Fatal(err)
	}
	return f.Match(doc, func(n query.Name) bool { return n.Attr == "externalId" })
}

func TestMatch(t *testing.T) {
	for filter, want := range map[string]bool{
		`userName eq "anna@example.com"`:             true,
		`USERNAME EQ "ANNA@EXAMPLE.COM"`:             true,
		`userName ne "anna@example.com"`:             false,
		`externalId eq "Ab1"`:                        true,
		`externalId eq "ab1"`:                        false,
		`active eq true`:                             true,
		`active eq True`:                             true,
		`active eq "True"`:                           true,
		`active eq false`:                            false,
		`active eq "anything"`:                       false,
		`name.familyName co "ÖD"`:                    true,
		`name.givenName sw "an"`:                     true,
		`userName ew ".com"`:                         true,
		`userName gt "a"`:                            true,
		`userName lt "a"`:                            false,
		`nickName pr`:                                false,
		`title pr`:                                   false,
		`title eq null`:                              true,
		`title ne "x"`:                               true,
		`name pr`:                                    true,
		`emails pr`:                                  true,
		`emails co "home"`:                           true,
		`emails.type eq "other"`:                     false,
		`emails[type eq "work"]`:                     true,
		`emails[type eq "work" and value co "home"]`: false, // it is one value that both are asked of
		`emails[type eq "work" and value eq "a@home.example"]`:                      false,
		`not (active eq false) and (userName sw "x" or externalId eq "Ab1")`:        true,
		`active eq false or active eq true and title pr`:                            false, // and binds closer
		`urn:ietf:params:scim:schemas:core:2.0:User:userName eq "anna@example.com"`: true,
		`userName eq "quo\"te"`: false,
	} {
		if got := match(t, filter); got != want {
			t.Errorf("%s gave %v", filter, got)
		}
	}
}

func TestWhatIsNoFilter(t *testing.T) {
	for _, s := range []string{"", " ", "userName", "userName eq", `userName eq "a`, `userName is "a"`, `eq "a"`, `userName eq "a" and`, `(userName eq "a"`, `userName eq "a")`,
		`not userName eq "a"`, `emails[type eq "work"`, `emails[type eq "work"].value eq "x"`, `userName eq {}`, `userName eq [1]`, `a.b.c eq "x"`, `a. eq "x"`, `nourn:userName eq "x"`, `user name eq "x"`, `"userName" eq "x"`, `userName eq "a" "b"`,
		`userName eq a;drop`, `userName eq "` + "\n" + `"`,
		strings.Repeat("(", 12) + `a pr` + strings.Repeat(")", 12), strings.Repeat(`a pr or `, 60) + `a pr`, `a eq "` + strings.Repeat("x", query.MaxLength) + `"`} {
		if f, err := query.ParseFilter(s); f != nil || !fault.Is(err, fault.Invalid) || !strings.HasSuffix(fault.Say(err).Text, ".") {
			t.Errorf("%.60s was read as %v, %v", s, f, err)
		}
	}
}

func TestPaths(t *testing.T) {
	for path, want := range map[string]string{
		"active":                       "active",
		"name.givenName":               "name.givenName",
		`emails[type eq "work"].value`: "emails.value?",
		`members[value eq "7"]`:        "members?",
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
	} {
		p, err := query.ParsePath(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		got := p.String()
		if p.Where != nil {
			got += "?"
		}
		if got != want {
			t.Errorf("%s was read as %s", path, got)
		}
	}
	for _, s := range []string{"", "a b", "a[", `a[b eq "c"`, `a[b eq "c"]d`, `a[b eq "c"].`, `a[b eq "c"].d.e`, `a.b[c eq "d"]`, "a..b", `a["x"]`, `a"b"`, `a[b eq "c"].value[d pr]`, strings.Repeat("a", query.MaxLength+1)} {
		if p, err := query.ParsePath(s); p != nil || !fault.Is(err, fault.Invalid) {
			t.Errorf("%.60s was read as %v, %v", s, p, err)
		}
	}
}

// FuzzFilter: what is read can be asked, within the bounds, and names only what was written.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{`userName eq "a"`, `emails[type eq "work" and value co "@x"] or not (a pr)`, `a.b ne null`, `urn:x:y:User:a le 12`, `a eq "\u00e9\""`, `((a pr))`} {
		f.Add(s)
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(anna), &doc); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := query.ParseFilter(s)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		terms := 0
		got.Names(func(_ string, n query.Name) {
			if terms++; !strings.Contains(s, n.Attr) || n.Attr == "" {
				t.Errorf("%q names %q", s, n)
			}
		})
		if terms == 0 || terms > query.MaxTerms {
			t.Errorf("%q has %d terms", s, terms)
		}
		not := &query.Filter{Op: query.Not, Sub: []*query.Filter{got}}
		exact := func(query.Name) bool { return true }
		if got.Match(doc, exact) == not.Match(doc, exact) {
			t.Errorf("%q and its contrary agree", s)
		}
	})
}

// FuzzPath: what is read is written the same way again.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"active", "name.givenName", `emails[type eq "work"].value`, `members[value eq "7"]`, "urn:a:b:User:manager"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := query.ParsePath(s)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		if p.Where != nil {
			return
		}
		again, err := query.ParsePath(p.String())
		if err != nil || *again != *p {
			t.Errorf("%q was read as %v, and that as %v, %v", s, p, again, err)
		}
	})
}
