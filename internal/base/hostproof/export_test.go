package hostproof

// BareKeys makes keys without a lock: a passphrase takes half a second to stretch, and
// most tests need none.
func BareKeys(tenant string, user, now int64) (*Keyset, error) {
	return newKeys(tenant, user, NewKDF(), now)
}

// BareAsk is NewAsk with keys that have no lock.
func BareAsk(x *Recovery, now int64) (*Ask, *Keyset, error) {
	k, err := newKeys(x.Tenant, x.User, NewKDF(), now)
	if err != nil {
		return nil, nil, err
	}
	a, err := k.ask(x, now)
	return a, k, err
}

// BareAnswer answers a request with any share.
func (k *Keyset) BareAnswer(a *Ask, place int, keys *Statement, share []byte, now int64) (*Answer, error) {
	return k.reply(a, place, keys, share, now)
}

// BareNext is NewKeys without a lock.
func (k *Keyset) BareNext(now int64) (*Keyset, error) { return k.nextKeys(NewKDF(), now) }
