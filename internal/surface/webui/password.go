package webui

func (s *Server) mountPassword() {}
