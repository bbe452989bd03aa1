package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"strongroom/internal/app"
)

func tenantCreateCommand() *command {
	return &command{
		name: "tenant create", args: "NAME", short: "make a tenant and its administrator",
		long: `
Makes a tenant with a database, keys and files of its own, an administrator with
a one-time password, and an API key that may do everything. All three are shown
this once.

NAME is short: lower-case letters, digits and hyphens. People find the tenant at
NAME.localhost or NAME.DOMAIN, or type it on the sign-in page.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 1)
			if err != nil {
				return err
			}
			var out app.Created
			if err := p.console(ctx, s, "tenant.create", app.NewTenant{Name: rest[0], Title: s.title, Email: s.email, Person: s.name}, &out, nil); err != nil {
				return err
			}
			if s.json {
				return p.printJSON(out)
			}
			fmt.Fprintf(p.out, "Tenant %s was made.\n\n  sign in as          %s\n  one-time password   %s\n  API key             %s\n\nThey are not shown again.\n", out.Tenant, out.Email, out.Password, out.APIKey)
			return nil
		},
	}
}

func tenantListCommand() *command {
	return &command{
		name: "tenant list", short: "list the tenants",
		long: "Lists every tenant, erased ones included.",
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, _, err := p.parse(c, args, 0, 0)
			if err != nil {
				return err
			}
			var list []app.TenantInfo
			if err := p.console(ctx, s, "tenant.list", struct{}{}, &list, nil); err != nil {
				return err
			}
			if s.json {
				return p.printJSON(list)
			}
			if len(list) == 0 {
				fmt.Fprintln(p.out, "There is no tenant yet. Make one with: strongroom tenant create NAME")
				return nil
			}
			w := tabwriter.NewWriter(p.out, 0, 4, 3, ' ', 0)
			fmt.Fprintln(w, "TENANT\tNAME\tSTATE\tMADE")
			for _, t := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", t.Name, t.Title, t.State, t.Created)
			}
			return w.Flush()
		},
	}
}

func tenantEraseCommand() *command {
	return &command{
		name: "tenant erase", args: "NAME", short: "destroy a tenant, for good",
		long: `
Destroys the tenant's keys and then its database and files. From the first step
on nothing of it can be read any more: not here, and not from backups of the
database or files. Backups of the key store are the exception; the list of
destroyed keys has to be kept when one is restored.

Export the tenant first if anything of it is still needed.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 1)
			if err != nil {
				return err
			}
			if !s.yes {
				fmt.Fprintf(p.err, "This destroys everything of tenant %s, for good. Type its name to go on: ", rest[0])
				line, _ := bufio.NewReader(p.in).ReadString('\n') // no line is no
				if strings.TrimSpace(line) != rest[0] {
					return usageError("Nothing was destroyed.", "Type the tenant's name, or give -yes.")
				}
			}
			if err := p.console(ctx, s, "tenant.erase", app.TenantRef{Name: rest[0]}, &struct{}{}, nil); err != nil {
				return err
			}
			fmt.Fprintf(p.out, "Tenant %s is destroyed.\n", rest[0])
			return nil
		},
	}
}

func tenantExportCommand() *command {
	return &command{
		name: "tenant export", args: "NAME", short: "write everything of a tenant into a zip",
		long: `
Writes organizations, configurations, contacts, locations, documents, passwords
and attachments into one zip in the layout of an IT Glue export, with what that
layout cannot hold in the folder strongroom/, vaults as they are sealed included
(strongroom vault ls -file opens somebody's with her passphrase). "strongroom import itglue" reads it
back. The zip holds passwords in the clear unless -zip-password is given; every
one of them is recorded in the audit log as revealed.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 1)
			if err != nil {
				return err
			}
			if s.output == "" {
				return usageError("Say where to write the export.", "Give -o FILE.")
			}
			return p.export(ctx, s, rest[0])
		},
	}
}

func userCreateCommand() *command {
	return &command{
		name: "user create", args: "EMAIL", short: "make a user with a one-time password",
		long: `
Makes a user of a tenant. The one-time password is shown this once; it must be
changed before any password can be seen.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 1)
			if err == nil {
				err = needTenant(s)
			}
			if err != nil {
				return err
			}
			return p.give(ctx, s, "user.create", app.NewUser{Tenant: s.tenant, Email: rest[0], Person: s.name, Role: s.role})
		},
	}
}

func userResetCommand() *command {
	return &command{
		name: "user reset", args: "EMAIL", short: "give a user a new one-time password",
		long: `
Replaces a user's password by a one-time password and ends all of the user's
sessions. This is the way back in for an administrator who is locked out; with
-factors for one who has lost the second factor too.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 1)
			if err == nil {
				err = needTenant(s)
			}
			if err != nil {
				return err
			}
			return p.give(ctx, s, "user.reset", app.UserRef{Tenant: s.tenant, Email: rest[0], Factors: s.factors})
		},
	}
}

func (p *program) give(ctx context.Context, s *settings, name string, args any) error {
	var out app.GivenUser
	if err := p.console(ctx, s, name, args, &out, nil); err != nil {
		return err
	}
	if s.json {
		return p.printJSON(out)
	}
	fmt.Fprintf(p.out, "%s can sign in to %s with this one-time password:\n\n  %s\n\nIt is not shown again.\n", out.Email, out.Tenant, out.Password)
	return nil
}

func needTenant(s *settings) error {
	if s.tenant == "" {
		return usageError("Say which tenant.", "Give -tenant NAME; list them with: strongroom tenant list")
	}
	return nil
}
