package faq

import "strings"

// talk are whole messages that only greet, thank or say goodbye, folded.
var talk = map[string][]string{
	"greeting": {"bonjour", "bonsoir", "salut", "coucou", "hello", "hi", "hey", "hola", "buenas", "buenos dias", "buenas tardes", "buenas noches", "bjr", "slt",
		"good morning", "good evening", "good afternoon", "ola", "hola chasqui", "bonjour chasqui", "hello chasqui", "que tal", "hola que tal", "ca va", "salut ca va", "bonjour a tous"},
	"thanks": {"merci", "merci beaucoup", "merci bcp", "gracias", "muchas gracias", "mil gracias", "thanks", "thank you", "thx", "thank you very much", "thanks a lot", "ok merci",
		"ok gracias", "ok thanks", "super merci", "genial gracias", "perfecto gracias", "parfait merci", "great thanks", "grax", "merci a toi", "listo gracias"},
	"bye": {"au revoir", "a bientot", "bye", "goodbye", "adios", "chao", "chau", "hasta luego", "bonne journee", "bonne soiree", "bonne nuit", "see you", "ciao", "a plus"},
}

// SmallTalk recognises a message that is nothing but a greeting, thanks or a goodbye: kind is
// greeting, thanks or bye.
func SmallTalk(text string) (kind string, ok bool) {
	said := strings.Join(words(text), " ")
	for kind, phrases := range talk {
		for _, p := range phrases {
			if said == p {
				return kind, true
			}
		}
	}
	return "", false
}
