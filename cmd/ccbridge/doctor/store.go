package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"time"

	"ccbridge/bridge"
	"ccbridge/bridge/store"
)

// What the store needs, and when it is worth a word.
const (
	leastFree = 64 << 20  // bytes: less is as good as full
	fewFree   = 512 << 20 // bytes
	largeWAL  = 256 << 20 // bytes; the store keeps it at 64 MiB
	slowSync  = 50 * time.Millisecond
)

// store looks at the database and where it lies. seen, err is what store.Look says.
func (s Subject) store(f *bridge.Findings, seen store.Seen, err error) {
	path := s.Config.Store.Path
	const nothing = "Nothing can be stored, so nothing is taken from customers or answered."
	folder := folderOf(path)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		f.Fault("store.folder", "", "The folder of the database, "+folder+", is not there.", nothing,
			"Make it: mkdir -p -m 700 "+folder+", owned by the user that runs ccbridge; or change url in [store].")
		return
	}
	s.disk(f, folder)
	switch {
	case err != nil:
		f.Fault("store.file", "", fmt.Sprintf("The database cannot be read: %s.", cause(err)), nothing,
			"If it is damaged, stop the bridge and put back a backup. If it is no database of ccbridge's, name another file with url in [store]. "+
				"If only the rights are missing: chown it to the user that runs ccbridge.")
	case seen.Foreign:
		f.Fault("store.file", "", path+" is the database of another program.", nothing, "Name another file with url in [store].")
	case !seen.Exists:
		f.OK("store.file", "", path+" is not there yet; the first start makes it.")
	default:
		s.file(f, seen)
		schema(f, seen)
	}
	if seen.InUse {
		f.OK("store.lock", "", "A bridge is running on it.")
	} else {
		f.OK("store.lock", "", "No bridge is running on it.")
	}
}

// disk looks at the folder: room, kind, and whether it can be written to, and how fast.
func (s Subject) disk(f *bridge.Findings, folder string) {
	const full = "When it is full the bridge takes nothing from customers until there is room."
	switch d, err := s.Machine.Disk(folder); {
	case err != nil:
		f.OK("store.disk", "", "How much room there is could not be seen.")
	case d.Free < leastFree:
		f.Fault("store.disk", "", fmt.Sprintf("The disk is as good as full: %s are free in %s.", size(d.Free), folder), full,
			"Make room, or move the database to a larger disk (url in [store]).")
	case d.Free < fewFree:
		f.Warn("store.disk", "", fmt.Sprintf("There is little room on the disk: %s are free in %s.", size(d.Free), folder), full,
			"Make room, or keep transcripts for a shorter time (ledger in [store]).")
	default:
		f.OK("store.disk", "", "There is room on the disk.")
		if d.Network {
			f.Warn("store.filesystem", "", fmt.Sprintf("%s is on a network file system (%s).", folder, d.Kind),
				"Its locks and its writing through cannot be relied on: after a failure the database may be damaged, and conversations lost.",
				"Keep the database on a local disk (url in [store]).")
		}
		if d.Memory {
			f.Warn("store.filesystem", "", fmt.Sprintf("%s is kept in memory (%s).", folder, d.Kind),
				"When this machine stops, all conversations and transcripts are lost.", "Keep the database on a disk (url in [store]).")
		}
	}
	switch took, err := s.Machine.Sync(folder); {
	case errors.Is(err, fs.ErrPermission):
		f.Fault("store.folder", "", "This user may not write to "+folder+".", "Nothing can be stored, so nothing is taken from customers or answered.",
			"Run the doctor as the user that runs ccbridge; if that is so, give it the folder: chown USER "+folder)
	case err != nil:
		f.Fault("store.folder", "", fmt.Sprintf("%s cannot be written to: %s.", folder, cause(err)), "Nothing can be stored, so nothing is taken from customers or answered.",
			"Look at the disk: is it mounted read-only, full, or broken?")
	case took > slowSync:
		f.Warn("store.folder", "", fmt.Sprintf("%s can be written to, but slowly: %s until a write is on the disk.", folder, took.Round(time.Millisecond)),
			"Each message waits that long at least, and at busy times several times as long.", "Keep the database on a faster disk (url in [store]).")
	default:
		f.OK("store.folder", "", folder+" can be written to.")
	}
}

// file looks at the database's own file.
func (s Subject) file(f *bridge.Findings, seen store.Seen) {
	path := s.Config.Store.Path
	db, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		err = db.Close()
	}
	switch {
	case err != nil:
		f.Fault("store.file", "", fmt.Sprintf("The database cannot be written to: %s.", cause(err)),
			"Nothing can be stored, so nothing is taken from customers or answered.",
			"Run the doctor as the user that runs ccbridge; if that is so, give it the files: chown USER "+path+"*")
	case runtime.GOOS != "windows" && seen.Mode.Perm()&0o077 != 0:
		f.Warn("store.file", "", fmt.Sprintf("Others than its owner may open the database: its mode is %04o.", seen.Mode.Perm()),
			"Transcripts can be read by everybody on this machine.", "chmod 600 "+path+"*   (the next start does so too)")
	default:
		f.OK("store.file", "", path+" is there, "+size(uint64(seen.Size))+".") //nolint:gosec // a size is not negative
	}
	if seen.WAL > largeWAL {
		f.Warn("store.wal", "", fmt.Sprintf("The log beside the database has grown to %s.", size(uint64(seen.WAL))), //nolint:gosec // as above
			"Reading gets slower, and the disk fuller.", "Something keeps the database open for long, a backup perhaps: end it. A restart of the bridge takes the log in.")
	}
}

// schema compares the database's version with this program's.
func schema(f *bridge.Findings, seen store.Seen) {
	const check = "store.schema"
	switch {
	case seen.Schema > seen.Newest:
		f.Fault(check, "", fmt.Sprintf("The database is of a newer ccbridge: version %d, this program knows %d.", seen.Schema, seen.Newest),
			"The bridge does not start.", "Install the newer ccbridge again, or put back the backup from before the upgrade.")
	case seen.Schema < seen.Newest && seen.InUse:
		f.Warn(check, "", fmt.Sprintf("The bridge that runs is older than this program: its database has version %d, not %d.", seen.Schema, seen.Newest),
			"What this program says about it may not hold.", "Back up the database, then restart the bridge with this program.")
	case seen.Schema < seen.Newest:
		f.Warn(check, "", fmt.Sprintf("The database has version %d; the next start brings it to %d, and there is no way back.", seen.Schema, seen.Newest),
			"Nothing is lost; an older ccbridge cannot read it afterwards.", "Back up the database, then start.")
	default:
		f.OK(check, "", fmt.Sprintf("The database has this program's version, %d.", seen.Newest))
	}
}

// cause is a file error without operation and path, and any other as it is.
func cause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// size writes a number of bytes for people.
func size(n uint64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}
