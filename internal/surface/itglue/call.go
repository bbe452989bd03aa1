package itglue

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/base/web"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/identity"
	"strongroom/internal/surface/itglue/failure"
	"strongroom/internal/surface/itglue/value"
)

// call is one request of a known caller.
type call struct {
	*API
	w      http.ResponseWriter
	r      *http.Request
	ctx    context.Context
	caller *access.Caller
	query  jsonapi.Query
	host   string // scheme and host under which the client reaches us
}

// called finds out who calls, counts the request and runs fn.
func (a *API) called(fn func(*call) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		who, limit, err := a.resolve(r)
		if err != nil {
			return err
		}
		web.Note(r.Context(), slog.String("tenant", who.Tenant), slog.String("caller", who.Session))
		if err := a.Limiter.Take(who, limit); err != nil {
			return err
		}
		who.Request, who.Reason = web.RequestID(r.Context()), reasonOf(r)
		c := &call{API: a, w: w, r: r, ctx: r.Context(), caller: who, query: jsonapi.ParseQuery(r.URL.RawQuery), host: a.address(r)}
		return fn(c)
	}
}

// resolve gives the caller that the request's key or token stands for.
func (a *API) resolve(r *http.Request) (*access.Caller, apikey.Limit, error) {
	host := a.hostTenant(r)
	addr := web.ClientAddr(r, a.Trusted)
	key := strings.TrimSpace(r.Header.Get("X-Api-Key"))
	if key == "" {
		bearer := bearerOf(r)
		if identity.IsAccessToken(bearer) {
			c, err := a.Sessions.ResolveToken(r.Context(), host, bearer)
			if err == nil {
				err = a.Sessions.At(r.Context(), c, addr)
			}
			return c, apikey.Limit{}, err
		}
		key = bearer
	}
	if host != "" && key != "" && apikey.TenantOf(key) != host {
		key = "of another tenant" // answered like any wrong key
	}
	return a.Keys.Resolve(r.Context(), key, addr)
}

// longestReason is how many characters of a reason are recorded.
const longestReason = 500

// reasonOf gives the reason that a request states, as it can be recorded.
func reasonOf(r *http.Request) string {
	return value.Clip(strings.TrimSpace(strings.ToValidUTF8(r.Header.Get("X-Reason"), "?")), longestReason)
}

func bearerOf(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// address gives the scheme and host of our own links.
func (a *API) address(r *http.Request) string {
	if a.BaseURL != nil {
		return strings.TrimRight(a.BaseURL(r), "/")
	}
	if web.IsTLS(r, a.Trusted) {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// self is the absolute address of the request, without its query.
func (c *call) self() string {
	full, _ := c.ctx.Value(pathKey{}).(string)
	return c.host + full
}

// id reads an id out of the path. What is no id is answered like an id that
// nothing has.
func (c *call) id(name string) (id.ID, error) {
	i, ok := id.Parse(c.r.PathValue(name))
	if !ok {
		return 0, gate.Missing()
	}
	return i, nil
}

func (c *call) view(fn func(*gate.Tx) error) error { return c.Gate.View(c.ctx, c.caller, fn) }

func (c *call) change(action access.Action, thing gate.Thing, fn func(*gate.Tx) error) error {
	return c.Gate.Change(c.ctx, c.caller, action, thing, fn)
}

// read takes the request's body when its type can be JSON.
func (c *call) read() ([]byte, error) {
	if err := jsonapi.CheckType(c.r); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(c.r.Body)
	if err != nil {
		if _, big := errors.AsType[*http.MaxBytesError](err); big {
			return nil, err
		}
		return nil, jsonapi.Malformed("The body did not arrive completely.")
	}
	return body, nil
}

// document reads the request's body as a JSON:API document.
func (c *call) document() (jsonapi.Document, error) {
	body, err := c.read()
	if err != nil {
		return jsonapi.Document{}, err
	}
	return jsonapi.ParseDocument(body)
}

// item reads a document of one resource object.
func (c *call) item() (jsonapi.Item, error) {
	d, err := c.document()
	if err != nil {
		return jsonapi.Item{}, err
	}
	if d.Many {
		return jsonapi.Item{}, jsonapi.Malformed("Here data is one object, not an array.")
	}
	return d.Items[0], nil
}

// at marks a failure with the number of the object it is about, where the body
// holds several.
func at(n int, many bool, err error) error { return failure.At(n, many, err) }

// flag tells whether a query parameter says yes; def when it is not there.
func (c *call) flag(name string, def bool) bool {
	v, ok := c.query.Flag(name)
	if !ok || v == "" {
		return def
	}
	on, err := strconv.ParseBool(strings.ToLower(v))
	if err != nil {
		return def
	}
	return on
}

// answer sends a document.
func (c *call) answer(status int, body []byte) error {
	h := c.w.Header()
	h.Set("Content-Type", jsonapi.MediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	_, err := c.w.Write(body)
	return err
}

func splitWords(s string) iter.Seq[string] { return strings.FieldsSeq(s) }
