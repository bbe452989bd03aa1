package vaultapi

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/id"
)

// Memory is what this computer remembers of one person's vaults, so that it
// notices when a server shows something older or other. It holds no secret.
type Memory struct {
	Dir    string          `json:"-"` // where the files of all people lie
	Keyset *Seen           `json:"keyset,omitempty"`
	Vaults map[string]Seen `json:"vaults"`

	People map[string]string `json:"people,omitempty"` // fingerprints of others' keys that were compared, by user

	Recovery *Seen `json:"recovery,omitempty"` // the last one that was chosen

	Log *LogSeen `json:"log,omitempty"` // the tenant's audit log as it was seen last

	file string
}

// LogSeen is the audit log as it was seen last.
type LogSeen struct {
	Key  string `json:"key"`
	Size int64  `json:"size"`
	Root string `json:"root"`
}

// Seen is a keyset or a vault as it was seen last.
type Seen struct {
	Number      uint64 `json:"number"` // of the statement, or the counter of the list
	Epoch       uint64 `json:"epoch,omitempty"`
	Hash        string `json:"hash"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Of          int64  `json:"of,omitempty"`    // the user whose vault it is, 0 for one's own
	Ended       bool   `json:"ended,omitempty"` // its owner signed that it is no more
}

func lied(format string, args ...any) error {
	return fault.New(fault.Denied, format, args...).WithHint("Do not go on. Tell your administrator that the server may have been tampered with.")
}

// of reads what is remembered of one person. The names of tenants are those of
// folders; what is none is refused.
func (m *Memory) of(tenant string, user int64) error {
	name := tenant + "-" + strconv.FormatInt(user, 10) + ".json"
	if !filepath.IsLocal(name) || filepath.Base(name) != name {
		return lied("The server sent a name of a tenant that is none.")
	}
	m.file = filepath.Join(m.Dir, name)
	b, err := os.ReadFile(m.file)
	if err == nil {
		err = json.Unmarshal(b, m)
	}
	if m.Vaults == nil {
		m.Vaults = map[string]Seen{}
	}
	if m.People == nil {
		m.People = map[string]string{}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "What is remembered of your vaults cannot be read: %v.", err).WithHint("Remove %s if you know why it is damaged.", m.file)
	}
	return nil
}

// forget leaves nothing but whose keys were compared, and remembers nothing: what an
// emergency file holds is old.
func (m *Memory) forget() {
	m.file, m.Keyset, m.Vaults = "", nil, map[string]Seen{}
}

func (m *Memory) save() error {
	if m.file == "" {
		return nil
	}
	b, err := json.Marshal(m)
	if err == nil {
		err = os.MkdirAll(m.Dir, 0o700)
	}
	if err == nil {
		err = os.WriteFile(m.file+".new", append(b, '\n'), 0o600)
	}
	if err == nil {
		err = os.Rename(m.file+".new", m.file)
	}
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "What was seen of your vaults cannot be remembered: %v.", err).WithHint("Name another folder with -memory.")
	}
	return nil
}

func (m *Memory) keyset(s *hostproof.Statement, before []*hostproof.Statement) error {
	fp, hash := s.Fingerprint(), s.Hash()
	known := m.Keyset
	if known == nil {
		return nil
	}
	if uint64(s.Number) < known.Number || uint64(s.Number) == known.Number && hex.EncodeToString(fp[:]) == known.Fingerprint && hex.EncodeToString(hash[:]) != known.Hash {
		return lied("The server shows an older keyset of yours than this computer knows, such as one from before you changed the passphrase.")
	}
	if _, err := s.From(printOf(known.Fingerprint), before); err != nil {
		return lied("The server shows other keys for you than this computer knows.")
	}
	return nil
}

// printOf reads a fingerprint that is remembered; what is none is nobody's.
func printOf(text string) (fp [16]byte) {
	_, _ = hex.Decode(fp[:], []byte(text))
	return fp
}

// recovery compares the recovery that the server shows with the last one that is known
// here: an earlier one may be open to whoever has an old kit.
func (m *Memory) recovery(number uint32, x *hostproof.Recovery) error {
	known := m.Recovery
	if known == nil || x == nil {
		return nil
	}
	hash := x.Hash()
	if uint64(x.Number) < known.Number || uint64(x.Number) == known.Number && hex.EncodeToString(hash[:]) != known.Hash || number != x.Number {
		return lied("The server shows an earlier recovery of yours than the one that this computer knows.")
	}
	return nil
}

func (m *Memory) keepRecovery(x *hostproof.Recovery) error {
	hash := x.Hash()
	m.Recovery = &Seen{Number: uint64(x.Number), Hash: hex.EncodeToString(hash[:])}
	return m.save()
}

func (m *Memory) keepKeyset(s *hostproof.Statement) {
	fp, hash := s.Fingerprint(), s.Hash()
	m.Keyset = &Seen{Number: uint64(s.Number), Hash: hex.EncodeToString(hash[:]), Fingerprint: hex.EncodeToString(fp[:])}
}

// vaults says when the server leaves a vault of hers out that she did not delete, or
// shows one again that she did. Those of others, whose owners may have ended the
// access, are forgotten.
func (m *Memory) vaults(me *hostproof.Statement, list []id.ID, ended [][]byte) error {
	for n, seen := range m.Vaults {
		there := slices.ContainsFunc(list, func(i id.ID) bool { return i.String() == n })
		switch {
		case there && seen.Ended:
			return lied("The server shows a vault again that you deleted.")
		case there, seen.Ended:
		case seen.Of != 0:
			delete(m.Vaults, n)
		default:
			if err := m.end(me, n, ended); err != nil {
				return err
			}
		}
	}
	return nil
}

// end remembers that a vault was deleted, when its owner signed that.
func (m *Memory) end(me *hostproof.Statement, n string, ended [][]byte) error {
	at, _ := id.Parse(n)
	for _, b := range ended {
		last, err := hostproof.ParseManifest(b)
		if err != nil {
			return err
		}
		if last.Vault != int64(at) {
			continue
		}
		seen, err := hostproof.CheckLast(last, me, int64(at), m.vault(at))
		if err != nil {
			return err
		}
		m.Vaults[n] = Seen{Number: seen.Counter, Epoch: seen.Epoch, Hash: hex.EncodeToString(seen.Hash[:]), Ended: true}
		return nil
	}
	return lied("The server no longer shows a vault that this computer knows.")
}

// knows tells whether the keys of somebody were compared here, or follow by statements
// from such keys; others in their place are refused.
func (m *Memory) knows(s *hostproof.Statement, before []*hostproof.Statement) (bool, error) {
	at, fp := strconv.FormatInt(s.User, 10), s.Fingerprint()
	known := m.People[at]
	if known == "" || known == hex.EncodeToString(fp[:]) {
		return known != "", nil
	}
	if _, err := s.From(printOf(known), before); err != nil {
		return false, lied("The server shows other keys for somebody than those that you compared.")
	}
	m.People[at] = hex.EncodeToString(fp[:])
	return true, m.save()
}

func (m *Memory) meet(s *hostproof.Statement) error {
	fp := s.Fingerprint()
	m.People[strconv.FormatInt(s.User, 10)] = hex.EncodeToString(fp[:])
	return m.save()
}

// own tells whether a vault is remembered as one of her own.
func (m *Memory) own(n id.ID) bool {
	s, ok := m.Vaults[n.String()]
	return ok && s.Of == 0
}

func (m *Memory) vault(n id.ID) hostproof.Memory {
	s := m.Vaults[n.String()]
	out := hostproof.Memory{Epoch: s.Epoch, Counter: s.Number}
	_, _ = hex.Decode(out.Hash[:], []byte(s.Hash)) // what is no hash fits no list
	return out
}

// listed checks that keys stand in the audit log, and remembers that.
func (m *Memory) listed(s *hostproof.Statement, l *hostproof.Listing) error {
	var seen hostproof.LogSeen
	if m.Log != nil {
		seen.Key, seen.Size = m.Log.Key, m.Log.Size
		_, _ = hex.Decode(seen.Root[:], []byte(m.Log.Root)) // what is no root fits no log
	}
	now, err := l.Check(s, seen)
	if err != nil {
		return err
	}
	m.Log = &LogSeen{Key: now.Key, Size: now.Size, Root: hex.EncodeToString(now.Root[:])}
	return m.save()
}

func (m *Memory) logSize() int64 {
	if m.Log == nil {
		return 0
	}
	return m.Log.Size
}

// keep remembers a vault as it was seen; of is its owner, 0 for one's own.
func (m *Memory) keep(n id.ID, seen hostproof.Memory, of int64) error {
	m.Vaults[n.String()] = Seen{Number: seen.Counter, Epoch: seen.Epoch, Hash: hex.EncodeToString(seen.Hash[:]), Of: of}
	return m.save()
}
