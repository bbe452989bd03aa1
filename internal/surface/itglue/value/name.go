package value

import (
	"strings"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/record"
)

// TypeName is a kind's name in the API's words: Document Folder.
func TypeName(k *record.Kind) string {
	words := strings.Split(k.Name, "_")
	for i, w := range words {
		if w == "ssl" {
			words[i] = "SSL"
		} else if w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, " ")
}

// KindName spells a name in words as a kind's name: SSL Certificate and
// ssl-certificate are ssl_certificate.
func KindName(s string) string {
	return jsonapi.Snake(strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), " ", "_")))
}
