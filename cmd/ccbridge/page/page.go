// Package page is what the pages of ccbridge share: their look, and the headers that keep a browser from doing with them
// what it must not.
package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
)

//go:embed style.css
var style []byte

// StyleVersion names the contents of the style sheet: asked for as style.css?v=StyleVersion() it may be kept for ever.
func StyleVersion() string { return styleVersion }

var styleVersion = func() string {
	sum := sha256.Sum256(style)
	return hex.EncodeToString(sum[:6])
}()

// ServeStyle answers with the style sheet.
func ServeStyle(w http.ResponseWriter, r *http.Request) {
	Serve(w, r, "text/css; charset=utf-8", style)
}

// Serve answers with an embedded file. A browser keeps it for a year if it was asked for by its version.
func Serve(w http.ResponseWriter, r *http.Request, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	if r.URL.Query().Has("v") {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	w.Write(body) //nolint:errcheck // the client went away
}

// policy lets a page load from its own place only: no script or style within the page, no frame around it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"frame-ancestors 'none'; form-action 'self'; base-uri 'none'"

// Protect sets the headers that every answer of a page bears. Nothing is kept by a browser or a proxy unless Serve says so.
func Protect(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
}
