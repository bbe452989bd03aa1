package vaultapi_test

import (
	"testing"

	"strongroom/internal/feature/vault"
	"strongroom/internal/surface/vaultapi"
)

// FuzzParseFile: what is taken for an emergency file has what a client looks at.
func FuzzParseFile(f *testing.F) {
	f.Add([]byte(`{"format":"strongroom-vaults-1","state":{"tenant":"acme","user":5,"vaults":[7]},"vaults":{"7":{"owner":5,"members":null,"grant":"","manifest":"","items":[]}}}`))
	f.Add([]byte(`{"format":"strongroom-vaults-2","state":{}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := vaultapi.ParseFile(b); err == nil && (got.State == nil || got.Format != vault.FileFormat) {
			t.Errorf("it is %+v", got)
		}
	})
}
