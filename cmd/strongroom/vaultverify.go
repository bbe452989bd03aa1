package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"strongroom/internal/app/clientcheck"
	"strongroom/internal/app/remote"
	"strongroom/internal/base/fault"
)

func vaultVerifyCommand() *command {
	return &command{
		name: "vault verify-client", args: "[URL]", short: "compare the script that a server sends to browsers with this program's",
		long: `
Fetches every file that the server at URL sends to browsers, and the policy, scripts,
import map and digests of its page to sign in, and compares them with those of this very program.
It must be of the version that the server runs; get it from elsewhere than from that
server. With -list it prints the SHA-256 of every file instead, as sha256sum does.

It asks as anybody may, without signing in. With -session-file it looks at pages behind
that too: the vault and the dashboard, or those of -page. The file has the cookie of a
session, NAME=VALUE, as the browser's tools for developers show it; for its owner's eyes
only, and to be removed afterwards. A server could still send something else to one
browser only: who must not rely on it uses strongroom vault ls and get.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 0, 1)
			if err != nil {
				return err
			}
			if s.list {
				return p.clientDigests(s)
			}
			if len(rest) == 0 {
				return usage{"Say which server to compare.", "For example: strongroom vault verify-client https://demo.example.com"}
			}
			as, err := s.clientSession()
			if err != nil {
				return err
			}
			got, err := clientcheck.Verify(ctx, rest[0], as, nil)
			if err != nil {
				return err
			}
			if s.json {
				err = p.printJSON(got)
			} else if len(got.Wrong) == 0 {
				_, err = fmt.Fprintf(p.out, "%d files and the page to sign in%s are those of this version (%s).\n", got.Files, andPages(got.Pages), got.Tree)
			}
			if err != nil || len(got.Wrong) == 0 {
				return err
			}
			for _, w := range got.Wrong {
				fmt.Fprintln(p.err, w)
			}
			return fault.New(fault.Denied, "What the server sends to browsers is not what this version sends.").WithHint("Does it run the same version? If so, do not open a vault there, and tell your administrator.")
		},
	}
}

func andPages(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return ", " + strings.Join(list, ", ")
}

// clientSession reads the cookie of a session.
func (s *settings) clientSession() (as clientcheck.Session, err error) {
	if s.vault.session == "" {
		if len(s.vault.pages) > 0 {
			return as, usage{"Pages behind the sign-in need a session.", "Give the file with its cookie: -session-file FILE"}
		}
		return as, nil
	}
	if as.Cookie, err = remote.KeyFrom(s.vault.session); err != nil {
		return as, err
	}
	if !strings.Contains(as.Cookie, "=") || strings.ContainsAny(as.Cookie, "\r\n") {
		return as, fault.New(fault.Invalid, "The file %s holds no cookie.", s.vault.session).WithHint("It is one line: NAME=VALUE")
	}
	if as.Pages = s.vault.pages; len(as.Pages) == 0 {
		as.Pages = []string{"/vault", "/"}
	}
	return as, nil
}

func (p *program) clientDigests(s *settings) error {
	tree, files, err := clientcheck.Digests()
	if err != nil {
		return err
	}
	if s.json {
		out := map[string]string{}
		for name, sum := range files {
			out[name] = fmt.Sprintf("%x", sum)
		}
		return p.printJSON(map[string]any{"tree": tree, "files": out})
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(p.out, "%x  %s\n", files[name], name)
	}
	return nil
}
