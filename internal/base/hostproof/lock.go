package hostproof

import (
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"log/slog"

	"golang.org/x/text/unicode/norm"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
)

// KDFPBKDF2 is the only key derivation so far: PBKDF2-HMAC-SHA-512. Number 1 is
// kept for Argon2id.
const KDFPBKDF2 uint16 = 2

// The floor and the ceiling of the derivation. The floor is compiled in: a server
// cannot ask for less. The ceiling keeps it from making a client work for hours.
const (
	LeastIterations = 600_000
	MostIterations  = 20_000_000
)

// LeastPassphrase is how many characters a passphrase has at least.
const LeastPassphrase = 14

const saltSize = 32

// KDF says how a passphrase becomes a key.
type KDF struct {
	ID         uint16
	Iterations uint32
	Memory     uint32 // KiB; 0 of PBKDF2
	Salt       [saltSize]byte
}

// NewKDF gives the derivation for a new passphrase, with a fresh salt.
func NewKDF() KDF {
	k := KDF{ID: KDFPBKDF2, Iterations: LeastIterations}
	rand.Read(k.Salt[:])
	return k
}

func (r *reader) kdf() KDF {
	k := KDF{ID: r.u16(), Iterations: r.u32(), Memory: r.u32()}
	r.into(k.Salt[:])
	return k
}

func (w *writer) kdf(k KDF) {
	w.u16(k.ID)
	w.u32(k.Iterations)
	w.u32(k.Memory)
	w.raw(k.Salt[:])
}

// Check refuses derivations that are unknown, below the floor or above the
// ceiling.
func (k KDF) Check() error {
	if k.ID != KDFPBKDF2 || k.Memory != 0 {
		return alarm("The server asks for an unknown way to turn the passphrase into a key (number %d).", k.ID)
	}
	if k.Iterations < LeastIterations || k.Iterations > MostIterations {
		return alarm("The server asks to protect the passphrase with %d rounds; from %d to %d are accepted.", k.Iterations, LeastIterations, MostIterations)
	}
	return nil
}

// userKey derives the key that opens the lock of a user. The passphrase is
// brought into the form NFKC, so that it is the same from every keyboard.
func (k KDF) userKey(passphrase, tenant string, user int64) ([]byte, error) {
	if err := k.Check(); err != nil {
		return nil, err
	}
	stretched, err := pbkdf2.Key(sha512.New, norm.NFKC.String(passphrase), k.Salt[:], int(k.Iterations), envelope.KeySize)
	if err != nil {
		return nil, err
	}
	defer clear(stretched)
	return hkdf.Key(sha256.New, stretched, nil, string(joined([]byte("strongroom/vault/user/1"), []byte(tenant), number64(uint64(user)))), envelope.KeySize)
}

const (
	lockMagic   = "SRL1"
	privateSize = scalarSize + 64 + scalarSize
	lockSize    = len(lockMagic) + 32 + privateSize + envelope.BoxOverhead
)

// Keyset is somebody's keys, opened. It refuses to print.
type Keyset struct {
	Statement *Statement
	signer    *Signer
	private   envelope.PrivateKey
}

func (*Keyset) String() string               { return redacted }
func (*Keyset) GoString() string             { return redacted }
func (*Keyset) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (*Keyset) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// NewKeyset makes keys for a user, and the lock that her passphrase opens. now is
// in Unix milliseconds.
func NewKeyset(tenant string, user int64, passphrase string, kdf KDF, now int64) (*Keyset, []byte, error) {
	if len([]rune(passphrase)) < LeastPassphrase {
		return nil, nil, fault.Field("passphrase", "A passphrase has at least %d characters.", LeastPassphrase)
	}
	k, err := newKeys(tenant, user, kdf, now)
	if err != nil {
		return nil, nil, err
	}
	lock, err := k.lock(passphrase)
	return k, lock, err
}

// newKeys makes keys for a user and states them.
func newKeys(tenant string, user int64, kdf KDF, now int64) (*Keyset, error) {
	signer, err := NewSigner()
	if err != nil {
		return nil, err
	}
	private, err := envelope.GenerateKey(envelope.Hybrid, 1)
	if err != nil {
		return nil, err
	}
	k := &Keyset{signer: signer, private: private, Statement: &Statement{Tenant: tenant, User: user, Number: 1, Generation: 1, Time: now,
		Encryption: private.Public, Signing: signer.Public(), KDF: kdf}}
	return k, k.Statement.sign(signer, nil)
}

