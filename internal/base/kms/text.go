package kms

import (
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
)

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// decode is strict: what is stored has one form.
func decode(text string) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) == 0 {
		return nil, notIts()
	}
	return b, nil
}

// canonical gives the names of h and of the host, sorted, and a line of each.
func canonical(h http.Header, host string) (names, lines string) {
	all := map[string]string{"host": host}
	for name, values := range h {
		all[strings.ToLower(name)] = strings.TrimSpace(strings.Join(values, ","))
	}
	sorted := slices.Sorted(maps.Keys(all))
	var b strings.Builder
	for _, name := range sorted {
		b.WriteString(name + ":" + all[name] + "\n")
	}
	return strings.Join(sorted, ";"), b.String()
}
