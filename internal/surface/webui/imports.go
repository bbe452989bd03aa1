package webui

func (s *Server) mountImport() {}
