package dist_test

import (
	"encoding/json"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// metrics are those of OPERATING.md with their labels; a test of the whole program proves that these are all there are.
func metrics(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(ccbridge_[a-z_]+\\*?)` \\|([^|]*)\\|").FindAllStringSubmatch(read(t, "../OPERATING.md"), -1) {
		found[m[1]] = regexp.MustCompile(`[a-z]+`).FindAllString(m[2], -1)
	}
	if len(found) < 30 {
		t.Fatalf("OPERATING.md has only %d metrics", len(found))
	}
	return found
}

var (
	selector = regexp.MustCompile(`\b(ccbridge_[a-z_]+)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)`)
	grouping = regexp.MustCompile(`\b(?:by|without|on|ignoring) \(([^)]*)\)`)
)

// uses checks that the metrics and labels of an expression exist, and that its brackets match.
func uses(t *testing.T, where, expr string, known map[string][]string, used map[string]bool) {
	t.Helper()
	given := []string{"instance", "job", "le"} // by Prometheus
	for _, m := range selector.FindAllStringSubmatch(expr, -1) {
		name := regexp.MustCompile(`^(.*_seconds)_(bucket|sum|count)$`).ReplaceAllString(m[1], "$1")
		for _, group := range []string{"ccbridge_go_", "ccbridge_process_"} {
			if strings.HasPrefix(name, group) {
				name = group + "*"
			}
		}
		labels, ok := known[name]
		if !ok {
			t.Errorf("%s: no metric %s", where, m[1])
		}
		used[name] = true
		given = append(given, labels...)
		for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(labels, l[1]) && !slices.Contains([]string{"instance", "job", "le"}, l[1]) {
				t.Errorf("%s: %s has no label %s", where, name, l[1])
			}
		}
	}
	for _, m := range grouping.FindAllStringSubmatch(expr, -1) {
		for label := range strings.SplitSeq(m[1], ",") {
			if !slices.Contains(given, strings.TrimSpace(label)) {
				t.Errorf("%s: nothing there has a label %s", where, label)
			}
		}
	}
	var open []rune
	pair := map[rune]rune{')': '(', ']': '[', '}': '{'}
	for _, r := range expr {
		switch {
		case strings.ContainsRune("([{", r):
			open = append(open, r)
		case pair[r] != 0 && (len(open) == 0 || open[len(open)-1] != pair[r]):
			t.Fatalf("%s: brackets do not match: %s", where, expr)
		case pair[r] != 0:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 || strings.TrimSpace(expr) == "" {
		t.Errorf("%s: brackets do not match: %q", where, expr)
	}
}

// TestAlerts: each alert uses metrics that exist, says how bad it is and what to do, and has its section in OPERATING.md
// and its case in the tests of the rules.
func TestAlerts(t *testing.T) {
	t.Parallel()
	text, operating, cases := read(t, "prometheus/alerts.yml"), read(t, "../OPERATING.md"), read(t, "testdata/alerts_test.yml")
	known, used := metrics(t), map[string]bool{}
	alerts := strings.Split(text, "      - alert: ")[1:]
	if len(alerts) < 15 {
		t.Fatalf("only %d alerts", len(alerts))
	}
	for _, alert := range alerts {
		name, _, _ := strings.Cut(alert, "\n")
		_, rest, _ := strings.Cut(alert, "expr: ")
		expr := rest[:regexp.MustCompile(`(?m)^        (for|labels): `).FindStringIndex(rest)[0]]
		uses(t, name, strings.TrimPrefix(expr, "|"), known, used)
		for _, want := range []string{`(?m)^        labels: \{severity: (page|ticket)\}$`, `(?m)^          summary: \S`, `(?m)^          description: >-$`, `"` + name + `"`} {
			if !regexp.MustCompile(want).MatchString(strings.Join(strings.Fields(alert), " ")) && !regexp.MustCompile(want).MatchString(alert) {
				t.Errorf("%s has no %s", name, want)
			}
		}
		if !strings.Contains(alert, "increase(") && !strings.Contains(alert, "        for: ") {
			t.Errorf("%s fires at once", name)
		}
		if !strings.Contains(operating, "\n#### "+name+"\n") {
			t.Errorf("OPERATING.md has no section %s", name)
		}
		if !strings.Contains(cases, "  - name: "+name+"\n") {
			t.Errorf("the rules' tests have no case %s", name)
		}
	}
	for _, section := range regexp.MustCompile(`(?m)^#### (Ccbridge\w+)$`).FindAllStringSubmatch(operating, -1) {
		if !strings.Contains(text, "- alert: "+section[1]+"\n") {
			t.Errorf("OPERATING.md explains %s, which is no alert", section[1])
		}
	}
	for _, s := range regexp.MustCompile(`- series: '(.*)'`).FindAllStringSubmatch(cases, -1) {
		uses(t, "alerts_test.yml", s[1], known, used)
	}
}

// TestRules has the rules checked and played by Prometheus' own tool, if it is here: each fires for its case and none on
// a healthy day.
func TestRules(t *testing.T) {
	t.Parallel()
	tool(t, "promtool", "check", "config", "prometheus/scrape.yml")
	tool(t, "promtool", "test", "rules", "testdata/alerts_test.yml")
}

// TestDashboard: it is JSON of a dashboard, its panels do not overlap, use metrics that exist, and leave none out.
func TestDashboard(t *testing.T) {
	t.Parallel()
	var board struct {
		Title, UID string
		Panels     []struct {
			ID          int
			Type, Title string
			GridPos     struct{ X, Y, W, H int }
			Targets     []struct{ Expr, RefID string }
		}
	}
	decoder := json.NewDecoder(strings.NewReader(read(t, "grafana/dashboard.json")))
	if err := decoder.Decode(&board); err != nil || board.UID != "ccbridge" {
		t.Fatalf("%v, %+v", err, board)
	}
	known, used := metrics(t), map[string]bool{}
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d %q: its id or place is wrong", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if taken[at] != "" {
					t.Fatalf("%q covers %q", p.Title, taken[at])
				}
				taken[at] = p.Title
			}
		}
		for _, target := range p.Targets {
			uses(t, p.Title, target.Expr, known, used)
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%q shows nothing", p.Title)
		}
	}
	delete(known, "ccbridge_go_*")
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if !used[name] {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
	if _, err := exec.LookPath("promtool"); err != nil {
		return
	}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			tool(t, "promtool", "promql", "--experimental", "format", strings.ReplaceAll(target.Expr, "$instance", ".*"))
		}
	}
}
