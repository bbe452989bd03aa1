package webui

func (s *Server) mountKeys() {}
