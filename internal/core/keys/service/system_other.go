//go:build !linux

package service

import (
	"errors"
	"net"
	"os"
)

func peerUID(*net.UnixConn) (int, error) {
	return -1, errors.New("the peer of a Unix socket is only known on Linux")
}

func flock(*os.File) error { return nil }

// Harden gives a sentence for everything that this system does not allow.
func Harden() []string {
	return []string{"Core dumps, debuggers and swap are only shut out on Linux."}
}
