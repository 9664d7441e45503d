package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// Admin is [admin]: how operators reach the running bridge.
type Admin struct {
	// PasswordHash is the bcrypt hash of the password that opens the page at /admin, Token what opens it as well and
	// what programs say. The page is there only if one of them is.
	PasswordHash Secret
	Token        Secret
	// Socket is the path of the local socket that the commands sessions, trace, dead, export and erase use.
	Socket string
}

// PageOn tells whether the page at /admin is there.
func (a Admin) PageOn() bool { return a.PasswordHash.Reveal() != "" || a.Token.Reveal() != "" }

// maxSocketPath bounds the path of a local socket, in bytes: systems allow 103 to 107, and the socket is made beside its
// final name first.
const maxSocketPath = 100

func decodeAdmin(s *section, database string) Admin {
	admin := Admin{
		Socket: s.text("socket", ""),
		PasswordHash: s.optionalSecret("password_hash", matches(bcryptHash, problem{text: "is no bcrypt hash with a cost from 10 to 14",
			write: `what "ccbridge password" prints, best into the environment as "env:CCBRIDGE_ADMIN_PASSWORD_HASH"`})),
		Token: s.optionalSecret("token", isLongToken),
	}
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
	s.follows("socket", admin.Socket)
	return admin
}

// bcryptHash is a hash in bcrypt's usual form. A lower cost is guessed too fast, a higher one keeps the program busy for
// seconds at each try.
var bcryptHash = regexp.MustCompile(`^\$2[aby]\$1[0-4]\$[./A-Za-z0-9]{53}$`)

// minToken is the least length of a token: random characters of it cannot be guessed.
const minToken = 20

func isLongToken(value string) *problem {
	if len(value) < minToken {
		return &problem{text: fmt.Sprintf("is shorter than %d characters, so it could be guessed", minToken), write: `a long random one, such as "openssl rand -hex 24" prints, best as "env:CCBRIDGE_ADMIN_TOKEN"`}
	}
	return nil
}

// warnOpenPage warns of a page that others in the network can reach: passwords and transcripts would pass it in clear.
func (s *section) warnOpenPage(admin Admin, listen string) {
	host, _, err := net.SplitHostPort(listen)
	if !admin.PageOn() || err != nil || isLoopback(host) {
		return
	}
	at := s.at("password_hash")
	if admin.PasswordHash.Reveal() == "" {
		at = s.at("token")
	}
	s.warn(at, "switches on the page at /admin, and server.listen is open to the network, where passwords and transcripts pass in clear",
		`server.listen = "127.0.0.1:8080" with a web server that does TLS before it`)
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
