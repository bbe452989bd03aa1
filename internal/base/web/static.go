package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
)

// Static serves the files of one tree at /static/HASH/name. The hash is of the
// whole tree, so that relative imports between modules and relative addresses
// in style sheets keep working without a bundler, and every file may be kept by
// browsers for ever.
type Static struct {
	hash    string
	files   map[string]file
	modules string // the import map
}

type file struct {
	raw, zip    []byte
	contentType string
	policy      string
	integrity   string // the digest, in the form that browsers compare
}

// OpenStatic reads a whole tree into memory and compresses what gets smaller.
// policies replaces the Content-Security-Policy of single files: a worker runs
// under the policy of its own file.
func OpenStatic(fsys fs.FS, policies map[string]string) (*Static, error) {
	s := &Static{files: map[string]file{}}
	sum := sha256.New()
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%d %s %d ", len(name), name, len(raw))
		sum.Write(raw)
		digest := sha256.Sum256(raw)
		f := file{raw: raw, contentType: contentType(name), policy: policies[name], integrity: "sha256-" + base64.StdEncoding.EncodeToString(digest[:])}
		if compressible(f.contentType) {
			if f.zip, err = deflate(raw); err != nil {
				return err
			}
		}
		s.files[name] = f
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the static tree: %w", err)
	}
	for name := range policies {
		if _, ok := s.files[name]; !ok {
			return nil, fmt.Errorf("a policy is set for %s, which is not in the static tree", name)
		}
	}
	s.hash = hex.EncodeToString(sum.Sum(nil))[:16]
	s.modules, err = s.importMap()
	return s, err
}

func deflate(raw []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(raw); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if b.Len() >= len(raw) {
		return nil, nil
	}
	return b.Bytes(), nil
}

// contentType does not ask the machine's mime table, which differs.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	case ".txt", ".md":
		return "text/plain; charset=utf-8"
	case ".png":
		return "image/png"
	case ".ico":
		return "image/x-icon"
	case ".wasm":
		return "application/wasm"
	case ".json", ".webmanifest":
		return "application/json"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// URL gives the address of a file of the tree. It fails on a name that is not
// there, so that a template with a wrong name does not pass its first test.
func (s *Static) URL(name string) (string, error) {
	if _, ok := s.files[name]; !ok {
		return "", fmt.Errorf("%s is not in the static tree", name)
	}
	return "/static/" + s.hash + "/" + name, nil
}

// Hash is the part of every address that stands for the whole tree.
func (s *Static) Hash() string { return s.hash }

// Integrity gives the digest of a file in the form that browsers compare.
func (s *Static) Integrity(name string) (string, error) {
	f, ok := s.files[name]
	if !ok {
		return "", fmt.Errorf("%s is not in the static tree", name)
	}
	return f.integrity, nil
}

// Modules gives the text of the import map that names the digest of every script of
// the tree: a browser runs no module, however it is imported, that is another one.
func (s *Static) Modules() string { return s.modules }

func (s *Static) importMap() (string, error) {
	digests := map[string]string{}
	for name := range s.files {
		if !strings.HasSuffix(name, ".js") {
			continue
		}
		url, err := s.URL(name)
		if err != nil {
			return "", err
		}
		if digests[url], err = s.Integrity(name); err != nil {
			return "", err
		}
	}
	b, err := json.Marshal(map[string]map[string]string{"integrity": digests})
	return string(b), err
}

// Policy is the Content-Security-Policy of pages that have the import map: that of
// everything else, with this one text as the only script that may stand in a page.
func (s *Static) Policy() string {
	sum := sha256.Sum256([]byte(s.modules))
	return strings.Replace(Policy, "script-src 'self'", "script-src 'self' 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'", 1)
}

// PolicyOf is the policy of a file's answer where it has one of its own; empty for none.
func (s *Static) PolicyOf(name string) string { return s.files[name].policy }

// Digests gives the SHA-256 of every file of the tree, by name.
func (s *Static) Digests() map[string][sha256.Size]byte {
	out := make(map[string][sha256.Size]byte, len(s.files))
	for name, f := range s.files {
		out[name] = sha256.Sum256(f.raw)
	}
	return out
}

// Serve answers "GET /static/". A request with an old hash gets today's file,
// not to be kept: a page that was open while the program was replaced goes on
// working.
func (s *Static) Serve(w http.ResponseWriter, r *http.Request) error {
	hash, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/static/"), "/")
	f, ok := s.files[name]
	if !ok {
		return fault.New(fault.NotFound, "There is no such file.")
	}
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", "no-cache")
	if hash == s.hash {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if f.policy != "" {
		h.Set("Content-Security-Policy", f.policy)
	}
	body := f.raw
	if f.zip != nil {
		h.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			body = f.zip
		}
	}
	NoCompress(w)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	_, err := w.Write(body)
	return err
}
