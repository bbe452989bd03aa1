package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"strongroom/internal/app"
)

func supportCommands() []*command {
	return []*command{{
		name: "support ask", short: "ask a tenant to let you look in",
		long: `
Asks a tenant's administrators to let one of the operator's people look in. They
are told, and approve it in a browser of their own, or less of it, or refuse. The
code that is shown opens nothing before that; then it is entered at the page
/support of the server, until the hours are over or somebody ends it.

-scope says what is asked for, with commas between: read (always), inspect (the
audit trail and reports), reveal (secrets are shown), org=NAME (only that
organization; several may be named). Nothing can be changed or exported.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, _, err := p.parse(c, args, 0, 0)
			if err == nil {
				err = needTenant(s)
			}
			if err != nil {
				return err
			}
			q := app.SupportAsk{Tenant: s.tenant, Staff: s.support.as, Reason: s.support.reason, Hours: s.support.hours}
			for word := range strings.SplitSeq(s.support.scope, ",") {
				name, isOrg := strings.CutPrefix(strings.TrimSpace(word), "org=")
				switch {
				case isOrg && name != "":
					q.Organizations = append(q.Organizations, name)
				case name == "reveal":
					q.Reveal = true
				case name == "inspect":
					q.Inspect = true
				case name != "read" && name != "":
					return usageError(fmt.Sprintf("There is no scope %q.", name), "Use read, inspect, reveal and org=NAME, with commas between.")
				}
			}
			var out app.SupportInfo
			if err := p.console(ctx, s, "support.ask", q, &out, nil); err != nil {
				return err
			}
			if s.json {
				return p.printJSON(out)
			}
			fmt.Fprintf(p.out, "Access %s was asked for: %s. The tenant's administrators decide.\n\nOnce one of them has approved, enter this code at /support:\n\n  %s\n\nIt is not shown again.\n", out.ID, out.Scope, out.Code)
			return nil
		},
	}, {
		name: "support list", short: "list what was asked of a tenant, and what came of it",
		long: "Lists the support access that was asked for, the newest first, with its state.",
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, _, err := p.parse(c, args, 0, 0)
			if err == nil {
				err = needTenant(s)
			}
			if err != nil {
				return err
			}
			var list []app.SupportInfo
			if err := p.console(ctx, s, "support.list", app.TenantRef{Name: s.tenant}, &list, nil); err != nil {
				return err
			}
			if s.json {
				return p.printJSON(list)
			}
			w := tabwriter.NewWriter(p.out, 0, 4, 3, ' ', 0)
			fmt.Fprintln(w, "NUMBER\tSTATE\tWHO\tSCOPE\tUNTIL")
			for _, x := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", x.ID, x.State, x.Staff, x.Scope, x.Until)
			}
			return w.Flush()
		},
	}, {
		name: "support end", args: "NUMBER", short: "end a support access at once",
		long: "Ends a support access at once, or takes back one that was asked for.",
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 1)
			if err == nil {
				err = needTenant(s)
			}
			if err != nil {
				return err
			}
			if err := p.console(ctx, s, "support.end", app.SupportRef{Tenant: s.tenant, ID: rest[0]}, &struct{}{}, nil); err != nil {
				return err
			}
			fmt.Fprintf(p.out, "Access %s has ended.\n", rest[0])
			return nil
		},
	}}
}

// supportSettings are the flags of support ask.
type supportSettings struct {
	as, reason, scope string
	hours             int
}
