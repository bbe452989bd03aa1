package webui

func (s *Server) mountSettings() {}
