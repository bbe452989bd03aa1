package service

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"os"
	"path/filepath"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
)

// Names of the files in the service's folder.
const (
	storeFile     = "keys.db"
	chainFile     = "log.db"
	shredListFile = "destroyed.list"
)

// vault is everything that is there only while the service is unsealed.
type vault struct {
	o     Options
	root  derived
	store *sqldb.DB // keys.db: few and small rows, rewritten when a key is destroyed
	chain *chain    // log.db
	list  *shredList
	cache *cache
	hold  *os.File // the lock on the folder
}

// derived are the keys below the root; the root itself is not kept.
type derived struct {
	store, chain []byte // of the two databases
	wrap         []byte // wraps shred keys
	sign         ed25519.PrivateKey
	check        [32]byte // tells whether a root is this one
}

func derive(root []byte) (derived, error) {
	var d derived
	if len(root) != RootSize {
		return d, fault.New(fault.Invalid, "The root key has a wrong length.")
	}
	for name, dst := range map[string]*[]byte{"store": &d.store, "log": &d.chain, "wrap": &d.wrap} {
		k, err := envelope.Derive(root, "strongroom/root/1", name)
		if err != nil {
			return d, err
		}
		*dst = k
	}
	seed, err := envelope.Derive(root, "strongroom/root/1", "destroyed list")
	if err != nil {
		return d, err
	}
	d.sign = ed25519.NewKeyFromSeed(seed)
	d.check = sha256.Sum256(envelope.Bind("strongroom/root/check/1", string(d.wrap)))
	return d, nil
}

func (d derived) forget() {
	clear(d.store)
	clear(d.chain)
	clear(d.wrap)
	clear(d.sign)
}

func wrongRoot() error {
	return fault.New(fault.Invalid, "This is not the root key of this key store.").
		WithHint("Give the root key that was printed when the store was made.")
}

// check tells whether root is the one the vault was opened with.
func (v *vault) check(root []byte) error {
	d, err := derive(root)
	if err != nil {
		return err
	}
	defer d.forget()
	if subtle.ConstantTimeCompare(d.check[:], v.root.check[:]) != 1 {
		return wrongRoot()
	}
	return nil
}

func openVault(ctx context.Context, o Options, root []byte) (*vault, error) {
	d, err := derive(root)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The folder of the key service cannot be made.").WithHint("Check its place and the rights on it.")
	}
	v := &vault{o: o, root: d, cache: newCache(o.Open)}
	if err := v.open(ctx); err != nil {
		v.close()
		return nil, err
	}
	return v, nil
}

func (v *vault) open(ctx context.Context) error {
	var err error
	if v.hold, err = lock(v.o.Dir); err != nil {
		return err
	}
	if err := wholeRoot(v.o.Dir); err != nil {
		return err
	}
	if err := v.openStore(ctx); err != nil {
		return err
	}
	if v.chain, err = openChain(ctx, filepath.Join(v.o.Dir, chainFile), v.root.chain, v.o.Now); err != nil {
		return err
	}
	path := v.o.ShredList
	if path == "" {
		path = filepath.Join(v.o.Dir, shredListFile)
	}
	if v.list, err = openShredList(path, v.root.sign); err != nil {
		return err
	}
	if err := v.reconcile(ctx); err != nil {
		return err
	}
	return v.ensureControl(ctx)
}

// close forgets everything.
func (v *vault) close() error {
	var err error
	if v.chain != nil {
		err = v.chain.close()
	}
	if v.store != nil {
		if e := v.store.Close(); err == nil {
			err = e
		}
	}
	v.cache.clear()
	v.root.forget()
	if v.hold != nil {
		v.hold.Close()
	}
	return err
}

// lock takes the folder, so that two services never write in one.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The folder of the key service cannot be written.").WithHint("Check the rights on it.")
	}
	if err := flock(f); err != nil {
		f.Close()
		return nil, fault.Wrap(err, fault.Conflict, "Another key service uses this folder.").WithHint("Stop it first, or give this one a folder of its own.")
	}
	return f, nil
}
