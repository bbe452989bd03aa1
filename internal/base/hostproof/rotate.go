package hostproof

import (
	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
)

// NewKeys makes the next generation of keys, in a statement that the present ones sign,
// and the lock that the passphrase opens. What is under the present keys has to be given
// to the new ones. now is in Unix milliseconds.
func (k *Keyset) NewKeys(passphrase string, kdf KDF, now int64) (*Keyset, []byte, error) {
	if len([]rune(passphrase)) < LeastPassphrase {
		return nil, nil, fault.Field("passphrase", "A passphrase has at least %d characters.", LeastPassphrase)
	}
	next, err := k.nextKeys(kdf, now)
	if err != nil {
		return nil, nil, err
	}
	lock, err := next.lock(passphrase)
	return next, lock, err
}

func (k *Keyset) nextKeys(kdf KDF, now int64) (*Keyset, error) {
	signer, err := NewSigner()
	if err != nil {
		return nil, err
	}
	old := k.Statement
	private, err := envelope.GenerateKey(envelope.Hybrid, old.Generation+1)
	if err != nil {
		return nil, err
	}
	next := &Keyset{signer: signer, private: private, Statement: &Statement{Tenant: old.Tenant, User: old.User, Number: old.Number + 1, Generation: old.Generation + 1, Time: now,
		Encryption: private.Public, Signing: signer.Public(), Previous: old.Hash(), KDF: kdf}}
	return next, next.Statement.sign(signer, k.signer)
}

// From finds the statement with a fingerprint among those before s, in their order, and
// checks that each one after it follows, up to s. It gives the one that was found, which
// is s when it has the fingerprint itself. Whoever is known by that fingerprint then has
// the keys of s.
func (s *Statement) From(fingerprint [16]byte, before []*Statement) (*Statement, error) {
	if s.Fingerprint() == fingerprint {
		return s, nil
	}
	for i, old := range before {
		if old.Fingerprint() != fingerprint {
			continue
		}
		if err := old.Verify(s.Tenant, s.User); err != nil {
			return nil, err
		}
		last := old
		for _, next := range append(before[i+1:len(before):len(before)], s) {
			if err := next.Verify(s.Tenant, s.User); err != nil {
				return nil, err
			}
			if err := next.Follows(last); err != nil {
				return nil, err
			}
			last = next
		}
		return old, nil
	}
	return nil, alarm("The server shows other keys than those that are known, and no statement by which the known ones name them.")
}

// ParseStatements reads stored statements.
func ParseStatements(list [][]byte) (out []*Statement, err error) {
	for _, b := range list {
		s, err := ParseStatement(b)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}
