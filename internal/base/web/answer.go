package web

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// minZip is the size below which compressing costs more than it saves.
const minZip = 1024

// answer is the response writer that handlers of a Mux see: it remembers what
// was answered and compresses what is worth it.
type answer struct {
	http.ResponseWriter
	zips   *sync.Pool
	accept bool // the request takes gzip and compressing is harmless
	status int  // 0 until the header is written
	bytes  int64
	plain  bool
	zip    *gzip.Writer
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader sends the header; the length is unknown here, so a body that is
// compressed is announced by the first Write instead.
func (a *answer) WriteHeader(code int) {
	if a.status != 0 {
		return
	}
	if code >= 100 && code < 200 {
		a.ResponseWriter.WriteHeader(code)
		return
	}
	a.status = code
	if !a.bodyless() && a.worthIt(a.announced()) {
		a.start()
	}
	a.ResponseWriter.WriteHeader(code)
}

func (a *answer) bodyless() bool {
	return a.status == http.StatusNoContent || a.status == http.StatusNotModified || a.status == http.StatusPartialContent
}

// announced gives the length that the handler announced; unknown counts as long.
func (a *answer) announced() int {
	n, err := strconv.Atoi(a.Header().Get("Content-Length"))
	if err != nil {
		return minZip
	}
	return n
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		if a.Header().Get("Content-Length") == "" && len(b) < minZip {
			a.plain = true // a short answer written in one go
		}
		if a.Header().Get("Content-Type") == "" {
			a.Header().Set("Content-Type", http.DetectContentType(b))
		}
		a.WriteHeader(http.StatusOK)
	}
	a.bytes += int64(len(b))
	if a.zip != nil {
		return a.zip.Write(b)
	}
	return a.ResponseWriter.Write(b)
}

// Flush sends what was written so far.
func (a *answer) Flush() {
	if a.zip != nil {
		_ = a.zip.Flush() // a broken connection shows at the next write
	}
	_ = http.NewResponseController(a.ResponseWriter).Flush()
}

func (a *answer) worthIt(size int) bool {
	h := a.Header()
	return a.accept && !a.plain && size >= minZip && h.Get("Content-Encoding") == "" && h.Get("Content-Range") == "" && compressible(h.Get("Content-Type"))
}

func (a *answer) start() {
	h := a.Header()
	h.Set("Content-Encoding", "gzip")
	h.Add("Vary", "Accept-Encoding")
	h.Del("Content-Length")
	if e := h.Get("Etag"); e != "" && !strings.HasPrefix(e, "W/") {
		h.Set("Etag", "W/"+e)
	}
	z, ok := a.zips.Get().(*gzip.Writer)
	if !ok {
		z, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) // a page is sent once, and its level is known to exist
	}
	z.Reset(a.ResponseWriter)
	a.zip = z
}

func (a *answer) close() {
	if a.zip == nil {
		return
	}
	_ = a.zip.Close() // a broken connection has nobody to tell
	a.zips.Put(a.zip)
	a.zip = nil
}

// NoCompress keeps one answer from being compressed. An answer that holds a
// secret beside something its reader could have been made to send must not be:
// the length would tell the secret (BREACH). Call it before the first byte.
func NoCompress(w http.ResponseWriter) {
	if a, ok := find(w); ok {
		a.plain = true
	}
}

// find gives the answer behind w, which may be wrapped.
func find(w http.ResponseWriter) (*answer, bool) {
	for {
		if a, ok := w.(*answer); ok {
			return a, true
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil, false
		}
		w = u.Unwrap()
	}
}

// mayCompress tells whether the request takes gzip, and was not sent by
// another site, which could measure the answer.
func mayCompress(r *http.Request) bool {
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" || r.Method == http.MethodHead {
		return false
	}
	return acceptsGzip(r.Header.Get("Accept-Encoding"))
}

func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		q := strings.TrimSpace(params)
		v, found := strings.CutPrefix(q, "q=")
		if !found {
			return true
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return err == nil && f > 0
	}
	return false
}

// compressible is the list of text formats; anything else is sent as it is.
func compressible(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	switch t {
	case "application/json", "application/javascript", "application/xml", "image/svg+xml", "application/manifest+json", "application/samlmetadata+xml":
		return true
	}
	return strings.HasPrefix(t, "text/") && t != "text/event-stream" || strings.HasSuffix(t, "+json")
}
