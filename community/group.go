package community

import "chasqui/i18n"

// GroupKind says how people come into a group.
type GroupKind string

// The kinds of group.
const (
	// Mandatory groups hold every member; nobody leaves them but by /stop.
	Mandatory  GroupKind = "mandatory"
	RegionKind GroupKind = "region"
	TopicKind  GroupKind = "topic"
	// Cohort and Hosts are private: staff bring people in.
	Cohort GroupKind = "cohort"
	Hosts  GroupKind = "hosts"
)

// Group is a room of the catalogue, on whichever networks it exists.
type Group struct {
	Slug   string
	Kind   GroupKind
	Region string
	Titles map[i18n.Lang]string
}

// Title is the group's name in l.
func (g Group) Title(l i18n.Lang) string {
	if t := g.Titles[l]; t != "" {
		return t
	}
	return g.Titles[i18n.French]
}

// Open reports whether anybody may join and leave by themselves.
func (g Group) Open() bool { return g.Kind == RegionKind || g.Kind == TopicKind }

// Announcements is the slug of the group that everybody is in.
const Announcements = "annonces"

// BuiltinGroups is the catalogue that a new database starts with: the community's groups as the
// activity report names them.
func BuiltinGroups() []Group {
	same := func(name string) map[i18n.Lang]string {
		return map[i18n.Lang]string{i18n.French: name, i18n.Spanish: name, i18n.English: name}
	}
	groups := []Group{
		{Slug: Announcements, Kind: Mandatory, Titles: map[i18n.Lang]string{
			i18n.French: "Annonces", i18n.Spanish: "Anuncios", i18n.English: "Announcements"}},
		{Slug: "visas", Kind: TopicKind, Titles: same("Visas")},
		{Slug: "reciprocite", Kind: TopicKind, Titles: map[i18n.Lang]string{
			i18n.French: "Réciprocité", i18n.Spanish: "Reciprocidad", i18n.English: "Reciprocity"}},
		{Slug: "tourisme", Kind: TopicKind, Titles: map[i18n.Lang]string{
			i18n.French: "Conseils tourisme", i18n.Spanish: "Consejos de turismo", i18n.English: "Travel tips"}},
		{Slug: "hotes", Kind: Hosts, Titles: map[i18n.Lang]string{
			i18n.French: "Structures d'accueil", i18n.Spanish: "Organizaciones de acogida", i18n.English: "Host organisations"}},
	}
	for _, r := range Regions {
		g := Group{Slug: "region-" + r.Slug, Kind: RegionKind, Region: r.Slug, Titles: same(r.Name)}
		if r.Slug == FranceRegion {
			g.Titles[i18n.Spanish] = "Francia"
		}
		groups = append(groups, g)
	}
	return groups
}
