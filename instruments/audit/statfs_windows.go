package audit

import (
	"syscall"
	"unsafe"
)

func statfs(dir string) (fileSystem, error) {
	path, err := syscall.UTF16PtrFromString(dir)
	if err != nil {
		return fileSystem{}, err
	}
	var size fileSystem
	// https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-getdiskfreespaceexw
	ok, _, err := syscall.NewLazyDLL("kernel32.dll").NewProc("GetDiskFreeSpaceExW").Call(
		uintptr(unsafe.Pointer(path)),
		uintptr(unsafe.Pointer(&size.available)),
		uintptr(unsafe.Pointer(&size.total)),
		uintptr(unsafe.Pointer(&size.free)),
	)
	if ok == 0 {
		return fileSystem{}, err
	}
	// With a quota the total is the user's, and the free space is everybody's.
	size.free = min(size.free, size.available)
	return size, nil
}
