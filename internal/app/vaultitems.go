package app

import "strongroom/internal/surface/vaultapi"

// FindVault gives the one vault of a list with a number or a title.
func FindVault(list []*Vault, what string) (*Vault, error) { return vaultapi.Find(list, what) }
