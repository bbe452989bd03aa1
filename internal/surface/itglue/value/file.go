package value

import (
	"bytes"
	"encoding/base64"
	"io"
	"strings"

	"strongroom/internal/base/fault"
)

// File reads {content, file_name}. The content may stand in a data: address,
// be broken into lines, or lack its padding.
func File(field string, in any) (string, io.Reader, error) {
	m, _ := in.(map[string]any)
	content, _ := m["content"].(string)
	name := ""
	for _, n := range []string{"file_name", "file-name", "filename", "fileName"} {
		if s, ok := m[n].(string); ok && name == "" {
			name = s
		}
	}
	if name == "" {
		return "", nil, fault.Field(field, "The file's name is missing.").WithHint("Send {content, file_name}.")
	}
	if strings.HasPrefix(content, "data:") {
		_, content, _ = strings.Cut(content, ",")
	}
	if strings.ContainsAny(content, "\r\n -_") {
		content = strings.NewReplacer("\r", "", "\n", "", " ", "", "-", "+", "_", "/").Replace(content)
	}
	plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(content, "="))
	if err != nil || len(plain) == 0 {
		return "", nil, fault.Field(field, "The file's content is not base64.")
	}
	return name, bytes.NewReader(plain), nil
}
