package app

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/surface/vaultapi"
)

// What a command does with vaults.
type (
	VaultClient = vaultapi.Client
	Vault       = vaultapi.Vault
	VaultItem   = vaultapi.Item
	Recovery    = vaultapi.Recovery
)

// VaultOptions say where somebody's vaults are.
type VaultOptions struct {
	URL            string
	File           string // an emergency file in the place of a server, which needs no key
	Key            string // or in KeyFile
	KeyFile        string
	PassphraseFile string
	Memory         string // the folder of what is remembered; empty is one below the person's own settings
}

// OpenVaults unlocks the vaults of the owner of a key. The passphrase is the first
// line of its file, or else what ask gives.
func OpenVaults(ctx context.Context, o VaultOptions, ask func() (string, error)) (*vaultapi.Client, error) {
	c, pass, err := vaultClient(o, ask)
	if err != nil {
		return nil, err
	}
	return c, c.Unlock(ctx, pass)
}

// LockedVaults is OpenVaults for who has forgotten the passphrase: nothing is opened. It
// gives the passphrase that is to be from then on.
func LockedVaults(ctx context.Context, o VaultOptions, ask func() (string, error)) (*vaultapi.Client, string, error) {
	c, pass, err := vaultClient(o, ask)
	if err != nil {
		return nil, "", err
	}
	return c, pass, c.Locked(ctx)
}

// NewVaultKeys gives the owner of a key new vault keys, with every vault of hers under
// them. It gives the words of the new ones.
func NewVaultKeys(ctx context.Context, o VaultOptions, ask func() (string, error)) ([]string, error) {
	c, pass, err := vaultClient(o, ask)
	if err != nil {
		return nil, err
	}
	if err := c.Unlock(ctx, pass); err != nil {
		return nil, err
	}
	list, err := c.All(ctx)
	if err != nil {
		return nil, err
	}
	err = c.NewKeys(ctx, list, pass)
	return c.Words(), err
}

// KeyedVaults is a client for what takes a key and no passphrase.
func KeyedVaults(o VaultOptions) (*vaultapi.Client, error) {
	c, _, err := vaultClient(o, func() (string, error) { return "", nil })
	return c, err
}

// CopyWords gives the words of the keys that made an emergency copy.
func CopyWords(x *hostproof.Copy) string { return vaultapi.CopyWords(x) }

// FindVault gives the one vault of a list with a number or a title.
func FindVault(list []*Vault, what string) (*Vault, error) { return vaultapi.Find(list, what) }

// PlaceOf gives the place of a holder of an emergency copy.
func PlaceOf(x *hostproof.Copy, what string) (int, error) { return vaultapi.PlaceOf(x, what) }

func vaultClient(o VaultOptions, ask func() (string, error)) (*vaultapi.Client, string, error) {
	if o.KeyFile != "" {
		text, err := os.ReadFile(o.KeyFile)
		if err != nil {
			return nil, "", fault.Wrap(err, fault.Invalid, "The file with the key cannot be read: %v.", err)
		}
		o.Key = string(text)
	}
	if o.Key = strings.TrimSpace(o.Key); o.Key == "" && o.File == "" {
		return nil, "", fault.New(fault.Invalid, "There is no API key.").WithHint("Put one of your own, which may read passwords, into the environment as STRONGROOM_KEY, or into a file named by -key-file.")
	}
	if o.Memory == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return nil, "", fault.Wrap(err, fault.Invalid, "There is no folder to remember in what was seen: %v.", err).WithHint("Name one with -memory.")
		}
		o.Memory = filepath.Join(dir, "strongroom", "vaults")
	}
	pass, err := passphraseOf(o, ask)
	return &vaultapi.Client{URL: o.URL, Key: o.Key, File: o.File, Memory: &vaultapi.Memory{Dir: o.Memory}}, pass, err
}

func passphraseOf(o VaultOptions, ask func() (string, error)) (string, error) {
	if o.PassphraseFile == "" {
		return ask()
	}
	text, err := os.ReadFile(o.PassphraseFile)
	if err != nil {
		return "", fault.Wrap(err, fault.Invalid, "The file with the passphrase cannot be read: %v.", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}
