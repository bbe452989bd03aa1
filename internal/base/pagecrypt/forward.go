package pagecrypt

import (
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// forward passes on what has nothing to do with the content of a file. Size
// hints, memory maps and atomic batches are not passed on: they would let
// SQLite see or make bytes that were not sealed.
type forward struct{ vfs.File }

func (f forward) DeviceCharacteristics() vfs.DeviceCharacteristic {
	const not = vfs.IOCAP_SUBPAGE_READ | vfs.IOCAP_BATCH_ATOMIC | vfs.IOCAP_ATOMIC | vfs.IOCAP_ATOMIC4K
	return f.File.DeviceCharacteristics()&^not | vfs.IOCAP_POWERSAFE_OVERWRITE
}

func (f forward) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }
func (f forward) LockState() vfs.LockLevel       { return vfsutil.WrapLockState(f.File) }
func (f forward) PersistWAL() bool               { return vfsutil.WrapPersistWAL(f.File) }
func (f forward) SetPersistWAL(keep bool)        { vfsutil.WrapSetPersistWAL(f.File, keep) }
func (f forward) HasMoved() (bool, error)        { return vfsutil.WrapHasMoved(f.File) }
func (f forward) BusyHandler(h func() bool)      { vfsutil.WrapBusyHandler(f.File, h) }
