package webui

func (s *Server) mountHome() {}
