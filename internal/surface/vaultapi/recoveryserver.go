package vaultapi

import (
	"context"
	"net/http"
	"time"

	"strongroom/internal/base/web"
	"strongroom/internal/core/access"
	"strongroom/internal/feature/vault"
)

func (s *Server) mountRecovery() {
	s.mux.Handle("GET "+Path+"recovery", s.as(s.recovery))
	s.mux.Handle("GET "+Path+"people", s.as(s.people))
	s.mux.Handle("POST "+Path+"copies", s.as(func(w http.ResponseWriter, r *http.Request, c *access.Caller) error {
		var in vault.NewCopy
		return takes(w, r, &in, func(ctx context.Context) error { return s.Vaults.RecordCopy(ctx, c, in) })
	}))
	s.mux.Handle("POST "+Path+"seeds", s.as(func(w http.ResponseWriter, r *http.Request, c *access.Caller) error {
		var in vault.Seed
		if err := sent(r, &in); err != nil {
			return err
		}
		out, err := s.Vaults.Seed(r.Context(), c, in)
		if err != nil {
			return err
		}
		web.NoCompress(w)
		return web.JSON(w, http.StatusOK, out)
	}))
	s.mux.Handle("POST "+Path+"receipts", s.as(func(w http.ResponseWriter, r *http.Request, c *access.Caller) error {
		var in vault.Receipt
		return takes(w, r, &in, func(ctx context.Context) error { return s.Vaults.HandIn(ctx, c, in) })
	}))
	s.mux.Handle("POST "+Path+"keyset", s.as(func(w http.ResponseWriter, r *http.Request, c *access.Caller) error {
		var in Keyset
		return takes(w, r, &in, func(ctx context.Context) error { return s.Vaults.SaveKeyset(ctx, c, in.Statement, in.Lock) })
	}))
	s.mux.Handle("POST "+Path+"keys", s.as(func(w http.ResponseWriter, r *http.Request, c *access.Caller) error {
		var in vault.Rotation
		return takes(w, r, &in, func(ctx context.Context) error { return s.Vaults.Rotate(ctx, c, in) })
	}), web.MaxBody(maxBody), web.Within(2*time.Minute))
	s.mux.Handle("POST "+Path+"recovery", s.as(func(w http.ResponseWriter, r *http.Request, c *access.Caller) error {
		var in Chosen
		return takes(w, r, &in, func(ctx context.Context) error { return s.Vaults.Enrol(ctx, c, in.Recovery) })
	}))
	s.mux.Handle("POST "+Path+"recovery/none", s.as(func(w http.ResponseWriter, r *http.Request, c *access.Caller) error {
		return takes(w, r, &struct{}{}, func(ctx context.Context) error { return s.Vaults.GiveUp(ctx, c) })
	}))
	s.mux.Handle("POST "+Path+"ask", s.as(func(w http.ResponseWriter, r *http.Request, c *access.Caller) error {
		var in vault.Request
		return takes(w, r, &in, func(ctx context.Context) error { return s.Vaults.Ask(ctx, c, in) })
	}))
	s.mux.Handle("POST "+Path+"ask/none", s.as(func(w http.ResponseWriter, r *http.Request, c *access.Caller) error {
		return takes(w, r, &struct{}{}, func(ctx context.Context) error { return s.Vaults.Unask(ctx, c) })
	}))
	s.mux.Handle("POST "+Path+"people/{id}/answer", s.as(func(w http.ResponseWriter, r *http.Request, c *access.Caller) error {
		n, err := number(r)
		if err != nil {
			return err
		}
		var in Answered
		return takes(w, r, &in, func(ctx context.Context) error { return s.Vaults.Answer(ctx, c, n, in.Answer) })
	}))
}

// Keyset is a keyset as it is sent to be kept.
type Keyset struct {
	Statement []byte `json:"statement"`
	Lock      []byte `json:"lock"`
}

// Chosen is a recovery as it is sent to be kept.
type Chosen struct {
	Recovery []byte `json:"recovery"`
}

// Answered is what an officer sends.
type Answered struct {
	Answer []byte `json:"answer"`
}

// takes reads what a request brings, and does something with it.
func takes(w http.ResponseWriter, r *http.Request, into any, do func(context.Context) error) error {
	if err := sent(r, into); err != nil {
		return err
	}
	if err := do(r.Context()); err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, struct{}{})
}

func (s *Server) recovery(w http.ResponseWriter, r *http.Request, c *access.Caller) error {
	got, err := s.Vaults.Recovery(r.Context(), c)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, got)
}

// people gives whom the caller sees and who has keys.
func (s *Server) people(w http.ResponseWriter, r *http.Request, c *access.Caller) error {
	list, err := s.Vaults.People(r.Context(), c)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, list)
}
