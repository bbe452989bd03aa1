package main

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"strings"

	"strongroom/internal/app"
)

const aboutRecovery = `Without words it says what your administrators allow, what you chose, and who asks for
a share of yours. To choose, with your vault passphrase:

    kit                 print a recovery code, which opens your keys; write it down
    meet USER WORDS     take the keys of an officer for theirs; ask for the words by
                        telephone or in person
    officers            give every officer a share; some of them together, and you,
                        open your keys
    none                have no recovery any more

When the passphrase is forgotten, the passphrase that you give is the new one:

    use-kit             open the keys with the code, the next line of standard input
    ask                 ask the officers; tell them the words that are printed
    withdraw            ask no more
    finish              open the keys with their answers, and the passphrase of ask

As an officer:

    answer USER WORDS   open your share for somebody who asks, if the words are those
                        that this person told you by telephone or in person
`

// recoveryVerb is one thing that is done about recovery.
type recoveryVerb struct {
	least, most int  // words behind it
	locked      bool // the passphrase is forgotten
	do          func(ctx context.Context, p *program, at *recovering, rest []string) error
}

// recovering is what a verb works with.
type recovering struct {
	client     *app.VaultClient
	now        *app.Recovery
	passphrase string // of who has forgotten the one before
	in         *bufio.Reader
}

func recoveryVerbs() map[string]recoveryVerb {
	return map[string]recoveryVerb{
		"": {do: func(_ context.Context, p *program, at *recovering, _ []string) error { return p.sayRecovery(at.now) }},
		"kit": {do: func(ctx context.Context, p *program, at *recovering, _ []string) error {
			code, err := at.client.ChooseKit(ctx, at.now)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.out, "%s\n", code.Text())
			return err
		}},
		"officers": {do: func(ctx context.Context, _ *program, at *recovering, _ []string) error {
			return at.client.ChooseOfficers(ctx, at.now)
		}},
		"meet": {least: 2, most: 13, do: func(ctx context.Context, _ *program, at *recovering, rest []string) error {
			n, _ := strconv.ParseInt(rest[0], 10, 64) // what is no number is nobody
			return at.client.MeetOfficer(ctx, at.now, n, strings.Join(rest[1:], " "))
		}},
		"none": {do: func(ctx context.Context, _ *program, at *recovering, _ []string) error {
			return at.client.GiveUpRecovery(ctx)
		}},
		"answer": {least: 2, most: 13, do: func(ctx context.Context, _ *program, at *recovering, rest []string) error {
			n, _ := strconv.ParseInt(rest[0], 10, 64) // what is no number is nobody
			return at.client.AnswerAsk(ctx, at.now, n, strings.Join(rest[1:], " "))
		}},
		"use-kit": {locked: true, do: func(ctx context.Context, _ *program, at *recovering, _ []string) error {
			code, err := line(at.in, "recovery code")
			if err != nil {
				return err
			}
			return at.client.RecoverByKit(ctx, at.now, code, at.passphrase)
		}},
		"ask": {locked: true, do: func(ctx context.Context, p *program, at *recovering, _ []string) error {
			words, err := at.client.AskOfficers(ctx, at.now, at.passphrase)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(p.out, strings.Join(words, " "))
			return err
		}},
		"withdraw": {locked: true, do: func(ctx context.Context, _ *program, at *recovering, _ []string) error {
			return at.client.WithdrawAsk(ctx)
		}},
		"finish": {locked: true, do: func(ctx context.Context, _ *program, at *recovering, _ []string) error {
			return at.client.FinishRecovery(ctx, at.now, at.passphrase)
		}},
	}
}

func vaultRecoveryCommand() *command {
	return &command{
		name: "vault recovery", args: "[WHAT [USER WORDS]]", short: "choose, and use, a recovery of your vault keys",
		long: aboutRecovery + aboutVaults,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 0, 14)
			if err != nil {
				return err
			}
			what := ""
			if len(rest) > 0 {
				what, rest = rest[0], rest[1:]
			}
			v, ok := recoveryVerbs()[what]
			if !ok || len(rest) < v.least || len(rest) > v.most {
				return usage{"Usage: strongroom vault recovery [flags] [kit|officers|meet|none|use-kit|ask|withdraw|finish|answer]", "More: strongroom vault recovery -h"}
			}
			if s.vault.URL == "" || s.vault.File != "" {
				return usage{"Say which server to use.", "For example: strongroom vault recovery -url https://demo.example.com"}
			}
			at := &recovering{in: bufio.NewReader(p.in)}
			if at.client, at.passphrase, err = openFor(ctx, s, v.locked, at.in); err != nil {
				return err
			}
			if at.now, err = at.client.Recovery(ctx); err != nil {
				return err
			}
			return v.do(ctx, p, at, rest)
		},
	}
}

// openFor opens somebody's keys, or leaves them locked and gives the passphrase to come.
func openFor(ctx context.Context, s *settings, locked bool, in *bufio.Reader) (*app.VaultClient, string, error) {
	if locked {
		return app.LockedVaults(ctx, s.ownVaults(), func() (string, error) { return line(in, "new vault passphrase") })
	}
	c, err := app.OpenVaults(ctx, s.ownVaults(), func() (string, error) { return line(in, "vault passphrase") })
	return c, "", err
}

// sayRecovery says how things stand.
func (p *program) sayRecovery(r *app.Recovery) error {
	say := func(format string, args ...any) { fmt.Fprintf(p.out, format+"\n", args...) }
	say("Allowed: %s", r.Way)
	switch {
	case r.Chosen == nil:
		say("Chosen: none")
	case r.Chosen.Needed == 0:
		say("Chosen: kit, number %d", r.Chosen.Number)
	default:
		say("Chosen: %d of %d officers, number %d", r.Chosen.Needed, len(r.Chosen.Officers), r.Chosen.Number)
	}
	for _, o := range r.Officers {
		state := "has no keys yet"
		if o.Keys {
			state = "keys not compared yet"
		}
		if o.Known {
			state = "keys compared"
		}
		say("Officer %d %s: %s", o.User, plainText(o.Name), state)
	}
	if r.Asking != nil {
		say("You ask for your keys: %s; %d answered", strings.Join(r.Asking, " "), len(r.Answered))
	}
	for _, a := range r.Asks {
		if !a.Done {
			say("%s (%d) asks for your share. Get the words by telephone or in person, then: strongroom vault recovery answer %d WORDS", plainText(a.Name), a.User, a.User)
		}
	}
	return nil
}
