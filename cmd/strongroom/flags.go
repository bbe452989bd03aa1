package main

import (
	"flag"
	"time"

	"strongroom/internal/app"
)

// flagSets gives each command the flags that it alone has.
func flagSets() map[string]func(*settings, *flag.FlagSet) {
	tenant := func(s *settings, f *flag.FlagSet) { f.StringVar(&s.tenant, "tenant", "", "short `name` of the tenant") }
	person := func(s *settings, f *flag.FlagSet) {
		f.StringVar(&s.email, "email", "", "e-mail `address` to sign in with")
		f.StringVar(&s.name, "name", "", "given and family `name`")
	}
	return map[string]func(*settings, *flag.FlagSet){
		"demo": func(s *settings, f *flag.FlagSet) {
			s.ServeFlags(f)
			f.IntVar(&s.records, "records", 0, "how `many` sample records (default a few hundred)")
		},
		"bench": func(s *settings, f *flag.FlagSet) {
			f.StringVar(&s.bench.url, "url", "", "`address` of a running server (default: a house of its own)")
			f.StringVar(&s.key, "key", "", "API `key` for that server")
			f.IntVar(&s.bench.clients, "clients", 16, "how `many` ask at the same time")
			f.IntVar(&s.bench.seconds, "seconds", 10, "how `long` each row is measured")
			f.IntVar(&s.records, "records", 10_000, "how `many` sample records the house of its own has")
			f.IntVar(&s.bench.tickets, "tickets", 0, "how `many` tickets it has, of two years")
			f.IntVar(&s.bench.tenants, "tenants", 0, "how `many` empty tenants it has besides")
			f.StringVar(&s.bench.dir, "dir", "", "`folder` to keep the house of its own in")
			f.StringVar(&s.bench.only, "only", "", "measure only the rows whose name holds this `text`")
		},
		"mcp": func(s *settings, f *flag.FlagSet) {
			f.StringVar(&s.mcp.URL, "url", "", "`address` of the server, such as https://demo.example.com")
			f.StringVar(&s.key, "key", "", "the API `key`; better in the environment, where other users of this machine do not see it")
			f.StringVar(&s.mcp.KeyFile, "key-file", "", "`file` that holds the API key")
		},
		"vault ls":         ownVaultFlags,
		"vault get":        ownVaultFlags,
		"vault words":      ownVaultFlags,
		"vault meet":       ownVaultFlags,
		"vault check-log":  ownVaultFlags,
		"vault recovery":   ownVaultFlags,
		"vault new-keys":   ownVaultFlags,
		"vault breakglass": breakglassFlags,
		"vault verify-client": func(s *settings, f *flag.FlagSet) {
			f.BoolVar(&s.list, "list", false, "print the SHA-256 of every file that this version sends to browsers")
			f.StringVar(&s.vault.session, "session-file", "", "`file` with the cookie of a session, NAME=VALUE, to look at pages behind the sign-in")
			f.Func("page", "the `path` of such a page (default: /vault and /). May be given several times", func(v string) error {
				s.vault.pages = append(s.vault.pages, v)
				return nil
			})
		},
		"vault put": func(s *settings, f *flag.FlagSet) {
			ownVaultFlags(s, f)
			f.StringVar(&s.vault.Username, "username", "", "the user `name` of the item")
			f.StringVar(&s.vault.Site, "site", "", "the `address` of the item")
			f.Func("only", "a `user`, by number, whom the item is for, beside you and the owner of the vault. May be given several times", func(v string) error {
				s.vault.only = append(s.vault.only, v)
				return nil
			})
		},
		"serve": func(s *settings, f *flag.FlagSet) { s.ServeFlags(f) },
		"keys serve": func(s *settings, f *flag.FlagSet) {
			f.StringVar(&s.keys.Dir, "dir", "strongroom-keys", "the `folder` of the key store")
			f.StringVar(&s.keys.Socket, "socket", "", "the Unix `socket` to answer on (default DIR/keys.sock)")
			s.keys.Network.Flags(f)
			f.StringVar(&s.keys.Root, "root", "", "the root key `file`")
			f.BoolVar(&s.stdin, "root-stdin", false, "read the root key from standard input and end when it closes")
			f.StringVar(&s.keys.Credential, "credential", "", "`name` of the systemd credential that holds the root key")
			f.StringVar(&s.keys.Wrapped.File, "wrapped-root", "", "`file` of the root key that another key unwraps")
			transitFlags(s, f)
			f.StringVar(&s.keys.ShredList, "shred-list", "", "`file` that lists destroyed keys; keep it where restores do not reach")
			f.StringVar(&s.LogLevel, "log-level", "info", "what to log: debug, info, warn or `level` error")
			f.BoolVar(&s.keys.Sealed, "sealed", false, "start without the root key; give it later with: strongroom keys unseal")
			app.BudgetFlags(f, &s.keys.Budgets)
			f.DurationVar(&s.keys.Skew, "ticket-skew", 5*time.Minute, "how far the server's clock may be from this one, as a `time` such as 5m")
			f.StringVar(&s.uids, "allow-uids", "", "numeric `users` who may connect, comma-separated (default: its own)")
		},
		"keys unseal": func(s *settings, f *flag.FlagSet) {
			f.StringVar(&s.keys.Socket, "socket", "", "the `socket` of the key service")
			s.KeyService.Flags(f)
			f.StringVar(&s.keys.Root, "root", "", "the root key `file` (default: standard input)")
		},
		"keys split-root": func(s *settings, f *flag.FlagSet) {
			f.StringVar(&s.keys.Root, "root", "", "the root key `file` (default: standard input)")
			f.IntVar(&s.shares, "shares", 5, "how `many` shares to make")
			f.IntVar(&s.needed, "needed", 3, "how `many` of them open the key service")
		},
		"keys wrap-root": func(s *settings, f *flag.FlagSet) {
			f.StringVar(&s.keys.Root, "root", "", "the root key `file` (default: standard input)")
			f.StringVar(&s.keys.Wrapped.File, "wrapped-root", "", "`file` to write the wrapped root key to")
			transitFlags(s, f)
		},
		"keys rotate-root": func(s *settings, f *flag.FlagSet) {
			f.StringVar(&s.keys.Dir, "dir", "strongroom-keys", "the `folder` of the key store")
			f.StringVar(&s.keys.Root, "root", "", "the present root key `file`, which is replaced at the end")
			f.StringVar(&s.keys.Credential, "credential", "", "`name` of the systemd credential that holds the present root key")
			f.BoolVar(&s.stdin, "root-stdin", false, "read the present root key from standard input")
			f.StringVar(&s.newRoot, "new-root", "", "the `file` of the new root key (default: in the place of -root at the end)")
			f.StringVar(&s.keys.ShredList, "shred-list", "", "`file` that lists destroyed keys, as for keys serve")
		},
		"tenant create": func(s *settings, f *flag.FlagSet) {
			person(s, f)
			f.StringVar(&s.title, "title", "", "the company's `name`, as people read it")
			f.StringVar(&s.Suite, "suite", "", "key `suite`: hybrid, rsa-oaep-2048, rsa-oaep-3072 or rsa-oaep-4096")
		},
		"tenant export": func(s *settings, f *flag.FlagSet) {
			f.StringVar(&s.output, "o", "", "the zip `file` to write")
			f.StringVar(&s.zip, "zip-password", "", "encrypt the zip with this `password` (AES-256)")
		},
		"tenant rotate": func(s *settings, f *flag.FlagSet) {
			f.StringVar(&s.rotation.Suite, "suite", "", "key `suite` of the new pair: hybrid, rsa-oaep-2048, rsa-oaep-3072 or rsa-oaep-4096 (default: the present one)")
			f.BoolVar(&s.rotation.Resume, "resume", false, "make no new pair; wrap what is still sealed to older ones")
		},
		"tenant retire": func(s *settings, f *flag.FlagSet) {
			f.BoolVar(&s.yes, "yes", false, "do it without asking")
		},
		"tenant addresses": func(s *settings, f *flag.FlagSet) {
			f.BoolVar(&s.clear, "clear", false, "remove the rules")
		},
		"tenant erase": func(s *settings, f *flag.FlagSet) {
			f.BoolVar(&s.yes, "yes", false, "do it without asking")
		},
		"support ask": func(s *settings, f *flag.FlagSet) {
			tenant(s, f)
			f.StringVar(&s.support.as, "as", "", "`name` of who asks, as the tenant reads it")
			f.StringVar(&s.support.reason, "reason", "", "`why`, in a sentence")
			f.StringVar(&s.support.scope, "scope", "read", "`what` is asked for: read, inspect, reveal, org=NAME")
			f.IntVar(&s.support.hours, "hours", 4, "how `many` hours it is open, at most 72")
		},
		"user leave": func(s *settings, f *flag.FlagSet) {
			tenant(s, f)
			f.StringVar(&s.leave.to, "to", "", "e-mail `address` of who is given what she answers for")
			f.StringVar(&s.leave.reason, "reason", "", "`why`, in a sentence")
			f.BoolVar(&s.leave.made, "made", false, "revoke the keys too that she made and that act for nobody")
			f.BoolVar(&s.dryRun, "dry-run", false, "only say what would be done")
		},
		"support list": tenant,
		"support end":  tenant,
		"user create": func(s *settings, f *flag.FlagSet) {
			tenant(s, f)
			f.StringVar(&s.name, "name", "", "given and family `name`")
			f.StringVar(&s.role, "role", "Editor", "`role`: Administrator, Manager, Editor, Creator, Lite or Read-only")
		},
		"user reset": func(s *settings, f *flag.FlagSet) {
			tenant(s, f)
			f.BoolVar(&s.factors, "factors", false, "remove the user's second factors and recovery codes too")
		},
		"import itglue": func(s *settings, f *flag.FlagSet) {
			tenant(s, f)
			f.BoolVar(&s.dryRun, "dry-run", false, "check only; write nothing")
			f.StringVar(&s.zip, "zip-password", "", "`password` of the zip")
		},
		"import csv": func(s *settings, f *flag.FlagSet) {
			tenant(s, f)
			f.BoolVar(&s.dryRun, "dry-run", false, "check only; write nothing")
			f.StringVar(&s.table.Kind, "kind", "", "what the rows are, such as `password`; flexible_asset:TYPE for assets of a type")
			f.StringVar(&s.table.Organization, "organization", "", "`name` of the organization of all rows (default: the column that names it)")
			f.StringVar(&s.table.Mapping, "mapping", "", "`name` of a mapping of columns that was kept")
			f.Func("column", "what a column is, as `HEADING=FIELD`; nothing after = leaves it out. May be given several times", func(c string) error {
				s.table.Columns = append(s.table.Columns, c)
				return nil
			})
			f.StringVar(&s.table.Match, "match", "", "how a row is known to be a record: name, id, the name of a `field`, or none (default name, when a column is the name)")
			f.StringVar(&s.table.Rule, "rule", "", "what becomes of rows: both, create or `update` (default both)")
			f.StringVar(&s.table.Dates, "dates", "", "`order` of dates: dmy or mdy (default: as 2026-11-22)")
			f.StringVar(&s.table.Source, "source", "", "`name` of the other system, whose ids -match id means")
			f.BoolVar(&s.table.Clear, "clear", false, "an empty cell clears the field")
			f.BoolVar(&s.table.Create, "create-missing-organizations", false, "make the organizations that rows name and nobody knows")
		},
		"import hudu": func(s *settings, f *flag.FlagSet) {
			tenant(s, f)
			f.BoolVar(&s.dryRun, "dry-run", false, "check only; write nothing")
			f.StringVar(&s.key, "key-file", "", "`file` that holds the API key of Hudu (default: the first line of standard input), or the password of the zip (default: none)")
			f.StringVar(&s.table.Organization, "company", "", "of Hudu: the `name` of the company that takes what belongs to none")
		},
		"import bitwarden": vaultFlags,
		"import 1password": vaultFlags,
		"import lastpass":  vaultFlags,
		"import dashlane":  vaultFlags,
		"import keepass":   vaultFlags,
		"export open": func(s *settings, f *flag.FlagSet) {
			f.StringVar(&s.output, "o", "", "the zip `file` to write")
			f.StringVar(&s.key, "identity", "", "`file` with the private key (default: a passphrase from standard input)")
		},
		"audit reconcile": func(s *settings, f *flag.FlagSet) {
			tenant(s, f)
			f.StringVar(&s.keys.Dir, "key-dir", "", "the `folder` of the key store (default: keys in the data folder)")
		},
		"audit export": func(s *settings, f *flag.FlagSet) {
			tenant(s, f)
			f.StringVar(&s.output, "o", "", "the `file` to write")
			f.BoolVar(&s.details, "details", false, "with names, addresses and reasons")
		},
		"audit verify": func(s *settings, f *flag.FlagSet) {
			tenant(s, f)
			f.StringVar(&s.output, "file", "", "verify this exported `file` instead of a tenant")
			f.StringVar(&s.key, "key", "", "the `key` that the file's checkpoints must be signed with")
		},
	}
}

