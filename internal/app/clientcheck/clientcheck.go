// Package clientcheck compares what a server sends to browsers with what this very
// program would send.
//
// Always true: nothing that is fetched is run, and nothing is sent but the requests; what
// is not as in this version is named, and nothing else is called wrong.
package clientcheck

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/surface/webui/shell"
)

// mostAsset is the most that is read of one file: none of ours is near it.
const mostAsset = 8 << 20

// Digests gives the SHA-256 of every file that this version sends to browsers,
// by name, and the hash of the whole tree that stands in their addresses.
func Digests() (tree string, files map[string][sha256.Size]byte, err error) {
	s, err := shell.Static()
	if err != nil {
		return "", nil, err
	}
	return s.Hash(), s.Digests(), nil
}

// Check is what Verify found.
type Check struct {
	Tree  string   `json:"tree"`
	Files int      `json:"files"` // that were compared
	Pages []string `json:"pages"` // behind the sign-in, likewise
	Wrong []string `json:"wrong"` // what is not as in this version, in words
}

// Session is what Verify looks at beside what anybody is sent.
type Session struct {
	Cookie string   // NAME=VALUE, as a browser that is signed in sends it; empty for none
	Pages  []string // their paths, such as /vault
}

// Verify fetches what a server sends to browsers before they sign in, and with a
// session the pages behind that: the policy of pages, their scripts, import map and digests, and every
// file of the tree; and compares them with those of this very program. h nil is a client
// of its own.
func Verify(ctx context.Context, server string, as Session, h *http.Client) (*Check, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fault.New(fault.Invalid, "%q is no address of a server.", server).WithHint("It is like https://demo.example.com")
	}
	if as.Cookie != "" && u.Scheme == "http" && !thisMachine(u.Hostname()) {
		return nil, fault.New(fault.Invalid, "The session would go to %s in the clear.", u.Hostname()).WithHint("Use the address that begins with https://")
	}
	static, err := shell.Static()
	if err != nil {
		return nil, err
	}
	tree, files := static.Hash(), static.Digests()
	v := &verifier{static: static, at: u.Scheme + "://" + u.Host, http: http.Client{Timeout: time.Minute}, out: &Check{Tree: tree, Pages: []string{}, Wrong: []string{}}}
	if h != nil {
		v.http = *h
	}
	v.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the session goes nowhere else
	if err := v.pages(ctx, as); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		body, head, err := v.get(ctx, "/static/"+tree+"/"+name)
		if err != nil {
			return nil, err
		}
		v.out.Files++
		if body == nil || sha256.Sum256(body) != files[name] {
			v.wrong("The file " + name + " is another one.")
		} else if strings.HasSuffix(name, ".js") && !strings.HasPrefix(head.Get("Content-Type"), "text/javascript") {
			v.wrong("The file " + name + " is not sent as script.")
		} else if p := static.PolicyOf(name); p != "" && !slices.Equal(head.Values("Content-Security-Policy"), []string{p}) {
			v.wrong("The policy that keeps the worker " + name + " from everything else is another one.")
		}
	}
	return v.out, nil
}

// thisMachine tells whether a host is this machine.
func thisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

type verifier struct {
	static *web.Static

	at     string
	on     string // what the page is called that is looked at
	cookie string
	http   http.Client
	out    *Check
}

// pages looks at the page on which people sign in, and at those of a session.
func (v *verifier) pages(ctx context.Context, as Session) error {
	v.on = "page to sign in"
	if err := v.page(ctx, "/sign-in"); err != nil || as.Cookie == "" {
		return err
	}
	v.cookie = as.Cookie
	for _, path := range as.Pages {
		if !strings.HasPrefix(path, "/") {
			return fault.New(fault.Invalid, "%q is no path of a page.", path).WithHint("It is like /vault")
		}
		v.on = "page " + path
		if err := v.page(ctx, path); err != nil {
			return err
		}
		v.out.Pages = append(v.out.Pages, path)
	}
	v.cookie = ""
	return nil
}

