package entrance

import (
	"net/http"

	"strongroom/internal/base/web"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
)

// lookBack ends that somebody looks as somebody else, and leads her back to the page of
// that user.
func (p *Pages) lookBack(w http.ResponseWriter, r *http.Request) error {
	c, err := p.self(r)
	if err != nil {
		return err
	}
	user := id.ID(0)
	if c.Via == "session" {
		if user, err = p.Sessions.LookBack(r.Context(), c); err != nil {
			return err
		}
	}
	if user == 0 {
		return web.SeeOther(w, r, "/")
	}
	web.SetFlash(w, r, web.Flash{Tone: "ok", Text: "You are yourself again."})
	if c.Role != access.Administrator { // she looked as a customer, whose user she does not manage
		return web.SeeOther(w, r, "/")
	}
	return web.SeeOther(w, r, "/users/"+user.String())
}
