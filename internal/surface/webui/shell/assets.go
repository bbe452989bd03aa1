package shell

import (
	"embed"
	"io/fs"
	"sync"

	"strongroom/internal/base/web"
)

//go:embed static
var static embed.FS

//go:embed parts pages
var templates embed.FS

// The worker that stretches passphrases runs WebAssembly, which no page may, and talks to
// nobody but the page that started it.
const (
	stretcher       = "js/vault/stretcher.js"
	stretcherPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)

// opened is the static tree, hashed and compressed once however many servers a
// process has. It is only read afterwards.
var opened = sync.OnceValues(func() (*web.Static, error) {
	tree, err := fs.Sub(static, "static")
	if err != nil {
		return nil, err
	}
	return web.OpenStatic(tree, map[string]string{stretcher: stretcherPolicy})
})

// Static gives the files that browsers may keep for ever.
func Static() (*web.Static, error) { return opened() }

// Parts gives the layouts and parts that every page may use, for web.ParsePages.
func Parts() (fs.FS, error) { return fs.Sub(templates, "parts") }
