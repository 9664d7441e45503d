package admin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"ccbridge/bridge"
	"ccbridge/cmd/ccbridge/config"
)

// maxRows is how many rows of a table are shown.
const maxRows = 300

// tooLong is how long something may wait before the page draws attention to it.
const tooLong = time.Minute

// overview is the first page: whether all is well, and where to look if not.
type overview struct {
	Level, Verdict string
	Figures        []figure
	Parts          []part
	Limits         []bridge.Limit
	Faults         []Fault
	Total          int // faults since the start
	Waiting        []row
}

// figure is a number at a glance.
type figure struct {
	Value, Label, Level, Link string
}

// part is a part of the bridge and its state.
type part struct {
	Name string `json:"name"`
	bridge.Part
}

// row is a session in a table.
type row struct {
	bridge.SessionView
	Late bool // it, or something of it, waits for too long
}

// shownFaults and shownWaiting are how many of them stand on the first page.
const (
	shownFaults  = 8
	shownWaiting = 8
)

func (p *Page) showOverview(ctx context.Context, _ *http.Request) (view, error) {
	sessions, dead, err := p.look(ctx)
	if err != nil {
		return view{}, err
	}
	faults, total := p.Faults.Last()
	parts, ready := p.parts()
	o := overview{Parts: parts, Limits: p.Limited(), Faults: faults[:min(len(faults), shownFaults)], Total: total}
	waiting := slices.DeleteFunc(p.rows(sessions), func(r row) bool { return r.State != bridge.StateQueued && r.Waiting == 0 })
	slices.SortStableFunc(waiting, func(a, b row) int { return since(a).Compare(since(b)) })
	o.Waiting = waiting[:min(len(waiting), shownWaiting)]
	o.Level, o.Verdict = verdict(parts, ready, p.now())
	o.Figures = p.figures(sessions, dead, waiting)
	return view{Title: "Overview", Here: root, Name: "overview", Data: o, Live: true}, nil
}

// since is since when a session, or what is on its way in it, waits.
func since(r row) time.Time {
	if r.State == bridge.StateQueued && (r.Oldest.IsZero() || r.Since.Before(r.Oldest)) {
		return r.Since
	}
	return r.Oldest
}

func (p *Page) figures(sessions []bridge.SessionView, dead []bridge.DeadView, waiting []row) []figure {
	in := map[bridge.State]int{}
	for _, s := range sessions {
		in[s.State]++
	}
	longest := figure{Value: "–", Label: "waits longest", Link: root + "/sessions"}
	if len(waiting) > 0 {
		age := p.now().Sub(since(waiting[0]))
		longest.Value = duration(age)
		if age > tooLong {
			longest.Level = "warn"
		}
	}
	letters := figure{Value: fmt.Sprint(len(dead)), Label: "dead letters", Link: root + "/dead"}
	if len(dead) > 0 {
		letters.Level = "bad"
	}
	return []figure{
		{Value: fmt.Sprint(len(sessions)), Label: "open sessions", Link: root + "/sessions"},
		{Value: fmt.Sprint(in[bridge.StateAgent]), Label: "with an agent", Link: root + "/sessions?state=agent"},
		{Value: fmt.Sprint(in[bridge.StateQueued] + in[bridge.StateTransferring]), Label: "in the queue", Link: root + "/sessions?state=queued"},
		longest,
		letters,
	}
}

// parts lists the parts, the store and the centre first.
func (p *Page) parts() (parts []part, ready bool) {
	all, ready := p.Status()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		parts = append(parts, part{name, all[name]})
	}
	rank := func(q part) int { return slices.Index([]string{"centre", "store"}, q.Name) }
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(rank(b), rank(a)) })
	return parts, ready
}

// verdict says in one sentence how the bridge is.
func verdict(parts []part, ready bool, now time.Time) (level, text string) {
	var ill, warming []string
	for _, q := range parts {
		what := fmt.Sprintf("%s is %s (for %s)", q.Name, q.State, duration(now.Sub(q.Since)))
		switch q.State {
		case "up":
		case "starting", "catching-up":
			warming = append(warming, what)
		default:
			ill = append(ill, what)
		}
	}
	switch {
	case len(ill) > 0:
		return "bad", strings.Join(ill, ", ") + "."
	case !ready:
		return "warn", "Not ready yet: " + strings.Join(warming, ", ") + "."
	case len(warming) > 0:
		return "info", strings.Join(warming, ", ") + "."
	}
	return "ok", "All parts are up."
}

func (p *Page) rows(sessions []bridge.SessionView) []row {
	rows := make([]row, 0, len(sessions))
	now := p.now()
	for _, s := range sessions {
		late := s.Waiting > 0 && now.Sub(s.Oldest) > tooLong || s.State == bridge.StateQueued && now.Sub(s.Since) > tooLong
		rows = append(rows, row{s, late})
	}
	return rows
}

