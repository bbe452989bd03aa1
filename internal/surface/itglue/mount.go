package itglue

import (
	"strings"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/base/web"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/itglue/describe"
	"strongroom/internal/surface/itglue/failure"
	"strongroom/internal/surface/itglue/report"
)

// Limits of request bodies, in bytes. A body of JSON is read into memory, and is
// there several times over while it is understood; a form with a file is
// streamed, and the store of files has its own limit.
const (
	maxBody = 8 << 20         // documents and bulk changes
	maxJSON = failure.MaxJSON // files in base64
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
	handle := func(method, path string, does describe.Does, fn func(*call, *resource, *nest) error) {
		if can(method) && (method == "GET" || !res.kind.Fixed) {
			a.handle(method+" "+path, does, res.typ, func(c *call) error { return fn(c, res, n) }, wide)
		}
	}
	one, gone := at+"/{id}", describe.Delete
	if n == nil && res.special.noContent || n != nil && res.special.noNested {
		gone = describe.Remove
	}
	handle("GET", at, describe.List, list)
	handle("GET", one, describe.Get, show)
	handle("POST", at, describe.Create, create)
	handle("DELETE", at, describe.DeleteMany, destroyMany)
	handle("DELETE", one, gone, destroy)
	for _, m := range []string{"PATCH", "PUT"} {
		handle(m, at, describe.UpdateMany, updateMany)
		handle(m, one, describe.Update, update)
	}
	if res.special.publish && can("PATCH") {
		handle("PATCH", one+"/publish", describe.Publish, publish)
	}
}

// mountBeside mounts what hangs on a record: files, relations and who may see it.
func (a *API) mountBeside(res *resource) {
	if s := res.kind.Scope; s != record.OfOrganization && s != record.Organization {
		return
	}
	a.handle("GET /"+res.kind.Plural+"/{id}/map", describe.Map, res.typ, func(c *call) error { return showMap(c, res) })
	names := []string{res.kind.Plural}
	if res.special.alias != "" {
		names = append(names, res.special.alias)
	}
	for _, name := range names {
		of := "/" + name + "/{parent}/relationships/"
		at := func(method, path string, does describe.Does, fn func(*call, *resource) error, o ...web.Option) {
			typ, _, _ := strings.Cut(path, "/")
			a.handle(method+" "+of+path, does, jsonapi.Kebab(typ), func(c *call) error { return fn(c, res) }, o...)
		}
		at("GET", "attachments", describe.List, listFiles)
		at("GET", "attachments/{id}", describe.Get, showFile)
		at("POST", "attachments", describe.Upload, addFiles, web.MaxBody(a.maxUpload()), web.Within(0))
		at("DELETE", "attachments", describe.DeleteMany, removeFiles)
		at("DELETE", "attachments/{id}", describe.Delete, removeFile)
		at("GET", "related_items", describe.List, listRelated)
		at("POST", "related_items", describe.Create, relate)
		at("DELETE", "related_items", describe.DeleteMany, unrelateMany)
		at("DELETE", "related_items/{id}", describe.Delete, unrelate)
		at("GET", "resource_accesses", describe.All, listAccesses)
		for _, m := range []string{"PATCH", "PUT"} {
			at(m, "attachments/{id}", describe.Update, renameFile)
			at(m, "related_items/{id}", describe.Update, noteRelated)
			at(m, "resource_accesses", describe.Replace, setAccesses)
		}
	}
}

// mountAlone mounts what is no kind of record.
func (a *API) mountAlone() {
	a.handle("GET /expirations", describe.List, "expirations", reported((*report.Ask).Expirations))
	a.handle("GET /expirations/{id}", describe.Get, "expirations", showExpiration)
	a.handle("GET /organizations/{parent}/relationships/expirations", describe.List, "expirations", reported((*report.Ask).Expirations))
	a.handle("GET /organizations/{parent}/relationships/expirations/{id}", describe.Get, "expirations", showExpiration)
	a.handle("GET /related_items", describe.List, "related-items", allRelated)
	a.handle("GET /user_metrics", describe.List, "user-metrics", reported((*report.Ask).Metrics))
	if a.Exports != nil {
		a.handle("GET /exports", describe.List, "exports", listExports)
		a.handle("GET /exports/{id}", describe.Get, "exports", showExport)
		a.handle("POST /exports", describe.CreateOne, "exports", startExport, web.MaxBody(maxBody))
		a.handle("DELETE /exports/{id}", describe.Remove, "exports", removeExport)
		a.handle("GET /exports/{id}/download", describe.Download, "exports", downloadExport, web.Within(0))
	}
	a.handle("GET /logs", describe.List, "logs", reported((*report.Ask).Log))
	a.handle("GET /attachments/{id}/download", describe.Download, "attachments", downloadFile, web.Within(0))
	if a.Records.Kinds.Kind("document") != nil {
		a.handle("POST /document_images", describe.Upload, "document-images", addImages, web.MaxBody(a.maxUpload()), web.Within(0))
		a.handle("GET /document_images/{id}", describe.Get, "document-images", showImage)
		a.handle("DELETE /document_images/{id}", describe.Delete, "document-images", removeImage)
	}
	a.mountOwn()
	a.open("POST /login", describe.SignIn, "tokens", a.login)
	a.open("GET /jwt/token", describe.SignIn, "tokens", a.refresh)
	a.mux.Handle("GET /openapi.json", a.describe)
}

// handle mounts a call that needs a caller; it is about resource objects of the
// type.
func (a *API) handle(pattern string, does describe.Does, typ string, fn func(*call) error, o ...web.Option) {
	a.open(pattern, does, typ, a.called(fn), o...)
}

// open mounts a call that finds out itself who calls.
func (a *API) open(pattern string, does describe.Does, typ string, h web.Handler, o ...web.Option) {
	method, path, _ := strings.Cut(pattern, " ")
	a.calls = append(a.calls, describe.Call{Method: method, Path: path, Does: does, Type: typ})
	a.mux.Handle(pattern, h, o...)
}

func contains(list, word string) bool {
	for w := range splitWords(list) {
		if w == word {
			return true
		}
	}
	return false
}
