package webui

func (s *Server) mountRecords() {}
