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
	"sync"
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

	functions template.FuncMap
	base      *template.Template // never executed: pages have copies of what they use
	set       map[string]page
	buffers   sync.Pool // of *bytes.Buffer
}

type page struct {
	blocks map[string]bool                    // what the page's own file defines: what a swap may ask for
	whole  func() (*template.Template, error) // made when it is first asked for
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
	p.functions = funcs
	t, err := p.empty().ParseFS(base, "*.html")
	if err != nil {
		return nil, fmt.Errorf("parsing the layouts and parts: %w", err)
	}
	p.base = t
	return p, nil
}

func (p *Pages) empty() *template.Template {
	return template.New("").Funcs(p.functions).Option("missingkey=error")
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
	t, err := p.empty().New(file).Parse(string(text))
	if err != nil {
		return fmt.Errorf("parsing the page %s: %w", name, err)
	}
	own, err := defined(file, string(text))
	if err != nil {
		return err
	}
	if !own["content"] {
		return fmt.Errorf("the page %s defines no block named content", name)
	}
	p.set[name] = page{blocks: own, whole: sync.OnceValues(func() (*template.Template, error) { return p.whole(t, own) })}
	return nil
}

// whole gives a page together with the layouts and parts that it uses. A page
// has them for itself, because what they say depends on where they stand; so
// only what is used is copied, and only for pages that somebody looks at.
func (p *Pages) whole(file *template.Template, own map[string]bool) (*template.Template, error) {
	out := p.empty()
	var add func(name string) error
	add = func(name string) error {
		if out.Lookup(name) != nil {
			return nil
		}
		t := file.Lookup(name)
		if b := p.base.Lookup(name); t == nil || b != nil && parse.IsEmptyTree(t.Tree.Root) {
			t = b
		}
		if t == nil || t.Tree == nil {
			return nil // executing it says so
		}
		if _, err := out.AddParseTree(name, t.Tree.Copy()); err != nil {
			return err
		}
		var err error
		calls(t.Tree.Root, func(other string) {
			if err == nil {
				err = add(other)
			}
		})
		return err
	}
	err := add("page")
	for name := range own {
		if err == nil {
			err = add(name)
		}
	}
	return out, err
}

// calls visits the names of the templates that a template uses.
func calls(n parse.Node, visit func(name string)) {
	branch := func(b *parse.BranchNode) {
		calls(b.List, visit)
		calls(b.ElseList, visit)
	}
	switch n := n.(type) {
	case *parse.ListNode:
		if n != nil { // a branch without an else has a nil list
			for _, x := range n.Nodes {
				calls(x, visit)
			}
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.TemplateNode:
		visit(n.Name)
	}
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
	t, err := pg.whole()
	if err != nil {
		return fmt.Errorf("putting the page %s together: %w", name, err)
	}
	b := p.buffer()
	defer p.done(b)
	if err := t.ExecuteTemplate(b, block, data); err != nil {
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
	_, err = w.Write(b.Bytes())
	return err
}

// Block gives one block of a page as text, for what is not an answer of its own.
func (p *Pages) Block(name, block string, data any) (string, error) {
	pg, ok := p.set[name]
	if !ok || !pg.blocks[block] {
		return "", fmt.Errorf("there is no block %s of a page named %s", block, name)
	}
	t, err := pg.whole()
	if err != nil {
		return "", fmt.Errorf("putting the page %s together: %w", name, err)
	}
	b := p.buffer()
	defer p.done(b)
	if err := t.ExecuteTemplate(b, block, data); err != nil {
		return "", fmt.Errorf("rendering %s of the page %s: %w", block, name, err)
	}
	return b.String(), nil
}

// largestKept is how long a page may be for its buffer to be kept for the next.
const largestKept = 512 << 10

func (p *Pages) buffer() *bytes.Buffer {
	if b, ok := p.buffers.Get().(*bytes.Buffer); ok {
		return b
	}
	return &bytes.Buffer{}
}

// done keeps a buffer for the next page, and nothing of what was in it: a page
// may have shown a secret.
func (p *Pages) done(b *bytes.Buffer) {
	clear(b.Bytes())
	if b.Reset(); b.Cap() <= largestKept {
		p.buffers.Put(b)
	}
}

// IsSwap tells whether the request wants one block of a page.
func IsSwap(r *http.Request) bool { return r.Header.Get(swapHeader) != "" }

// WantsJSON tells whether the request comes from a script of ours that asks for
// JSON rather than a page.
func WantsJSON(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Accept"), "application/json")
}
