package desk

import (
	"chasqui/channel"
	"chasqui/community"
)

// ToBeSpecified stands in the ledger for what nobody knows; the yearly report prints it as it is.
const ToBeSpecified = "à préciser"

// requesters are the labels of the yearly report by kind of member.
var requesters = map[community.Kind]string{
	community.Candidate:   "candidat au volontariat",
	community.Volunteer:   "volontaire en mission",
	community.Reciprocity: "volontaire de réciprocité",
	community.Alumni:      "ancien·ne volontaire",
	community.Host:        "structure d'accueil (SA)",
	community.SenderKind:  "structure d'envoi (SE)",
	community.Institution: "institution",
	community.Family:      "autre",
	community.Staff:       "autre",
}

// modes are the labels of the yearly report by network.
var modes = map[channel.Network]string{
	channel.WhatsApp: "WhatsApp",
	channel.Telegram: "Telegram",
	channel.Web:      "site",
	channel.Terminal: "site",
}

// topics gives object and service, in the labels of the yearly report, of a FAQ topic.
var topics = map[string][2]string{
	"peru":      {"entrée et séjour au Pérou", "logistique et administratif (dont visas)"},
	"france":    {"entrée et séjour en France", "logistique et administratif (dont visas)"},
	"register":  {"registre consulaire et Ariane", "logistique et administratif (dont visas)"},
	"security":  {"sécurité", "conseil"},
	"health":    {"santé", "conseil"},
	"schemes":   {"dispositifs et programmes", "orientation"},
	"community": {"communauté", "information"},
}

// NewRequest writes the ledger's line for a question of m. topic is the FAQ topic it was about, or
// empty when nobody knows.
func NewRequest(m community.Member, network channel.Network, topic string, today community.Date) Request {
	requester, ok := requesters[m.Kind]
	if !ok {
		requester = ToBeSpecified
	}
	labels, ok := topics[topic]
	if !ok {
		labels = [2]string{ToBeSpecified, ToBeSpecified}
	}
	return Request{
		MemberID:  m.ID,
		Requester: requester,
		Object:    labels[0],
		Service:   labels[1],
		Mode:      modes[network],
		Situation: m.Situation(today),
	}
}
