package community

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Region is one of the 24 departments of Peru, Callao, or France for reciprocity volunteers.
type Region struct {
	// Slug names the region in data and rules.
	Slug string
	// Name is how people write it, the same in every language.
	Name string
}

// FranceRegion is the slug of those who volunteer in France.
const FranceRegion = "france"

// Regions lists every region in alphabetical order, France last.
var Regions = []Region{
	{"amazonas", "Amazonas"}, {"ancash", "Áncash"}, {"apurimac", "Apurímac"},
	{"arequipa", "Arequipa"}, {"ayacucho", "Ayacucho"}, {"cajamarca", "Cajamarca"},
	{"callao", "Callao"}, {"cusco", "Cusco"}, {"huancavelica", "Huancavelica"},
	{"huanuco", "Huánuco"}, {"ica", "Ica"}, {"junin", "Junín"},
	{"la-libertad", "La Libertad"}, {"lambayeque", "Lambayeque"}, {"lima", "Lima"},
	{"loreto", "Loreto"}, {"madre-de-dios", "Madre de Dios"}, {"moquegua", "Moquegua"},
	{"pasco", "Pasco"}, {"piura", "Piura"}, {"puno", "Puno"},
	{"san-martin", "San Martín"}, {"tacna", "Tacna"}, {"tumbes", "Tumbes"},
	{"ucayali", "Ucayali"}, {FranceRegion, "France"},
}

// otherNames are names by which people know a region: old spellings, capitals, the countries' own
// words.
var otherNames = map[string]string{
	"cuzco": "cusco", "qosqo": "cusco", "iquitos": "loreto", "trujillo": "la-libertad",
	"chiclayo": "lambayeque", "huaraz": "ancash", "puerto maldonado": "madre-de-dios",
	"pucallpa": "ucayali", "moyobamba": "san-martin", "tarapoto": "san-martin",
	"huancayo": "junin", "abancay": "apurimac", "chachapoyas": "amazonas", "juliaca": "puno",
	"jaen": "cajamarca", "ilo": "moquegua", "cerro de pasco": "pasco", "miraflores": "lima",
	"francia": FranceRegion, "paris": FranceRegion,
}

// FindRegion finds a region by slug, name or a town that stands for it, whatever the case and the
// accents.
func FindRegion(s string) (Region, bool) {
	folded := Fold(s)
	if slug, ok := otherNames[folded]; ok {
		folded = slug
	}
	for _, r := range Regions {
		if folded == r.Slug || folded == Fold(r.Name) || folded == strings.ReplaceAll(r.Slug, "-", " ") {
			return r, true
		}
	}
	return Region{}, false
}

// RegionName is the name of a region's slug, or the slug itself when it is not one of ours.
func RegionName(slug string) string {
	if r, ok := FindRegion(slug); ok {
		return r.Name
	}
	return slug
}

// Fold writes s in small letters without accents and with single spaces: how names are compared.
func Fold(s string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		if !unicode.Is(unicode.Mn, r) {
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
