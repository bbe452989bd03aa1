package entrance

import (
	"net/http"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/way"
)

// farewellCookie is what a browser that has signed out here keeps until it has told
// the other system.
const farewellCookie = "farewell"

const farewellAge = 5 * time.Minute

// farewell tells somebody who has signed out that the other system is told, and sends
// the browser there. A form may lead to our own pages alone, and so does what it is
// redirected to: that is why a page stands between.
func (p *Pages) farewell(w http.ResponseWriter, r *http.Request) error {
	tenant, wid, err := p.which(r)
	if err != nil {
		return err
	}
	x, m, err := p.Ways.Open(r.Context(), tenant, wid)
	if err != nil {
		return err
	}
	if _, ok := m.(method.Farewell); !ok {
		return fault.New(fault.NotFound, "There is nothing here.")
	}
	at := way.Path(tenant, wid) + "/leave"
	if r.URL.Query().Get("now") == "" {
		e := &entrance{Title: "Signed out", Text: "You are signed out here. " + x.Name + " is told to end its session too.",
			Onward: &ui.Action{Label: "Sign out there", Href: at + "?now=1"}, Back: &ui.Action{Label: "Stay signed in there", Href: "/sign-in", Quiet: true}}
		return p.shell.RenderPlain(w, r, http.StatusOK, "entrance", p.plainPage(w, r, "Signed out", e))
	}
	kept := web.Cookie(r, farewellCookie)
	web.SetCookie(w, r, farewellCookie, "", -1)
	web.NoStore(w)
	to, err := p.Ways.Leave(r.Context(), tenant, wid, kept)
	if err != nil {
		return p.turnedAway(w, r, tenant, err)
	}
	return p.send(w, r, to)
}

// told takes what another system says of sessions that end, brought by the browser.
// No cookie of ours has to come along: whose sessions they are, the message says.
func (p *Pages) told(w http.ResponseWriter, r *http.Request) error {
	tenant, wid, err := p.which(r)
	if err != nil {
		return err
	}
	m := method.Message{Query: r.URL.RawQuery}
	if r.Method == http.MethodPost {
		f, err := web.ParseForm(r)
		if err != nil {
			return err
		}
		m = method.Message{Form: map[string][]string{}}
		for _, name := range []string{"SAMLRequest", "SAMLResponse", "RelayState"} {
			if v := f.All(name); len(v) > 0 {
				m.Form[name] = v
			}
		}
	}
	web.NoStore(w)
	done, err := p.Ways.Told(r.Context(), tenant, wid, m)
	if fault.Is(err, fault.NotFound) {
		return err
	}
	if err != nil {
		return p.turnedAway(w, r, tenant, err)
	}
	if done.Away.To != "" {
		return p.send(w, r, done.Away)
	}
	said := web.Flash{Tone: "ok", Text: "You are signed out here and at " + done.Name + "."}
	if done.Partly {
		said = web.Flash{Text: "You are signed out here. " + done.Name + " could not end all of its sessions: sign out there too."}
	}
	web.SetFlash(w, r, said)
	return web.SeeOther(w, r, "/sign-in")
}
