package service

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// peerUID gives the user at the other end of a Unix socket.
func peerUID(c *net.UnixConn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	var cred *unix.Ucred
	var inner error
	if err := raw.Control(func(fd uintptr) {
		cred, inner = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return -1, err
	}
	if inner != nil {
		return -1, inner
	}
	return int(cred.Uid), nil
}

func flock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

const (
	capLockMemory = 14 // CAP_IPC_LOCK
	mlockOnFault  = 4  // MCL_ONFAULT: lock pages when they are first used
)

// Harden keeps the process's memory out of core dumps, debuggers of the same
// user and, where it is allowed to, swap. It gives a sentence for everything
// that this system does not allow. Call it first thing in the process of the
// key service; it is for that process alone.
func Harden() []string {
	var cannot []string
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		cannot = append(cannot, "Debuggers of the same user could not be shut out.")
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		cannot = append(cannot, "Core dumps could not be switched off.")
	}
	// A limit on locked memory would end the process later, at a place that
	// cannot be chosen; so only a process without one locks.
	if !mayLock() || unix.Mlockall(unix.MCL_CURRENT|unix.MCL_FUTURE|mlockOnFault) != nil {
		cannot = append(cannot, "Memory could not be locked: keys may reach the swap space. Use encrypted swap, none, or LimitMEMLOCK=infinity.")
	}
	return cannot
}

func mayLock() bool {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err == nil && limit.Cur == unix.RLIM_INFINITY {
		return true
	}
	var data [2]unix.CapUserData
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	return unix.Capget(&head, &data[0]) == nil && data[0].Effective&(1<<capLockMemory) != 0
}
