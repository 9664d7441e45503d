// Package config reads the configuration file of ccbridge: strictly, with every fault at once.
package config

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Config is a whole configuration file, defaults filled in. config.toml.example
// explains every key.
type Config struct {
	Path     string // of the file, as given
	Server   Server
	Store    Store
	CCM      CCM
	Limits   Limits
	Admin    Admin
	Adapters []Adapter // sorted by name
	Routes   []Route   // as in the file: the first match wins
	Settings []Setting // every key, in the order they are read

	hidden map[string]Secret // of keys whose setting does not show all that they are: secrets, what a named file holds
}

// Server is [server]: how the process itself behaves.
type Server struct {
	Listen          string // host:port; port 0 is any free one
	LogLevel        slog.Level
	ShutdownTimeout time.Duration
}

// Store is [store]: where the bridge keeps what it knows.
type Store struct {
	URL    string // as written
	Path   string // of the SQLite file
	Ledger time.Duration
}

// CCM is [ccm]: the contact centre.
type CCM struct {
	BaseURL     string // without a slash at the end
	AuthURL     string // the same; BaseURL where nothing else is written
	AppKey      string
	AppSecret   Secret
	ChannelID   string // "" if every route has its own
	Locale      string
	CAFile      string // path of PEM certificates, or ""
	TenantSpace string // value of X-TenantSpaceID, or ""
	Receive     string // "poll"
	OnUnknown   string // "repeat" or "ask"
}

// Limits is [limits]: bounds and times of sessions and deliveries.
type Limits struct {
	OpenPerCustomer int
	Idle            time.Duration
	CatchUp         time.Duration
	MaxWait         time.Duration
	Dormant         time.Duration
	CallTimeout     time.Duration
	LookGap         time.Duration
	GiveUp          time.Duration
	Held            int
	Parts           int
	SilentAfter     time.Duration // 0: never
}

// Adapter is one [adapters.NAME]; of the pointers the one of its platform is set.
type Adapter struct {
	Name     string
	Platform string // "slack" or "discord"
	Slack    *SlackAdapter
	Discord  *DiscordAdapter
}

// Commands names the commands people type for the three verbs.
type Commands struct{ Agent, End, Session string }

// SlackAdapter is what a Slack adapter needs.
type SlackAdapter struct {
	APIURL    string // ends in a slash
	BotToken  Secret
	AppToken  Secret
	Transport string        // "socket"
	Commands  Commands      // each begins with a slash
	PostGap   time.Duration // least time between two posts to one channel; 0: none
}

// DiscordAdapter is what a Discord adapter needs.
type DiscordAdapter struct {
	APIURL   string // without a slash at the end
	BotToken Secret // without the word "Bot"
	Guilds   []string
	Commands Commands      // without a slash
	PostGap  time.Duration // least time between two posts to one channel, after a burst of five; 0: none
}

// Route is one [[routes]]: which channels are served, and how.
type Route struct {
	Adapter   string
	Channels  []string // ids, "dm", or "*"
	Open      string   // "message", "mention" or "command"
	Speakers  string   // "customer" or "everyone"
	Staff     []string // user ids; on Discord also "role:ID"
	Reopen    string   // "ask", "always" or "never"
	ChannelID string   // that of the route, or else of [ccm]
	Locale    string   // the same
	Shadow    bool     // nothing goes out

	Mask         []string // names of mask.Names
	MaskPatterns []string // the operator's own, which mask.CheckPattern found in order
	MaskFor      string   // "both", "centre" or "ledger"
}

// Load reads the configuration file at path and reports every fault it finds, in
// the order of lines. env looks up environment variables, as os.LookupEnv does.
// The Config is complete only if no Fault but warnings came back (see Broken).
func Load(path string, env func(string) (string, bool)) (Config, []Fault) {
	d := newDecoder(path, env)
	cfg := d.load(d.open())
	return cfg, d.faults
}

// Parse is Load for a text that is to stand in a file at path, which need not be there yet.
func Parse(path, text string, env func(string) (string, bool)) (Config, []Fault) {
	d := newDecoder(path, env)
	cfg := d.load(d.root(text))
	return cfg, d.faults
}

