package webui

func (s *Server) mountOrgs() {}
