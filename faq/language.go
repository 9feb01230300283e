package faq

import (
	"math"
	"strings"

	"chasqui/i18n"
)

// chatWords teach the identifier how people write to each other; the entries teach it the rest.
var chatWords = map[i18n.Lang]string{
	i18n.French: `bonjour salut merci beaucoup oui non je suis tu es il est nous sommes vous etes ils sont j ai tu as il a on a ca va est ce que qu est ce que
		c est quoi comment faire pourquoi quand où combien quel quelle quels quelles mon ma mes ton ta tes son sa ses notre votre leur ce cette ces un une des du de la le les
		au aux dans sur sous avec sans pour par chez mais ou et donc or ni car pas plus jamais toujours encore deja aujourd hui demain hier maintenant svp stp dois peux veux
		faut fait faire aller venir avoir etre aide moi quelqu un rien tout peut-etre voila alors parce que si tres bien mal petit grand besoin`,
	i18n.Spanish: `hola gracias muchas si no yo soy tu eres el es nosotros somos ustedes son tengo tienes tiene que como hago por que cuando donde cuanto cuanta cual
		cuales mi mis tu tus su sus nuestro este esta estos estas un una unos unas del de la el los las al en sobre con sin para por pero o y entonces ni mas nunca siempre
		todavia ya hoy manana ayer ahora por favor debo puedo quiero hay que hacer ir venir tener ser estar ayuda alguien nada todo quizas bueno porque muy bien mal
		pequeno grande necesito estoy esta estan fue era me te se lo le nos buenas tardes dias noches pe pues nomas`,
	i18n.English: `hello hi thanks thank you yes no i am you are he is she is we are they are i have has what how why when where how much how many which who my your his her our
		their this that these those a an the of in on under with without for by at but or and so not more never always still already today tomorrow yesterday now please
		must can want should would could do does did go come have be been help me someone nothing everything maybe well because if very good bad small big need get got
		there here it its don t can t isn t i m i ve what s`,
}

// identifier is a naive Bayes over words and character 1- to 3-grams.
type identifier struct {
	weights map[string][3]float64
	other   [3]float64
}

func newIdentifier(entries []Entry) *identifier {
	var counts [3]map[string]float64
	for i, l := range i18n.Langs {
		counts[i] = map[string]float64{}
		learn := func(text string, times float64) {
			add(counts[i], features(words(text)), times)
		}
		learn(chatWords[l], 6)
		for _, e := range entries {
			t := e.Texts[l]
			for _, q := range t.Questions {
				learn(q, 1)
			}
			learn(t.Answer, 1)
		}
	}
	return weighLanguages(counts)
}

func weighLanguages(counts [3]map[string]float64) *identifier {
	id := &identifier{weights: map[string][3]float64{}}
	var totals [3]float64
	vocabulary := map[string]bool{}
	for i := range counts {
		for f, n := range counts[i] {
			totals[i] += n
			vocabulary[f] = true
		}
	}
	for i := range counts {
		id.other[i] = math.Log(smoothing / (totals[i] + smoothing*float64(len(vocabulary))))
	}
	for f := range vocabulary {
		// What was seen once teaches chance, and there is a lot of it.
		if counts[0][f]+counts[1][f]+counts[2][f] < 2 {
			continue
		}
		var w [3]float64
		for i := range counts {
			w[i] = math.Log((counts[i][f] + smoothing) / (totals[i] + smoothing*float64(len(vocabulary))))
		}
		id.weights[f] = w
	}
	return id
}

const smoothing = 0.3

// features of words: themselves, doubled since they say most, and their character 1- to 3-grams.
func features(tokens []string) []string {
	var out []string
	for _, w := range tokens {
		out = append(out, "="+w, "="+w)
		r := []rune("^" + w + "$")
		for n := 2; n <= 4; n++ {
			for i := 0; i+n <= len(r); i++ {
				out = append(out, string(r[i:i+n]))
			}
		}
	}
	return out
}

// sureBy is how much more likely, per word, the best language must be than the next.
const sureBy = 1.2

// identify gives the likeliest language. It is sure of three words and more that lean clearly one
// way; of fewer only when they lean twice as far, since «visa» is everybody's word.
func (id *identifier) identify(tokens []string) (i18n.Lang, bool) {
	var sums [3]float64
	counted := 0
	for _, w := range tokens {
		if strings.Trim(w, "0123456789") != "" {
			counted++
		}
	}
	for _, f := range features(tokens) {
		w, ok := id.weights[f]
		if !ok {
			w = id.other
		}
		for i := range sums {
			sums[i] += w[i]
		}
	}
	best, next := 0, -1
	for i := 1; i < 3; i++ {
		if sums[i] > sums[best] {
			best = i
		}
	}
	for i := range sums {
		if i != best && (next < 0 || sums[i] > sums[next]) {
			next = i
		}
	}
	if counted == 0 {
		return "", false
	}
	lead := (sums[best] - sums[next]) / float64(counted)
	if counted < 3 {
		return i18n.Langs[best], counted == 2 && lead > 4*sureBy
	}
	return i18n.Langs[best], lead > sureBy
}
