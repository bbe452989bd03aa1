package vaultapi

import (
	"bytes"
	"encoding/hex"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/id"
)

// CheckLog looks through an exported audit log for keys that were stated as those of the
// owner of the unlocked ones and are not. The log must verify with the key that this
// computer knows. It gives how many entries there are. Denied when something is wrong.
func (c *Client) CheckLog(export []byte) (entries int64, err error) {
	report, err := audit.VerifyExport(bytes.NewReader(export), c.Memory.Log.Key)
	if err != nil {
		return 0, err
	}
	if report.Bad != nil {
		return 0, lied("The audit log in this file does not verify: %s", report.Bad.What)
	}
	return report.Entries, c.mine(audit.StatedIn(export, hostproof.ListedAction))
}

// mine checks that what a log states of the owner's keys is what she stated.
func (c *Client) mine(list []audit.Stated) error {
	me := c.keys.Statement
	hash, there := me.Hash(), false
	known := map[int64]string{int64(me.Number): hex.EncodeToString(hash[:])}
	if me.Number > 1 {
		known[int64(me.Number)-1] = hex.EncodeToString(me.Previous[:])
	}
	for _, s := range list {
		if s.Object != id.ID(me.User) {
			continue
		}
		if s.Text == "" {
			return fault.New(fault.Invalid, "This log was exported without details.").WithHint("Ask for one with details.")
		}
		if s.Version > int64(me.Number) || known[s.Version] != "" && known[s.Version] != s.Text {
			return lied("The audit log states keys as yours that are not yours (number %d).", s.Version)
		}
		known[s.Version] = s.Text
		there = there || s.Version == int64(me.Number)
	}
	if !there {
		return lied("The audit log does not state your keys.")
	}
	return nil
}
