package openid

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"strongroom/internal/base/fault"
)

// discovered is what an identifier leads to, section 7.3.
type discovered struct {
	at       string // the identifier, after redirects
	endpoint string
	local    string // what the provider calls it; empty for the same
}

// discover looks an identifier up: by Yadis, and by HTML where there is no document of
// that.
func (w *Way) discover(ctx context.Context, identifier string) (*discovered, error) {
	d, err := w.look(ctx, identifier)
	if err == nil || fault.Is(err, fault.Unavailable) || ctx.Err() != nil {
		return d, err
	}
	return nil, fault.Wrap(err, fault.Unavailable, "What is at %s names no provider of OpenID 2.0: %v.", identifier, err).WithHint("Open the address in a browser, or ask who runs the provider.")
}

func (w *Way) look(ctx context.Context, identifier string) (*discovered, error) {
	at, head, body, err := w.get(ctx, identifier)
	if err != nil {
		return nil, err
	}
	d := &discovered{at: at}
	kind, _, _ := mime.ParseMediaType(head.Get("Content-Type"))
	page := links(body)
	where := head.Get("X-XRDS-Location")
	if where == "" {
		where = page.yadis
	}
	switch {
	case kind == "application/xrds+xml":
		return d, d.fromXRDS(body)
	case where != "":
		if !web(where) {
			return nil, errors.New("its document is at no https address")
		}
		_, _, body, err := w.get(ctx, where)
		if err != nil {
			return nil, err
		}
		return d, d.fromXRDS(body)
	}
	d.endpoint, d.local = page.provider, page.local
	return d, d.sound()
}

func (d *discovered) sound() error {
	if d.endpoint == "" {
		return errors.New("it has no provider")
	}
	if !web(d.endpoint) || len(d.endpoint) > 1024 || d.local != "" && !web(d.local) {
		return errors.New("its provider is at no https address")
	}
	return nil
}

// get fetches an address and tells where it was in the end.
func (w *Way) get(ctx context.Context, at string) (final string, head http.Header, body []byte, err error) {
	u, err := url.Parse(at)
	if err != nil {
		return "", nil, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, http.NoBody)
	if err != nil {
		return "", nil, nil, err
	}
	req.Header.Set("Accept", "application/xrds+xml, text/html;q=0.9, application/xhtml+xml;q=0.9")
	resp, err := w.client(u, 3).Do(req)
	if err != nil {
		return "", nil, nil, unreachable(err, at)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(resp.Body, mostBody))
	if err != nil {
		return "", nil, nil, unreachable(err, at)
	}
	// A page that asks who somebody is may name the provider, too.
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusUnauthorized {
		return "", nil, nil, fault.New(fault.Unavailable, "The provider answers %s at %s.", resp.Status, at).WithHint("Check the address.")
	}
	return resp.Request.URL.String(), resp.Header, body, nil
}

// xrds is a document of Yadis.
type xrds struct {
	XMLName xml.Name `xml:"xri://$xrds XRDS"`
	XRD     []struct {
		Service []service `xml:"Service"`
	} `xml:"xri://$xrd*($v*2.0) XRD"`
}

type service struct {
	Priority *int     `xml:"priority,attr"`
	Type     []string `xml:"Type"`
	URI      []string `xml:"URI"`
	LocalID  string   `xml:"LocalID"`
}

// fromXRDS finds the provider in a document: for itself, or for one name.
func (d *discovered) fromXRDS(raw []byte) error {
	if bytes.Contains(raw, []byte("<!DOCTYPE")) {
		return errors.New("its document holds a DOCTYPE")
	}
	var x xrds
	if err := xml.Unmarshal(raw, &x); err != nil || len(x.XRD) == 0 {
		return errors.New("its document cannot be read")
	}
	services := x.XRD[len(x.XRD)-1].Service
	slices.SortStableFunc(services, func(a, b service) int { return rank(a.Priority) - rank(b.Priority) })
	for _, kind := range []string{ns + "/server", ns + "/signon"} {
		for _, s := range services {
			if len(s.URI) == 0 || !slices.ContainsFunc(s.Type, func(t string) bool { return strings.TrimSpace(t) == kind }) {
				continue
			}
			d.endpoint = strings.TrimSpace(s.URI[0])
			if kind == ns+"/signon" {
				d.local = strings.TrimSpace(s.LocalID)
			}
			return d.sound()
		}
	}
	return errors.New("its document names no provider")
}

func rank(p *int) int {
	if p == nil || *p < 0 || *p > 1<<20 {
		return 1 << 20
	}
	return *p
}

// page is what a page of HTML says in its head.
type page struct{ yadis, provider, local string }

// links reads the head of a page, sections 7.3.3 and Yadis 6.2.5. What stands in the
// body is anybody's.
func links(raw []byte) (p page) {
	z := html.NewTokenizer(bytes.NewReader(raw))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return p
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == "head" {
				return p
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			at := map[string]string{}
			for _, a := range t.Attr {
				at[a.Key] = strings.TrimSpace(a.Val)
			}
			switch t.Data {
			case "body":
				return p
			case "meta":
				if strings.EqualFold(at["http-equiv"], "X-XRDS-Location") && p.yadis == "" {
					p.yadis = at["content"]
				}
			case "link":
				rels := strings.Fields(strings.ToLower(at["rel"]))
				if slices.Contains(rels, "openid2.provider") && p.provider == "" {
					p.provider = at["href"]
				}
				if slices.Contains(rels, "openid2.local_id") && p.local == "" {
					p.local = at["href"]
				}
			}
		}
	}
}
