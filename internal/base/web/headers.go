package web

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Policy is the Content-Security-Policy of every answer: everything from our own
// origin, no inline script or style, no eval, no data: addresses, no framing,
// and text becomes HTML or a script's address through two named policies only.
const Policy = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; object-src 'none'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types strongroom ProseMirrorClipboard"

// hsts asks browsers for two years of TLS.
const hsts = 2 * 365 * 24 * time.Hour

// headers sets what every answer carries; a handler may replace one of them
// where its answer needs it, with the reason beside it.
func (m *Mux) headers(h http.Header, tls bool) {
	policy := m.Policy
	if policy == "" {
		policy = Policy
	}
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	if tls {
		h.Set("Strict-Transport-Security", "max-age="+seconds(hsts)+"; includeSubDomains")
	}
}

// PostsTo lets the form of an answer be posted to another site, and from there to
// where that leads on: for a page of ours that holds nothing but what is to be sent.
func PostsTo(w http.ResponseWriter, to string) {
	u, err := url.Parse(to)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return
	}
	allowed := "https:"
	if u.Scheme == "http" { // this machine
		allowed = "http://" + u.Host
	}
	h := w.Header()
	h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), "form-action 'self'", "form-action 'self' "+allowed, 1))
}

// NoStore keeps an answer out of every cache, the browser's own included: for
// what may be seen for a short time only.
func NoStore(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-store") }

// NewServer gives an HTTP server with the limits that a single request has
// nothing to say about:
//
//	headers       10 s to arrive, 64 KiB at most
//	idle          2 min between requests on one connection
//	body, answer  per route: see DefaultTime, Within and MaxBody
func NewServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}

// Download sends a file that somebody has given, never to be shown in place: whatever it
// is, it does nothing at our address. at is when it was given, for caches.
func Download(w http.ResponseWriter, r *http.Request, name, mediaType string, at time.Time, content io.ReadSeeker) {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	http.ServeContent(w, r, "", at, content)
}