// sessionList is the page of sessions.
type sessionList struct {
	Rows   []row
	Left   int // rows left out
	States []stateLink
	All    bool
	State  string
}

// stateLink leads to the sessions of one state; with "", of all.
type stateLink struct {
	State string
	Count int
	Here  bool
}

func (p *Page) showSessions(ctx context.Context, r *http.Request) (view, error) {
	all, state := r.URL.Query().Get("all") != "", r.URL.Query().Get("state")
	var sessions []bridge.SessionView
	var err error
	if all {
		sessions, err = p.Console.Sessions(ctx, true)
	} else {
		sessions, _, err = p.look(ctx)
	}
	if err != nil {
		return view{}, err
	}
	list := sessionList{All: all, State: state, States: []stateLink{{"", len(sessions), state == ""}}}
	in := map[string]int{}
	for _, s := range sessions {
		in[string(s.State)]++
	}
	for _, s := range bridge.States {
		if n := in[string(s)]; n > 0 && s != bridge.StateNew || state != "" && state == string(s) {
			list.States = append(list.States, stateLink{string(s), n, state == string(s)})
		}
	}
	rows := p.rows(sessions)
	if state != "" {
		rows = slices.DeleteFunc(rows, func(r row) bool { return string(r.State) != state })
	}
	list.Left = max(0, len(rows)-maxRows)
	list.Rows = rows[:len(rows)-list.Left]
	return view{Title: "Sessions", Here: root + "/sessions", Name: "sessions", Data: list, Live: !all}, nil
}

func (p *Page) showSession(ctx context.Context, r *http.Request) (view, error) {
	s, err := p.thread(ctx, bridge.ThreadID(r.PathValue("id")))
	if err != nil {
		return view{}, err
	}
	return view{Title: "Session", Here: root + "/sessions", Name: "session", Data: s, Live: true}, nil
}

// transcriptOf is the page of what was said in a thread.
type transcriptOf struct {
	Session bridge.SessionDetail
	Entries []bridge.Entry
	Left    int
}

func (p *Page) showTranscript(ctx context.Context, r *http.Request) (view, error) {
	s, err := p.thread(ctx, bridge.ThreadID(r.PathValue("id")))
	if err != nil {
		return view{}, err
	}
	t := transcriptOf{Session: s}
	if t.Entries, t.Left, err = p.transcript(ctx, s.ID); err != nil {
		return view{}, err
	}
	p.opened(r, "transcript", s.Thread.String())
	return view{Title: "Transcript", Here: root + "/sessions", Name: "transcript", Data: t}, nil
}

// deadList is the page of dead letters; Open is the one whose words are shown.
type deadList struct {
	Letters []bridge.DeadView
	Left    int
	Open    bridge.DeadID
}

func (p *Page) showDead(ctx context.Context, r *http.Request) (view, error) {
	_, dead, err := p.look(ctx)
	list := deadList{Open: bridge.DeadID(r.URL.Query().Get("words"))}
	if list.Open != "" {
		dead, err = p.Console.Dead(ctx, true)
	}
	if err != nil {
		return view{}, err
	}
	list.Left = max(0, len(dead)-maxRows)
	for _, d := range dead[:len(dead)-list.Left] {
		if d.ID != list.Open {
			d.Texts = nil
		} else {
			p.opened(r, "dead letter", d.Thread.String())
		}
		list.Letters = append(list.Letters, d)
	}
	return view{Title: "Dead letters", Here: root + "/dead", Name: "dead", Data: list, Live: list.Open == ""}, nil
}

// faultList is the page of the newest faults.
type faultList struct {
	Faults []Fault
	Total  int
}

func (p *Page) showFaults(context.Context, *http.Request) (view, error) {
	faults, total := p.Faults.Last()
	return view{Title: "Faults", Here: root + "/faults", Name: "faults", Data: faultList{faults, total}, Live: true}, nil
}

// settingList is the page of the configuration in force.
type settingList struct {
	Path      string
	Sections  []section
	CanReload bool
}

// section is a table of the configuration.
type section struct {
	Name     string
	Settings []config.Setting // Key is what follows the section's name
}

func (p *Page) showSettings(context.Context, *http.Request) (view, error) {
	cfg := p.Config()
	list := settingList{Path: cfg.Path, CanReload: p.Reload != nil}
	for _, s := range cfg.Settings {
		name := s.Key[:max(0, strings.LastIndexByte(s.Key, '.'))]
		s.Key = strings.TrimPrefix(s.Key, name+".")
		i := slices.IndexFunc(list.Sections, func(in section) bool { return in.Name == name })
		if i < 0 {
			i = len(list.Sections)
			list.Sections = append(list.Sections, section{Name: name})
		}
		list.Sections[i].Settings = append(list.Sections[i].Settings, s)
	}
	return view{Title: "Configuration", Here: root + "/settings", Name: "settings", Data: list}, nil
}
