package hostproof

import (
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"log/slog"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
)

// The key derivations: Argon2id (RFC 9106) with one lane, and PBKDF2-HMAC-SHA-512,
// which vaults from before have, and those that are made in FIPS mode.
const (
	KDFArgon2id uint16 = 1
	KDFPBKDF2   uint16 = 2
)

// The floors and the ceilings of the derivations. The floors are compiled in: a server
// cannot ask for less. The ceilings keep it from making a client work for hours.
const (
	LeastPasses = 3 // of Argon2id
	MostPasses  = 20
	LeastMemory = 64 << 10 // KiB
	MostMemory  = 1 << 20

	LeastIterations = 600_000 // of PBKDF2
	MostIterations  = 20_000_000
)

// LeastPassphrase is how many characters a passphrase has at least.
const LeastPassphrase = 14

const saltSize = 32

// KDF says how a passphrase becomes a key.
type KDF struct {
	ID         uint16
	Iterations uint32 // of Argon2id, passes over the memory
	Memory     uint32 // KiB; 0 of PBKDF2
	Salt       [saltSize]byte
}

// NewKDF gives the derivation for a new passphrase, with a fresh salt: Argon2id, and
// PBKDF2 in FIPS mode, which does not approve the other.
func NewKDF() KDF {
	k := KDF{ID: KDFArgon2id, Iterations: LeastPasses, Memory: LeastMemory}
	if fips140.Enforced() {
		k = KDF{ID: KDFPBKDF2, Iterations: LeastIterations}
	}
	rand.Read(k.Salt[:])
	return k
}

// Weaker tells whether a passphrase that this derivation stretches is to be brought over
// to the one of today, when it is typed.
func (k KDF) Weaker() bool { return k.ID == KDFPBKDF2 && !fips140.Enforced() }

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
	switch {
	case k.ID == KDFArgon2id:
		if k.Iterations < LeastPasses || k.Iterations > MostPasses || k.Memory < LeastMemory || k.Memory > MostMemory {
			return alarm("The server asks to protect the passphrase with %d passes over %d KiB; from %d to %d passes over %d to %d KiB are accepted.",
				k.Iterations, k.Memory, LeastPasses, MostPasses, LeastMemory, MostMemory)
		}
	case k.ID == KDFPBKDF2 && k.Memory == 0:
		if k.Iterations < LeastIterations || k.Iterations > MostIterations {
			return alarm("The server asks to protect the passphrase with %d rounds; from %d to %d are accepted.", k.Iterations, LeastIterations, MostIterations)
		}
	default:
		return alarm("The server asks for an unknown way to turn the passphrase into a key (number %d).", k.ID)
	}
	return nil
}

// userKey derives the key that opens the lock of a user. The passphrase is
// brought into the form NFKC, so that it is the same from every keyboard.
func (k KDF) userKey(passphrase, tenant string, user int64) ([]byte, error) {
	if err := k.Check(); err != nil {
		return nil, err
	}
	stretched, err := k.stretch(norm.NFKC.String(passphrase))
	if err != nil {
		return nil, err
	}
	defer clear(stretched)
	return hkdf.Key(sha256.New, stretched, nil, string(joined([]byte("strongroom/vault/user/1"), []byte(tenant), number64(uint64(user)))), envelope.KeySize)
}

func (k KDF) stretch(passphrase string) ([]byte, error) {
	if k.ID == KDFPBKDF2 {
		return pbkdf2.Key(sha512.New, passphrase, k.Salt[:], int(k.Iterations), envelope.KeySize)
	}
	if fips140.Enforced() {
		return nil, fault.New(fault.Unavailable, "This passphrase is stretched by Argon2id, which FIPS mode does not approve.").
			WithHint("Run the command without that mode, or change the passphrase on the page of a server that runs in it: it is stretched by PBKDF2 from then on.")
	}
	return argon2.IDKey([]byte(passphrase), k.Salt[:], k.Iterations, k.Memory, 1, envelope.KeySize), nil
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
