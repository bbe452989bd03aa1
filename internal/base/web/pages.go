package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"text/template/parse"
	"time"
)

// Pages are the templates of a surface: a base of layouts and parts, and pages
// that each define at least the block "content". A page is executed through
// the block "page", which the base defines as its usual layout and a page may
// define anew to take another one.
type Pages struct {
	// Now is the clock of relative times; nil means time.Now. Set it before
	// the first Render.
	Now func() time.Time

	base *template.Template
	set  map[string]page
}

type page struct {
	t      *template.Template
	blocks map[string]bool // what the page's own file defines: what a swap may ask for
}

// swapHeader names the block that a partial request wants.
const swapHeader = "X-Swap"

// ParsePages parses every .html file at the top of base as layouts and parts.
// more are functions beside those of Funcs.
func ParsePages(base fs.FS, static *Static, more template.FuncMap) (*Pages, error) {
	p := &Pages{set: map[string]page{}}
	funcs := p.funcs(static)
	for name, f := range more {
		funcs[name] = f
	}
	t, err := template.New("").Funcs(funcs).Option("missingkey=error").ParseFS(base, "*.html")
	if err != nil {
		return nil, fmt.Errorf("parsing the layouts and parts: %w", err)
	}
	p.base = t
	return p, nil
}

// AddParts parses more layouts and parts: every file of fsys that matches the
// pattern, which may be none. Pages that are added later may use them. A name is
// defined once, here or in the base.
func (p *Pages) AddParts(fsys fs.FS, pattern string) error {
	files, err := fs.Glob(fsys, pattern)
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return err
		}
		own, err := defined(file, string(text))
		if err != nil {
			return err
		}
		for name := range own {
			if name != file && p.base.Lookup(name) != nil {
				return fmt.Errorf("%s defines the part %s, which is there already", file, name)
			}
		}
		if _, err := p.base.New(file).Parse(string(text)); err != nil {
			return fmt.Errorf("parsing the parts of %s: %w", file, err)
		}
	}
	return nil
}

// Add parses more pages: every file of fsys that matches one of the patterns,
// named by its base name without .html. A name may be taken once.
func (p *Pages) Add(fsys fs.FS, patterns ...string) error {
	for _, pattern := range patterns {
		files, err := fs.Glob(fsys, pattern)
		if err != nil {
			return err
		}
		if len(files) == 0 {
			return fmt.Errorf("no page matches %s", pattern)
		}
		for _, file := range files {
			if err := p.add(fsys, file); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Pages) add(fsys fs.FS, file string) error {
	name := strings.TrimSuffix(path.Base(file), ".html")
	if _, taken := p.set[name]; taken {
		return fmt.Errorf("there are two pages named %s", name)
	}
	text, err := fs.ReadFile(fsys, file)
	if err != nil {
		return err
	}
	t, err := p.base.Clone()
	if err != nil {
		return err
	}
	if _, err := t.New(file).Parse(string(text)); err != nil {
		return fmt.Errorf("parsing the page %s: %w", name, err)
	}
	own, err := defined(file, string(text))
	if err != nil {
		return err
	}
	if !own["content"] {
		return fmt.Errorf("the page %s defines no block named content", name)
	}
	p.set[name] = page{t: t, blocks: own}
	return nil
}

// defined gives the blocks that a file defines itself.
func defined(file, text string) (map[string]bool, error) {
	t := parse.New(file)
	t.Mode = parse.SkipFuncCheck
	trees := map[string]*parse.Tree{}
	if _, err := t.Parse(text, "", "", trees); err != nil {
		return nil, err
	}
	own := map[string]bool{}
	for name := range trees {
		own[name] = name != file && name != "page"
	}
	return own, nil
}

// Names gives the names of all pages, in no order.
func (p *Pages) Names() []string {
	var names []string
	for n := range p.set {
		names = append(names, n)
	}
	return names
}

// Render answers with a page and status 200; see RenderStatus.
func (p *Pages) Render(w http.ResponseWriter, r *http.Request, name string, data any) error {
	return p.RenderStatus(w, r, http.StatusOK, name, data)
}

// RenderStatus executes a page, or only the block that the request's X-Swap
// names when the page's own file defines it. Nothing is written when a template
// fails. The answer is private and asked for again each time unless the handler
// said otherwise.
func (p *Pages) RenderStatus(w http.ResponseWriter, r *http.Request, status int, name string, data any) error {
	pg, ok := p.set[name]
	if !ok {
		return fmt.Errorf("there is no page named %s", name)
	}
	block := "page"
	if want := r.Header.Get(swapHeader); pg.blocks[want] {
		block = want
	}
	var b bytes.Buffer
	if err := pg.t.ExecuteTemplate(&b, block, data); err != nil {
		return fmt.Errorf("rendering %s of the page %s: %w", block, name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", swapHeader)
	h.Add("Vary", "Cookie")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "private, no-cache")
	}
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, err := w.Write(b.Bytes())
	return err
}

// IsSwap tells whether the request wants one block of a page.
func IsSwap(r *http.Request) bool { return r.Header.Get(swapHeader) != "" }

// WantsJSON tells whether the request comes from a script of ours that asks for
// JSON rather than a page.
func WantsJSON(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Accept"), "application/json")
}
