package itglue

import (
	"strongroom/internal/base/web"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/itglue/report"
)

// Limits of request bodies, in bytes. A body of JSON is read into memory, and is
// there several times over while it is understood; a form with a file is
// streamed, and the store of files has its own limit.
const (
	maxBody = 8 << 20  // documents and bulk changes
	maxJSON = 32 << 20 // files in base64
)

// nest is the record in the middle of a path such as
// /countries/7/relationships/regions.
type nest struct {
	kind  *record.Kind
	field string // of the listed kind; organization_id for what belongs to an organization
}

func (a *API) mount() {
	for _, k := range a.Records.Kinds.Kinds() {
		res := a.resources[k.Name]
		a.mountAt("/"+k.Plural, res, nil)
		for _, n := range a.nests(k) {
			name := k.Plural
			if s, ok := res.special.under[n.kind.Name]; ok {
				name = s
			}
			a.mountAt("/"+n.kind.Plural+"/{parent}/relationships/"+name, res, &n)
		}
		a.mountBeside(res)
	}
	a.mountAlone()
}

// nests lists what the records of a kind are listed under: their organization
// and every kind that they refer to.
func (a *API) nests(k *record.Kind) []nest {
	var out []nest
	seen := map[string]bool{}
	if k.Scope == record.OfOrganization {
		out = append(out, nest{a.Records.Kinds.Kind("organization"), "organization_id"})
		seen["organization"] = true
	}
	for _, f := range k.Fields {
		if f.Type == record.Ref && !seen[f.Ref] {
			seen[f.Ref] = true
			out = append(out, nest{a.Records.Kinds.Kind(f.Ref), f.Name})
		}
	}
	return out
}

// mountAt mounts the eight calls of a collection.
func (a *API) mountAt(at string, res *resource, n *nest) {
	can := func(m string) bool { return res.special.methods == "" || contains(res.special.methods, m) }
	wide := web.MaxBody(maxBody)
	handle := func(method, path string, fn func(*call, *resource, *nest) error) {
		if can(method) && (method == "GET" || !res.kind.Fixed) {
			a.handle(method+" "+path, func(c *call) error { return fn(c, res, n) }, wide)
		}
	}
	one := at + "/{id}"
	handle("GET", at, list)
	handle("GET", one, show)
	handle("POST", at, create)
	handle("DELETE", at, destroyMany)
	handle("DELETE", one, destroy)
	for _, m := range []string{"PATCH", "PUT"} {
		handle(m, at, updateMany)
		handle(m, one, update)
	}
	if res.special.publish && can("PATCH") {
		handle("PATCH", one+"/publish", publish)
	}
}

// mountBeside mounts what hangs on a record: files, relations and who may see it.
func (a *API) mountBeside(res *resource) {
	if s := res.kind.Scope; s != record.OfOrganization && s != record.Organization {
		return
	}
	a.handle("GET /"+res.kind.Plural+"/{id}/map", func(c *call) error { return showMap(c, res) })
	names := []string{res.kind.Plural}
	if res.special.alias != "" {
		names = append(names, res.special.alias)
	}
	for _, name := range names {
		of := "/" + name + "/{parent}/relationships/"
		at := func(method, path string, fn func(*call, *resource) error, o ...web.Option) {
			a.handle(method+" "+of+path, func(c *call) error { return fn(c, res) }, o...)
		}
		at("GET", "attachments", listFiles)
		at("GET", "attachments/{id}", showFile)
		at("POST", "attachments", addFiles, web.MaxBody(a.maxUpload()), web.Within(0))
		at("PATCH", "attachments/{id}", renameFile)
		at("PUT", "attachments/{id}", renameFile)
		at("DELETE", "attachments", removeFiles)
		at("DELETE", "attachments/{id}", removeFile)
		at("GET", "related_items", listRelated)
		at("POST", "related_items", relate)
		at("PATCH", "related_items/{id}", noteRelated)
		at("PUT", "related_items/{id}", noteRelated)
		at("DELETE", "related_items", unrelateMany)
		at("DELETE", "related_items/{id}", unrelate)
		at("GET", "resource_accesses", listAccesses)
		at("PATCH", "resource_accesses", setAccesses)
		at("PUT", "resource_accesses", setAccesses)
	}
}

// mountAlone mounts what is no kind of record.
func (a *API) mountAlone() {
	a.handle("GET /expirations", reported((*report.Ask).Expirations))
	a.handle("GET /expirations/{id}", showExpiration)
	a.handle("GET /organizations/{parent}/relationships/expirations", reported((*report.Ask).Expirations))
	a.handle("GET /organizations/{parent}/relationships/expirations/{id}", showExpiration)
	a.handle("GET /related_items", allRelated)
	a.handle("GET /user_metrics", reported((*report.Ask).Metrics))
	if a.Exports != nil {
		a.handle("GET /exports", listExports)
		a.handle("GET /exports/{id}", showExport)
		a.handle("POST /exports", startExport, web.MaxBody(maxBody))
		a.handle("DELETE /exports/{id}", removeExport)
		a.handle("GET /exports/{id}/download", downloadExport, web.Within(0))
	}
	a.handle("GET /logs", reported((*report.Ask).Log))
	a.handle("GET /attachments/{id}/download", downloadFile, web.Within(0))
	if a.Records.Kinds.Kind("document") != nil {
		a.handle("POST /document_images", addImages, web.MaxBody(a.maxUpload()), web.Within(0))
		a.handle("GET /document_images/{id}", showImage)
		a.handle("DELETE /document_images/{id}", removeImage)
	}
	a.mux.Handle("POST /login", a.login)
	a.mux.Handle("GET /jwt/token", a.refresh)
}

// handle mounts a call that needs a caller.
func (a *API) handle(pattern string, fn func(*call) error, o ...web.Option) {
	a.mux.Handle(pattern, a.called(fn), o...)
}

func contains(list, word string) bool {
	for w := range splitWords(list) {
		if w == word {
			return true
		}
	}
	return false
}