func ownVaultFlags(s *settings, f *flag.FlagSet) {
	f.StringVar(&s.vault.URL, "url", "", "`address` of the server, such as https://demo.example.com")
	f.StringVar(&s.vault.File, "file", "", "an emergency `file`, in the place of a server")
	f.StringVar(&s.key, "key", "", "the API `key`; better in the environment, where other users of this machine do not see it")
	f.StringVar(&s.vault.KeyFile, "key-file", "", "`file` that holds the API key")
	f.StringVar(&s.vault.PassphraseFile, "passphrase-file", "", "`file` whose first line is the vault passphrase (default: standard input)")
	f.StringVar(&s.vault.Memory, "memory", "", "`folder` in which is remembered what was seen (default: strongroom/vaults in your settings)")
}

// transitFlags name the key that wraps the root key.
func transitFlags(s *settings, f *flag.FlagSet) {
	w := &s.keys.Wrapped
	f.StringVar(&w.By, "wrapping-key", "", "the `key` that wraps the root key: aws:ARN, google:NAME, azure:URL or a pkcs11: URI (default: one of a transit engine)")
	f.StringVar(&w.Credentials, "wrapping-credentials", "", "`file` with the credentials for that key, for its owner only (default: the identity of this machine at its provider)")
	f.StringVar(&w.Endpoint, "wrapping-endpoint", "", "`address` that takes the place of the provider's, such as that of a private link")
	f.StringVar(&w.CAFile, "wrapping-ca", "", "as -transit-ca: a `file`")
	f.StringVar(&w.URL, "transit-url", "", "`address` of the OpenBao or Vault server that wraps the root key")
	f.StringVar(&w.Mount, "transit-mount", "transit", "`path` of its transit engine")
	f.StringVar(&w.Key, "transit-key", "", "`name` of the engine's key")
	f.StringVar(&w.Namespace, "transit-namespace", "", "`namespace` of the engine, if any")
	f.StringVar(&w.TokenFile, "transit-token-file", "", "`file` with the token, for its owner only")
	f.StringVar(&w.CAFile, "transit-ca", "", "`file` with the certificate to trust (default: the system's)")
}
