package shares

import (
	"net/http"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/feature/share"
	"strongroom/internal/surface/webui/shell"
)

// discreet keeps an answer out of caches and search engines, and its address out of
// what the browser asks for next.
func discreet(w http.ResponseWriter) {
	web.NoStore(w)
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("X-Robots-Tag", "noindex, nofollow, noarchive, nosnippet")
}

// sharedView is what somebody outside is told.
type sharedView struct {
	By, Title, Until string
	Tenant, Mark     string
	Ends             int64
	Rounds           int
	Salt             string // base64
}

// named takes apart what stands in the address: the tenant, and the mark of the share.
func (p *Pages) named(r *http.Request) (tenant, mark string, err error) {
	tenant, mark, ok := strings.Cut(r.PathValue("share"), ".")
	if host := p.TenantOf(r); !ok || host != "" && host != tenant {
		return "", "", share.Gone()
	}
	return tenant, mark, nil
}

// shared is the page that a link leads to. It uses no view.
func (p *Pages) shared(w http.ResponseWriter, r *http.Request) error {
	discreet(w)
	tenant, mark, err := p.named(r)
	if err != nil {
		return p.gone(w, r, err)
	}
	s, err := p.Shares.Look(r.Context(), visitor(r), tenant, mark)
	if fault.Is(err, fault.NotFound) {
		return p.gone(w, r, err)
	}
	if err != nil {
		return err
	}
	page := p.shell.Plain(r, "Shared with you", sharedView{By: s.By, Title: s.Title, Until: shell.When(s.Ends).UTC().Format("2 January 2006, 15:04") + " UTC",
		Tenant: s.Tenant, Mark: mark, Ends: s.Ends, Rounds: s.Rounds, Salt: text(s.Salt)})
	page.Brand.Tenant = s.Title
	return p.shell.RenderPlain(w, r, http.StatusOK, "shared", page)
}

// gone is the one page of all links that lead to nothing.
func (p *Pages) gone(w http.ResponseWriter, r *http.Request, err error) error {
	say := fault.Say(err)
	page := p.shell.Plain(r, "Nothing here", ui.Problem{Icon: "link-off", Title: "Nothing is here", Text: say.Text, Hint: say.Hint})
	return p.shell.RenderPlain(w, r, web.Status(err), "problem", page)
}

func visitor(r *http.Request) share.Visitor {
	return share.Visitor{Addr: web.Client(r), Request: web.RequestID(r.Context())}
}

// open uses a view and gives the ciphertext to the page's script.
func (p *Pages) open(w http.ResponseWriter, r *http.Request) error {
	discreet(w)
	tenant, mark, err := p.named(r)
	if err != nil {
		return p.gone(w, r, err)
	}
	var in struct {
		KeyProof []byte `json:"keyProof"`
		Proof    []byte `json:"proof"`
	}
	if err := sent(r, &in); err != nil {
		return err
	}
	sealed, err := p.Shares.Open(r.Context(), visitor(r), tenant, mark, in.KeyProof, in.Proof)
	if fault.Is(err, fault.NotFound) && !web.WantsJSON(r) {
		return p.gone(w, r, err)
	}
	if err != nil {
		return err
	}
	web.NoCompress(w)
	return web.JSON(w, http.StatusOK, map[string]string{"sealed": text(sealed)})
}
