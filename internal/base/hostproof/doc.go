// Package hostproof holds the formats of the host-proof vault and their
// reference: keyset statements, locks, grants, items and manifests, written down
// byte by byte in doc/formats/vault.md.
//
// Always true: what a server hands out is data to be checked, never an answer to
// be believed; nothing is used before the signature of whoever may have made it
// was verified, with a key that the caller brings and the server does not;
// everything names its tenant, its vault and its epoch in bytes that are
// authenticated; there is one valid encoding of everything; no key derivation
// weaker than the floors compiled in here is ever run.
package hostproof

import "strongroom/internal/base/fault"

// malformed says that bytes are not of this form.
func malformed(what string) error {
	return fault.New(fault.Invalid, "This %s is damaged, or a newer version made it.", what).
		WithHint("Update the program, or restore the vault from a backup.")
}

// alarm is what a server must not do: it was caught serving something that
// verification refuses. The text says what, in plain words.
func alarm(format string, args ...any) error {
	return fault.New(fault.Denied, format, args...).
		WithHint("Do not go on with this vault. Tell your administrator that the server may have been tampered with.")
}
