package vault

import (
	"context"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// mostWrite is how many items one write puts.
const mostWrite = 2_000

// pending is one write while it is checked.
type pending struct {
	tx       *gate.Tx
	vault    id.ID
	epoch    uint64
	author   *hostproof.Statement
	manifest *hostproof.Manifest
	kept     map[int64]hostproof.Leaf // what is in the vault, and then what will be
	owner    id.ID
	limited  []limited // what the write puts for some members only
}

// Write changes a vault that the caller may write in. Conflict when the vault is not in the
// state that the manifest follows, Invalid when anything does not fit, NotFound
// for who has no grant, Denied for who may only read.
func (s *Vaults) Write(ctx context.Context, c *access.Caller, vault id.ID, w Write) error {
	m, err := hostproof.ParseManifest(w.Manifest)
	if err != nil {
		return err
	}
	if len(w.Put) > mostWrite || len(w.Remove) > mostWrite || len(w.Attach) > mostWrite || len(w.Detach) > mostWrite {
		return fault.New(fault.Invalid, "One write changes at most %d items.", mostWrite)
	}
	return s.change(ctx, c, "vault.write", vault, func(tx *gate.Tx) error {
		p := &pending{tx: tx, vault: vault, manifest: m}
		if err := p.open(w); err != nil {
			return err
		}
		if err := p.apply(w); err != nil {
			return err
		}
		if err := p.audiences(p.owner); err != nil {
			return err
		}
		tx.Entry().Version = int64(m.Counter)
		_, err := tx.Exec(`update vault set counter = ?, manifest = ? where id = ?`, int64(m.Counter), w.Manifest, int64(vault))
		return err
	})
}

// open checks that the caller may write and that the manifest follows the one
// that is kept.
func (p *pending) open(w Write) error {
	st, err := standingOf(p.tx, p.vault)
	if err != nil {
		return err
	}
	if st.role < hostproof.Writer {
		return fault.New(fault.Denied, "You may read this vault and not write in it.").WithHint("Ask its owner.")
	}
	p.epoch, p.owner = st.epoch, st.owner
	if err := p.follows(st); err != nil {
		return err
	}
	if st.counter == 0 {
		return p.begin(w.Grant)
	}
	return nil
}

// follows checks that the manifest is the caller's, of this vault and epoch, and the
// one after the one that is kept.
func (p *pending) follows(st *standing) (err error) {
	user := p.tx.Caller.User
	if p.author, _, _, err = keysetOf(p.tx, user); err != nil {
		return err
	}
	if p.author == nil {
		return gate.Missing()
	}
	m := p.manifest
	if m.Tenant != p.tx.Caller.Tenant || m.Vault != int64(p.vault) || m.Author != int64(user) || !m.SignedBy(p.author.Signing) {
		return fault.New(fault.Invalid, "This was not made for this vault, or not by you, and was not saved.").WithHint("Load the page again.")
	}
	if m.Counter != uint64(st.counter)+1 || m.Epoch != p.epoch {
		return outdated()
	}
	if st.counter == 0 {
		return nil
	}
	before, err := hostproof.ParseManifest(st.manifest)
	if err != nil {
		return err
	}
	if m.Previous != before.Hash() {
		return outdated()
	}
	return nil
}

// begin keeps the owner's grant to herself with the first write.
func (p *pending) begin(grant []byte) error {
	g, err := hostproof.ParseGrant(grant)
	if err != nil {
		return err
	}
	if g.Epoch != p.epoch || g.Role != hostproof.Owner || g.Expiry != 0 {
		return fault.New(fault.Invalid, "The owner's grant of a new vault has no end and lets her do everything.")
	}
	return give(p.tx, p.vault, g, grant)
}

// apply changes the items and checks that the vault then is what the manifest
// says.
func (p *pending) apply(w Write) error {
	if err := p.load(); err != nil {
		return err
	}
	for _, item := range w.Remove {
		if _, ok := p.kept[item]; !ok || item == 0 {
			return outdated()
		}
		if err := seen(p.tx, p.vault, item); err != nil {
			return err
		}
		delete(p.kept, item)
		if _, err := p.tx.Exec(`delete from vault_item where vault_id = ? and item = ?`, int64(p.vault), item); err != nil {
			return err
		}
		if err := loosen(p.tx, `vault_id = ? and item = ?`, int64(p.vault), item); err != nil {
			return err
		}
	}
	for _, sealed := range w.Put {
		if err := p.put(sealed); err != nil {
			return err
		}
	}
	if err := p.files(w); err != nil {
		return err
	}
	if _, ok := p.kept[0]; !ok {
		return fault.New(fault.Invalid, "A vault has an item that says what it is called.")
	}
	leaves := make([]hostproof.Leaf, 0, len(p.kept))
	for _, l := range p.kept {
		leaves = append(leaves, l)
	}
	root, err := hostproof.Root(leaves)
	if err != nil {
		return refused(err)
	}
	if int(p.manifest.Items) != len(leaves) || p.manifest.Root != root {
		return fault.New(fault.Invalid, "The list of the vault does not fit its items, and was not saved.").WithHint("Load the page again.")
	}
	return nil
}

func (p *pending) load() error {
	p.kept = map[int64]hostproof.Leaf{}
	rows, err := p.tx.Query(`select item, version, header from vault_item where vault_id = ?`, int64(p.vault))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var l hostproof.Leaf
		var version int64
		var header []byte
		if err := rows.Scan(&l.Item, &version, &header); err != nil {
			return err
		}
		l.Version = uint32(version)
		copy(l.Header[:], header)
		p.kept[l.Item] = l
	}
	return rows.Err()
}

func (p *pending) put(sealed []byte) error {
	e, leaf, err := hostproof.ParseItem(p.tx.Caller.Tenant, int64(p.vault), sealed)
	if err != nil {
		return refused(err)
	}
	h := e.Header()
	if h.AccessEpoch != p.epoch || h.Author != p.author.User || e.Signature().KeyID != hostproof.SignerID(p.author.Signing) || e.VerifySignature(p.author.Signing) != nil {
		return fault.New(fault.Invalid, "This was not made for this vault, or not by you, and was not saved.").WithHint("Load the page again.")
	}
	if last := p.kept[leaf.Item]; h.Version != last.Version+1 || h.Previous != last.Header {
		return outdated()
	}
	if err := seen(p.tx, p.vault, leaf.Item); err != nil {
		return err
	}
	if len(leaf.For) > 0 {
		p.limited = append(p.limited, limitedOf(e, leaf))
	}
	p.kept[leaf.Item] = leaf
	_, err = p.tx.Exec(`insert into vault_item (vault_id, item, version, header, sealed, at, audience) values (?, ?, ?, ?, ?, ?, ?)
		on conflict (vault_id, item) do update set version = excluded.version, header = excluded.header, sealed = excluded.sealed, at = excluded.at, audience = excluded.audience`,
		int64(p.vault), leaf.Item, int64(leaf.Version), leaf.Header[:], sealed, p.tx.Now, audienceText(leaf.For))
	return err
}
