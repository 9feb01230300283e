package faq

import (
	"strings"
	"unicode"

	"github.com/kljensen/snowball/english"
	"github.com/kljensen/snowball/french"
	"github.com/kljensen/snowball/spanish"
	"golang.org/x/text/unicode/norm"

	"chasqui/i18n"
)

// words splits text into small-letter words without accents: what people leave out when they type
// must not count. Letters repeated for emphasis are cut to two.
func words(text string) []string {
	var out []string
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			out = append(out, b.String())
			b.Reset()
		}
	}
	var last rune
	run := 0
	for _, r := range norm.NFD.String(strings.ToLower(text)) {
		switch {
		case unicode.Is(unicode.Mn, r):
			continue
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if r == last && unicode.IsLetter(r) {
				run++
			} else {
				run = 1
			}
			if run <= 2 {
				b.WriteString(ligature(r))
			}
		default:
			flush()
		}
		last = r
	}
	flush()
	return out
}

func ligature(r rune) string {
	switch r {
	case 'œ':
		return "oe"
	case 'æ':
		return "ae"
	}
	return string(r)
}

// stem cuts a folded word to its stem. Stemming after folding makes an accent that was left out cost
// nothing.
func stem(word string, l i18n.Lang) string {
	switch l {
	case i18n.French:
		return french.Stem(word, false)
	case i18n.Spanish:
		return spanish.Stem(word, false)
	}
	return english.Stem(word, false)
}

// short are abbreviations people type in messages, with the words they stand for.
var short = map[i18n.Lang]map[string]string{
	i18n.French: {
		"c": "c est", "ce": "ce", "g": "j ai", "jai": "j ai", "jsuis": "je suis", "chui": "je suis", "jdois": "je dois", "jpeux": "je peux",
		"koi": "quoi", "kel": "quel", "kelle": "quelle", "ki": "qui", "kand": "quand", "qd": "quand", "cmt": "comment", "cb": "combien",
		"cmb": "combien", "combi1": "combien", "pr": "pour", "pck": "parce que", "pcq": "parce que", "pk": "pourquoi", "pq": "pourquoi",
		"ds": "dans", "ss": "suis", "tt": "tout", "ts": "tous", "bcp": "beaucoup", "svp": "s il vous plait", "stp": "s il te plait",
		"slt": "salut", "bjr": "bonjour", "auj": "aujourd hui", "ajd": "aujourd hui", "dr": "docteur", "asso": "association", "rdv": "rendez vous",
		"ya": "il y a", "kelk1": "quelqu un", "qqun": "quelqu un", "qqn": "quelqu un", "qqch": "quelque chose", "vs": "vous", "ns": "nous",
		"nvo": "nouveau", "perou": "perou", "perdu": "perdu", "mnt": "maintenant", "tjr": "toujours", "tjs": "toujours", "ok": "ok",
		"jsp": "je ne sais pas", "kom": "comme", "dc": "donc", "fo": "faut", "fau": "faut", "taf": "travail", "tel": "telephone", "num": "numero",
		"vol": "vol", "volont": "volontaire", "mess": "message", "msg": "message", "pb": "probleme", "prob": "probleme", "j": "jours",
	},
	i18n.Spanish: {
		"q": "que", "k": "que", "ke": "que", "qe": "que", "xq": "por que", "pq": "por que", "porq": "porque", "xk": "por que", "x": "por", "d": "de",
		"tmb": "tambien", "tb": "tambien", "tbn": "tambien", "pa": "para", "toy": "estoy", "tas": "estas", "dnd": "donde", "cdo": "cuando", "kuando": "cuando",
		"cto": "cuanto", "kuanto": "cuanto", "cuant": "cuanto", "bn": "bien", "hla": "hola", "ola": "hola", "grax": "gracias", "msj": "mensaje", "nro": "numero",
		"aora": "ahora", "aki": "aqui", "ai": "hay", "dias": "dias", "xfa": "por favor", "pf": "por favor", "porfa": "por favor", "pls": "por favor",
		"trab": "trabajo", "vol": "voluntario", "dsp": "despues", "dps": "despues", "m": "me", "t": "te", "cel": "celular", "tlf": "telefono", "kiero": "quiero",
		"ago": "hago", "ise": "hice", "boy": "voy", "aser": "hacer", "asta": "hasta", "tngo": "tengo", "qro": "quiero", "info": "informacion", "bno": "bueno",
	},
	i18n.English: {
		"u": "you", "ur": "your", "r": "are", "wat": "what", "wht": "what", "wen": "when", "hw": "how", "pls": "please", "plz": "please", "thx": "thanks",
		"cuz": "because", "w": "with", "gonna": "going to", "wanna": "want to", "dunno": "don t know", "abt": "about", "b4": "before", "2day": "today",
		"ppl": "people", "info": "information", "im": "i m", "ive": "i ve", "cant": "can t", "dont": "don t", "whats": "what s", "wheres": "where s", "id": "id",
	},
}

// undo writes abbreviations out in language l.
func undo(tokens []string, l i18n.Lang) []string {
	var out []string
	for _, w := range tokens {
		if full, ok := short[l][w]; ok {
			out = append(out, strings.Fields(full)...)
			continue
		}
		out = append(out, w)
	}
	return out
}

// empty are words that say nothing about what is asked; they count a little, not nothing.
var empty = func() map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(`
		a au aux avec c ce ces cet cette d dans de des du elle en est et il ils j je l la le les leur lui m ma mais me mes moi mon n ne nous on ont ou par
		pas pour qu que quel quelle qui s sa se ses si son suis sur t ta te tes toi ton tu un une vous y faut fait faire peux peut puis comment quand
		ai as avoir etre bonjour salut merci bonsoir svp plait
		al algo como con cual cuando de del el ella en es esta este esto hay la las le les lo los me mi mis muy no nos o para pero por que quien se ser
		si sin sobre son soy su sus tengo ti tiene tu tus un una uno y ya yo puedo puede hacer hago hola gracias favor buenas buenos dias
		am an and are at be been by can do does for from have has how i if in is it its my no not of on or our so that the their them there they this to
		was we what when where which who will with would you your hello hi please thanks`) {
		set[w] = true
	}
	return set
}()

// grams are the character 3- to 5-grams of the words, edges marked: what a typo leaves whole.
func grams(tokens []string) []string {
	var out []string
	for _, w := range tokens {
		r := []rune("^" + w + "$")
		for n := 3; n <= 5; n++ {
			for i := 0; i+n <= len(r); i++ {
				out = append(out, string(r[i:i+n]))
			}
		}
		if len(r) == 3 {
			out = append(out, string(r))
		}
	}
	return out
}
