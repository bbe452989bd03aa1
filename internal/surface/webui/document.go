package webui

func (s *Server) mountDocument() {}
