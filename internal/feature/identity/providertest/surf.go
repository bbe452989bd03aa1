package providertest

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
)

// Surfer is a browser and its person: redirects are followed, pages that post
// themselves are posted, and login forms are filled in.
type Surfer struct {
	Fill url.Values // what is entered into the fields of forms that have all of them

	client *http.Client
}

// NewSurfer makes one who has been nowhere.
func NewSurfer(t testing.TB, fill url.Values) *Surfer {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Surfer{Fill: fill, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Go opens an address, or posts a form to it, and goes on until it is led to an
// address that begins with home: with a query, or with a form to be posted there.
func (s *Surfer) Go(t testing.TB, to string, form url.Values, home string) (at *url.URL, posted url.Values) {
	t.Helper()
	for range 25 {
		if strings.HasPrefix(to, home) {
			u, err := url.Parse(to)
			if err != nil {
				t.Fatal(err)
			}
			return u, form
		}
		to, form = s.step(t, to, form)
	}
	t.Fatalf("it is led on and on, last to %s", to)
	return nil, nil
}

// step makes one request and tells where it leads.
func (s *Surfer) step(t testing.TB, to string, form url.Values) (string, url.Values) {
	t.Helper()
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	req, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept", "text/html")
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if next, err := resp.Location(); err == nil {
		return next.String(), nil
	}
	page, err := html.Parse(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	next, fields, how, ok := s.form(page)
	if !ok {
		t.Fatalf("%s %s answers %s, and there is nothing to go on with:\n%s", method, to, resp.Status, words(page))
	}
	u, err := req.URL.Parse(next)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.EqualFold(how, "post") {
		u.RawQuery = fields.Encode()
		return u.String(), nil
	}
	return u.String(), fields
}

// form finds the form to go on with: one that can be filled in, else one that is only
// to be sent.
func (s *Surfer) form(page *html.Node) (action string, fields url.Values, how string, ok bool) {
	for _, f := range cascadia.QueryAll(page, cascadia.MustCompile("form")) {
		in := url.Values{}
		for _, i := range cascadia.QueryAll(f, cascadia.MustCompile("input[name], button[name]")) {
			if t := attribute(i, "type"); t != "submit" && t != "checkbox" && i.Data != "button" {
				in.Set(attribute(i, "name"), attribute(i, "value"))
			}
		}
		fills := len(s.Fill) > 0
		for name := range s.Fill {
			fills = fills && in.Has(name)
		}
		if fills {
			for name, v := range s.Fill {
				in[name] = v
			}
			return attribute(f, "action"), in, attribute(f, "method"), true
		}
		if !ok || in.Has("SAMLResponse") || in.Has("SAMLRequest") {
			action, fields, how, ok = attribute(f, "action"), in, attribute(f, "method"), true
		}
	}
	return action, fields, how, ok
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// words gives the text of a page.
func words(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	if n.Data == "script" || n.Data == "style" {
		return ""
	}
	var b strings.Builder
	for c := range n.ChildNodes() {
		b.WriteString(words(c))
	}
	return strings.Join(strings.Fields(b.String()), " ") + " "
}
