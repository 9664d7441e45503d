package service

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ccbridge/bridge"
)

// handler serves /healthz, /readyz and /metrics, and /admin by operator.
func handler(status func() (map[string]bridge.Part, bool), reg *prometheus.Registry, operator http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		parts, ready := status()
		answer := struct {
			Status string                 `json:"status"`
			Parts  map[string]bridge.Part `json:"parts"`
		}{"ok", parts}
		code := http.StatusOK
		if !ready {
			answer.Status, code = "not ready", http.StatusServiceUnavailable
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		json.NewEncoder(w).Encode(answer) //nolint:errcheck // the client went away
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	mux.Handle("/admin", operator)
	mux.Handle("/admin/", operator)
	return http.MaxBytesHandler(mux, 1<<20)
}

// server is the HTTP server of the process.
type server struct {
	listener net.Listener
	http     *http.Server
	done     chan struct{}
}

// serve listens on addr and answers with h until close.
func serve(addr string, h http.Handler, log *slog.Logger) (*server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	s := &server{listener: l, done: make(chan struct{}), http: &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
	go func() {
		defer close(s.done)
		s.http.Serve(l) //nolint:errcheck // it ends by close
	}()
	// Whatever level is logged: whoever chose port 0 knows the address from here only.
	line := slog.NewRecord(time.Now(), slog.LevelInfo, "listening", 0)
	line.Add("addr", l.Addr().String())
	log.Handler().Handle(context.Background(), line) //nolint:errcheck // as slog does
	return s, nil
}

// close answers what is under way, at most for a second, and stops.
func (s *server) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		s.http.Close() //nolint:errcheck // nothing is left to do
	}
	<-s.done
}
