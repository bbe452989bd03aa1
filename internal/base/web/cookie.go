package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Secure tells whether the client of a Mux's request speaks TLS, to us or to a
// trusted proxy.
func Secure(r *http.Request) bool {
	n, ok := r.Context().Value(notesKey{}).(*notes)
	return ok && n.tls
}

// Client gives the client's address of a Mux's request, as ClientAddr does.
func Client(r *http.Request) netip.Addr {
	if n, ok := r.Context().Value(notesKey{}).(*notes); ok {
		return n.addr
	}
	return ClientAddr(r, nil)
}

// cookieName gives the name a cookie has on this connection: with the __Host-
// prefix on TLS, which no other host and no plain connection can set.
func cookieName(r *http.Request, name string) string {
	if Secure(r) {
		return "__Host-" + name
	}
	return name
}

// SetCookie sets a cookie that scripts cannot read and other sites' requests do
// not carry. On TLS it has the __Host- prefix. Age zero means until the browser
// closes, below zero deletes it.
func SetCookie(w http.ResponseWriter, r *http.Request, name, value string, age time.Duration) {
	c := &http.Cookie{
		Name: cookieName(r, name), Value: value, Path: "/",
		HttpOnly: true, Secure: Secure(r), SameSite: http.SameSiteLaxMode, MaxAge: int(age / time.Second),
	}
	if age < 0 {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// Cookie gives the value of a cookie set by SetCookie; empty when there is none.
func Cookie(r *http.Request, name string) string {
	c, err := r.Cookie(cookieName(r, name))
	if err != nil {
		return ""
	}
	return c.Value
}

// Theme gives what <html data-theme> says: "light", "dark", or "auto" for what
// the system says.
func Theme(r *http.Request) string {
	switch v := Cookie(r, "theme"); v {
	case "light", "dark":
		return v
	}
	return "auto"
}

// SetTheme answers the form that switches between light and dark: it keeps the
// choice for a year and sends the browser back to the form's "back".
func SetTheme(w http.ResponseWriter, r *http.Request) error {
	f, err := ParseForm(r)
	if err != nil {
		return err
	}
	theme := f.Text("theme")
	if theme != "light" && theme != "dark" {
		theme = "auto"
	}
	SetCookie(w, r, "theme", theme, 365*24*time.Hour)
	if WantsJSON(r) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return SeeOther(w, r, f.Text("back"))
}

// Flash is a sentence for the next page: what was done, and how to undo it. It
// travels in a cookie of one minute, so it holds no secret.
type Flash struct {
	Tone string `json:"tone,omitempty"` // "", "ok", "warn" or "bad"
	Text string `json:"text"`
	Undo *Undo  `json:"undo,omitempty"`
}

// Undo is the form that takes an action back.
type Undo struct {
	Label  string            `json:"label"`
	Action string            `json:"action"` // address to POST to, on this site
	Fields map[string]string `json:"fields,omitempty"`
}

const flashAge = time.Minute

// SetFlash keeps a sentence for the next page.
func SetFlash(w http.ResponseWriter, r *http.Request, f Flash) {
	b, err := json.Marshal(f)
	if err != nil {
		return // only strings; it cannot fail
	}
	SetCookie(w, r, "flash", base64.RawURLEncoding.EncodeToString(b), flashAge)
}

// TakeFlash gives the sentence kept for this page and forgets it; nil when there
// is none. A partial request gets it in the header X-Toast instead, which the
// script shows.
func TakeFlash(w http.ResponseWriter, r *http.Request) *Flash {
	v := Cookie(r, "flash")
	if v == "" {
		return nil
	}
	SetCookie(w, r, "flash", "", -1)
	b, err := base64.RawURLEncoding.DecodeString(v)
	if err != nil {
		return nil
	}
	var f Flash
	if json.Unmarshal(b, &f) != nil || f.Text == "" {
		return nil
	}
	if f.Undo != nil && LocalPath(f.Undo.Action, "") == "" {
		f.Undo = nil
	}
	if IsSwap(r) {
		w.Header().Set("X-Toast", v)
		return nil
	}
	return &f
}

// LocalPath gives to when it is an address of this site, written as a path from
// its root, and otherwise instead: a form's "back" may say anything.
func LocalPath(to, instead string) string {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) {
		return instead
	}
	for _, c := range to {
		if c < 0x20 || c == 0x7f {
			return instead
		}
	}
	return to
}
