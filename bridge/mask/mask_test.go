package mask

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// all knows every name.
var all = New(Names, nil)

// TestMasks: what must be masked, and that the text around it stays.
func TestMasks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"my card is 4111111111111111, thanks":     "my card is [card], thanks",
		"4111 1111 1111 1111":                     "[card]",
		"4111-1111-1111-1111-":                    "[card]-",
		"卡号4111111111111111。":                     "卡号[card]。",
		"(378282246310005)":                       "([card])",
		"3782 822463 10005 exp 12/28":             "[card] exp 12/28",
		"30569309025904":                          "[card]",
		"3 5105105105105100 5":                    "3 [card] 5",
		"4111 1111 1111 1111 5500 0000 0000 0004": "[card] [card]",
		"card:4222222222222.":                     "card:[card].",

		"DE89370400440532013000":                          "[iban]",
		"IBAN: DE89 3704 0044 0532 0130 00 (Ada)":         "IBAN: [iban] (Ada)",
		"gb82 west 1234 5698 7654 32, NL91ABNA0417164300": "[iban], [iban]",
		"账号FR1420041010050500013M02606。":                  "账号[iban]。",

		"write to ada.l+x@mail.example.co.uk.":  "write to [email].",
		"<Ada@example.com>":                     "<[email]>",
		"'ada@example.com', bob@x.io;":          "'[email]', [email];",
		"邮箱ada@example.com谢谢":                   "邮箱[email]谢谢",
		"info@müller.de":                        "[email]",
		"https://u:pw@host.example/x":           "https://u:[email]/x",
		"https://x.example/?to=a@b.example&n=1": "https://x.example/?to=[email]&n=1",
		"mailto:a@b.co":                         "mailto:[email]",

		"call +49 170 1234567 now":          "call [phone] now",
		"+1-212-555-0123, +12125550123":     "[phone], [phone]",
		"+49 (0)30/123456":                  "[phone]",
		"tel:+442079460958":                 "tel:[phone]",
		"0049 30 1234567 or 00491701234567": "[phone] or [phone]",
		"(212) 555-0123 / 212-555-0123":     "[phone] / [phone]",
		"030/1234567, 0170-1234567":         "[phone], [phone]",
		"020 7946 0958":                     "[phone]",
		"01 23 45 67 89":                    "[phone]",
		"07911123456 und 01701234567":       "[phone] und [phone]",
	} {
		if got := all.Text(text); got != want {
			t.Errorf("%q → %q, want %q", text, got, want)
		}
	}
}

// untouched must stay as it is, byte for byte.
var untouched = []string{
	"", "hello", "order 1234567890, no. 4500012345", "ORD-2026-000123", "invoice 20261128-0017", "12345678901", "A4111111111111111",
	"4111111111111112", "1234 5678 9012 3456", "4111 1111  1111 1111", "41111111111111111", "411111111111111111", // no card's length
	"2026-11-28 17:48:13", "28.11.2026", "01.02.2026 12:30", "01-02-2026 12", "11/28/2026", "01/02/2026 03/04/2026", "2026-11-28T17:48:13+01:00", "2026-11-28T17:48:13+0100", "20261128T174813Z",
	"08:30 – 17:15", "00:49:17", "1,234,567.89 EUR", "0.4111111111111111", "4111111111111111.5", "+5 points", "1+1=2", "C++17", "-12.50 €", "+12345",
	"1764352093.123456", "1764352093123", "<#C0123ABCD> 1764352093.123456", // Slack
	"1100000000000000001", "621234567890123459", "<@411111111111111111>", // Discord
	"550e8400-e29b-41d4-a716-446655440000", "41111111-1111-1111-1111-123456789012",
	"192.168.0.1", "10.0.0.255:8080", "2001:db8::4111:1111", "fe80::1", "1.2.3", "v0.9.12-rc.1", "go1.26.0", "react@18.2.0", "pkg@1.2",
	"https://shop.example/orders/4111111111111111", "https://x.example/tel/0170-1234567?id=030/1234567#+491701234567", "http://10.0.0.1:80/", "https://medium.example/@ada",
	"ISBN 978-3-16-148410-0", "ISBN 0-306-40615-2", "0306406152", "EAN 4006381333931", "UPC 012345678905", "SSN 123-45-6789",
	"DE89370400440532013001", "XX89370400440532013000", "DE8937040044", "DE123456789", "AB12CDEF34567890", "IBAN",
	"@ada", "a@b", "a @ b.co", "user@localhost", "@here", "x@y.1", "foo@bar.c", "ada@192.168.0.1", "@example.com",
	"555-123-4567-8901", "1-555-0100", "call 112", "room 030", "01067 Dresden", "ticket 0815", "5551234567", "7 days a week, 24/7", "13800138000",
	"[card] [email] [phone] [iban] [masked]", "größer 🙂 日本語",
}

