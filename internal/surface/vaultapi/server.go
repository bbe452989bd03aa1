// Package vaultapi is how the command line reaches vaults: what a server answers
// to a key, and the client that verifies all of it.
//
// Always true: the server sends and takes sealed bytes only; the client shows
// nothing before it was verified and compared with what it remembers; a key is
// sent to its server over TLS or within this machine, and nowhere else.
package vaultapi

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/vault"
)

// Path is where everything of it is.
const Path = "/api/vault/"

// maxBody is the most that one write of a vault sends.
const maxBody = 32 << 20

// Server answers programs that hold a key. Fill the exported fields.
type Server struct {
	Vaults  *vault.Vaults
	Keys    *apikey.Keys
	Limiter *apikey.Limiter
	Tenant  func(*http.Request) string // names the tenant that a host name stands for; "" for none
	Trusted []netip.Prefix
	Log     *slog.Logger
	Now     func() time.Time // nil is time.Now

	once sync.Once
	mux  *web.Mux
}

// Handler answers below Path.
func (s *Server) Handler() http.Handler {
	s.build()
	return s.mux
}

// Routes gives every mounted pattern.
func (s *Server) Routes() []string {
	s.build()
	return s.mux.Routes()
}

func (s *Server) build() {
	s.once.Do(func() {
		s.mux = &web.Mux{Fail: fail, Log: s.Log, Trusted: s.Trusted, Now: s.Now, AnyOrigin: true} // each request bears a key of its own
		s.mux.Handle("GET "+Path+"state", s.as(s.state))
		s.mux.Handle("GET "+Path+"vaults/{id}", s.as(s.read), web.Within(2*time.Minute))
		s.mux.Handle("GET "+Path+"people/{id}", s.as(s.listing))
		s.mountRecovery()
		s.mux.Handle("GET "+Path+"vaults/{id}/files/{file}", s.as(s.fetch), web.Within(0))
		s.mux.Handle("POST "+Path+"vaults/{id}/files/{file}", s.as(s.send), web.MaxBody(vault.MostFile+1), web.Within(0))
		s.mux.Handle("POST "+Path+"vaults/{id}", s.as(s.write), web.MaxBody(maxBody), web.Within(2*time.Minute))
	})
}

func (s *Server) as(h func(w http.ResponseWriter, r *http.Request, c *access.Caller) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		web.NoStore(w)
		c, err := s.caller(r)
		if err != nil {
			return err
		}
		return h(w, r, c)
	}
}

// caller finds out who calls, and counts the request.
func (s *Server) caller(r *http.Request) (*access.Caller, error) {
	return apikey.Door{Keys: s.Keys, Limiter: s.Limiter, Tenant: s.Tenant, Trusted: s.Trusted}.Caller(r)
}

// failure is what is answered when something went wrong.
type failure struct {
	Error struct {
		Text string `json:"text"`
		Hint string `json:"hint"`
	} `json:"error"`
}

func fail(w http.ResponseWriter, _ *http.Request, err error) {
	web.RetryAfter(w, err)
	say := fault.Say(err)
	var f failure
	f.Error.Text, f.Error.Hint = say.Text, say.Hint
	_ = web.JSON(w, web.Status(err), f) // a broken connection has nobody to tell
}

func (s *Server) state(w http.ResponseWriter, r *http.Request, c *access.Caller) error {
	st, err := s.Vaults.State(r.Context(), c)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, st)
}

func number(r *http.Request) (id.ID, error) {
	n, ok := id.Parse(r.PathValue("id"))
	if !ok {
		return 0, gate.Missing()
	}
	return n, nil
}

func (s *Server) read(w http.ResponseWriter, r *http.Request, c *access.Caller) error {
	n, err := number(r)
	if err != nil {
		return err
	}
	got, err := s.Vaults.Read(r.Context(), c, n)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, got)
}

func (s *Server) listing(w http.ResponseWriter, r *http.Request, c *access.Caller) error {
	n, err := number(r)
	if err != nil {
		return err
	}
	since, _ := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64) // what is no number is 0
	p, err := s.Vaults.Listing(r.Context(), c, n, max(since, 0))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, p)
}

func (s *Server) write(w http.ResponseWriter, r *http.Request, c *access.Caller) error {
	n, err := number(r)
	if err != nil {
		return err
	}
	var in vault.Write
	if err := sent(r, &in); err != nil {
		return err
	}
	if err := s.Vaults.Write(r.Context(), c, n, in); err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, struct{}{})
}

// sent reads the JSON that a request brings.
func sent(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fault.Wrap(err, fault.Invalid, "The request is not what the vault expects.")
	}
	return nil
}
