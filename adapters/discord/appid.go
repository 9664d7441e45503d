package discord

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// AppID is the id of the application that a bot's token belongs to: the token's first part is that number in base64
// (Discord: authentication, example tokens). A token of another form gives "".
func AppID(token string) string {
	first, _, found := strings.Cut(token, ".")
	id, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(first, "="))
	if !found || err != nil {
		return ""
	}
	if n, err := strconv.ParseUint(string(id), 10, 63); err != nil || strconv.FormatUint(n, 10) != string(id) {
		return ""
	}
	return string(id)
}
