package mfa

import (
	"crypto/rand"
	"encoding/base32"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Codes is how many recovery codes somebody gets.
const Codes = 10

// NewCodes gives the caller new recovery codes, each of 60 random bits and good
// for one sign-in; the ones before are worth nothing any more. Show them once.
// Conflict for who has no other factor.
func NewCodes(tx *gate.Tx) ([]string, error) {
	user := tx.Caller.User
	has, err := Has(tx, user)
	if err != nil {
		return nil, err
	}
	if !has {
		return nil, fault.New(fault.Conflict, "Recovery codes stand in for another second factor.").WithHint("Set one up first.")
	}
	if err := Fresh(tx, true); err != nil {
		return nil, err
	}
	tx.Entry().Action = Coded
	out, err := issue(tx)
	if err != nil {
		return nil, err
	}
	return out, tell(tx, user, "You have new recovery codes. If it was not you who made them, ask an administrator to reset your second factors.", "codes/"+shortTime(tx))
}

// issue gives the caller new codes.
func issue(tx *gate.Tx) ([]string, error) {
	user := tx.Caller.User
	if _, err := tx.Exec(`delete from mfa_code where user_id = ?`, int64(user)); err != nil {
		return nil, err
	}
	var out []string
	for range Codes {
		raw := make([]byte, 8)
		rand.Read(raw)
		s := strings.ToLower(base32.StdEncoding.EncodeToString(raw))[:12]
		hash, err := digest(tx, "recovery", user.String(), s)
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(`insert into mfa_code (user_id, hash, used_at) values (?, ?, 0)`, int64(user), hash); err != nil {
			return nil, err
		}
		out = append(out, s[:4]+"-"+s[4:8]+"-"+s[8:])
	}
	return out, nil
}

// CodesLeft tells how many recovery codes of the caller are good.
func CodesLeft(tx *gate.Tx) (n int, err error) {
	err = tx.QueryRow(`select count(*) from mfa_code where user_id = ? and used_at = 0`, int64(tx.Caller.User)).Scan(&n)
	return n, err
}

// useRecovery uses up a recovery code. Of two who use it at once, one gets in.
func useRecovery(tx *gate.Tx, user id.ID, code string) error {
	plain := strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(strings.TrimSpace(code)))
	hash, err := digest(tx, "recovery", user.String(), plain)
	if err != nil {
		return err
	}
	n, err := tx.Exec(`update mfa_code set used_at = ? where user_id = ? and hash = ? and used_at = 0`, tx.Now, int64(user), hash)
	if err != nil {
		return err
	}
	if n != 1 {
		return wrongCode()
	}
	return tell(tx, user, "One of your recovery codes was used to sign in.", "recovery/"+shortTime(tx))
}
