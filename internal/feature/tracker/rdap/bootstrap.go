package rdap

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"strongroom/internal/base/fault"
)

// servers gives the address of the registry of each top-level domain, ending
// in a slash.
type servers map[string]string

// parseBootstrap reads a list of registries as RFC 9224 says. Only addresses with
// https count.
func parseBootstrap(b []byte) (servers, error) {
	var file struct {
		Services [][][]string `json:"services"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, err
	}
	out := servers{}
	for _, s := range file.Services {
		if len(s) < 2 {
			continue
		}
		for _, address := range s[1] {
			u, err := url.Parse(address)
			if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
				continue
			}
			for _, top := range s[0] {
				if top = strings.ToLower(strings.Trim(top, ".")); out[top] == "" {
					out[top] = strings.TrimRight(address, "/") + "/"
				}
			}
		}
	}
	if len(out) == 0 {
		return nil, fault.New(fault.Unavailable, "The list of registries holds none.")
	}
	return out, nil
}

// fresh is how long a list of registries is used before a newer one is asked for,
// and retry how long after a failure.
const fresh, retry = 24 * time.Hour, time.Hour

// registries gives the list, a newer one when it is time. What is embedded, and
// what was got before, lasts while there is no better.
func (s *Source) registries(ctx context.Context) (servers, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		known, err := parseBootstrap(embedded)
		if err != nil {
			return nil, err
		}
		s.known = known
	}
	now := time.Now()
	if s.Bootstrap == "" || now.Before(s.next) {
		return s.known, nil
	}
	s.next = now.Add(retry)
	b, _, err := s.get(ctx, s.Bootstrap)
	if err != nil {
		return s.known, nil //nolint:nilerr // the older list does as well
	}
	newer, err := parseBootstrap(b)
	if err != nil {
		return s.known, nil //nolint:nilerr // likewise
	}
	for top, address := range s.known {
		if newer[top] == "" {
			newer[top] = address
		}
	}
	s.known, s.next = newer, now.Add(fresh)
	return s.known, nil
}

// find gives the registry of a name: that of the longest ending that is listed.
func (l servers) find(host string) string {
	for {
		if address := l[host]; address != "" {
			return address
		}
		_, rest, ok := strings.Cut(host, ".")
		if !ok {
			return ""
		}
		host = rest
	}
}

// status is the code of an HTTP answer, 0 when there was none.
type status int

const gone status = http.StatusNotFound
