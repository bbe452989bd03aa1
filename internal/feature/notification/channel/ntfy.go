package channel

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"strongroom/internal/base/fault"
)

// mostNtfy is how many bytes of a message ntfy shows; a longer one becomes a file there
// (https://docs.ntfy.sh/publish/#limitations).
const mostNtfy = 4096

// ntfy publishes to a topic, as JSON to the root of the server
// (https://docs.ntfy.sh/publish/#publish-as-json).
func ntfy() Format {
	return Format{
		Name: "ntfy", Label: "By ntfy", About: "A message on your telephone or desk, by the ntfy app.",
		Hint:   "The address of your topic, such as https://ntfy.example.com/a-name-that-nobody-guesses. Who knows it can read along, unless the server asks for a token.",
		Secret: "Access token", Why: "Only where the server asks for one.",
		Check: func(u *url.URL, _ string) error {
			if topic := path.Base(u.Path); topic == "/" || topic == "." || u.RawQuery != "" {
				return fault.Field("address", "The topic is missing: it is the last part of the address.")
			}
			return nil
		},
		Request: func(ctx context.Context, m Message) (*http.Request, error) {
			var text strings.Builder
			for i, l := range m.Lines {
				if i > 0 {
					text.WriteString("\n\n")
				}
				text.WriteString(l.Text)
				if len(m.Lines) > 1 && l.Link != "" {
					text.WriteString("\n" + l.Link)
				}
			}
			said := struct {
				Topic    string `json:"topic"`
				Title    string `json:"title"`
				Message  string `json:"message"`
				Click    string `json:"click,omitempty"`
				Priority int    `json:"priority,omitempty"`
			}{Topic: path.Base(m.Address.Path), Title: "Strongroom", Message: cut(text.String(), mostNtfy)}
			if len(m.Lines) == 1 {
				said.Click = m.Lines[0].Link
			}
			if m.Urgent {
				said.Priority = 5
			}
			body, err := json.Marshal(said)
			if err != nil {
				return nil, err
			}
			root := *m.Address
			root.Path, root.RawPath = strings.TrimSuffix(path.Dir(strings.TrimSuffix(root.Path, "/")), "/")+"/", ""
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, root.String(), bytes.NewReader(body))
			if err == nil && m.Secret != "" {
				req.Header.Set("Authorization", "Bearer "+m.Secret)
			}
			return req, err
		},
	}
}

// cut shortens a text to some bytes, at the end of a character.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	s = s[:most-len("…")]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "…"
}
