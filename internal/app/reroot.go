package app

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys/service"
)

// NewRoot says which key store gets a new root.
type NewRoot struct {
	Dir, ShredList   string
	Root, Credential string    // where the present root is, or else
	Stdin            io.Reader // where it is read from
	File             string    // of the new root; in the place of Root at the end when empty

	// Made is told the text of the new root before anything is put under it.
	Made func(recovery string) error
}

// RotateRoot puts a key store under a new root. Cut short, it goes on when it is
// called again with the same arguments.
func RotateRoot(ctx context.Context, n NewRoot) error {
	var old []byte
	var err error
	switch {
	case n.Root != "":
		old, err = service.LoadRoot(n.Root)
	case n.Credential != "":
		old, err = service.LoadCredential(n.Credential)
	default:
		old, err = service.ReadRoot(n.Stdin)
	}
	if err != nil {
		return err
	}
	defer clear(old)
	file := n.File
	if file == "" {
		file = n.Root + ".new"
	}
	r := service.RootRotation{Dir: n.Dir, ShredList: n.ShredList, Old: old, New: file, Made: n.Made}
	if err := service.RotateRoot(ctx, r); err != nil {
		return err
	}
	if n.File != "" {
		return nil
	}
	if err := os.Rename(file, n.Root); err != nil {
		return fault.Wrap(err, fault.Unavailable, "The new root key cannot take the old one's place.").WithHint("Move %s to %s.", file, n.Root)
	}
	dir, err := os.Open(filepath.Dir(n.Root))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
