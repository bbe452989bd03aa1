package vaultapi

import (
	"encoding/json"
	"os"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/vault"
)

// fromFile answers as a server would that has what is in the emergency file. It is
// as little believed as one.
func (c *Client) fromFile(path string, send, into any) error {
	if send != nil {
		return fault.New(fault.Invalid, "An emergency file is not written.").WithHint("Use the server with -url when it is there again.")
	}
	if c.saved == nil {
		f, err := readFile(c.File)
		if err != nil {
			return err
		}
		c.saved = f
	}
	switch out := into.(type) {
	case *vault.State:
		*out = *c.saved.State
		return nil
	case *vault.Contents:
		n, _ := id.Parse(strings.TrimPrefix(path, "vaults/"))
		if got := c.saved.Vaults[n]; got != nil {
			*out = *got
			return nil
		}
	}
	return lied("A vault is missing in the emergency file.")
}

func readFile(name string) (*vault.File, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The emergency file cannot be read: %v.", err)
	}
	return ParseFile(b)
}

// ParseFile reads an emergency file. Nothing in it has been verified.
func ParseFile(b []byte) (*vault.File, error) {
	var f vault.File
	if err := json.Unmarshal(b, &f); err != nil || f.Format != vault.FileFormat || f.State == nil {
		return nil, fault.Wrap(err, fault.Invalid, "This is no emergency file of vaults.").WithHint("One is saved on the page Vault, under For emergencies.")
	}
	return &f, nil
}
