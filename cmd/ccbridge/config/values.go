package config

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// oneOf accepts the given words.
func oneOf(words ...string) check {
	return func(value string) *problem {
		for _, w := range words {
			if value == w {
				return nil
			}
		}
		list := quoted(words)
		if like := closest(value, words); like != "" {
			return &problem{text: "is none of " + list, write: fmt.Sprintf("%q (did you mean that?)", like)}
		}
		return &problem{text: "is none of " + list, write: "one of them"}
	}
}

func quoted(words []string) string { return `"` + strings.Join(words, `", "`) + `"` }

// notYet refuses a word that the configuration knows and this version cannot do.
func notYet(word, write string) check {
	return func(value string) *problem {
		if value != word {
			return nil
		}
		return &problem{text: fmt.Sprintf("this version cannot do %q yet", word), write: write}
	}
}

// matches accepts what pattern matches whole.
func matches(pattern *regexp.Regexp, p problem) check {
	return func(value string) *problem {
		if pattern.MatchString(value) {
			return nil
		}
		return &p
	}
}

func hasNoSpace(value string) *problem {
	if strings.ContainsFunc(value, unicode.IsSpace) {
		return &problem{text: "contains a space", write: "it without"}
	}
	return nil
}

// isURL accepts an absolute address that paths can be appended to.
func isURL(value string) *problem {
	const write = `an address such as "https://host.example/path"`
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Hostname() == "":
		return &problem{text: "is not the address of a server", write: write}
	case u.Scheme != "https" && u.Scheme != "http":
		return &problem{text: "begins with neither https:// nor http://", write: write}
	case !isPort(u.Port(), u.Host):
		return &problem{text: "has a port that is none", write: "a port from 1 to 65535, or leave it out"}
	case u.User != nil:
		return &problem{text: "contains a user name", write: "the address without user and password"}
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return &problem{text: "has something after the path", write: "it without ? and #"}
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return &problem{"sends keys and messages unencrypted over a network", `"https://…"`, true}
	}
	return nil
}

// isPort judges the port of an address; "" is one if the address ends without a colon.
func isPort(port, host string) bool {
	if port == "" {
		return !strings.HasSuffix(host, ":")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// isLoopback tells whether host, a name or an address, is this machine; no name is looked up.
func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// isListenAddress accepts host:port; the host may be empty, the port 0.
func isListenAddress(value string) *problem {
	host, port, err := net.SplitHostPort(value)
	_, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || strings.ContainsAny(host, " /@") {
		return &problem{text: "is not host:port", write: `an address to listen on, such as "127.0.0.1:8080" or ":8080"`}
	}
	return nil
}

// isStoreURL accepts sqlite:PATH.
func isStoreURL(value string) *problem {
	const write = `"sqlite:PATH", such as "sqlite:ccbridge.db"`
	path, ok := strings.CutPrefix(value, "sqlite:")
	switch {
	case strings.HasPrefix(value, "postgres://"), strings.HasPrefix(value, "postgresql://"):
		return &problem{text: "this version cannot do postgres:// yet", write: write}
	case !ok:
		return &problem{text: "names no store", write: write}
	case path == "" || strings.HasPrefix(path, "//"):
		return &problem{text: "is not followed by the path of a file", write: write}
	case strings.Contains(path, ":memory:"):
		return &problem{text: "keeps the store in memory, where a restart loses it", write: write}
	case strings.ContainsAny(path, "?#"):
		return &problem{text: "has options", write: write + " and nothing after it"}
	}
	return nil
}

// isUsableDatabasePath looks whether a file can be at path.
func isUsableDatabasePath(path string) *problem {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return &problem{text: "is a folder", write: `the path of a file in it, such as "sqlite:ccbridge.db"`}
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return &problem{"its folder cannot be found", "the path of a file in a folder that exists", true}
	}
	return nil
}

// readCertificates reads a file of certificates in PEM.
func readCertificates(path string) (string, *problem) {
	const write = "the path of a file of certificates in PEM, relative to the folder of this configuration"
	text, err := readFile(path, 1<<20)
	if err != nil {
		return "", &problem{text: "cannot be read: " + err.Error(), write: write}
	}
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(text)) {
		return "", &problem{text: "contains no certificate", write: write}
	}
	return text, nil
}

var (
	bareLanguage = regexp.MustCompile(`^[a-z]{2,3}$`)
	withCountry  = regexp.MustCompile(`^[a-z]{2,3}[_-][A-Za-z]{2,4}$`)
)

// isLocale accepts a language. Some editions of the centre refuse a country
// code (cec_07_2200), others take it (cec_07_0103).
func isLocale(value string) *problem {
	switch {
	case bareLanguage.MatchString(value):
		return nil
	case withCountry.MatchString(value):
		return &problem{"has a country code, which some centres refuse", `the bare language, such as "en"`, true}
	default:
		return &problem{text: "is not a language", write: `a language code in lower case, such as "en" or "zh"`}
	}
}
