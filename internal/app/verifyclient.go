package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"maps"
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

// ClientDigests gives the SHA-256 of every file that this version sends to browsers,
// by name, and the hash of the whole tree that stands in their addresses.
func ClientDigests() (tree string, files map[string][sha256.Size]byte, err error) {
	s, err := shell.Static()
	if err != nil {
		return "", nil, err
	}
	return s.Hash(), s.Digests(), nil
}

// ClientCheck is what VerifyClient found.
type ClientCheck struct {
	Tree  string   `json:"tree"`
	Files int      `json:"files"` // that were compared
	Wrong []string `json:"wrong"` // what is not as in this version, in words
}

// VerifyClient fetches what a server sends to browsers before they sign in: the
// policy of its pages, their scripts, import map and digests, and every file of the tree; and compares them
// with those of this very program. h nil is a client of its own.
func VerifyClient(ctx context.Context, server string, h *http.Client) (*ClientCheck, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fault.New(fault.Invalid, "%q is no address of a server.", server).WithHint("It is like https://demo.example.com")
	}
	static, err := shell.Static()
	if err != nil {
		return nil, err
	}
	tree, files := static.Hash(), static.Digests()
	v := &verifier{static: static, at: u.Scheme + "://" + u.Host, http: h, out: &ClientCheck{Tree: tree, Wrong: []string{}}}
	if h == nil {
		v.http = &http.Client{Timeout: time.Minute}
	}
	if err := v.page(ctx); err != nil {
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
		}
	}
	return v.out, nil
}

type verifier struct {
	static *web.Static

	at   string
	http *http.Client
	out  *ClientCheck
}

func (v *verifier) wrong(s string) { v.out.Wrong = append(v.out.Wrong, s) }

// get fetches something; no body when the server has none.
func (v *verifier) get(ctx context.Context, path string) ([]byte, http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.at+path, nil)
	if err != nil {
		return nil, nil, err
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

// page looks at the page on which people sign in.
func (v *verifier) page(ctx context.Context) error {
	body, head, err := v.get(ctx, "/sign-in")
	if err != nil {
		return err
	}
	if body == nil {
		return fault.New(fault.NotFound, "There is no page to sign in at %s.", v.at).WithHint("Give the address under which people open Strongroom.")
	}
	if got := head.Values("Content-Security-Policy"); len(got) != 1 || got[0] != v.static.Policy() {
		v.wrong("The policy that keeps foreign script out of pages is another one.")
	}
	doc, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The page to sign in at %s cannot be read.", v.at)
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
			v.wrong("The page to sign in has an element <" + n.Data + ">, which this version does not have.")
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(strings.ToLower(a.Key), "on") {
				v.wrong("The page to sign in has script in the attribute " + a.Key + ".")
			}
		}
	}
	if had < 2 {
		v.wrong("The page to sign in lacks scripts of this version.")
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
			v.wrong("The import map in the page to sign in, which names the digests of all modules, is another one.")
		}
	case strings.TrimSpace(text) != "":
		v.wrong("The page to sign in has a script written into it, which is not of this version.")
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
		v.wrong("The page to sign in has a script or style sheet that is not of this version: " + strconv.Quote(address))
	case attribute(n, "integrity") == "":
		v.wrong("The page to sign in names no digest for " + name + ", so that browsers take any file for it.")
	case attribute(n, "integrity") != digest:
		v.wrong("The page to sign in names another digest for " + name + " than this version has.")
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
