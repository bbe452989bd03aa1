package app

import (
	"context"
	"encoding/json"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/vaults"
)

// VaultFile asks for the import of what a password manager exported, from a file of
// this machine.
type VaultFile struct {
	Tenant, Path string
	Product      string // as feature/importer/vaults calls it
	Lock         string // what opens the file
	DryRun       bool
	Places       Places
}

// Places say into which organizations entries go, by their names.
type Places struct {
	Organization string   // of what nothing else places
	Folders      []string // FOLDER=ORGANIZATION, of outermost folders; nothing after = leaves the folder out
	Named        bool     // an outermost folder is the organization of that name
	Create       bool     // organizations that are missing
}

// VaultProducts are the password managers whose exports can be imported.
func VaultProducts() []vaults.Product { return vaults.Products() }

// VaultLocked tells whether a file is a KeePass database, which has a passphrase.
func VaultLocked(path string) (bool, error) {
	f, size, err := readable(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	return vaults.Locked(vaults.File{ReaderAt: f, Size: size, Name: path})
}

// VaultLock joins a passphrase and the content of a key file, or nil.
func VaultLock(passphrase string, keyFile []byte) string {
	return vaults.Lock{Passphrase: passphrase, KeyFile: keyFile}.String()
}

func importVault(ctx context.Context, a *App, f VaultFile, progress func(any)) (any, error) {
	file, _, err := readable(f.Path)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	c := access.System(f.Tenant, "console")
	var to vaults.Places
	err = a.Gate.View(ctx, c, func(tx *gate.Tx) (err error) { to, err = f.Places.find(tx, a); return err })
	if err != nil {
		return nil, err
	}
	settings, err := json.Marshal(to)
	if err != nil {
		return nil, err
	}
	source, o := importer.Source{Path: f.Path}, importer.Options{Layout: f.Product, Password: f.Lock, Settings: settings, CreateMissingOrganizations: f.Places.Create}
	if f.DryRun {
		return a.Importer.Check(ctx, c, source, o)
	}
	return a.Importer.Run(ctx, c, source, o, func(p importer.Progress) { progress(p) })
}

// find finds the organizations.
func (p Places) find(tx *gate.Tx, a *App) (to vaults.Places, err error) {
	to.Named = p.Named
	if p.Organization != "" {
		if to.Org, err = oneNamed(tx, a.Records, "organization", p.Organization); err != nil {
			return to, err
		}
	}
	for _, s := range p.Folders {
		at := strings.LastIndexByte(s, '=')
		if at <= 0 {
			return to, fault.New(fault.Invalid, "The folder %q is not written as FOLDER=ORGANIZATION.", s)
		}
		if to.Folders == nil {
			to.Folders = map[string]id.ID{}
		}
		org := id.ID(0)
		if name := s[at+1:]; name != "" {
			if org, err = oneNamed(tx, a.Records, "organization", name); err != nil {
				return to, err
			}
		}
		to.Folders[s[:at]] = org
	}
	return to, nil
}
