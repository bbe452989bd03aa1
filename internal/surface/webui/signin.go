package webui

import (
	"net/http"

	"strongroom/internal/base/web"
)

func (s *Server) mountSignIn() {}

func (s *Server) toSignIn(w http.ResponseWriter, r *http.Request) {
	_ = web.SeeOther(w, r, "/sign-in")
}
