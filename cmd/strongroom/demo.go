package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"strongroom/internal/app"
)

func demoCommand() *command {
	return &command{
		name: "demo", short: "start with a sample company, to look around",
		long: `
Starts a whole Strongroom with the sample tenant "demo": a managed service
provider with its clients, their configurations, contacts, locations, documents,
passwords and what is about to expire. It is the same every time.

Without -data everything is in a new temporary folder that is removed at the end.
With -data DIR it is kept there, its root key too, and used again when it exists.

The demo's administrator needs no second factor. Do not put real passwords into
it.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, _, err := p.parse(c, args, 0, 0)
			if err != nil {
				return err
			}
			if isDefault(s.Data) {
				dir, err := os.MkdirTemp("", "strongroom-demo-")
				if err != nil {
					return err
				}
				defer os.RemoveAll(dir)
				s.Data, s.Root = filepath.Join(dir, "data"), filepath.Join(dir, "root.key")
				if err := os.Mkdir(s.Data, 0o700); err != nil {
					return err
				}
			} else if s.Root == "" && fresh(s.Data) {
				s.Root = filepath.Join(s.Data, "root.key") // samples: the folder is whole, and nothing of it lies elsewhere
			}
			s.demo = true
			s.LiftBudgets() // samples are for measuring too
			if s.LogLevel == "info" {
				s.LogLevel = "warn"
			}
			return p.serve(ctx, s, func(srv *app.Server, a *app.App) error { return p.showDemo(ctx, s, srv, a) })
		},
	}
}

// fresh tells whether there is nothing in a folder yet.
func fresh(dir string) bool {
	list, err := os.ReadDir(dir)
	return errors.Is(err, fs.ErrNotExist) || err == nil && len(list) == 0
}

func isDefault(dir string) bool { return dir == "strongroom-data" }

func (p *program) showDemo(ctx context.Context, s *settings, srv *app.Server, a *app.App) error {
	d, err := a.Demo(ctx, s.records, func(done, total int) {
		if !s.json && total > 1000 {
			fmt.Fprintf(p.err, "\r%d of %d sample records", done, total)
		}
	})
	if err != nil {
		return err
	}
	d.URL, d.Data = srv.URL, s.Data
	if s.json {
		return p.printJSON(d)
	}
	if s.records > 1000 {
		fmt.Fprintln(p.err)
	}
	_, err = fmt.Fprintf(p.out, `Strongroom is at %s

  tenant     %s
  sign in    %s
  password   %s
  customer   %s (the portal, with the same password)
  API key    %s
  data       %s

This is a demo: its administrator needs no second factor. Stop it with Ctrl-C.
`, d.URL, d.Tenant, d.Email, d.Password, d.Customer, d.APIKey, d.Data)
	return err
}
