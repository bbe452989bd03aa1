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

// opened is the static tree, hashed and compressed once however many servers a
// process has. It is only read afterwards.
var opened = sync.OnceValues(func() (*web.Static, error) {
	tree, err := fs.Sub(static, "static")
	if err != nil {
		return nil, err
	}
	return web.OpenStatic(tree, nil)
})

// Static gives the files that browsers may keep for ever.
func Static() (*web.Static, error) { return opened() }

// Parts gives the layouts and parts that every page may use, for web.ParsePages.
func Parts() (fs.FS, error) { return fs.Sub(templates, "parts") }
