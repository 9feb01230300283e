package store

import (
	"chasqui/community"
	"chasqui/i18n"
)

// field is one value of a member that an import or a merge may change, by the name of its column in the
// staff's spreadsheet.
type field struct {
	name string
	get  func(community.Member) string
	set  func(*community.Member, string)
}

func of[T ~string](name string, at func(*community.Member) *T) field {
	return field{name,
		func(m community.Member) string { return string(*at(&m)) },
		func(m *community.Member, v string) { *at(m) = T(v) }}
}

// memberFields are all of them, in the order in which people read them.
var memberFields = []field{
	of("name", func(m *community.Member) *string { return &m.Name }),
	of("phone", func(m *community.Member) *string { return &m.Phone }),
	of("language", func(m *community.Member) *i18n.Lang { return &m.Language }),
	of("kind", func(m *community.Member) *community.Kind { return &m.Kind }),
	of("scheme", func(m *community.Member) *string { return &m.Scheme }),
	of("region", func(m *community.Member) *string { return &m.Region }),
	of("host", func(m *community.Member) *string { return &m.Host }),
	of("arrival", func(m *community.Member) *community.Date { return &m.Arrival }),
	of("end", func(m *community.Member) *community.Date { return &m.End }),
	of("email", func(m *community.Member) *string { return &m.Email }),
	of("timezone", func(m *community.Member) *string { return &m.Timezone }),
	of("nationality", func(m *community.Member) *string { return &m.Nationality }),
	of("gender", func(m *community.Member) *string { return &m.Gender }),
	of("sender", func(m *community.Member) *string { return &m.Sender }),
	of("buddy", func(m *community.Member) *string { return &m.Buddy }),
	of("emergency_name", func(m *community.Member) *string { return &m.EmergencyName }),
	of("emergency_phone", func(m *community.Member) *string { return &m.EmergencyPhone }),
	of("visa_end", func(m *community.Member) *community.Date { return &m.VisaEnd }),
}