func TestUntouched(t *testing.T) {
	t.Parallel()
	for _, text := range untouched {
		for _, framed := range []string{text, "see " + text + " please", "(" + text + ")", text + "\n" + text} {
			if got := all.Text(framed); got != framed {
				t.Errorf("%q became %q", framed, got)
			}
		}
	}
}

func TestOwnPatterns(t *testing.T) {
	t.Parallel()
	m := New([]string{Email}, []string{`\b1[3-9]\d{9}\b`, `(?i)secret`, `\w+@`, `x*y?`})
	for text, want := range map[string]string{
		"13800138000":         "[masked]",
		"SECRET, a@b.co":      "[masked], [email]",
		"[email] [masked] ok": "[email] [masked] ok",
		"xx":                  "[masked]",
	} {
		if got := m.Text(text); got != want {
			t.Errorf("%q → %q, want %q", text, got, want)
		}
	}
	for pattern, want := range map[string]string{
		"a(b":                    "is no regular expression (RE2)",
		`(?=x)`:                  "is no regular expression (RE2)",
		"x*":                     "matches nothing at all, and so everywhere",
		strings.Repeat("x", 501): "is longer than 500 bytes",
		`\d{900}`:                "is too large: it repeats too much",
		`\b[A-Z]{2}-\d{4}\b`:     "",
	} {
		got := ""
		if err := CheckPattern(pattern); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%.20q: %q, want %q", pattern, got, want)
		}
	}
	if (Mask{}).Text("a@b.co") != "a@b.co" || !(Mask{}).Empty() || m.Empty() || New([]string{"nonsense"}, nil).Text("a@b.co") != "a@b.co" {
		t.Error("the zero mask masks")
	}
}

// pieces are what random texts are made of.
var pieces = append([]string{" ", "  ", "-", ".", ",", "/", ":", "+", "@", "(", ")", "0", "1", "49", "555", "4111", "a", "b.co", "é", "\u00a0", "卡", "https://", "\xff",
	"4111111111111111", "4111 1111 1111 1111", "DE89370400440532013000", "a@b.co", "+49 170 1234567", "0170-1234567", "212-555-0123"}, untouched...)

func text() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(pieces), rapid.String()), 0, 8).Draw(t, "pieces"), "")
	})
}

// TestProperties: masking twice is masking once, nothing unmasked is left behind, a text stays valid and within bounds.
func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { hold(t.Fatalf, text().Draw(t, "text")) })
}

func FuzzMask(f *testing.F) {
	for _, p := range pieces {
		f.Add(p + " " + p)
	}
	f.Fuzz(func(t *testing.T, text string) { hold(t.Fatalf, text) })
}

func hold(fail func(string, ...any), text string) {
	for _, name := range Names {
		one := New([]string{name}, nil)
		if masked := one.Text(text); one.Text(masked) != masked {
			fail("%s: masked once %q, twice %q", name, masked, one.Text(masked))
		}
	}
	masked := all.Text(text)
	if utf8.ValidString(text) && !utf8.ValidString(masked) {
		fail("%q became invalid: %q", text, masked)
	}
	if len(masked) > len(text)+len(text)/6 {
		fail("%d bytes became %d", len(text), len(masked))
	}
	for _, name := range Names { // around what was masked nothing changed
		if spans := finders[name](text); replace(text, spans, "") != without(text, spans) {
			fail("%s: places %v", name, spans)
		}
	}
	if n := New(nil, []string{".", `\S`}).Text(text); len(n) > 8*len(text) {
		fail("%d bytes became %d", len(text), len(n))
	}
}

// without cuts places out of a text, and fails by a panic if they overlap or are in no order.
func without(text string, spans []span) string {
	for i := len(spans) - 1; i >= 0; i-- {
		if i > 0 && spans[i-1].to > spans[i].from {
			return "overlap"
		}
		text = text[:spans[i].from] + text[spans[i].to:]
	}
	return text
}

// TestLinear: forty thousand characters of the worst kinds take well below a second each; were the time not linear, minutes.
func TestLinear(t *testing.T) {
	t.Parallel()
	began := time.Now()
	for _, unit := range []string{"41111111 ", "+1 ", "a@b.", "DE89 ", "01 ", "001 ", "http://"} {
		all.Text(strings.Repeat(unit, 40_000/len(unit)))
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
}
