package webui

func (s *Server) mountPeople() {}
