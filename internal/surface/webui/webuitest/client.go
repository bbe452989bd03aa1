package webuitest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"

	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
)

// Client is somebody's browser without a screen. It follows no redirects.
type Client struct {
	House *House
	HTTP  *http.Client
	t     testing.TB
}

// Client gives a browser that nobody has signed in with.
func (h *House) Client() *Client {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &Client{House: h, t: h.t, HTTP: &http.Client{Jar: jar, Timeout: Wait, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// As gives a browser in which the user of that role has signed in.
func (h *House) As(r access.Role) *Client {
	h.t.Helper()
	return h.SignIn(Email(r))
}

// SignIn gives a browser in which somebody has signed in with Password.
func (h *House) SignIn(email string) *Client {
	h.t.Helper()
	c := h.Client()
	a := c.Post("/sign-in", url.Values{"tenant": {coretest.Name}, "email": {email}, "password": {Password}})
	a.Want(http.StatusSeeOther)
	return c
}

// Cookies gives what the client carries, to give it to a real browser.
func (c *Client) Cookies() []*http.Cookie {
	c.t.Helper()
	u, err := url.Parse(c.House.URL)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.HTTP.Jar.Cookies(u)
}

// Page is an answer.
type Page struct {
	Status int
	Header http.Header
	Body   string
	Path   string // that was asked for

	doc *html.Node
	t   testing.TB
}

// Get asks for a page.
func (c *Client) Get(path string) *Page {
	c.t.Helper()
	return c.Do(http.MethodGet, path, nil, nil)
}

// Swap asks for one block of a page, as the script does.
func (c *Client) Swap(path, block string) *Page {
	c.t.Helper()
	return c.Do(http.MethodGet, path, nil, http.Header{"X-Swap": {block}})
}

// Post sends a form.
func (c *Client) Post(path string, form url.Values) *Page {
	c.t.Helper()
	return c.Do(http.MethodPost, path, strings.NewReader(form.Encode()), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
}

// PostJSON sends a form as the script does and reads the JSON that answers.
func (c *Client) PostJSON(path string, form url.Values, into any) *Page {
	c.t.Helper()
	p := c.Do(http.MethodPost, path, strings.NewReader(form.Encode()), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}})
	p.JSON(into)
	return p
}

// Upload sends files and fields as a multipart form; files are name and content.
func (c *Client) Upload(path string, form url.Values, files map[string]string) *Page {
	c.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for k, vs := range form {
		for _, v := range vs {
			if err := w.WriteField(k, v); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	for name, content := range files {
		part, err := w.CreateFormFile("file", name)
		if err != nil {
			c.t.Fatal(err)
		}
		if _, err := io.WriteString(part, content); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		c.t.Fatal(err)
	}
	return c.Do(http.MethodPost, path, &b, http.Header{"Content-Type": {w.FormDataContentType()}})
}

// Do sends any request.
func (c *Client) Do(verb, path string, body io.Reader, h http.Header) *Page {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), verb, c.House.URL+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	for k, v := range h {
		r.Header[k] = v
	}
	resp, err := c.HTTP.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	return c.Read(resp, path)
}

// Read takes an answer that came some other way.
func (c *Client) Read(resp *http.Response, path string) *Page {
	c.t.Helper()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return &Page{Status: resp.StatusCode, Header: resp.Header, Body: string(text), Path: path, t: c.t}
}

// Want fails the test when the status is another, saying what the page says.
func (p *Page) Want(status int) *Page {
	p.t.Helper()
	if p.Status != status {
		said := p.Body
		if strings.Contains(p.Header.Get("Content-Type"), "html") {
			said = p.Text(".problem, .errors, main")
		}
		p.t.Fatalf("%s: status %d, want %d: %.600s", p.Path, p.Status, status, said)
	}
	return p
}

// To gives where a redirect leads.
func (p *Page) To() string { return p.Header.Get("Location") }

// JSON reads the answer's JSON.
func (p *Page) JSON(into any) {
	p.t.Helper()
	if err := json.Unmarshal([]byte(p.Body), into); err != nil {
		p.t.Fatalf("%s: %v: %.300s", p.Path, err, p.Body)
	}
}

func (p *Page) all(selector string) []*html.Node {
	p.t.Helper()
	if p.doc == nil {
		doc, err := html.Parse(strings.NewReader(p.Body))
		if err != nil {
			p.t.Fatal(err)
		}
		p.doc = doc
	}
	s, err := cascadia.Parse(selector)
	if err != nil {
		if g, err := cascadia.ParseGroup(selector); err == nil {
			return cascadia.QueryAll(p.doc, g)
		}
		p.t.Fatal(err)
	}
	return cascadia.QueryAll(p.doc, s)
}

// Count tells how many elements a selector finds.
func (p *Page) Count(selector string) int { p.t.Helper(); return len(p.all(selector)) }

// Has tells whether a selector finds anything.
func (p *Page) Has(selector string) bool { p.t.Helper(); return p.Count(selector) > 0 }

// Text gives the text of the first element that a selector finds, its spaces
// made single; empty when there is none.
func (p *Page) Text(selector string) string {
	p.t.Helper()
	if n := p.all(selector); len(n) > 0 {
		return text(n[0])
	}
	return ""
}

// Texts gives the text of each.
func (p *Page) Texts(selector string) []string {
	p.t.Helper()
	var out []string
	for _, n := range p.all(selector) {
		out = append(out, text(n))
	}
	return out
}

// Attr gives an attribute of the first element that a selector finds.
func (p *Page) Attr(selector, name string) string {
	p.t.Helper()
	found := p.all(selector)
	if len(found) == 0 {
		return ""
	}
	for _, a := range found[0].Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// Attrs gives an attribute of each element that a selector finds.
func (p *Page) Attrs(selector, name string) []string {
	p.t.Helper()
	var out []string
	for _, n := range p.all(selector) {
		v, _ := attr(n, name)
		out = append(out, v)
	}
	return out
}

// Form gives what a form would send as it stands: to change one thing of it.
func (p *Page) Form(selector string) url.Values {
	p.t.Helper()
	forms := p.all(selector)
	if len(forms) == 0 {
		p.t.Fatalf("%s has no form %s", p.Path, selector)
	}
	out := url.Values{}
	for _, n := range cascadia.QueryAll(forms[0], cascadia.MustCompile("input[name], textarea[name], select[name]")) {
		collect(n, out)
	}
	return out
}

func collect(n *html.Node, out url.Values) {
	has := func(k string) bool { _, ok := attr(n, k); return ok }
	name, _ := attr(n, "name")
	if has("disabled") {
		return
	}
	switch n.Data {
	case "textarea":
		out.Add(name, strings.TrimPrefix(raw(n), "\n"))
	case "select":
		first, any := "", false
		for i, o := range cascadia.QueryAll(n, cascadia.MustCompile("option")) {
			v, _ := attr(o, "value")
			if i == 0 {
				first = v
			}
			if _, ok := attr(o, "selected"); ok {
				out.Add(name, v)
				any = true
			}
		}
		if !any && !has("multiple") {
			out.Add(name, first)
		}
	default:
		typ, _ := attr(n, "type")
		if (typ == "checkbox" || typ == "radio") && !has("checked") || typ == "file" || typ == "submit" {
			return
		}
		v, _ := attr(n, "value")
		out.Add(name, v)
	}
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func raw(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

func text(n *html.Node) string { return strings.Join(strings.Fields(raw(n)), " ") }
