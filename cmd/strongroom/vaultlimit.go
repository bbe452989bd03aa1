package main

import (
	"context"
	"fmt"
	"strconv"

	"strongroom/internal/base/fault"
)

const everybody = "everybody"

func vaultLimitCommand() *command {
	return &command{
		name: "vault limit", args: "ITEM [USER...|everybody]", short: "say which members of a vault an item is for",
		long: "Seals the item with that number or title anew, under a key that those users alone\nget, you, and the owner of the vault; or everybody who has access to it. Without users\nit lists who has access, and whom the item is for. Who could read the item before may\nremember what was in it; the others still see that there is an item, and whom it is for.\n" + aboutVaults,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, rest, err := p.parse(c, args, 1, 200)
			if err != nil {
				return err
			}
			to, err := numbersOf(rest[1:])
			if err != nil {
				return err
			}
			client, v, item, err := p.onItem(ctx, s, rest[0])
			if err != nil {
				return err
			}
			if len(rest) > 1 {
				_, err := client.Limit(ctx, v, item, item.Content, to)
				return err
			}
			list := client.Members(v, item)
			if s.json {
				return p.printJSON(list)
			}
			for _, m := range list {
				state := "not for this user"
				if m.Item {
					state = "for this user"
				}
				fmt.Fprintf(p.out, "%d\t%s\t%s\n", m.User, plainText(m.Name), state)
			}
			return nil
		},
	}
}

// numbersOf reads the numbers of users; none for everybody.
func numbersOf(words []string) (out []int64, err error) {
	if len(words) == 1 && words[0] == everybody {
		return nil, nil
	}
	for _, w := range words {
		n, err := strconv.ParseInt(w, 10, 64)
		if err != nil || n <= 0 {
			return nil, fault.New(fault.Invalid, "%q is no number of a user.", w).WithHint("See who has access: strongroom vault limit ITEM")
		}
		out = append(out, n)
	}
	return out, nil
}
