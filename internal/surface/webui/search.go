package webui

func (s *Server) mountSearch() {}
