package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"strongroom/internal/app"
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

It asks as anybody may, without signing in. A server could send something else to one
person only: who must not rely on it uses strongroom vault ls and get.`,
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
			got, err := app.VerifyClient(ctx, rest[0], nil)
			if err != nil {
				return err
			}
			if s.json {
				err = p.printJSON(got)
			} else if len(got.Wrong) == 0 {
				_, err = fmt.Fprintf(p.out, "%d files and the page to sign in are those of this version (%s).\n", got.Files, got.Tree)
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

func (p *program) clientDigests(s *settings) error {
	tree, files, err := app.ClientDigests()
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
