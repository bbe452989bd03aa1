package app

import (
	"context"
	"encoding/json"
	"time"

	"strongroom/internal/base/dialer"
	"strongroom/internal/core/access"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/layout/glue"
	"strongroom/internal/feature/importer/layout/hudu"
	"strongroom/internal/feature/importer/layout/passwords"
	"strongroom/internal/feature/importer/layout/sheet"
)

// layouts lists the exports of other products that can be imported. A new one
// adds one line. The first is that of an import that names none.
func (a *App) layouts() []importer.Layout {
	return append([]importer.Layout{
		glue.Layout{},
		sheet.Layout{},
		hudu.Layout{Client: a.Dialer.Client(dialer.Limits{Time: time.Minute, Body: 1 << 30, Redirects: -1})},
	}, passwords.Layouts()...)
}

// HuduSource asks for an import from Hudu's API, or of a file of this machine.
type HuduSource struct {
	Tenant, URL, Path string
	Key               string // of the API, or the password of the zip
	Company           string // of rows of the file that name none
	DryRun            bool
}

func importHudu(ctx context.Context, a *App, f HuduSource, progress func(any)) (any, error) {
	settings, err := json.Marshal(hudu.Settings{URL: f.URL, Company: f.Company})
	if err != nil {
		return nil, err
	}
	c := access.System(f.Tenant, "console")
	o := importer.Options{Layout: hudu.Name, Password: f.Key, Settings: settings}
	from := importer.Source{Path: f.Path}
	if f.DryRun {
		return a.Importer.Check(ctx, c, from, o)
	}
	return a.Importer.Run(ctx, c, from, o, func(p importer.Progress) { progress(p) })
}
