package doctor

import "syscall"

// kinds are file systems by the numbers that statfs(2) tells.
var kinds = map[int64]Disk{
	0x6969:     {Kind: "NFS", Network: true},
	0x517b:     {Kind: "SMB", Network: true},
	0xff534d42: {Kind: "CIFS", Network: true},
	0xfe534d42: {Kind: "SMB2", Network: true},
	0x00c36400: {Kind: "Ceph", Network: true},
	0x5346414f: {Kind: "AFS", Network: true},
	0x01021997: {Kind: "9P", Network: true},
	0x0bd00bd0: {Kind: "Lustre", Network: true},
	0x01021994: {Kind: "tmpfs", Memory: true},
	0x858458f6: {Kind: "ramfs", Memory: true},
}

// diskOf asks statfs(2).
func diskOf(folder string) (Disk, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(folder, &st); err != nil {
		return Disk{}, err
	}
	d := kinds[int64(uint32(st.Type))] //nolint:gosec // the number has 32 bits, signed on some machines
	d.Free = st.Bavail * uint64(st.Bsize)
	return d, nil
}
