// Package webui is the web surface: what people see in a browser.
//
// Always true: every file a page needs is embedded and served from this origin;
// nothing is loaded from elsewhere, no script or style stands inside a page, and
// building needs no tool but Go. What was vendored is listed with its licence in
// static/LICENSES.md and rebuilt byte for byte by tools/build.mjs.
package webui

import (
	"embed"
	"io/fs"

	"strongroom/internal/base/web"
)

//go:embed static
var static embed.FS

//go:embed templates
var templates embed.FS

// Static gives the files that browsers may keep for ever.
func Static() (*web.Static, error) {
	tree, err := fs.Sub(static, "static")
	if err != nil {
		return nil, err
	}
	return web.OpenStatic(tree, nil)
}

// Templates gives the layouts and parts; pages are added to web.ParsePages.
func Templates() (fs.FS, error) { return fs.Sub(templates, "templates") }
