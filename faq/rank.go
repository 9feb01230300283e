package faq

import (
	"math"
	"slices"
	"sort"
	"strings"

	"chasqui/i18n"
)

// evidence is what speaks for one entry.
type evidence struct {
	// stems and chars are the best cosines of any of its phrasings.
	stems, chars float64
	// whole is the BM25 score of all its words together, divided by the best entry's.
	whole float64
	same  bool
}

// The weights of the evidence. They were fitted on the labelled questions of the project's own
// domain; CONTRIBUTING.md says how to measure a change.
const (
	stemWeight  = 0.42
	charWeight  = 0.34
	wholeWeight = 0.24
)

func (e evidence) score() float64 {
	if e.same {
		return 1
	}
	return stemWeight*e.stems + charWeight*e.chars + wholeWeight*e.whole
}

// rank orders the entries by what speaks for them and says how much to believe the first.
func (ix *Index) rank(tokens []string, lang i18n.Lang) Decision {
	if len(ix.slugs) == 0 {
		return Decision{}
	}
	found := make([]evidence, len(ix.slugs))
	known := ix.phrasings(tokens, found)
	ix.wholes(tokens, lang, found)
	order := make([]int, len(found))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return found[order[i]].score() > found[order[j]].score() })
	d := Decision{Entry: ix.slugs[order[0]]}
	for _, i := range order[:min(len(order), 10)] {
		d.Ranking = append(d.Ranking, Ranked{ix.slugs[i], found[i].score()})
	}
	next := 0.0
	if len(order) > 1 {
		next = found[order[1]].score()
	}
	d.Confidence = confidence(found[order[0]], next, known, contentWords(tokens))
	if d.Confidence == 0 {
		d.Entry = ""
	}
	return d
}

// confidence is a logistic over what the best entry has, how far it is ahead, how much of the question
// the FAQ has words for, and how much was said at all: two words fit many entries. It was fitted on
// labelled questions of the domain, a third of them about something else. The very words of a
// phrasing are as sure as it gets.
func confidence(best evidence, next, known float64, content int) float64 {
	if best.same {
		return 0.99
	}
	if best.score() == 0 {
		return 0
	}
	said := min(1, float64(content)/4)
	z := -6.3 + 1.7*best.score() + 2.9*(best.score()-next) + 2.1*known + 0.8*best.stems + 2.2*best.chars + 2.1*said
	return 1 / (1 + math.Exp(-z))
}

func contentWords(tokens []string) int {
	n := 0
	for _, w := range tokens {
		if !empty[w] {
			n++
		}
	}
	return n
}

// phrasings compares the question with every phrasing, in the phrasing's own language, and returns
// the share of the question's words, by weight, that the FAQ knows.
func (ix *Index) phrasings(tokens []string, found []evidence) (known float64) {
	folded := strings.Join(tokens, " ")
	stemDot := make([]float64, len(ix.docs))
	charDot := make([]float64, len(ix.docs))
	norms := map[i18n.Lang]float64{}
	var fixed []string
	for _, l := range i18n.Langs {
		fixed = ix.fix(undo(tokens, l))
		norms[l] = dot(count(stemsOf(fixed, l)), ix.stems, len(ix.docs), func(d int) bool { return ix.docs[d].lang == l }, stemDot)
		known = max(known, ix.known(fixed, l))
	}
	charNorm := dot(count(grams(tokens)), ix.chars, len(ix.docs), func(int) bool { return true }, charDot)
	for i, d := range ix.docs {
		e := &found[d.entry]
		if s := stemDot[i] / (norms[d.lang]*d.stemNorm + 1e-9); s > e.stems {
			e.stems = s
		}
		if c := charDot[i] / (charNorm*d.charNorm + 1e-9); c > e.chars {
			e.chars = c
		}
		e.same = e.same || d.folded == folded
	}
	return known
}

// dot adds the products of a question's weights with those of the phrasings that may count, and
// returns the length of the question's vector. Words that no phrasing has lengthen it too: they say
// that the question is about something else.
func dot(query map[string]float64, index map[string][]posting, docs int, counts func(int) bool, sums []float64) float64 {
	norm := 0.0
	for _, term := range inOrder(query) {
		list := index[term]
		w := (1 + math.Log(query[term])) * idfOf(term, docs, len(list))
		if len(list) == 0 && strings.Contains(term, " ") {
			// Two known words that never stood side by side are no sign of another subject.
			continue
		}
		norm += w * w
		for _, p := range list {
			if counts(p.doc) {
				sums[p.doc] += w * p.weight
			}
		}
	}
	return math.Sqrt(norm)
}

func (ix *Index) fix(tokens []string) []string {
	fixed := make([]string, len(tokens))
	for i, w := range tokens {
		fixed[i] = ix.spell.fix(w)
	}
	return fixed
}

// known is the share of the words that mean something of which the FAQ has ever heard.
func (ix *Index) known(tokens []string, l i18n.Lang) float64 {
	heard := 0
	for _, w := range tokens {
		if !empty[w] && len(ix.stems[stem(w, l)]) > 0 {
			heard++
		}
	}
	return float64(heard) / float64(max(1, contentWords(tokens)))
}

// BM25's usual constants.
const (
	saturation = 1.2
	byLength   = 0.4
)

// wholes scores all words of each entry together, answers included.
func (ix *Index) wholes(tokens []string, lang i18n.Lang, found []evidence) {
	scores := make([]float64, len(found))
	langs := []i18n.Lang{lang}
	if lang == "" {
		langs = i18n.Langs
	}
	for _, l := range langs {
		for _, term := range inOrder(count(stemsOf(ix.fix(undo(tokens, l)), l))) {
			list := ix.whole[term]
			idf := idfOf(term, len(found), len(list))
			for _, p := range list {
				length := 1 - byLength + byLength*ix.wholeLength[p.doc]/ix.averageLen
				scores[p.doc] += idf * p.weight * (saturation + 1) / (p.weight + saturation*length)
			}
		}
	}
	best := slices.Max(scores)
	if best == 0 {
		return
	}
	for i := range found {
		found[i].whole = scores[i] / best
	}
}
