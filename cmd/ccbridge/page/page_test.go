package page

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// TestStyle: the style sheet fetches nothing from elsewhere, and knows dark, narrow and still.
func TestStyle(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	ServeStyle(w, httptest.NewRequest("GET", "/style.css?v="+StyleVersion(), nil))
	css := w.Body.String()
	if found := regexp.MustCompile(`(?i)@import|url\(|https?:`).FindString(css); found != "" {
		t.Errorf("the style sheet contains %q", found)
	}
	for _, want := range []string{"prefers-color-scheme: dark", "max-width:", "prefers-reduced-motion", ":focus-visible"} {
		if !strings.Contains(css, want) {
			t.Errorf("the style sheet does not contain %q", want)
		}
	}
	if got := w.Header().Get("Content-Type"); got != "text/css; charset=utf-8" {
		t.Errorf("content type %q", got)
	}
	if strings.Count(css, "{") != strings.Count(css, "}") {
		t.Error("a brace is missing")
	}
}

// TestServe: only what is asked for by its version is kept by the browser.
func TestServe(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{"/style.css": "no-store", "/style.css?v=1": "public, max-age=31536000, immutable"} {
		w := httptest.NewRecorder()
		Protect(w.Header())
		ServeStyle(w, httptest.NewRequest("GET", target, nil))
		if got := w.Header().Get("Cache-Control"); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}

// TestProtect: a page loads from its own place only, and nothing inline.
func TestProtect(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	Protect(h)
	csp := h.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("the policy lacks %s", want)
		}
	}
	if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
		t.Errorf("the policy allows too much: %s", csp)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY"} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
