// Package console brings the operator's console to the command line: over a local socket while the bridge runs, and
// straight from the store while it does not.
//
// The socket speaks HTTP. Each method of bridge.Console is a POST to /v1/ and its name, with JSON in and out. Only the
// user who runs the bridge can open the socket.
package console

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"ccbridge/bridge"
)

// Server answers on the socket until Close.
type Server struct {
	path string
	http *http.Server
	done chan struct{}
	cut  context.CancelFunc // ends what is being answered
}

// Serve makes the socket at path, in place of one that a dead process left there, and answers with c. Whoever serves
// holds the store's lock, so a socket that still answers is another bridge's: an error.
func Serve(path string, c bridge.Console, log *slog.Logger) (*Server, error) {
	l, err := listen(path)
	if err != nil {
		return nil, fmt.Errorf("make the socket %s: %w", path, err)
	}
	life, cut := context.WithCancel(context.Background())
	s := &Server{path: path, done: make(chan struct{}), cut: cut}
	s.http = &http.Server{
		Handler:           handler(c),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second, // the answer may take longer: an erasure, a long transcript
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return life },
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(s.done)
		s.http.Serve(l) //nolint:errcheck // it ends by Close
	}()
	return s, nil
}

// closing is how long Close waits for what it cut off.
const closing = 5 * time.Second

// Close cuts off what is being answered, waits for it, and removes the socket.
func (s *Server) Close() {
	s.cut()
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		s.http.Close() //nolint:errcheck // nothing is left to do
	}
	<-s.done
	os.Remove(s.path) //nolint:errcheck // the next start replaces it
}

// listen makes the socket with mode 0600: in a folder of its own that nobody else can enter, then moved to its place.
func listen(path string) (net.Listener, error) {
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		c.Close() //nolint:errcheck // it was only tried
		return nil, errors.New("another bridge answers there")
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSocket == 0 {
		return nil, errors.New("something else than a socket is there")
	}
	if err := privateFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	making := path + "~"
	if err := os.RemoveAll(making); err != nil {
		return nil, err
	}
	if err := os.Mkdir(making, 0o700); err != nil {
		return nil, err
	}
	defer os.RemoveAll(making) //nolint:errcheck // the next start removes it
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(making, "s"), Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	err = os.Chmod(filepath.Join(making, "s"), 0o600)
	if err == nil {
		err = os.Rename(filepath.Join(making, "s"), path)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// privateFolder makes a missing folder, for us alone. One among the temporary files must be ours already: whoever made
// it could put another socket into it.
func privateFolder(dir string) error {
	if err := os.Mkdir(dir, 0o700); err == nil || !errors.Is(err, fs.ErrExist) {
		return err
	}
	if !amongTemporary(dir) {
		return nil
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || !ours(info) || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("the folder %s can be changed by others; remove it, or set admin.socket", dir)
	}
	return nil
}

// amongTemporary: it is the folder that config puts sockets into whose own place has too long a path.
func amongTemporary(dir string) bool {
	return filepath.Dir(dir) == filepath.Clean(os.TempDir()) && filepath.Base(dir) == fmt.Sprintf("ccbridge-%d", os.Getuid())
}

// maxRequest bounds a request's body, in bytes.
const maxRequest = 64 << 10

// handler serves the methods of a Console.
func handler(c bridge.Console) http.Handler {
	mux := http.NewServeMux()
	serve(mux, "sessions", func(ctx context.Context, in sessionsRequest) ([]bridge.SessionView, error) {
		return c.Sessions(ctx, in.All)
	})
	serve(mux, "session", func(ctx context.Context, in threadRequest) (bridge.SessionDetail, error) {
		return c.Session(ctx, in.Thread)
	})
	serve(mux, "find", c.Find)
	serve(mux, "trace", c.Trace)
	serve(mux, "shadows", func(ctx context.Context, in shadowsRequest) ([]bridge.ShadowView, error) {
		return c.Shadows(ctx, in.Since, in.Texts)
	})
	serve(mux, "dead", func(ctx context.Context, in deadRequest) ([]bridge.DeadView, error) { return c.Dead(ctx, in.Texts) })
	serve(mux, "resend", func(ctx context.Context, in letterRequest) (none, error) { return none{}, c.Resend(ctx, in.ID) })
	serve(mux, "drop", func(ctx context.Context, in letterRequest) (none, error) { return none{}, c.Drop(ctx, in.ID) })
	serve(mux, "end", func(ctx context.Context, in threadRequest) (none, error) { return none{}, c.End(ctx, in.Thread) })
	serve(mux, "erase", func(ctx context.Context, in eraseRequest) (bridge.Erased, error) {
		return c.Erase(ctx, in.Adapter, in.Who)
	})
	mux.HandleFunc("POST /v1/transcript", func(w http.ResponseWriter, r *http.Request) { transcript(w, r, c) })
	return http.MaxBytesHandler(mux, maxRequest)
}

// What the methods take.
type (
	none            struct{}
	sessionsRequest struct{ All bool }
	deadRequest     struct{ Texts bool }
	shadowsRequest  struct {
		Since time.Time
		Texts bool
	}
	threadRequest struct{ Thread bridge.ThreadID }
	letterRequest struct{ ID bridge.DeadID }
	eraseRequest  struct {
		Adapter string
		Who     bridge.UserID
	}
)

// failure is the answer of a method that failed. Code names the errors that callers tell apart.
type failure struct {
	Error string `json:"error"`
	Code  string `json:"code,omitempty"`
}

// codes names the errors that cross the socket as themselves.
var codes = map[string]error{"no-thread": bridge.ErrNoThread, "no-letter": bridge.ErrNoLetter}

func failed(err error) failure {
	f := failure{Error: err.Error()}
	for code, known := range codes {
		if errors.Is(err, known) {
			f.Code = code
		}
	}
	return f
}

// serve answers a method with what do makes of its request.
func serve[In, Out any](mux *http.ServeMux, method string, do func(context.Context, In) (Out, error)) {
	mux.HandleFunc("POST /v1/"+method, func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := decodeStrictly(r.Body, &in); err != nil {
			answer(w, http.StatusBadRequest, failure{Error: "bad request: " + err.Error()})
			return
		}
		out, err := do(r.Context(), in)
		if err != nil {
			answer(w, http.StatusUnprocessableEntity, failed(err))
			return
		}
		answer(w, http.StatusOK, out)
	})
}

func decodeStrictly(from io.Reader, into any) error {
	d := json.NewDecoder(from)
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) //nolint:errcheck // the client went away
}

// line is one line of a transcript on its way: an entry, or the end.
type line struct {
	Entry *bridge.Entry `json:"entry,omitempty"`
	End   bool          `json:"end,omitempty"`
	failure
}

// transcript streams entries, and at last a line that says that this was all, or what failed.
func transcript(w http.ResponseWriter, r *http.Request, c bridge.Console) {
	var span bridge.Span
	if err := decodeStrictly(r.Body, &span); err != nil {
		answer(w, http.StatusBadRequest, failure{Error: "bad request: " + err.Error()})
		return
	}
	w.Header().Set("Content-Type", "application/jsonl")
	out := bufio.NewWriterSize(w, 32<<10)
	lines := json.NewEncoder(out)
	err := c.Transcript(r.Context(), span, func(e bridge.Entry) error { return lines.Encode(line{Entry: &e}) })
	last := line{End: true}
	if err != nil {
		last = line{failure: failed(err)}
	}
	lines.Encode(last) //nolint:errcheck // the client went away
	out.Flush()        //nolint:errcheck // the same
}
