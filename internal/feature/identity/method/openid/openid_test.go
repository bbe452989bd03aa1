package openid_test

import (
	"context"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/method/openid"
	"strongroom/internal/feature/identity/methodtest"
	"strongroom/internal/feature/identity/providertest"
)

const (
	home     = "https://strongroom.example.com/ways/demo/7"
	callback = home + "/return"
)

func setup(values map[string]string) method.Setup {
	return method.Setup{Tenant: "demo", Home: home, Values: values, Now: time.Now,
		Dialer: &dialer.Dialer{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
		Secret: func(context.Context, string) (string, error) { return "", nil }}
}

func open(t testing.TB, provider, names string) *openid.Way {
	t.Helper()
	w, err := openid.Kind().Open(setup(map[string]string{"provider": provider, "names": names}))
	if err != nil {
		t.Fatal(err)
	}
	return w.(*openid.Way)
}

func travel(t testing.TB, w *openid.Way, p *providertest.OpenID) (method.Claim, error) {
	t.Helper()
	to, state, err := w.Start(t.Context(), callback)
	if err != nil {
		t.Fatal(err)
	}
	return w.Return(t.Context(), method.Trip{Callback: callback, State: state}, p.Answer(t, to.To))
}

func nobody(t testing.TB, c method.Claim, err error, word string) {
	t.Helper()
	if !fault.Is(err, fault.Unauthorized) && !fault.Is(err, fault.Unavailable) || !reflect.ValueOf(c).IsZero() {
		t.Errorf("%+v, %v", c, err)
	} else if !strings.Contains(fault.Say(err).Text, word) {
		t.Errorf("it says %q, and not %q", fault.Say(err).Text, word)
	}
}

func TestConformance(t *testing.T) {
	p := providertest.NewOpenID(t, time.Now)
	methodtest.RunRedirect(t, methodtest.Journey{Way: open(t, p.URL, p.URL+"u/"), Callback: callback, Go: func(t *testing.T, to method.Away, other bool) url.Values {
		p.Lie(func(p *providertest.OpenID) {
			if p.Person.Subject = "u-1"; other {
				p.Person.Subject = "u-2"
			}
		})
		return p.Answer(t, to.To)
	}})
}

func TestClaim(t *testing.T) {
	p := providertest.NewOpenID(t, time.Now)
	w := open(t, p.URL, "")
	c, err := travel(t, w, p)
	if err != nil || c.Subject != p.Identity("u-1") || c.Email != "alice@example.com" || c.FirstName != "Alice" || c.LastName != "Ångström" || c.Verified || c.Level != 1 {
		t.Errorf("%+v, %v", c, err)
	}
	p.Lie(func(p *providertest.OpenID) {
		p.Before = func(q url.Values) {
			q.Set("openid.ns.x", "http://openid.net/srv/ax/1.0")
			q.Set("openid.x.value.email", "ax@example.com")
			q.Set("openid.signed", q.Get("openid.signed")+",ns.x,x.value.email")
		}
		p.After = func(q url.Values) {
			q.Set("openid.x.value.first", "Eve")
			q.Set("openid.sreg.nickname", "eve")
		}
	})
	if c, err = travel(t, w, p); err != nil || c.Email != "ax@example.com" || c.FirstName != "Alice" {
		t.Errorf("with attributes, and some that are not signed: %+v, %v", c, err)
	}
	if lines, err := w.Test(t.Context()); err != nil || !strings.Contains(lines[0], p.URL+"op") {
		t.Errorf("the test says %q, %v", lines, err)
	}
}

// TestLies: what the provider says for another, at another time or of somebody whom it
// may not speak for is refused, and so is what was changed on the way.
func TestLies(t *testing.T) {
	p, other := providertest.NewOpenID(t, time.Now), providertest.NewOpenID(t, time.Now)
	w, narrow := open(t, p.URL, ""), open(t, p.URL, p.URL+"u/")
	set := func(name, v string) func(url.Values) { return func(q url.Values) { q.Set("openid."+name, v) } }
	unsigned := func(name string) func(url.Values) {
		return func(q url.Values) {
			q.Set("openid.signed", strings.Replace(","+q.Get("openid.signed")+",", ","+name+",", ",", 1))
		}
	}
	at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) + "x" }
	for name, x := range map[string]struct {
		before, after func(url.Values)
		word          string
	}{
		"another provider": {set("op_endpoint", other.URL+"op"), nil, "another provider"},
		"another address":  {set("return_to", callback+"?state=x"), nil, "another address"},
		"no address":       {set("return_to", ""), nil, "another address"},
		"a name of another provider": {func(q url.Values) {
			set("claimed_id", other.Identity("u-1"))(q)
			set("identity", other.Identity("u-1"))(q)
		}, nil, "another provider"},
		"a name that leads nowhere":   {set("claimed_id", p.URL+"nobody"), nil, "answers 404"},
		"a name that is script":       {set("claimed_id", "javascript:alert(1)"), nil, "https"},
		"a name that is a file":       {set("claimed_id", "file:///etc/passwd"), nil, "https"},
		"a name within":               {set("claimed_id", "https://10.0.0.1/u/x"), nil, "may not be asked"},
		"a name with a way back":      {set("claimed_id", p.URL+"u/../u/u-1"), nil, "strange"},
		"two people":                  {set("identity", p.Identity("u-2")), nil, "two people"},
		"nobody in particular":        {set("claimed_id", "http://specs.openid.net/auth/2.0/identifier_select"), nil, ""},
		"no name":                     {set("claimed_id", ""), nil, "names nobody"},
		"a name that is not signed":   {unsigned("claimed_id"), nil, "sign claimed_id"},
		"a person that is not signed": {unsigned("identity"), nil, "sign identity"},
		"an address not signed":       {unsigned("return_to"), nil, "sign return_to"},
		"a nonce that is not signed":  {unsigned("response_nonce"), nil, "sign response_nonce"},
		"an endpoint not signed":      {unsigned("op_endpoint"), nil, "sign op_endpoint"},
		"old":                         {set("response_nonce", at(-time.Hour)), nil, "moment"},
		"of the future":               {set("response_nonce", at(time.Hour)), nil, "moment"},
		"of no time":                  {set("response_nonce", "x"), nil, "when"},
		"a long nonce":                {set("response_nonce", at(0)+strings.Repeat("x", 300)), nil, "when"},
		"OpenID 1":                    {set("ns", "http://openid.net/signon/1.1"), nil, "2.0"},
		"no version":                  {set("ns", ""), nil, "2.0"},
		"cancelled":                   {set("mode", "cancel"), nil, "stopped"},
		"to be set up":                {set("mode", "setup_needed"), nil, "signed in"},
		"a name changed on the way":   {nil, func(q url.Values) { set("claimed_id", p.Identity("u-2"))(q); set("identity", p.Identity("u-2"))(q) }, "not its own"},
		"an e-mail address changed":   {nil, set("sreg.email", "admin@example.com"), "not its own"},
		"a list of signed changed": {nil, func(q url.Values) {
			q.Set("openid.signed", strings.Replace(q.Get("openid.signed"), ",sreg.email", "", 1))
		}, "not its own"},
		"a signature changed":          {nil, set("sig", "AAAA"), "not its own"},
		"no signature":                 {nil, func(q url.Values) { q.Del("openid.sig") }, "not its own"},
		"a field twice":                {nil, func(q url.Values) { q.Add("openid.claimed_id", p.Identity("u-2")) }, "twice"},
		"a field of two lines":         {nil, set("sreg.email", "a@b\nis_valid:true"), "twice"},
		"the word of another journey":  {nil, func(q url.Values) { q.Set("state", "x") }, "no answer"},
		"a word twice":                 {nil, func(q url.Values) { q.Add("state", "x") }, "no answer"},
		"a fragment that is not there": {set("claimed_id", p.Identity("u-1")+"#"), nil, "strange"},
	} {
		t.Run(name, func(t *testing.T) {
			p.Lie(func(p *providertest.OpenID) { p.Before, p.After = x.before, x.after })
			c, err := travel(t, w, p)
			nobody(t, c, err, x.word)
		})
	}
	for name, valid := range map[string]string{"no": "is_valid:false\n", "nothing": "", "yes and no": "is_valid:true\nis_valid:false\n", "another word": "is_valid:yes\n", "HTML": "<p>is_valid:true</p>"} {
		p.Lie(func(p *providertest.OpenID) { p.Valid = valid + " " })
		c, err := travel(t, w, p)
		if t.Run("it says "+name, func(t *testing.T) { nobody(t, c, err, "not its own") }); t.Failed() {
			return
		}
	}
	for name, page := range map[string]func(string) string{
		"no provider":      func(string) string { return "<html><head></head></html>" },
		"another one":      func(s string) string { return strings.Replace(s, p.URL, other.URL, 1) },
		"one in the body":  func(s string) string { return "<html><head></head><body>" + s + "</body></html>" },
		"one in a comment": func(s string) string { return "<html><head><!--" + s + "--></head></html>" },
		"a document elsewhere": func(s string) string {
			return strings.Replace(s, "<title>", `<meta http-equiv="X-XRDS-Location" content="`+other.URL+`"><title>`, 1)
		},
		"somebody else there": func(s string) string {
			return strings.Replace(s, "<title>", `<link rel="openid2.local_id" href="`+p.Identity("u-2")+`"><title>`, 1)
		},
	} {
		t.Run("the name leads to "+name, func(t *testing.T) {
			p.Lie(func(p *providertest.OpenID) { p.Page = page; p.Before = set("identity", p.Identity("u-9")) })
			c, err := travel(t, w, p)
			nobody(t, c, err, "")
		})
	}
	p.Lie(func(p *providertest.OpenID) {
		p.Before = func(q url.Values) { set("claimed_id", p.URL)(q); set("identity", p.URL)(q) }
	})
	c, err := travel(t, narrow, p)
	nobody(t, c, err, "begin")
}

func TestSettings(t *testing.T) {
	for name, values := range map[string]map[string]string{"nothing": {}, "http": {"provider": "http://login.example.com/"}, "script": {"provider": "javascript:x"}, "no slash": {"provider": "https://a.example/", "names": "https://a.example/u"}} {
		if w, err := openid.Kind().Open(setup(values)); !fault.Is(err, fault.Invalid) || w != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := open(t, "http://127.0.0.1:1/", "").Start(t.Context(), callback); !fault.Is(err, fault.Unavailable) {
		t.Errorf("nobody answers: %v", err)
	}
}
