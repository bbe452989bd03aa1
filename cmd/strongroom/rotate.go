package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"strongroom/internal/app"
)

func rotationCommands() []*command {
	return []*command{tenantKeysCommand(), tenantRotateCommand(), tenantRetireCommand(), tenantAddressesCommand(), keysRotateRootCommand(), keysSplitRootCommand(), keysWrapRootCommand(), auditReconcileCommand()}
}

func tenantRotateCommand() *command {
	return &command{
		name: "tenant rotate", args: "NAME", short: "make a new key pair and wrap every secret's key to it",
		long: `
Makes a new key pair for a tenant, in another suite with -suite, and has the key
service wrap the data key of every version of every secret to it. No secret is
decrypted. Everything can be read and written meanwhile. Beside a running server
it is a job of that server: it goes on when this command is stopped, and after a
restart of the server.

With -resume it makes no new pair and wraps what is still sealed to older ones.

The older private keys stay until "strongroom tenant retire".`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 1)
			if err != nil {
				return err
			}
			shown := int64(-1)
			progress := func(b json.RawMessage) {
				var r app.RotationProgress
				if json.Unmarshal(b, &r) != nil || s.json || r.Total == 0 || r.Done == shown {
					return
				}
				shown = r.Done
				fmt.Fprintf(p.err, "%d of %d versions\n", r.Done, r.Total)
			}
			var out app.Rotated
			if err := p.console(ctx, s, "tenant.rotate", app.Rotation{Tenant: rest[0], Suite: s.rotation.Suite, Resume: s.rotation.Resume}, &out, progress); err != nil {
				return err
			}
			if s.json {
				return p.printJSON(out)
			}
			fmt.Fprintf(p.out, "The secrets of tenant %s are sealed to key pair %d; %d versions were wrapped to it.\n", rest[0], out.Generation, out.Versions)
			for _, l := range out.Left {
				fmt.Fprintf(p.out, "  left as it was: %s\n", l.Why)
			}
			return nil
		},
	}
}

func keysRotateRootCommand() *command {
	return &command{
		name: "keys rotate-root", short: "put the key store under a new root key",
		long: `
Makes a new root key, prints its recovery line, and puts everything in the folder of
a key service that does not run under it. Cut short at any moment, it goes on when it
is run again in the same way. Afterwards the old root key opens this store no more.

The present root key comes from -root FILE, in whose place the new one is put at the
end; or from -credential or -root-stdin, with -new-root FILE for the new one.

Copies of the folder from before still open with the old root key, and what is in
them are the same keys of tenants: when the old root key and such a copy may be in
foreign hands, rotate each tenant's key pair too, with "strongroom tenant rotate".`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, _, err := p.parse(c, args, 0, 0)
			if err != nil {
				return err
			}
			given := 0
			for _, is := range []bool{s.keys.Root != "", s.keys.Credential != "", s.stdin} {
				if is {
					given++
				}
			}
			if given != 1 {
				return usageError("Say where the present root key is.", "Give one of -root FILE, -credential NAME and -root-stdin.")
			}
			if s.keys.Root == "" && s.newRoot == "" {
				return usageError("Say where the new root key goes.", "Give -new-root FILE.")
			}
			err = app.RotateRoot(ctx, app.NewRoot{
				Dir: s.keys.Dir, ShredList: s.keys.ShredList, Root: s.keys.Root, Credential: s.keys.Credential, Stdin: p.in, File: s.newRoot,
				Made: func(recovery string) error {
					_, err := fmt.Fprintf(p.err, "The new root key. Print this line and keep it in a safe place; without it nothing can be read:\n\n    %s\n\n", recovery)
					return err
				},
			})
			if err == nil {
				_, err = fmt.Fprintf(p.out, "The key store in %s has a new root key. The old one opens it no more.\n", s.keys.Dir)
			}
			return err
		},
	}
}

