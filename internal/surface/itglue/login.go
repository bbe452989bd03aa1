package itglue

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/jsonapi"
	"strongroom/internal/base/web"
	"strongroom/internal/feature/identity"
)

// login answers POST /login?generate_jwt=1: an e-mail address and a password for
// an access token.
func (a *API) login(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var in struct {
		User struct {
			Email    string `json:"email"`
			Password string `json:"password"`
		} `json:"user"`
		Tenant string `json:"tenant"`
	}
	if err := json.Unmarshal(body, &in); err != nil || in.User.Email == "" || in.User.Password == "" || strings.ContainsRune(in.User.Email, 0) {
		return jsonapi.Malformed("Send {\"user\": {\"email\", \"password\"}}.")
	}
	tenant, err := a.tenantOf(r, in.Tenant)
	if err != nil {
		return err
	}
	signed, err := a.Sessions.SignInToken(r.Context(), identity.Attempt{
		Tenant: tenant, Email: strings.TrimSpace(in.User.Email), Password: in.User.Password,
		Addr: web.ClientAddr(r, a.Trusted), Agent: r.UserAgent(), Request: web.RequestID(r.Context()),
	})
	if err != nil {
		return err
	}
	return token(w, signed.Token)
}

// tenantOf gives the tenant to sign in to: the one that the host names, else the
// one that is said, else the only one there is.
func (a *API) tenantOf(r *http.Request, said string) (string, error) {
	if t := a.hostTenant(r); t != "" || said != "" {
		return cmp.Or(t, said), nil
	}
	n, err := a.Gate.House.Count(r.Context())
	if err != nil || n != 1 {
		return "", err
	}
	list, err := a.Gate.House.List(r.Context())
	for _, t := range list {
		if t.State == "active" {
			return t.Name, err
		}
	}
	return "", err
}

// hostTenant is the tenant that the request's host names, or "".
func (a *API) hostTenant(r *http.Request) string {
	if a.Tenant == nil {
		return ""
	}
	return a.Tenant(r)
}

// refresh answers GET /jwt/token: a new token for one that is still good, from
// the header or, as programs do it, from the query.
func (a *API) refresh(w http.ResponseWriter, r *http.Request) error {
	old := bearerOf(r)
	if old == "" {
		old = r.URL.Query().Get("refresh_token")
	}
	if !identity.IsAccessToken(old) {
		return fault.New(fault.Unauthorized, "There is no token to renew.").WithHint("Sign in again.")
	}
	c, err := a.Sessions.ResolveToken(r.Context(), a.hostTenant(r), old)
	if err != nil {
		return err
	}
	if err := a.Sessions.At(r.Context(), c, web.ClientAddr(r, a.Trusted)); err != nil {
		return err
	}
	c.Request = web.RequestID(r.Context())
	signed, err := a.Sessions.Refresh(r.Context(), c)
	if err != nil {
		return err
	}
	return token(w, signed.Token)
}

func token(w http.ResponseWriter, text string) error {
	web.NoCompress(w)
	b := append(jsonapi.AppendString([]byte(`{"token":`), text), '}')
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	_, err := w.Write(b)
	return err
}