// ChangePassphrase states a new derivation for the same keys and gives the lock
// that the new passphrase opens.
func (k *Keyset) ChangePassphrase(passphrase string, kdf KDF, now int64) (*Keyset, []byte, error) {
	if len([]rune(passphrase)) < LeastPassphrase {
		return nil, nil, fault.Field("passphrase", "A passphrase has at least %d characters.", LeastPassphrase)
	}
	s := *k.Statement
	s.Previous, s.Number, s.Time, s.KDF, s.signatures = k.Statement.Hash(), s.Number+1, now, kdf, nil
	if err := s.sign(k.signer, nil); err != nil {
		return nil, nil, err
	}
	next := &Keyset{Statement: &s, signer: k.signer, private: k.private}
	lock, err := next.lock(passphrase)
	return next, lock, err
}

func (k *Keyset) lock(passphrase string) ([]byte, error) {
	s := k.Statement
	key, err := s.KDF.userKey(passphrase, s.Tenant, s.User)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	plain, err := k.secret()
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	hash := s.Hash()
	box, err := envelope.SealBox(key, lockBind(hash), plain)
	if err != nil {
		return nil, err
	}
	return append(append([]byte(lockMagic), hash[:]...), box...), nil
}

// secret gives the private keys: the scalar and the seed that decrypt, and the scalar
// that signs.
func (k *Keyset) secret() ([]byte, error) {
	stored, err := k.private.Marshal()
	if err != nil {
		return nil, err
	}
	defer clear(stored)
	scalar, err := k.signer.key.Bytes()
	if err != nil {
		return nil, err
	}
	defer clear(scalar)
	return append(append(make([]byte, 0, privateSize), stored[8:]...), scalar...), nil
}

func lockBind(statement [32]byte) []byte {
	return joined([]byte("strongroom/vault/lock/1"), statement[:])
}

// CheckLock tells whether lock has the form of a lock of s.
func (s *Statement) CheckLock(lock []byte) error {
	hash := s.Hash()
	if len(lock) != lockSize || string(lock[:len(lockMagic)]) != lockMagic || string(lock[len(lockMagic):len(lockMagic)+32]) != string(hash[:]) {
		return malformed("lock of a keyset")
	}
	return nil
}

// Unlock opens the keyset of a user with her passphrase. It verifies the
// statement first, and then that the keys inside the lock are those that the
// statement names.
func Unlock(tenant string, user int64, s *Statement, lock []byte, passphrase string) (*Keyset, error) {
	if err := s.Verify(tenant, user); err != nil {
		return nil, err
	}
	if err := s.CheckLock(lock); err != nil {
		return nil, err
	}
	key, err := s.KDF.userKey(passphrase, tenant, user)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	plain, err := envelope.OpenBox(key, lockBind(s.Hash()), lock[len(lockMagic)+32:])
	if err != nil {
		return nil, fault.New(fault.Unauthorized, "This passphrase does not open the vault.").
			WithHint("Check the keyboard. Nobody can reset a vault passphrase; a recovery that you chose can be used.")
	}
	defer clear(plain)
	return keysetOf(s, plain)
}

// keysetOf gives the keys of a statement from their private ones, and makes sure that
// they belong together.
func keysetOf(s *Statement, plain []byte) (k *Keyset, err error) {
	k = &Keyset{Statement: s}
	if k.signer, err = parseSigner(plain[privateSize-scalarSize:]); err != nil {
		return nil, err
	}
	var w writer
	w.u16(hybridType)
	w.u32(s.Generation)
	w.u16(privateSize - scalarSize)
	w.raw(plain[:privateSize-scalarSize])
	defer clear(w.b)
	if k.private, err = envelope.ParsePrivateKey(w.b); err != nil {
		return nil, err
	}
	if k.private.Public.ID != s.Encryption.ID || subtle.ConstantTimeCompare(k.signer.Public(), s.Signing) != 1 {
		return nil, alarm("The keys behind the passphrase are not those that the server shows for you.")
	}
	return k, nil
}
