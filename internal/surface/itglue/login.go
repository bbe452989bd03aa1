package itglue

import (
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
	}
	if err := json.Unmarshal(body, &in); err != nil || in.User.Email == "" || in.User.Password == "" {
		return jsonapi.Malformed("Send {\"user\": {\"email\", \"password\"}}.")
	}
	tenant := ""
	if a.Tenant != nil {
		tenant = a.Tenant(r)
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

// refresh answers GET /jwt/token: a new token for one that is still good, from
// the header or, as programs do it, from the query.
func (a *API) refresh(w http.ResponseWriter, r *http.Request) error {
	old := bearerOf(r)
	if old == "" {
		old = r.URL.Query().Get("refresh_token")
	}
	host := ""
	if a.Tenant != nil {
		host = a.Tenant(r)
	}
	if !identity.IsAccessToken(old) {
		return fault.New(fault.Unauthorized, "There is no token to renew.").WithHint("Sign in again.")
	}
	c, err := a.Sessions.ResolveToken(r.Context(), host, old)
	if err != nil {
		return err
	}
	c.Addr, c.Request = web.ClientAddr(r, a.Trusted), web.RequestID(r.Context())
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
