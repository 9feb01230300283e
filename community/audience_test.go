package community_test

import (
	"strings"
	"testing"

	"chasqui/community"
)

func TestAudienceRules(t *testing.T) {
	for rule, want := range map[string]string{
		"all":                                 "all",
		" ALL ":                               "all",
		"region:Cusco":                        "region:cusco",
		"region:Cuzco + region:Puno":          "region:cusco+region:puno",
		"region:Cusco,kind:volunteer":         "region:cusco,kind:volunteer",
		"all,-kind:host":                      "all,-kind:host",
		"all -kind:host -region:Lima":         "all,-kind:host,-region:lima",
		"group:annonces":                      "group:annonces",
		"region:madre-de-dios":                "region:madre-de-dios",
		"region:Madre de Dios-member:7":       "region:madre-de-dios,-member:7",
		"scheme:vsi,region:La Libertad":       "scheme:VSI,region:la-libertad",
		"member:12+member:007":                "member:12+member:7",
		"region:cusco+-kind:host+region:puno": "region:cusco+region:puno,-kind:host",
	} {
		a, err := community.ParseAudience(rule)
		if err != nil || a.String() != want {
			t.Errorf("%q is read as %q, %v; want %q", rule, a, err, want)
		}
		again, err := community.ParseAudience(a.String())
		if err != nil || again.String() != a.String() {
			t.Errorf("%q is written as %q and read back as %q, %v", rule, a, again, err)
		}
	}
	for _, rule := range []string{"", " , + ", "-kind:host", "everybody", "region:Atlantis", "kind:king", "scheme:XYZ", "member:x", "member:-3", "region:", "all:x"} {
		if a, err := community.ParseAudience(rule); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q is taken for %q, %v", rule, a, err)
		}
	}
}

func TestOnlyWholeGroupsHaveRooms(t *testing.T) {
	for rule, want := range map[string]string{
		"all":                         "annonces",
		"group:visas+region:puno":     "visas region-puno",
		"region:puno,kind:volunteer":  "",
		"all,-kind:host":              "",
		"kind:host+region:puno":       "region-puno",
		"region:puno,kind:host+all":   "annonces",
		"member:5+scheme:VSI+all,all": "",
	} {
		a, err := community.ParseAudience(rule)
		if got := strings.Join(a.Rooms(), " "); err != nil || got != want {
			t.Errorf("%q posts in %q, want %q (%v)", rule, got, want, err)
		}
	}
}

func TestTogglingATerm(t *testing.T) {
	var a community.Audience
	puno, hosts := community.Term{Kind: community.InRegion, Value: "puno"}, community.Term{Kind: community.OfKind, Value: "host"}
	a = a.Toggle(puno).Toggle(hosts)
	if a.String() != "region:puno+kind:host" || !a.Has(puno) {
		t.Errorf("two taps give %q", a)
	}
	if a = a.Toggle(puno); a.String() != "kind:host" || a.Has(puno) {
		t.Errorf("a tap that takes away gives %q", a)
	}
}

func FuzzAudience(f *testing.F) {
	for _, rule := range []string{"all,-kind:host", "region:la libertad+member:5", "-", "group:é", "all-all"} {
		f.Add(rule)
	}
	f.Fuzz(func(t *testing.T, rule string) {
		a, err := community.ParseAudience(rule)
		if err != nil {
			return
		}
		again, err := community.ParseAudience(a.String())
		if err != nil || again.String() != a.String() {
			t.Errorf("%q: %q reads back as %q, %v", rule, a, again, err)
		}
	})
}
