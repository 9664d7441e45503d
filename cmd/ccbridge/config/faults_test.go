package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sound is a configuration without a fault; the tests below spoil it.
const sound = `[server]
listen = "127.0.0.1:0"
[store]
url = "sqlite:x.db"
[ccm]
base_url = "http://127.0.0.1:1/"
app_key = "key"
app_secret = "env:SECRET"
channel_id = "1"
[limits]
idle = "2s"
[adapters.sl]
platform = "slack"
bot_token = "env:BOT"
app_token = "env:APP"
[adapters.dc]
platform = "discord"
bot_token = "env:DCBOT"
guilds = ["1100000000000000001"]
[[routes]]
adapter = "sl"
channels = ["C1", "dm"]
[[routes]]
adapter = "dc"
channels = ["1100000000000000002"]
`

func testEnv(name string) (string, bool) {
	value, ok := map[string]string{
		"SECRET": "s3cret", "BOT": "xoxb-1", "APP": "xapp-1", "DCBOT": "dc.bot.token",
		"EMPTY": "", "MULTI": "a\nb", "SPACED": "a b", "OTHER_APP": "xapp-2", "OTHER_BOT": "xoxb-2",
	}[name]
	return value, ok
}

// loadText loads text from a file that only its owner can read.
func loadText(t testing.TB, text string) (Config, []Fault) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(path, testEnv)
}

func TestSoundHasNoFaults(t *testing.T) {
	t.Parallel()
	if _, faults := loadText(t, sound); len(faults) > 0 {
		t.Error(faults)
	}
}

// manyPatterns are more than a route may have.
func manyPatterns() string {
	var list []string
	for n := range 21 {
		list = append(list, fmt.Sprintf("'x%d'", n))
	}
	return strings.Join(list, ", ")
}

