package mask

// ibanLengths are the lengths of the countries' account numbers (ISO 13616, the register).
var ibanLengths = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28,
	"CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
	"FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28,
	"IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
	"LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28,
	"NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24,
	"SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26,
	"UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}

// ibans finds bank accounts: a country, two check digits and as many letters and digits as the country has, with single
// blanks or dashes between them or none.
func ibans(text string) []span {
	var found []span
	kept, look := fixed(text), 0
	for at := 0; at+4 < len(text); at++ {
		if !isLetter(text[at]) || !isLetter(text[at+1]) || at > 0 && isWord(text[at-1]) {
			continue
		}
		s, ok := ibanAt(text, at)
		if ok && bounded(text, s) && !inside(kept, s, &look) {
			found = append(found, s)
			at = s.to - 1
		}
	}
	return found
}

func ibanAt(text string, at int) (s span, ok bool) {
	country := []byte{text[at] &^ 0x20, text[at+1] &^ 0x20}
	length := ibanLengths[string(country)]
	if length == 0 || !isDigit(text[at+2]) || !isDigit(text[at+3]) {
		return span{}, false
	}
	chars := make([]byte, 0, length)
	end := at
	for end < len(text) && len(chars) < length {
		c := text[end]
		switch {
		case isDigit(c):
			chars = append(chars, c)
			end++
		case isLetter(c):
			chars = append(chars, c&^0x20)
			end++
		default:
			n := separator(text[end:], blanks, dashes)
			if n == 0 || end+n >= len(text) || !isDigit(text[end+n]) && !isLetter(text[end+n]) {
				return span{}, false
			}
			end += n
		}
	}
	return span{at, end}, len(chars) == length && mod97(chars) == 1
}

// mod97 is the remainder of ISO 7064: the first four characters go to the end, letters count from 10.
func mod97(chars []byte) int {
	n := 0
	for i := range chars {
		c := chars[(i+4)%len(chars)]
		if isDigit(c) {
			n = (n*10 + int(c-'0')) % 97
		} else {
			n = (n*100 + int(c-'A') + 10) % 97
		}
	}
	return n
}
