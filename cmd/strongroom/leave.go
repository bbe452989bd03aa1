package main

import (
	"context"
	"encoding/json"
	"fmt"

	"strongroom/internal/app"
)

func userLeaveCommand() *command {
	return &command{
		name: "user leave", args: "EMAIL", short: "do all that is to be done when somebody leaves",
		long: `
Archives the user and ends the sessions, revokes the API keys, takes her out of
groups and off the records that are open to her by name, tells the owners of
vaults to end her access, gives what she answers for to -to, and says how many
passwords are to be changed because she has seen them.

-dry-run only says what would be done. When it stopped halfway, the same command
goes on. A handover of personal passwords is asked for in person, on the pages.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 1)
			if err == nil {
				err = needTenant(s)
			}
			if err != nil {
				return err
			}
			var out app.UserLeft
			q := app.UserLeave{Tenant: s.tenant, Email: rest[0], To: s.leave.to, Reason: s.leave.reason, Made: s.leave.made, DryRun: s.dryRun}
			err = p.console(ctx, s, "user.leave", q, &out, func(raw json.RawMessage) {
				var title string
				if json.Unmarshal(raw, &title) == nil && !s.json {
					fmt.Fprintln(p.err, title+".")
				}
			})
			if err != nil {
				return err
			}
			if s.json {
				return p.printJSON(out)
			}
			p.left(s, &out)
			return nil
		},
	}
}

// left says what would be done, or what was done.
func (p *program) left(s *settings, out *app.UserLeft) {
	if !s.dryRun {
		fmt.Fprintf(p.out, "%s has left.\n", out.Email)
		for _, x := range out.Done {
			fmt.Fprintf(p.out, "  %s: %d\n", x.What, x.Count)
		}
		return
	}
	x := out.Plan
	fmt.Fprintf(p.out, "When %s leaves:\n  sessions that end: %d\n  API keys that are revoked: %d, and %d that she made for nobody, with -made\n  groups: %d\n  records open to her by name: %d\n  vaults that their owners close: %d, and %d of her own\n  records and tasks handed over: %d\n  personal passwords to hand over: %d\n  passwords to be changed: %d\n",
		out.Email, x.Sessions, x.Keys, x.Made, x.Groups, x.Grants, x.Shared, x.Own, x.Records, x.Personal, x.Seen)
	if x.Why != "" {
		fmt.Fprintln(p.out, x.Why)
	}
}

// leaveSettings are the flags of user leave.
type leaveSettings struct {
	to, reason string
	made       bool
}
