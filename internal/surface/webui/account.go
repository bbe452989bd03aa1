package webui

func (s *Server) mountAccount() {}
