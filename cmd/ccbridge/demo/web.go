package demo

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	"ccbridge/cmd/ccbridge/page"
)

//go:embed web
var webFiles embed.FS

const (
	maxBody    = 256 << 10 // of a request, in bytes
	maxLookers = 24        // pages that are open at a time
	// lookEvery is how often an open page is told what has changed.
	lookEvery = 100 * time.Millisecond
	// sendTime is how long a browser may take to take it.
	sendTime = 10 * time.Second
)

// listenLoopback listens on a loopback address: nobody but the machine's own people may play.
func listenLoopback(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("-addr %s: %w", addr, err)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("-addr %s: the demo is for this machine alone, use 127.0.0.1:%s", addr, port)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return l, nil
}

// handler serves the page. ctx ends what is sent to open pages.
func (s *show) handler(ctx context.Context, addr net.Addr) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", serveFile("index.html"))
	for _, name := range []string{"demo.js", "chats.js", "desk.js", "strip.js", "dom.js", "demo.css"} {
		mux.HandleFunc("GET /"+name, serveFile(name))
	}
	mux.HandleFunc("GET /style.css", page.ServeStyle)
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(s.sections()) //nolint:errcheck // the client went away
	})
	lookers := make(chan struct{}, maxLookers)
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		select {
		case lookers <- struct{}{}:
			defer func() { <-lookers }()
			s.follow(ctx, w, r)
		default:
			http.Error(w, "too many pages are open", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("POST /do/{what}", s.serveDeed)
	return guard(addr, http.NewCrossOriginProtection().Handler(mux))
}

// guard answers only those who ask for a name of this machine: a foreign name that was made to point here (DNS
// rebinding) would give a foreign page its rights.
func guard(addr net.Addr, next http.Handler) http.Handler {
	_, port, _ := net.SplitHostPort(addr.String())
	names := []string{addr.String(), "localhost:" + port, "127.0.0.1:" + port, "[::1]:" + port}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page.Protect(w.Header())
		if !slices.Contains(names, r.Host) {
			http.Error(w, "this page is at http://"+addr.String(), http.StatusMisdirectedRequest)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// serveFile answers with an embedded file.
func serveFile(name string) http.HandlerFunc {
	body, err := webFiles.ReadFile("web/" + name)
	kind := mime.TypeByExtension(path.Ext(name))
	switch path.Ext(name) { // whatever the machine's own table says
	case ".js":
		kind = "text/javascript; charset=utf-8"
	case ".css":
		kind = "text/css; charset=utf-8"
	case ".html":
		kind = "text/html; charset=utf-8"
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if err != nil {
			http.NotFound(w, r)
			return
		}
		page.Serve(w, r, kind, body)
	}
}

// serveDeed does what a visitor asks for.
func (s *show) serveDeed(w http.ResponseWriter, r *http.Request) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		http.Error(w, "send JSON", http.StatusUnsupportedMediaType)
		return
	}
	raw, err := io.ReadAll(r.Body)
	status := http.StatusConflict
	if err != nil {
		status, err = http.StatusRequestEntityTooLarge, errors.New("that is too long")
	} else if err = s.do(r.PathValue("what"), raw); errors.Is(err, errNoDeed) {
		status = http.StatusNotFound
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error": plainError(err)}) //nolint:errcheck // the client went away
}

// plainError is an error as a person reads it, without the path it took.
func plainError(err error) string {
	for _, prefix := range []string{"desk: ", "use ", "click: ", "post: ", "forum post: "} {
		if strings.HasPrefix(err.Error(), prefix) {
			return "That is not possible: " + err.Error()
		}
	}
	return err.Error()
}

// follow sends an open page what has changed, until it is closed.
func (s *show) follow(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	sent := map[string]json.RawMessage{}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		news := map[string]json.RawMessage{}
		for name, part := range s.sections() {
			if !bytes.Equal(sent[name], part) {
				news[name], sent[name] = part, part
			}
		}
		if len(news) > 0 {
			raw, err := json.Marshal(news)
			if err != nil || out.SetWriteDeadline(time.Now().Add(sendTime)) != nil {
				return
			}
			if _, err := fmt.Fprintf(w, "data: %s\n\n", raw); err != nil || out.Flush() != nil {
				return
			}
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		case <-ctx.Done():
			return
		}
	}
}
