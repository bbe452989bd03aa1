// Package imports holds the pages on which an export is brought in: upload, a
// check that changes nothing, the import itself as a job, its result; for a table, what
// its columns are.
//
// Always true: they are for who may import; nothing is imported before somebody
// said so on the page that tells what would happen.
package imports

import (
	"embed"
	"io/fs"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/undo"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct {
	Importer *importer.Importer // with its Jobs
	Undo     *undo.Undo         // with its Jobs
}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Nav(shell.Entry{Label: "Import", Href: "/imports", Icon: "upload", Go: "i", Place: 110,
		For: func(c *access.Caller) bool { return c.May(access.Import) }})
	s.Manage(shell.ToData, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Import", Sub: "Bring in tables and the exports of other products", Href: "/imports", Icon: "file-import"}}
	})
	checks := &importChecks{}
	get := func(path string, h func(*visit) error) { s.Get(path, importing(p.as(h))) }
	post := func(path string, h func(*visit) error) { s.Post(path, importing(p.as(h))) }
	with := func(h func(*visit, *importChecks) error) func(*visit) error {
		return func(v *visit) error { return h(v, checks) }
	}
	get("/imports", (*visit).imports)
	s.Post("/imports", importing(p.as((*visit).uploadExport)), web.MaxBody(mostExportFile), web.Within(0))
	post("/imports/hudu", with((*visit).connect))
	get("/imports/{id}", (*visit).importJob)
	get("/imports/{id}/problems", (*visit).jobProblems)
	post("/imports/{id}/cancel", (*visit).cancelImport)
	get("/import-checks/{id}", with((*visit).importCheck))
	post("/import-checks/{id}", with((*visit).checkAgain))
	get("/import-checks/{id}/problems", with((*visit).checkProblems))
	post("/import-checks/{id}/start", with((*visit).startImport))
	post("/import-checks/{id}/discard", with((*visit).discardExport))
	get("/import-vaults/{id}", with((*visit).vaultPage))
	post("/import-vaults/{id}", with((*visit).saveVault))
	get("/import-tables/{id}", (*visit).tablePage)
	post("/import-tables/{id}", with((*visit).saveTable))
	post("/import-tables/{id}/kind", (*visit).chooseKind)
	get("/import-tables/{id}/values", with((*visit).tableValues))
	post("/import-tables/{id}/values", with((*visit).saveValues))
	post("/import-mappings/{id}/delete", (*visit).deleteMapping)
	get("/import-runs/{id}", (*visit).importRun)
	post("/import-runs/{id}/undo", (*visit).undoImport)
	post("/import-runs/{id}/cancel", (*visit).cancelUndo)
}

// importing lets only those in who may import.
func importing(h shell.Handler) shell.Handler { return shell.Allowing(access.Import, h) }

// visit is one request for a page of the group.
type visit struct {
	*shell.Visit
	*Pages
}

// as makes a handler of the shell.
func (p *Pages) as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{v, p}) }
}
