package vault

import (
	"context"
	"fmt"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/notification"
)

// Request is how the caller asks her officers.
type Request struct {
	Ask  []byte `json:"ask"`
	Keys []byte `json:"keys"` // the statement of the keys that ask
	Lock []byte `json:"lock"`
}

// Ask keeps the request of the caller, in the place of an earlier one, and tells the
// officers, and herself, of it. NotFound when she chose no officers.
func (s *Vaults) Ask(ctx context.Context, c *access.Caller, in Request) error {
	a, err := hostproof.ParseAsk(in.Ask)
	if err != nil {
		return err
	}
	keys, err := hostproof.ParseStatement(in.Keys)
	if err != nil {
		return err
	}
	if err := keys.CheckLock(in.Lock); err != nil {
		return err
	}
	return s.change(ctx, c, "vault.ask", c.User, func(tx *gate.Tx) error {
		x, officers, err := chosen(tx, c.User)
		if err != nil {
			return err
		}
		if err := a.Verify(x, keys, tx.Now); err != nil {
			return refused(err)
		}
		if err := forgetAsk(tx, c.User); err != nil {
			return err
		}
		if _, err := tx.Exec(`insert into vault_ask (user_id, ask, statement, locked, at) values (?, ?, ?, ?, ?)`, int64(c.User), in.Ask, in.Keys, in.Lock, tx.Now); err != nil {
			return err
		}
		return tellAsked(tx, c.User, officers)
	})
}

// chosen gives the recovery by officers that a person chose, and those of its officers
// who still are ones.
func chosen(tx *gate.Tx, user id.ID) (*hostproof.Recovery, []id.ID, error) {
	p, err := policyOf(tx)
	if err != nil {
		return nil, nil, err
	}
	_, sealed, err := recoveryOf(tx, user)
	if err != nil {
		return nil, nil, err
	}
	if sealed == nil || p.Way != RecoveryOfficers {
		return nil, nil, fault.New(fault.NotFound, "No recovery by officers was chosen with these keys.")
	}
	x, err := hostproof.ParseRecovery(sealed)
	if err != nil {
		return nil, nil, err
	}
	var officers []id.ID
	for _, o := range x.Officers {
		if slices.ContainsFunc(p.Officers, func(q Person) bool { return int64(q.User) == o.User }) {
			officers = append(officers, id.ID(o.User))
		}
	}
	if len(officers) < x.Needed {
		return nil, nil, fault.New(fault.Conflict, "Of the officers that were chosen only %d are left, and %d are needed.", len(officers), x.Needed).
			WithHint("An administrator can make them officers again.")
	}
	return x, officers, nil
}

func tellAsked(tx *gate.Tx, user id.ID, officers []id.ID) error {
	key := fmt.Sprintf("vault.ask/%d/%d", user, tx.Now)
	if _, err := notification.Send(tx, notification.Notice{Topic: "approval", To: officers, Href: "/vault", Key: key,
		Text: []notification.Part{notification.Words("asks for your share, to open vaults whose passphrase is forgotten. Compare the words by telephone or in person.")}}); err != nil {
		return err
	}
	_, err := notification.Send(tx, notification.Notice{Topic: "security", To: []id.ID{user}, Self: true, Own: true, Href: "/vault", Key: key + "/self",
		Text: []notification.Part{notification.Words("Officers were asked in your name to open your vaults. If it was not you, withdraw the request on the page Vault and tell your administrator.")}})
	return err
}

// Unask withdraws the request of the caller.
func (s *Vaults) Unask(ctx context.Context, c *access.Caller) error {
	return s.change(ctx, c, "vault.ask", c.User, func(tx *gate.Tx) error {
		tx.Entry().Detail.Text = "withdrawn"
		return forgetAsk(tx, c.User)
	})
}

// Answer keeps what the caller, an officer, answers to a request. NotFound for who is
// none of that person, and when there is no request.
func (s *Vaults) Answer(ctx context.Context, c *access.Caller, user id.ID, sealed []byte) error {
	n, err := hostproof.ParseAnswer(sealed)
	if err != nil {
		return err
	}
	return s.change(ctx, c, "vault.answer", user, func(tx *gate.Tx) error {
		x, officers, err := chosen(tx, user)
		if err != nil || !slices.Contains(officers, c.User) {
			return gate.Missing()
		}
		asks, err := asksOf(tx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(asks, func(a Asked) bool { return a.User == user })
		if i < 0 {
			return gate.Missing()
		}
		a, err := hostproof.ParseAsk(asks[i].Ask)
		if err != nil {
			return err
		}
		me, statement, _, err := keysetOf(tx, c.User)
		if err != nil || me == nil {
			return orMissing(err)
		}
		if err := n.Verify(x, a, me); err != nil {
			return refused(err)
		}
		if _, err := tx.Exec(`insert into vault_answer (user_id, officer_id, statement, sealed, at) values (?, ?, ?, ?, ?)
			on conflict (user_id, officer_id) do update set statement = excluded.statement, sealed = excluded.sealed, at = excluded.at`, int64(user), int64(c.User), statement, sealed, tx.Now); err != nil {
			return err
		}
		_, err = notification.Send(tx, notification.Notice{Topic: "approval", To: []id.ID{user}, Href: "/vault", Key: fmt.Sprintf("vault.answer/%d/%d/%d", user, c.User, a.Time),
			Text: []notification.Part{notification.Words("answered your request for a share.")}})
		return err
	})
}
