package ivanti

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/feature/identity"
)

// login answers POST /rest/authentication/login: a user name and a password, in JSON or
// as a form, for the text that the Authorization header of later requests holds. A role
// is taken and means nothing: what somebody may do follows from who she is.
func (a *API) login(w http.ResponseWriter, r *http.Request) error {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	said := map[string]string{}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(b))
		if err != nil {
			return misspelt()
		}
		for name := range form {
			said[strings.ToLower(name)] = form.Get(name)
		}
	} else {
		var in map[string]any
		if json.Unmarshal(b, &in) != nil {
			return misspelt()
		}
		for name, v := range in {
			said[strings.ToLower(name)], _ = v.(string)
		}
	}
	tenant := a.host(r)
	if tenant == "" { // the tenant is often said as its host name
		tenant, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(said["tenant"])), ".")
	}
	if said["username"] == "" || said["password"] == "" || tenant == "" || strings.ContainsRune(said["username"], 0) {
		return misspelt()
	}
	signed, err := a.Sessions.SignInToken(r.Context(), identity.Attempt{
		Tenant: tenant, Email: strings.TrimSpace(said["username"]), Password: said["password"],
		Addr: web.ClientAddr(r, a.Trusted), Agent: r.UserAgent(), Request: web.RequestID(r.Context()),
	})
	if fault.Is(err, fault.Unauthorized) { // as Ivanti: 400
		return fault.Wrap(err, fault.Invalid, "%s", fault.Say(err).Text)
	}
	if err != nil {
		return err
	}
	web.NoCompress(w)
	return web.JSON(w, http.StatusOK, signed.Token)
}

func misspelt() error {
	return fault.New(fault.Invalid, "The login cannot be read.").WithHint(`Send {"tenant": "...", "username": "...", "password": "...", "role": "..."}.`)
}
