package main

import (
	"context"
	"fmt"
	"time"

	"strongroom/internal/app"
	"strongroom/internal/base/fault"
)

func auditReconcileCommand() *command {
	return &command{
		name: "audit reconcile", short: "compare the audit log with the key service's own",
		long: `
Verifies a tenant's audit log and the key service's own log, and compares them: for
each reveal that the audit log grants the key service gave a key, or the audit log
says why not; and each key that was given was granted, for that secret, at that time.
Each reveal that is in one log and not in the other is listed, and the command ends
with 1.

It reads the folder of the key store, by default that in the data folder, and needs
the root key. Both may be in use meanwhile. A server that was killed between a grant
and the question to the key service leaves a grant without a key: that is listed, too.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, _, err := p.parse(c, args, 0, 0)
			if err == nil {
				err = needTenant(s)
			}
			if err != nil {
				return err
			}
			o, err := p.options(s)
			if err != nil {
				return err
			}
			r, err := app.ReconcileAudit(ctx, o, s.tenant, s.keys.Dir)
			if err != nil {
				return err
			}
			if s.json {
				if err := p.printJSON(r); err != nil {
					return err
				}
			} else if r.Reconciled != nil {
				for _, x := range r.Odd {
					fmt.Fprintf(p.out, "%s  %s\n", time.UnixMilli(x.Time).UTC().Format(time.RFC3339), x.Text)
				}
			}
			if !r.OK {
				return fault.New(fault.Conflict, "%s", r.Text).WithHint("Keep both folders as they are, and find out who was at the server at these times.")
			}
			if s.json {
				return nil
			}
			_, err = fmt.Fprintln(p.out, r.Text)
			return err
		},
	}
}
