package faq

import (
	"maps"
	"math"
	"slices"
	"sort"
	"strings"

	"chasqui/i18n"
)

// Kind is what a decision comes to.
type Kind string

// The decisions.
const (
	Answer   Kind = "answer"
	Choose   Kind = "choose"
	HandOver Kind = "handover"
	Crisis   Kind = "crisis"
)

// Query is a question as somebody typed it.
type Query struct {
	Text string
	// Lang is the person's language; it decides where the words do not.
	Lang i18n.Lang
}

// Ranked is one entry with its score between 0 and 1.
type Ranked struct {
	Entry string
	Score float64
}

// Decision is what to do with a question.
type Decision struct {
	Kind Kind
	// Entry is the best entry, whatever the kind.
	Entry string
	Lang  i18n.Lang
	// Confidence is how likely Entry is right, between 0 and 1.
	Confidence float64
	// Ranking holds at least three entries when the index has three.
	Ranking []Ranked
	Danger  Danger
}

// Index finds entries. It never changes, so that any number of turns may ask it at once, and a new
// one takes its place when staff publish.
type Index struct {
	entries map[string]Entry
	slugs   []string
	docs    []doc
	// stems and chars list, for each term, the phrasings it stands in.
	stems, chars map[string][]posting
	// whole lists, for each stem, the entries in whose phrasings and answers it stands.
	whole       map[string][]posting
	wholeLength []float64
	averageLen  float64
	spell       *speller
	languages   *identifier
}

// doc is one phrasing.
type doc struct {
	entry int
	lang  i18n.Lang
	// folded is the phrasing as compared for being the very same.
	folded string
	// stemNorm and charNorm are the lengths of its vectors.
	stemNorm, charNorm float64
}

type posting struct {
	doc    int
	weight float64
}

// NewIndex builds an index over all phrasings of all entries in all languages.
func NewIndex(entries []Entry) *Index {
	ix := &Index{entries: map[string]Entry{}, stems: map[string][]posting{}, chars: map[string][]posting{}, whole: map[string][]posting{}}
	sorted := slices.Clone(entries)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].Slug < sorted[j].Slug })
	ix.languages = newIdentifier(sorted)
	counts := map[string]int{}
	for _, e := range sorted {
		if _, twice := ix.entries[e.Slug]; twice {
			continue
		}
		ix.entries[e.Slug] = e
		ix.slugs = append(ix.slugs, e.Slug)
		ix.addEntry(len(ix.slugs)-1, e, counts)
	}
	ix.spell = newSpeller(counts)
	weigh(ix.stems, len(ix.docs), func(d int, w float64) { ix.docs[d].stemNorm += w * w })
	weigh(ix.chars, len(ix.docs), func(d int, w float64) { ix.docs[d].charNorm += w * w })
	for i := range ix.docs {
		ix.docs[i].stemNorm, ix.docs[i].charNorm = math.Sqrt(ix.docs[i].stemNorm), math.Sqrt(ix.docs[i].charNorm)
	}
	for _, n := range ix.wholeLength {
		ix.averageLen += n / float64(len(ix.wholeLength))
	}
	return ix
}

func (ix *Index) addEntry(n int, e Entry, counts map[string]int) {
	whole := map[string]float64{}
	for _, l := range i18n.Langs {
		t, ok := e.Texts[l]
		if !ok {
			continue
		}
		for _, phrasing := range append([]string{t.Title}, t.Questions...) {
			if tokens := words(phrasing); len(tokens) > 0 {
				ix.addDoc(n, l, tokens, counts)
				add(whole, stemsOf(tokens, l), 1)
			}
		}
		// The answer says what the entry is about in other words; it counts for less than what people ask.
		add(whole, stemsOf(words(t.Answer), l), answerWeight)
	}
	length := 0.0
	for _, term := range inOrder(whole) {
		ix.whole[term] = append(ix.whole[term], posting{n, whole[term]})
		length += whole[term]
	}
	ix.wholeLength = append(ix.wholeLength, length)
}

const answerWeight = 0.3

func (ix *Index) addDoc(entry int, l i18n.Lang, tokens []string, counts map[string]int) {
	d := len(ix.docs)
	ix.docs = append(ix.docs, doc{entry: entry, lang: l, folded: strings.Join(tokens, " ")})
	tokens = undo(tokens, l)
	for _, w := range tokens {
		counts[w]++
	}
	for term, n := range count(stemsOf(tokens, l)) {
		ix.stems[term] = append(ix.stems[term], posting{d, n})
	}
	for term, n := range count(grams(tokens)) {
		ix.chars[term] = append(ix.chars[term], posting{d, n})
	}
}

// stemsOf gives the stems of the words and of each two that follow one another. Empty words are
// marked, so that they weigh little.
func stemsOf(tokens []string, l i18n.Lang) []string {
	out := make([]string, 0, 2*len(tokens))
	last := ""
	for _, w := range tokens {
		if empty[w] {
			out = append(out, "·"+w)
			continue
		}
		s := stem(w, l)
		out = append(out, s)
		if last != "" {
			out = append(out, last+" "+s)
		}
		last = s
	}
	return out
}

func count(terms []string) map[string]float64 {
	n := map[string]float64{}
	add(n, terms, 1)
	return n
}

func add(n map[string]float64, terms []string, by float64) {
	for _, t := range terms {
		n[t] += by
	}
}

// weigh turns counts into tf-idf weights: (1 + ln tf) · ln(1 + N/df), an empty word a fifth of it.
func weigh(index map[string][]posting, docs int, add func(doc int, weight float64)) {
	for _, term := range inOrder(index) {
		list := index[term]
		idf := idfOf(term, docs, len(list))
		for i := range list {
			list[i].weight = (1 + math.Log(list[i].weight)) * idf
			add(list[i].doc, list[i].weight)
		}
	}
}

// inOrder gives a map's keys in order. Sums of fractions depend on theirs, and the same question must
// get the same decision every time.
func inOrder[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func idfOf(term string, docs, df int) float64 {
	idf := math.Log(1 + float64(docs)/float64(max(1, df)))
	if strings.HasPrefix(term, "·") {
		return idf / 5
	}
	return idf
}

// Entry finds an entry by its slug.
func (ix *Index) Entry(slug string) (Entry, bool) {
	e, ok := ix.entries[slug]
	return e, ok
}

// Language says in which language text is written; sure is false when it is too short to tell.
func (ix *Index) Language(text string) (i18n.Lang, bool) { return ix.languages.identify(words(text)) }

// Decide answers, offers a choice, or hands over.
func (ix *Index) Decide(q Query) Decision {
	tokens := words(q.Text)
	lang, sure := ix.languages.identify(tokens)
	if !sure && q.Lang != "" {
		lang = q.Lang
	}
	d := ix.rank(tokens, lang)
	d.Lang = lang
	if danger, ok := DangerOf(q.Text); ok {
		d.Kind, d.Danger = Crisis, danger
		return d
	}
	d.Kind = ix.choose(d)
	return d
}

// The bars of a decision. An answer about papers, safety or health must be surer; below the lowest bar
// not even a choice is worth a person's time.
const (
	answerBar    = 0.58
	sensitiveBar = 0.66
	chooseBar    = 0.20
)

func (ix *Index) choose(d Decision) Kind {
	bar := answerBar
	if s := ix.entries[d.Entry].Sensitive; s != Ordinary && s != "" {
		bar = sensitiveBar
	}
	switch {
	case d.Entry == "":
		return HandOver
	case d.Confidence >= bar:
		return Answer
	case d.Confidence >= chooseBar:
		return Choose
	}
	return HandOver
}