func keysWrapRootCommand() *command {
	return &command{
		name: "keys wrap-root", short: "have the root key wrapped by a key that lies elsewhere",
		long: `
Has the root key encrypted by a key that lies elsewhere, writes that to -wrapped-root
FILE, and makes sure that it can be decrypted again. Started with "keys serve
-wrapped-root FILE" and the same settings, the key service then has its root
unwrapped at each start, and no root lies on its machine.

-wrapping-key says which key:

  aws:ARN      a symmetric key of AWS KMS, such as
               aws:arn:aws:kms:eu-central-1:111122223333:key/ID
  google:NAME  a symmetric key of Google Cloud KMS, such as
               google:projects/P/locations/L/keyRings/R/cryptoKeys/K
  azure:URL    an RSA key of Azure Key Vault, such as
               azure:https://NAME.vault.azure.net/keys/KEY
  pkcs11:...   an RSA key in a PKCS #11 token, by its URI (RFC 7512), such as
               pkcs11:token=NAME;id=%01?module-path=LIBRARY&pin-source=file:PATH

-wrapping-credentials names a file: for AWS lines of aws_access_key_id,
aws_secret_access_key and aws_session_token, for the others an access token. Without
it, the machine is asked who it is, as the providers' machines can be. The identity
must be allowed to decrypt with the key, and here alone to encrypt with it. A token is
used by the program pkcs11-tool (of OpenSC), which must be installed.

Without -wrapping-key it is a key of the transit engine of an OpenBao or Vault server:
see the -transit settings. The token needs the capability update on encrypt/KEY, here
alone, and decrypt/KEY.

The root key is read from -root FILE (mode 0600) or from standard input. Keep the
recovery print: without the other key, it is the only way to the data.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, _, err := p.parse(c, args, 0, 0)
			if err != nil {
				return err
			}
			if s.keys.Wrapped.File == "" {
				return usageError("Say where the wrapped root key goes.", "Give -wrapped-root FILE.")
			}
			if err = app.WrapRoot(ctx, s.keys.Wrapped, s.keys.Root, p.in); err == nil {
				_, err = fmt.Fprintf(p.out, "The wrapped root key is in %s.\n", s.keys.Wrapped.File)
			}
			return err
		},
	}
}

func keysSplitRootCommand() *command {
	return &command{
		name: "keys split-root", short: "split the root key into shares for several people",
		long: `
Splits the root key into -shares lines, of which any -needed open a key service that
was started with -sealed: each person gives one with "strongroom keys unseal". Fewer
say nothing of the root key.

The root key is read from -root FILE (mode 0600) or from standard input. Print each
line for another person, then remove the root key's file. The shares are of this root
key: after "keys rotate-root" they open nothing, and split anew. They are not the
recovery print, which opens alone: keep that in a safe, or destroy it.`,
		run: func(_ context.Context, p *program, c *command, args []string) error {
			s, _, err := p.parse(c, args, 0, 0)
			if err != nil {
				return err
			}
			lines, err := app.SplitRoot(s.keys.Root, p.in, s.shares, s.needed)
			if err != nil {
				return err
			}
			for i, l := range lines {
				fmt.Fprintf(p.out, "Share %d, of which %d are needed:\n\n    %s\n\n", i+1, s.needed, l)
			}
			return nil
		},
	}
}

func tenantKeysCommand() *command {
	return &command{
		name: "tenant keys", args: "NAME", short: "list a tenant's key pairs and what is sealed to each",
		long: `
Lists the key pairs that the tenant has and had, with how many versions of secrets
are sealed to each. It counts by reading every envelope.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 1)
			if err != nil {
				return err
			}
			var list []app.KeyPair
			if err := p.console(ctx, s, "tenant.keys", app.TenantRef{Name: rest[0]}, &list, nil); err != nil {
				return err
			}
			if s.json {
				return p.printJSON(list)
			}
			w := tabwriter.NewWriter(p.out, 0, 4, 3, ' ', 0)
			fmt.Fprintln(w, "PAIR\tSUITE\tMADE\tRETIRED\tSEALED TO IT\tKEY ID")
			for _, k := range list {
				retired := "-"
				if k.Retired != "" {
					retired = k.Retired
				}
				fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%d\t%s\n", k.Generation, k.Suite, k.Created, retired, k.Sealed, k.ID)
			}
			return w.Flush()
		},
	}
}

func tenantRetireCommand() *command {
	return &command{
		name: "tenant retire", args: "NAME", short: "destroy a tenant's older private keys, for good",
		long: `
Destroys every private key of the tenant but the present one. It first makes sure,
in the tenant's database, that nothing is sealed to an older one; from then on the
database refuses what would be.

Secrets in backups of the database from before the rotation cannot be read any
more: make a new backup first, and keep the older copies of the key store for as
long as those backups must be readable.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 1)
			if err != nil {
				return err
			}
			if !s.yes {
				fmt.Fprintf(p.err, "Secrets in backups from before the rotation of tenant %s cannot be read any more after this. Type its name to go on: ", rest[0])
				line, _ := bufio.NewReader(p.in).ReadString('\n') // no line is no
				if strings.TrimSpace(line) != rest[0] {
					return usageError("Nothing was destroyed.", "Type the tenant's name, or give -yes.")
				}
			}
			var out app.RetiredPairs
			if err := p.console(ctx, s, "tenant.retire", app.TenantRef{Name: rest[0]}, &out, nil); err != nil {
				return err
			}
			if s.json {
				return p.printJSON(out)
			}
			_, err = fmt.Fprintf(p.out, "Older key pairs of tenant %s that were retired: %d.\n", rest[0], out.Retired)
			return err
		},
	}
}

func tenantAddressesCommand() *command {
	return &command{
		name: "tenant addresses", args: "NAME", short: "remove the rules from where people are let in",
		long: `
With -clear it removes the rules that say from which addresses people may use a
tenant: the way back in for an administrator whom they lock out. It is recorded.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 1)
			if err != nil {
				return err
			}
			if !s.clear {
				return usageError("Nothing was removed.", "Give -clear to remove the rules.")
			}
			if err := p.console(ctx, s, "tenant.addresses", app.TenantRef{Name: rest[0]}, &struct{}{}, nil); err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.out, "People are let in to %s from everywhere.\n", rest[0])
			return err
		},
	}
}