// TestFaults spoils one thing at a time. Each wanted line is the beginning of a
// printed one, from the line number to the first words of what to write.
func TestFaults(t *testing.T) {
	t.Parallel()
	const top = "[server]\n"
	tests := map[string]struct {
		old, new string
		want     []string
	}{
		// The file
		"syntax":         {`listen = "127.0.0.1:0"`, `listen = 127.0.0.1:0`, []string{`2: server.listen: Invalid float`}},
		"bare token":     {`"env:BOT"`, `xoxb-1-very-secret`, []string{`14: adapters.sl.bot_token: expected value but found something instead; write TOML`}},
		"big number":     {`"env:SECRET"`, `123456789012345678901234`, []string{`8: ccm.app_secret: is a number out of range; write TOML`}},
		"deep":           {`"key"`, strings.Repeat("{a=", 10000), []string{`1: (syntax): is nested more than 64 deep; write it flat`}},
		"long key":       {`app_key`, strings.Repeat("a.", 10000) + "a", []string{`1: (syntax): is nested more than 64 deep; write it flat`}},
		"open array":     {`["C1", "dm"]`, `["C1", "dm"`, []string{`23: (syntax): expected a comma`}},
		"open header":    {`[limits]`, `[limits`, []string{`10: limits: expected '.' or ']' to end table name, but got '\n' instead; write TOML`}},
		"half open":      {"[[routes]]", "[[routes]", []string{`20: routes[0]: expected end of table array name`}},
		"half closed":    {"[limits]", "[limits]]", []string{`10: limits: expected a top-level item to end`}},
		"no header":      {"[limits]", "[]", []string{`10: (syntax): unexpected end of table name`}},
		"lone escape":    {`"key"`, `"\`, []string{`7: ccm.app_key: invalid escape in string '\\n'; write TOML`}},
		"half a number":  {`"key"`, `+`, []string{`7: ccm.app_key: expected a digit but got '\n'; write TOML`}},
		"unclosed":       {`"sqlite:x.db"`, `"sqlite:x.db`, []string{`4: store.url: strings cannot contain newlines; write TOML`}},
		"key twice":      {`app_key = "key"`, "app_key = \"key\"\napp_key = \"x\"", []string{`8: ccm.app_key: stands twice; write it once`}},
		"table twice":    {"[limits]", "[server]", []string{`10: server: stands twice; write it once`}},
		"not UTF-8":      {`"key"`, "\"k\xff\"", []string{`7: ccm.app_key: invalid UTF-8 byte`}},
		"unknown table":  {"[limits]", "[limit]", []string{`10: limit: is no known key; write limits (did you mean that?)`}},
		"table's case":   {"[limits]", "[Limits]", []string{`10: Limits: is no known key; write limits (did`}},
		"no table":       {top, "limits2 = 1\n" + top, []string{`1: limits2: is no known key; write limits (did`}},
		"stray key":      {top, "idle = \"2s\"\n" + top, []string{`1: idle: is no known key; write it under [limits], where it belongs`}},
		"quoted key":     {top, top + "\"a\\nb\" = 1\n", []string{`2: server."a\nb": is no known key; write one of listen, log_level, shutdown_timeout, or nothing`}},
		"dotted key":     {"[server]\nlisten =", "server.listn =", []string{`1: server.listn: is no known key; write listen (did`}},
		"wrong kind":     {"[server]\nlisten = \"127.0.0.1:0\"", "server = 3", []string{`1: server: must be a table, not an integer; write [server]`}},
		"array of table": {"[server]", "[[server]]", []string{`1: server: must be a table, not an array; write [server]`}},

		"long socket": {"[limits]", "[admin]\nsocket = \"/" + strings.Repeat("s", 100) + "\"\n[limits]", []string{`11: admin.socket: is too long for a socket: with its folder it has 101 bytes; write a path of at most 100 bytes`}},

		// Keys and types
		"unknown key":    {"listen =", "lisen =", []string{`2: server.lisen: is no known key; write listen (did you mean that?)`}},
		"key's case":     {"listen =", "Listen =", []string{`2: server.Listen: is no known key; write listen (did you mean that?)`}},
		"wrong section":  {top, top + "idle = \"2s\"\n", []string{`2: server.idle: is no known key; write it under [limits], where it belongs`}},
		"odd key":        {"[limits]", "[limits]\nxyzzy = 1", []string{`11: limits.xyzzy: is no known key; write one of call_timeout, catch_up, `}},
		"other platform": {"guilds =", "app_token = \"x\"\nguilds =", []string{`19: adapters.dc.app_token: is no known key; write it under [adapters.sl], where`}},
		"in inline":      {"guilds =", "commands = { agnt = \"x\" }\nguilds =", []string{`19: adapters.dc.commands.agnt: is no known key; write agent (did`}},
		"integer":        {`app_key = "key"`, `app_key = 12`, []string{`7: ccm.app_key: must be a string, not an integer; write the centre's application key`}},
		"float":          {`app_key = "key"`, `app_key = 1.5`, []string{`7: ccm.app_key: must be a string, not a float; write`}},
		"boolean":        {`channel_id = "1"`, `channel_id = true`, []string{`9: ccm.channel_id: must be a string, not a boolean; write a text in quotes`}},
		"date":           {`channel_id = "1"`, `channel_id = 1979-05-27`, []string{`9: ccm.channel_id: must be a string, not a date or time; write`}},
		"array":          {`app_secret = "env:SECRET"`, `app_secret = ["x"]`, []string{`8: ccm.app_secret: must be a string, not an array; write "env:CCM_APP_SECRET"`}},
		"inline table":   {`"sqlite:x.db"`, `{ a = 1 }`, []string{`4: store.url: must be a string, not a table; write`}},
		"no array":       {`["1100000000000000001"]`, `"1100000000000000001"`, []string{`19: adapters.dc.guilds: must be an array of strings, not a string; write guilds = [`}},
		"number in list": {`["C1", "dm"]`, "[\n\"C1\",\n  2 ]", []string{`24: routes[0].channels[1]: must be a string, not an integer; write a text in quotes`}},

		// References
		"unset env":       {"env:SECRET", "env:NO_SUCH", []string{`8: ccm.app_secret: environment variable NO_SUCH is not set; write the variable`}},
		"empty env":       {"env:SECRET", "env:EMPTY", []string{`8: ccm.app_secret: is empty; write "env:CCM_APP_SECRET"`}},
		"no env name":     {"env:SECRET", "env:", []string{`8: ccm.app_secret: env: is not followed by the name`}},
		"odd env name":    {"env:SECRET", "env:$SECRET", []string{`8: ccm.app_secret: env: is not followed by the name`}},
		"env of lines":    {`"1"`, `"env:MULTI"`, []string{`9: ccm.channel_id: contains a line break or another control character; write`}},
		"secret in space": {"env:SECRET", "env:SPACED", []string{`8: ccm.app_secret: contains a space; write it without`}},
		"no file":         {"env:SECRET", "file:no/such", []string{`8: ccm.app_secret: file "no/such" cannot be used: no such file or directory; write "file:PATH"`}},
		"no path":         {"env:SECRET", "file:", []string{`8: ccm.app_secret: file: is not followed by a path; write "file:PATH"`}},
		"folder":          {"env:SECRET", "file:.", []string{`8: ccm.app_secret: file "." cannot be used: it is not a regular file; write`}},
		"env in a list":   {`"dm"]`, `"env:NO_SUCH"]`, []string{`22: routes[0].channels[1]: environment variable NO_SUCH is not set; write`}},
		"env in duration": {`"2s"`, `"env:NO_SUCH"`, []string{`11: limits.idle: environment variable NO_SUCH is not set; write`}},

		// [server]
		"listen without port": {"127.0.0.1:0", "127.0.0.1", []string{`2: server.listen: is not host:port; write an address to listen on`}},
		"listen on bad port":  {"127.0.0.1:0", "127.0.0.1:65536", []string{`2: server.listen: is not host:port; write`}},
		"listen on URL":       {"127.0.0.1:0", "http://x:1", []string{`2: server.listen: is not host:port; write`}},
		"empty listen":        {"127.0.0.1:0", "", []string{`2: server.listen: is empty; write "127.0.0.1:8080" (the default)`}},
		"log level":           {top, top + "log_level = \"INFO\"\n", []string{`2: server.log_level: is none of "debug", "info", "warn", "error"; write "info" (did`}},
		"log level unlike":    {top, top + "log_level = \"verbose\"\n", []string{`2: server.log_level: is none of "debug", "info", "warn", "error"; write one of them`}},
		"zero timeout":        {top, top + "shutdown_timeout = \"0s\"\n", []string{`2: server.shutdown_timeout: is out of range; write a duration from "1ms" to "1h0m0s"`}},

		// [store]
		"postgres":          {"sqlite:x.db", "postgres://u:pw@h/db", []string{`4: store.url: this version cannot do postgres:// yet; write "sqlite:PATH"`}},
		"postgresql":        {"sqlite:x.db", "postgresql://h/db", []string{`4: store.url: this version cannot do postgres:// yet; write "sqlite:PATH"`}},
		"other store":       {"sqlite:x.db", "x.db", []string{`4: store.url: names no store; write "sqlite:PATH"`}},
		"no store path":     {"sqlite:x.db", "sqlite:", []string{`4: store.url: is not followed by the path of a file; write`}},
		"store as URL":      {"sqlite:x.db", "sqlite://x.db", []string{`4: store.url: is not followed by the path of a file; write`}},
		"memory":            {"sqlite:x.db", "sqlite::memory:", []string{`4: store.url: keeps the store in memory, where a restart loses it; write`}},
		"store options":     {"sqlite:x.db", "sqlite:x.db?mode=ro", []string{`4: store.url: has options; write`}},
		"store is a folder": {"sqlite:x.db", "sqlite:.", []string{`4: store.url: is a folder; write the path of a file in it`}},
		"no store folder":   {"sqlite:x.db", "sqlite:no/x.db", []string{`4: store.url: warning: its folder cannot be found; write`}},
		"ledger in days":    {"sqlite:x.db\"", "sqlite:x.db\"\nledger = \"30d\"", []string{`5: store.ledger: is not a duration; write a number with a unit`}},

		// [ccm]
		"no base_url":      {"base_url = \"http://127.0.0.1:1/\"\n", "", []string{`5: ccm.base_url: is missing; write the centre's address`}},
		"empty app_key":    {`"key"`, `""`, []string{`7: ccm.app_key: is empty; write the centre's application key`}},
		"scheme":           {"http://127.0.0.1:1/", "ftp://127.0.0.1", []string{`6: ccm.base_url: begins with neither https:// nor http://; write an address`}},
		"no scheme":        {"http://127.0.0.1:1/", "ccm.example", []string{`6: ccm.base_url: is not the address of a server; write an address`}},
		"bad address":      {"http://127.0.0.1:1/", "http://[", []string{`6: ccm.base_url: is not the address of a server; write an address`}},
		"bad port":         {"http://127.0.0.1:1/", "https://ccm.example:99999", []string{`6: ccm.base_url: has a port that is none; write a port`}},
		"password":         {"http://127.0.0.1:1/", "https://u:pw@ccm.example", []string{`6: ccm.base_url: contains a user name; write the address without`}},
		"query":            {"http://127.0.0.1:1/", "https://ccm.example/?a=b", []string{`6: ccm.base_url: has something after the path; write it without`}},
		"unencrypted":      {"http://127.0.0.1:1/", "http://ccm.example", []string{`6: ccm.base_url: warning: sends keys and messages unencrypted over a network; write "https://`}},
		"auth_url":         {"[limits]", "auth_url = \"x\"\n[limits]", []string{`10: ccm.auth_url: is not the address of a server; write`}},
		"no channel_id":    {"channel_id = \"1\"\n", "", []string{`5: ccm.channel_id: is missing, and routes[0] has none of its own; write the configuration id`}},
		"empty channel_id": {`channel_id = "1"`, `channel_id = ""`, []string{`9: ccm.channel_id: is missing, and routes[0] has none`}},
		"half channel_ids": {"channel_id = \"1\"\n[limits]\nidle = \"2s\"\n[adapters.sl]", "[adapters.sl]", []string{`5: ccm.channel_id: is missing, and routes[0] has`}},
		"channel_id":       {`channel_id = "1"`, `channel_id = "1 2"`, []string{`9: ccm.channel_id: contains a space; write it without`}},
		"locale":           {"[limits]", "locale = \"English\"\n[limits]", []string{`10: ccm.locale: is not a language; write a language code`}},
		"country":          {"[limits]", "locale = \"zh_CN\"\n[limits]", []string{`10: ccm.locale: warning: has a country code, which some centres refuse; write the bare language`}},
		"no ca_file":       {"[limits]", "ca_file = \"no.pem\"\n[limits]", []string{`10: ccm.ca_file: cannot be read: no such file or directory; write the path`}},
		"bad ca_file":      {"[limits]", "ca_file = \"config.toml\"\n[limits]", []string{`10: ccm.ca_file: contains no certificate; write the path`}},
		"push":             {"[limits]", "receive = \"push\"\npush_secret = \"x\"\n[limits]", []string{`10: ccm.receive: this version cannot do "push" yet; write "poll"`}},
		"receive":          {"[limits]", "receive = \"pol\"\n[limits]", []string{`10: ccm.receive: is none of "poll", "push"; write "poll" (did`}},
		"push_secret":      {"[limits]", "push_secret = \"x\"\n[limits]", []string{`10: ccm.push_secret: warning: is of no use with receive = "poll"; write nothing`}},
		"on_unknown":       {"[limits]", "on_unknown = \"drop\"\n[limits]", []string{`10: ccm.on_unknown: is none of "repeat", "ask"; write one of them`}},

		// [limits]
		"bare number":     {`idle = "2s"`, `idle = 30`, []string{`11: limits.idle: must be a string, not an integer; write a number with a unit in quotes`}},
		"no unit":         {`idle = "2s"`, `idle = "30"`, []string{`11: limits.idle: is not a duration; write`}},
		"negative":        {`idle = "2s"`, `idle = "-1s"`, []string{`11: limits.idle: is out of range; write a duration from "1ms"`}},
		"too long":        {`idle = "2s"`, `catch_up = "72h"`, []string{`11: limits.catch_up: is out of range; write a duration from "1ms" to "71h0m0s"`}},
		"zero count":      {`idle = "2s"`, `held = 0`, []string{`11: limits.held: is out of range; write a whole number from 1 to 10000`}},
		"large count":     {`idle = "2s"`, `parts = 9223372036854775807`, []string{`11: limits.parts: is out of range; write a whole number from 1 to 1000`}},
		"count in quotes": {`idle = "2s"`, `open_per_customer = "3"`, []string{`11: limits.open_per_customer: must be an integer, not a string; write a whole number`}},

		"mask":          {`channels = ["C1", "dm"]`, "channels = [\"C1\", \"dm\"]\nmask = [\"cards\"]", []string{`23: routes[0].mask[0]: is none of "card", "email", "iban", "phone"; write "card" (did`}},
		"mask_for":      {`channels = ["C1", "dm"]`, "channels = [\"C1\", \"dm\"]\nmask_for = \"center\"", []string{`23: routes[0].mask_for: is none of "both", "centre", "ledger"; write "centre" (did`, `23: routes[0].mask_for: warning: is of no use`}},
		"mask_patterns": {`channels = ["C1", "dm"]`, "channels = [\"C1\", \"dm\"]\nmask_patterns = ['a(', 'x*']", []string{`23: routes[0].mask_patterns[0]: is no regular expression (RE2); write a pattern`, `23: routes[0].mask_patterns[1]: matches nothing at all, and so everywhere; write`}},
		"many patterns": {`channels = ["C1", "dm"]`, "channels = [\"C1\", \"dm\"]\nmask_patterns = [" + manyPatterns() + "]", []string{`23: routes[0].mask_patterns: has too many patterns; write at most 20`}},
		"shadow":        {`channels = ["C1", "dm"]`, "channels = [\"C1\", \"dm\"]\nshadow = \"yes\"", []string{`23: routes[0].shadow: must be a boolean, not a string; write true or false`}},

		// [adapters]
		"no platform":       {"platform = \"slack\"\n", "", []string{`12: adapters.sl.platform: is missing; write "slack" or "discord"`}},
		"platform":          {`"slack"`, `"slak"`, []string{`13: adapters.sl.platform: is none of "slack", "discord"; write "slack" (did`}},
		"adapter's name":    {top, "adapters.\"a b\" = { platform = \"slack\", bot_token = \"env:OTHER_BOT\", app_token = \"env:OTHER_APP\" }\n" + top, []string{`1: adapters."a b": is no good name: it becomes part of web addresses; write at most 64`, `1: adapters."a b": warning: no route uses this adapter`}},
		"nameless adapter":  {top, "adapters.platform = \"slack\"\n" + top, []string{`1: adapters.platform: stands under no adapter; write the adapter's name`}},
		"no app_token":      {"app_token = \"env:APP\"\n", "", []string{`12: adapters.sl.app_token: is missing; write the app-level token`}},
		"tokens swapped":    {"\"env:BOT\"\napp_token = \"env:APP\"", "\"env:APP\"\napp_token = \"env:BOT\"", []string{`14: adapters.sl.bot_token: is the other kind of token (xapp-…); write the bot token`, `15: adapters.sl.app_token: is the other kind of token (xoxb-…); write the app-level`}},
		"odd token":         {`"env:BOT"`, `"env:SECRET"`, []string{`14: adapters.sl.bot_token: warning: does not begin with xoxb-; write the bot token`}},
		"Bot in token":      {`"env:DCBOT"`, `"Bot x"`, []string{`18: adapters.dc.bot_token: begins with "Bot "; write the token alone`}},
		"http transport":    {"app_token = \"env:APP\"", "transport = \"http\"\nsigning_secret = \"x\"", []string{`15: adapters.sl.transport: this version cannot do "http" yet; write "socket", and app_token`}},
		"transport":         {"app_token =", "transport = \"sockets\"\napp_token =", []string{`15: adapters.sl.transport: is none of "socket", "http"; write "socket" (did`}},
		"signing_secret":    {"app_token =", "signing_secret = \"x\"\napp_token =", []string{`15: adapters.sl.signing_secret: warning: is of no use with transport = "socket"; write nothing`}},
		"slack api_url":     {"app_token =", "api_url = \"https://slack.com\"\napp_token =", []string{`15: adapters.sl.api_url: warning: lacks the path of the API; write "https://slack.com/api/"`}},
		"discord api_url":   {"guilds =", "api_url = \"https://discord.com/api/v9\"\nguilds =", []string{`19: adapters.dc.api_url: warning: ends in the path of the API, which is added to it; write`}},
		"post_gap":          {"app_token =", "post_gap = \"2m\"\napp_token =", []string{`15: adapters.sl.post_gap: is out of range; write a duration from "0s" to "1m0s"`}},
		"slack command":     {"app_token =", "commands = { agent = \"agent\" }\napp_token =", []string{`15: adapters.sl.commands.agent: is no Slack command; write a slash`}},
		"slack capitals":    {"app_token =", "commands.end = \"/End\"\napp_token =", []string{`15: adapters.sl.commands.end: is no Slack command; write a slash`}},
		"empty command":     {"app_token =", "commands.end = \"\"\napp_token =", []string{`15: adapters.sl.commands.end: is empty; write "/end" (the default)`}},
		"discord command":   {"guilds =", "commands.agent = \"/agent\"\nguilds =", []string{`19: adapters.dc.commands.agent: is no Discord command; write 1 to 32 letters`}},
		"discord capitals":  {"guilds =", "commands.agent = \"Agent\"\nguilds =", []string{`19: adapters.dc.commands.agent: is no Discord command; write`}},
		"same commands":     {"guilds =", "commands = { agent = \"x\", end = \"x\" }\nguilds =", []string{`19: adapters.dc.commands.end: is the same command as agent; write another`}},
		"same as a default": {"guilds =", "commands.agent = \"session\"\nguilds =", []string{`19: adapters.dc.commands.session: is the same command as another; write another`}},
		"commands no table": {"guilds =", "commands = \"x\"\nguilds =", []string{`19: adapters.dc.commands: must be a table, not a string; write [adapters.dc.commands]`}},
		"guild":             {`["1100000000000000001"]`, `["Acme"]`, []string{`19: adapters.dc.guilds[0]: is no Discord id; write an id (17`}},
		"short guild":       {`["1100000000000000001"]`, `["11"]`, []string{`19: adapters.dc.guilds[0]: warning: is shorter than any Discord id; write an id (17`}},
		"guild twice":       {`["1100000000000000001"]`, `["1100000000000000001", "1100000000000000001"]`, []string{`19: adapters.dc.guilds[1]: warning: stands twice in this list; write it once`}},
		"no guilds":         {"guilds = [\"1100000000000000001\"]\n", "", []string{`16: adapters.dc.guilds: is missing or empty; write the ids of the servers`}},
		"empty guilds":      {`["1100000000000000001"]`, `[]`, []string{`19: adapters.dc.guilds: is missing or empty; write the ids of the servers`}},
		"name of the store": {"[adapters.sl]", "[adapters.store]", []string{`12: adapters.store: is the name of another part in /readyz and /metrics; write another name`,
			`12: adapters.store: warning: no route uses`, `21: routes[0].adapter: names no adapter; write`}},
		"name of the centre": {"[adapters.sl]", "[adapters.centre]", []string{`12: adapters.centre: is the name of another part in /readyz and /metrics; write another name`,
			`12: adapters.centre: warning: no route uses`, `21: routes[0].adapter: names no adapter; write`}},
		"shared app token": {"[adapters.dc]\nplatform = \"discord\"\nbot_token = \"env:DCBOT\"\nguilds = [\"1100000000000000001\"]", "[adapters.dc]\nplatform = \"slack\"\nbot_token = \"env:OTHER_BOT\"\napp_token = \"env:APP\"",
			[]string{`15: adapters.sl.app_token: two adapters with one app_token: adapters.dc has it too; write a token of another app`, `25: routes[1].channels[0]: is no Slack channel id; write an id`}},
		"shared bot token": {"[[routes]]\nadapter = \"dc\"", "[adapters.d2]\nplatform = \"discord\"\nbot_token = \"env:DCBOT\"\nguilds = [\"1100000000000000001\"]\n[[routes]]\nadapter = \"d2\"",
			[]string{`16: adapters.dc: warning: no route uses this adapter, so it carries nothing; write [[routes]]`, `18: adapters.dc.bot_token: two adapters with one bot_token: adapters.d2 has it too; write a token`}},

		"no adapters": {"[adapters.sl]\nplatform = \"slack\"\nbot_token = \"env:BOT\"\napp_token = \"env:APP\"\n[adapters.dc]\nplatform = \"discord\"\nbot_token = \"env:DCBOT\"\nguilds = [\"1100000000000000001\"]\n", "",
			[]string{`1: adapters: no adapter is configured; write [adapters.NAME]`, `13: routes[0].adapter: names no adapter; write the NAME of an [adapters.NAME]`, `16: routes[1].adapter: names no adapter; write the NAME`}},

		// [[routes]]
		"one bracket":     {"[[routes]]\nadapter = \"sl\"\nchannels = [\"C1\", \"dm\"]\n[[routes]]\nadapter = \"dc\"\n", "[routes]\nadapter = \"dc\"\n", []string{`12: adapters.sl: warning: no route uses`, `16: adapters.dc: warning: no route uses`, `20: routes: must be an array of tables, not a table; write [[routes]], with two brackets`, `20: routes: no route is configured, so nothing would be carried; write [[routes]] with`}},
		"unknown adapter": {`adapter = "sl"`, `adapter = "slx"`, []string{`12: adapters.sl: warning: no route uses this adapter`, `21: routes[0].adapter: names no adapter; write "sl" (did you mean that?)`}},
		"adapter unlike":  {`adapter = "sl"`, `adapter = "acme-slack"`, []string{`12: adapters.sl: warning: no route uses this adapter`, `21: routes[0].adapter: names no adapter; write one of "dc", "sl"`}},
		"no adapter key":  {"adapter = \"sl\"\n", "", []string{`12: adapters.sl: warning: no route uses this adapter`, `20: routes[0].adapter: is missing; write the name of an adapter`}},
		"no channels":     {"channels = [\"C1\", \"dm\"]\n", "", []string{`20: routes[0].channels: is missing; write channels = [`}},
		"empty channels":  {`["C1", "dm"]`, `[]`, []string{`22: routes[0].channels: is empty; write channels = [`}},
		"empty channel":   {`["C1", "dm"]`, `[""]`, []string{`22: routes[0].channels[0]: is no Slack channel id; write`}},
		"channel's name":  {`["C1", "dm"]`, `["#support"]`, []string{`22: routes[0].channels[0]: is no Slack channel id; write an id (C… or G…`}},
		"DM channel":      {`["C1", "dm"]`, `["D0123ABCD"]`, []string{`22: routes[0].channels[0]: is the id of a direct message; write "dm", which`}},
		"discord channel": {`["1100000000000000002"]`, `["C1"]`, []string{`25: routes[1].channels[0]: is no Discord id; write`}},
		"signed id":       {`["1100000000000000002"]`, `["+1100000000000000002"]`, []string{`25: routes[1].channels[0]: is no Discord id; write`}},
		"open":            {"channels = [\"C1\"", "open = \"mentoin\"\nchannels = [\"C1\"", []string{`22: routes[0].open: is none of "message", "mention", "command"; write "mention" (did`}},
		"open by command": {"channels = [\"C1\"", "open = \"command\"\nchannels = [\"C1\"", []string{`22: routes[0].open: warning: in this version no command can open a thread, so this route opens nothing; write`}},
		"speakers":        {"channels = [\"C1\"", "speakers = \"all\"\nchannels = [\"C1\"", []string{`22: routes[0].speakers: is none of "customer", "everyone"; write one`}},
		"reopen":          {"channels = [\"C1\"", "reopen = \"\"\nchannels = [\"C1\"", []string{`22: routes[0].reopen: is empty; write "ask" (the default)`}},
		"slack staff":     {"channels = [\"C1\"", "staff = [\"U1\", \"S1\"]\nchannels = [\"C1\"", []string{`22: routes[0].staff[1]: is no Slack user id; write an id (U…`}},
		"discord staff":   {"channels = [\"11", "staff = [\"role:1100000000000000003\", \"role:x\"]\nchannels = [\"11", []string{`25: routes[1].staff[1]: is no Discord id; write an id (17 to 19 digits: Developer Mode on, right click, Copy ID), or "role:ID"`}},
		"route's locale":  {"channels = [\"C1\"", "locale = \"EN\"\nchannels = [\"C1\"", []string{`22: routes[0].locale: is not a language; write`}},
		"route's channel": {"channels = [\"C1\"", "channel_id = \" \"\nchannels = [\"C1\"", []string{`22: routes[0].channel_id: contains a space; write`}},
		"id and star":     {`["C1", "dm"]`, `["*", "C1", "dm"]`, []string{`22: routes[0].channels[1]: warning: is included in the "*" before it; write it once`}},
		"taken":           {"[[routes]]\nadapter = \"dc\"", "[[routes]]\nadapter = \"sl\"\nchannels = [\"C2\", \"C1\"]\n[[routes]]\nadapter = \"dc\"", []string{`25: routes[1].channels[1]: warning: can never match: routes[0] (line 20) comes first and takes it; write`}},
		"all taken":       {"[[routes]]\nadapter = \"dc\"", "[[routes]]\nadapter = \"sl\"\nchannels = [\"dm\", \"C1\"]\n[[routes]]\nadapter = \"dc\"", []string{`23: routes[1]: warning: this route can never match: earlier ones take all its channels; write`}},
		"after star":      {"channels = [\"C1\", \"dm\"]", "channels = [\"*\"]\n[[routes]]\nadapter = \"sl\"\nchannels = [\"C1\", \"dm\"]", []string{`25: routes[1].channels[0]: warning: can never match: routes[0] (line 20) comes first`}},
		"platform, token": {"platform = \"slack\"\nbot_token = \"env:BOT\"", "platform = \"teams\"\nbot_token = \"env:UNSET\"", []string{`13: adapters.sl.platform: is none of`, `14: adapters.sl.bot_token: environment variable UNSET is not set`}},
		"no route":        {"[[routes]]\nadapter = \"sl\"\nchannels = [\"C1\", \"dm\"]\n[[routes]]\nadapter = \"dc\"\nchannels = [\"1100000000000000002\"]\n", "", []string{`1: routes: no route is configured`, `12: adapters.sl: warning: no route`, `16: adapters.dc: warning: no route`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(sound, tt.old) {
				t.Fatalf("the sound configuration has no %q", tt.old)
			}
			_, faults := loadText(t, strings.Replace(sound, tt.old, tt.new, 1))
			requireFaults(t, faults, tt.want)
		})
	}
}

// requireFaults compares the printed faults, from the line number on, with the
// beginnings of lines in want.
func requireFaults(t *testing.T, faults []Fault, want []string) {
	t.Helper()
	var got []string
	for _, f := range faults {
		line := strings.TrimPrefix(f.String(), f.File+":")
		if strings.Contains(line, "\n") || !strings.Contains(line, "; write ") || f.Write == "" {
			t.Errorf("not one line with a hint: %q", line)
		}
		got = append(got, line)
	}
	same := len(got) == len(want)
	for i := 0; same && i < len(got); i++ {
		same = strings.HasPrefix(got[i], want[i])
	}
	if !same {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// TestFaultsHideValues: whatever stands where, no fault shows it.
func TestFaultsHideValues(t *testing.T) {
	t.Parallel()
	const token = "xoxb-123-zzqq"
	for i, line := range strings.Split(sound, "\n") {
		key, _, found := strings.Cut(line, " = ")
		if !found {
			continue
		}
		for _, value := range []string{`"` + token + `"`, token, `["` + token + `"]`, `"` + token, `'https://u:` + token + `@h:x/'`, `"env:$` + token + `"`} {
			lines := strings.Split(sound, "\n")
			lines[i] = key + " = " + value
			_, faults := loadText(t, strings.Join(lines, "\n"))
			for _, f := range faults {
				if strings.Contains(f.String(), "zzqq") {
					t.Errorf("%s = %s: %s", key, value, f)
				}
			}
		}
	}
}
