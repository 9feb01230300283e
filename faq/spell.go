package faq

// speller corrects words against the FAQ's own vocabulary. A word that the FAQ knows is never
// touched.
type speller struct {
	known map[string]int
	// by is the vocabulary by its first letter and length.
	by map[key][]string
}

type key struct {
	first  byte
	length int
}

func newSpeller(counts map[string]int) *speller {
	s := &speller{known: counts, by: map[key][]string{}}
	for w := range counts {
		if len(w) >= 4 {
			k := key{w[0], len(w)}
			s.by[k] = append(s.by[k], w)
		}
	}
	return s
}

// fix gives the closest known word within one edit, or two for words of eight letters and more. The
// first letter is taken as typed: it is rarely the wrong one, and trusting it keeps the search short.
func (s *speller) fix(w string) string {
	if len(w) < 4 || s.known[w] > 0 || w[0] >= '0' && w[0] <= '9' {
		return w
	}
	most := 1
	if len(w) >= 8 {
		most = 2
	}
	best, bestDistance := w, most+1
	for n := len(w) - most; n <= len(w)+most; n++ {
		for _, c := range s.by[key{w[0], n}] {
			d := distance(w, c, most)
			if d < bestDistance || d == bestDistance && d <= most && (s.known[c] > s.known[best] || s.known[c] == s.known[best] && c < best) {
				best, bestDistance = c, d
			}
		}
	}
	return best
}

// distance counts the edits between a and b, a swap of neighbours as one, and gives up above most.
func distance(a, b string, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return most + 1
	}
	before := make([]int, len(b)+1)
	last := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > most {
			return most + 1
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