func (v *verifier) wrong(s string) { v.out.Wrong = append(v.out.Wrong, s) }

// get fetches something; no body when the server has none.
func (v *verifier) get(ctx context.Context, path string) ([]byte, http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.at+path, nil)
	if err != nil {
		return nil, nil, err
	}
	if v.cookie != "" {
		r.Header.Set("Cookie", v.cookie)
	}
	resp, err := v.http.Do(r)
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.Unavailable, "The server at %s cannot be reached: %v.", v.at, err).WithHint("Look at the address.")
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, mostAsset))
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.Unavailable, "The server at %s broke off: %v.", v.at, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, resp.Header, nil
	}
	return b, resp.Header, nil
}

// page looks at one page.
func (v *verifier) page(ctx context.Context, path string) error {
	body, head, err := v.get(ctx, path)
	if err != nil {
		return err
	}
	if body == nil && v.cookie != "" {
		return fault.New(fault.Denied, "The server does not show the page %s to this session.", path).WithHint("Sign in with a browser, and copy the session cookie again; and ask for pages that this person sees.")
	}
	if body == nil {
		return fault.New(fault.NotFound, "There is no page to sign in at %s.", v.at).WithHint("Give the address under which people open Strongroom.")
	}
	if got := head.Values("Content-Security-Policy"); len(got) != 1 || got[0] != v.static.Policy() {
		v.wrong("The policy that keeps foreign script out of pages is another one.")
	}
	doc, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The %s at %s cannot be read.", v.on, v.at)
	}
	had := 0
	for n := range doc.Descendants() {
		switch {
		case n.Type == html.ElementNode && n.DataAtom == atom.Script:
			had++
			v.script(n)
		case n.Type == html.ElementNode && n.DataAtom == atom.Link && slices.Contains([]string{"stylesheet", "modulepreload"}, strings.ToLower(attribute(n, "rel"))):
			v.named(attribute(n, "href"), n)
		case n.Type == html.ElementNode && (n.DataAtom == atom.Style || n.DataAtom == atom.Base || n.DataAtom == atom.Iframe || n.DataAtom == atom.Object || n.DataAtom == atom.Embed):
			v.wrong("The " + v.on + " has an element <" + n.Data + ">, which this version does not have.")
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(strings.ToLower(a.Key), "on") {
				v.wrong("The " + v.on + " has script in the attribute " + a.Key + ".")
			}
		}
	}
	if had < 2 {
		v.wrong("The " + v.on + " lacks scripts of this version.")
	}
	return nil
}

// script looks at one script of a page: the import map, or a module of the tree.
func (v *verifier) script(n *html.Node) {
	text := ""
	for c := range n.ChildNodes() {
		text += c.Data
	}
	switch src := attribute(n, "src"); {
	case attribute(n, "type") == "importmap" && src == "":
		if text != v.static.Modules() {
			v.wrong("The import map in the " + v.on + ", which names the digests of all modules, is another one.")
		}
	case strings.TrimSpace(text) != "":
		v.wrong("The " + v.on + " has a script written into it, which is not of this version.")
	default:
		v.named(src, n)
	}
}

// named checks that a file that a page names is one of this version, by its address and
// by the digest that browsers compare.
func (v *verifier) named(address string, n *html.Node) {
	name, ours := strings.CutPrefix(address, "/static/"+v.static.Hash()+"/")
	digest, err := v.static.Integrity(name)
	switch {
	case !ours || err != nil:
		v.wrong("The " + v.on + " has a script or style sheet that is not of this version: " + strconv.Quote(address))
	case attribute(n, "integrity") == "":
		v.wrong("The " + v.on + " names no digest for " + name + ", so that browsers take any file for it.")
	case attribute(n, "integrity") != digest:
		v.wrong("The " + v.on + " names another digest for " + name + " than this version has.")
	}
}

// attribute gives the value of an attribute; nothing when it is not there.
func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}
