package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// Admin is [admin]: how operators reach the running bridge.
type Admin struct {
	// Socket is the path of the local socket that the commands sessions, trace, dead, export and erase use.
	Socket string
}

// maxSocketPath bounds the path of a local socket, in bytes: systems allow 103 to 107, and the socket is made beside its
// final name first.
const maxSocketPath = 100

func decodeAdmin(s *section, database string) Admin {
	admin := Admin{Socket: s.text("socket", "")}
	switch {
	case admin.Socket != "":
		admin.Socket = absolute(s.ref.path(admin.Socket))
		if n := len(admin.Socket); n > maxSocketPath {
			s.fault(s.at("socket"), fmt.Sprintf("is too long for a socket: with its folder it has %d bytes", n),
				fmt.Sprintf("a path of at most %d bytes, such as %q", maxSocketPath, "/run/ccbridge/admin.sock"))
		}
	case database != "":
		admin.Socket = socketBeside(absolute(database))
	}
	return admin
}

// socketBeside is where the socket is by default: beside the database or, where that path is too long, under a short
// name made from it in a private folder for temporary files.
func socketBeside(database string) string {
	if path := database + ".sock"; len(path) <= maxSocketPath {
		return path
	}
	name := sha256.Sum256([]byte(database))
	return filepath.Join(os.TempDir(), "ccbridge-"+strconv.Itoa(os.Getuid()), hex.EncodeToString(name[:8])+".sock")
}

// absolute makes a path independent of the working directory, if that is known.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