func newDecoder(path string, env func(string) (string, bool)) *decoder {
	return &decoder{file: path, hidden: map[string]Secret{}, ref: reference{dir: filepath.Dir(path), env: env}}
}

// load decodes what stands below root, nil if it could not be read, and leaves its faults in d.
func (d *decoder) load(root *section) Config {
	cfg := Config{Path: d.file}
	if root != nil {
		cfg.Server = decodeServer(root.child("server"))
		cfg.Store = decodeStore(root.child("store"))
		cfg.CCM = decodeCCM(root.child("ccm"))
		cfg.Limits = decodeLimits(root.child("limits"))
		admin := root.child("admin")
		cfg.Admin = decodeAdmin(admin, cfg.Store.Path)
		admin.warnOpenPage(cfg.Admin, cfg.Server.Listen)
		cfg.Adapters = decodeAdapters(root.child("adapters"))
		cfg.Routes = decodeRoutes(root, cfg)
		d.reportUnknownKeys()
	}
	d.sortFaults()
	cfg.Settings, cfg.hidden = d.settings, d.hidden
	return cfg
}

// maxConfigFile bounds the configuration file, in bytes.
const maxConfigFile = 256 << 10

// open parses the file; nil means that it could not, and said so.
func (d *decoder) open() *section {
	text, err := readFile(d.file, maxConfigFile)
	if err != nil {
		write := "it (config.toml.example shows how), or name another with -config"
		if errors.Is(err, fs.ErrPermission) {
			write = "the command as the user who runs the bridge, or name another with -config"
		}
		d.fault(place{"(file)", 1}, "cannot be read: "+err.Error(), write)
		return nil
	}
	if info, err := os.Stat(d.file); err == nil && runtime.GOOS != "windows" {
		d.exposed = info.Mode().Perm()&0o044 != 0
	}
	return d.root(text)
}

// root parses text; nil as in open.
func (d *decoder) root(text string) *section {
	table := d.parse(text)
	if table == nil {
		return nil
	}
	return d.section("", table)
}

func decodeServer(s *section) Server {
	return Server{
		Listen:          s.text("listen", "127.0.0.1:8080", isListenAddress),
		LogLevel:        logLevels[s.text("log_level", "info", oneOf("debug", "info", "warn", "error"))],
		ShutdownTimeout: s.duration("shutdown_timeout", 10*time.Second, time.Millisecond, time.Hour),
	}
}

var logLevels = map[string]slog.Level{
	"debug": slog.LevelDebug,
	"info":  slog.LevelInfo,
	"warn":  slog.LevelWarn,
	"error": slog.LevelError,
}

func decodeStore(s *section) Store {
	store := Store{
		URL:    s.text("url", "sqlite:ccbridge.db", isStoreURL),
		Ledger: s.duration("ledger", 720*time.Hour, time.Second, 10*365*24*time.Hour),
	}
	if path := strings.TrimPrefix(store.URL, "sqlite:"); path != "" {
		store.Path = s.ref.path(path)
		if p := isUsableDatabasePath(store.Path); p != nil {
			s.report(s.at("url"), p)
		}
	}
	return store
}

func decodeLimits(s *section) Limits {
	const least, day = time.Millisecond, 24 * time.Hour
	return Limits{
		OpenPerCustomer: s.number("open_per_customer", 3, 1000),
		Idle:            s.duration("idle", 30*time.Minute, least, 30*day),
		CatchUp:         s.duration("catch_up", time.Hour, least, 71*time.Hour), // less than the dedupe window of 72 h
		MaxWait:         s.duration("max_wait", 15*time.Minute, least, 7*day),
		Dormant:         s.duration("dormant", day, least, 30*day),
		CallTimeout:     s.duration("call_timeout", 10*time.Second, least, 5*time.Minute),
		LookGap:         s.duration("look_gap", 5*time.Second, least, 5*time.Minute),
		GiveUp:          s.duration("give_up", time.Hour, least, 7*day),
		Held:            s.number("held", 100, 10000),
		Parts:           s.number("parts", 20, 1000),
		SilentAfter:     s.duration("silent_after", 10*time.Minute, 0, day),
	}
}
