package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"strongroom/internal/app"
	"strongroom/internal/base/fault"
)

func vaultWordsCommand() *command {
	return &command{
		name: "vault words", short: "print the words of your vault keys",
		long: "Prints the twelve words of your own keys, computed here from the keys in use. Who\ngives you a vault, or gets one of yours, compares them with you by telephone or in\nperson: the server could show other keys as yours.\n" + aboutVaults,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, _, err := p.parse(c, args, 0, 0)
			if err != nil {
				return err
			}
			client, _, err := p.vaults(ctx, s, bufio.NewReader(p.in))
			if err != nil {
				return err
			}
			if s.json {
				return p.printJSON(client.Words())
			}
			_, err = fmt.Fprintln(p.out, strings.Join(client.Words(), " "))
			return err
		},
	}
}

func vaultKeysCommand() *command {
	return &command{
		name: "vault new-keys", short: "take new vault keys, and put all your vaults under them",
		long: "Makes new keys, which your present ones sign, under the same passphrase, and seals\nevery vault of your own anew: to do when somebody else may have had your keys.\nPrints the words of the new ones. Others who have access keep it; vaults that\nothers gave you open again when their owners give them new keys. Your recovery, if\nyou chose one, is to be chosen again.\n" + aboutVaults,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, _, err := p.parse(c, args, 0, 0)
			if err != nil {
				return err
			}
			if s.vault.URL == "" || s.vault.File != "" {
				return usage{"Say which server to use.", "For example: strongroom vault new-keys -url https://demo.example.com"}
			}
			in := bufio.NewReader(p.in)
			words, err := app.NewVaultKeys(ctx, s.ownVaults(), func() (string, error) { return line(in, "vault passphrase") })
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(p.out, strings.Join(words, " "))
			return err
		},
	}
}

func vaultLogCommand() *command {
	return &command{
		name: "vault check-log", args: "EXPORT", short: "look for keys that an exported audit log states as yours and are not",
		long: "Verifies an exported audit log (strongroom audit export, or the page Audit, with\ndetails) with the log's key that this computer knows, and looks for keys that were\nstated as yours. Everybody is shown only keys that stand in that log: a server that\nshowed others other keys than yours is found here.\n" + aboutVaults,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 1)
			if err != nil {
				return err
			}
			if s.vault.File != "" {
				return usage{"An emergency file knows no audit log.", "Use the server with -url."}
			}
			client, _, err := p.vaults(ctx, s, bufio.NewReader(p.in))
			if err != nil {
				return err
			}
			export, err := os.ReadFile(rest[0]) // #nosec G304 G703 -- the person at the command line names it
			if err != nil {
				return fault.Wrap(err, fault.Invalid, "The exported log cannot be read: %v.", err)
			}
			n, err := client.CheckLog(export)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.out, "All %d entries verify, and they state no keys as yours but your own.\n", n)
			return err
		},
	}
}

func vaultMeetCommand() *command {
	return &command{
		name: "vault meet", args: "USER WORD...", short: "take the keys of somebody who gives you a vault for theirs",
		long: "Opens the vaults that this user gives you from now on, if the twelve words are\nthose of the keys that the server shows for this user. Ask for the words by\ntelephone or in person; do not take them from the server.\n" + aboutVaults,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 2, 13)
			if err != nil {
				return err
			}
			client, _, err := p.vaults(ctx, s, bufio.NewReader(p.in))
			if err != nil {
				return err
			}
			for _, x := range client.Strangers() {
				if strconv.FormatInt(x.User, 10) == rest[0] {
					return client.Meet(ctx, x, strings.Join(rest[1:], " "))
				}
			}
			return fault.New(fault.NotFound, "Nobody with this number gives you a vault that is not open already.").WithHint("See: strongroom vault ls")
		},
	}
}
