package bot

import (
	"context"
	"slices"
	"strings"

	"chasqui/agenda"
	"chasqui/channel"
	"chasqui/community"
	"chasqui/faq"
)

// A responder answers a turn, or declines it by returning false. It changes nothing itself.
type responder func(*Bot, context.Context, Turn) (Outcome, bool, error)

// responders, in the order in which they are asked. Danger comes before everything, since nothing may
// stand in its way; what people of the team write into a ticket comes before commands, since it is
// somebody else's answer; the open question comes late, so that it never catches what is meant
// otherwise.
var responders = []responder{
	(*Bot).network,
	(*Bot).danger,
	(*Bot).staffReply,
	(*Bot).command,
	(*Bot).press,
	(*Bot).linkCode,
	(*Bot).held,
	(*Bot).attached,
	(*Bot).unreadable,
	(*Bot).conversation,
	(*Bot).plainWord,
	(*Bot).smallTalk,
	(*Bot).question,
}

func (b *Bot) think(ctx context.Context, t Turn) (Outcome, error) {
	for _, r := range responders {
		if o, ok, err := r(b, ctx, t); ok || err != nil {
			return o, err
		}
	}
	return Outcome{}, nil
}

// network takes what the network itself says: blocked, back, moved.
func (b *Bot) network(_ context.Context, t Turn) (Outcome, bool, error) {
	switch t.Kind {
	case channel.Left, channel.Returned:
		return Outcome{Address: t.Kind}, true, nil
	case channel.Moved:
		return Outcome{MovedTo: t.MovedTo}, true, nil
	}
	return Outcome{}, false, nil
}

// Command is something a person can ask for by name.
type Command struct {
	Name string
	// Role is who may use it; "" is everybody.
	Role community.Role
	// Private commands are answered in the private chat only: others need not read the answer.
	Private bool
	// Words are what people type for it without a slash. Only a message of exactly one of them counts.
	Words []string
	run   func(*Bot, context.Context, Turn) (Outcome, error)
}

// Commands lists every command in the order in which help shows them. A new command is one line
// here, its function, and the texts command.<name> in the three languages.
func Commands() []Command {
	return []Command{
		{Name: "start", Words: []string{"start", "commencer", "empezar", "comenzar"}, run: (*Bot).start},
		{Name: "help", Words: []string{"help", "aide", "ayuda", "menu"}, run: (*Bot).help},
		{Name: "language", Words: []string{"language", "langue", "idioma"}, run: (*Bot).language},
		{Name: "profile", Private: true, Words: []string{"profile", "profil", "perfil"}, run: (*Bot).profile},
		{Name: "events", Private: true, Words: []string{"events", "evenements", "eventos"}, run: (*Bot).events},
		{Name: "groups", Private: true, Words: []string{"groups", "groupes", "grupos"}, run: (*Bot).groups},
		{Name: "human", Private: true, Words: []string{"human", "humain", "humano", "humana", "persona", "personne"}, run: (*Bot).human},
		{Name: "stop", Private: true, Words: []string{"stop", "arret", "baja", "unsubscribe"}, run: (*Bot).stop},
		{Name: "mydata", Private: true, run: (*Bot).myData},
		{Name: "forget", Private: true, run: (*Bot).forget},
		{Name: "staff", Private: true, run: (*Bot).joinStaff},
		{Name: "announce", Role: community.Publisher, Private: true, run: (*Bot).announce},
		{Name: "tickets", Role: community.Agent, Private: true, run: (*Bot).tickets},
		{Name: "stats", Role: community.Agent, Private: true, run: (*Bot).stats},
		{Name: "event", Role: community.Publisher, Private: true, run: (*Bot).event},
		{Name: "pause", Role: community.Publisher, Private: true, run: (*Bot).pause},
		{Name: "resume", Role: community.Publisher, Private: true, run: (*Bot).resume},
	}
}

func findCommand(name string) (Command, bool) {
	commands := Commands()
	i := slices.IndexFunc(commands, func(c Command) bool { return c.Name == name })
	if i < 0 {
		return Command{}, false
	}
	return commands[i], true
}

// command runs what was asked for by name, if the person may. Somebody who may not is told no more
// than somebody who mistyped: the team's commands are nobody else's business.
func (b *Bot) command(ctx context.Context, t Turn) (Outcome, bool, error) {
	if t.Command == "" {
		return Outcome{}, false, nil
	}
	c, ok := findCommand(t.Command)
	if !ok || !t.Role.May(c.Role) {
		return b.say(t, b.T(t, "command.unknown"), row(button(b.T(t, "command.help"), "c:help"))), true, nil
	}
	o, err := b.run(ctx, t, c)
	return o, true, err
}

func (b *Bot) run(ctx context.Context, t Turn, c Command) (Outcome, error) {
	if t.Room && c.Private {
		return b.inPrivate(t), nil
	}
	return c.run(b, ctx, t)
}

// inPrivate asks to go on where nobody reads along.
func (b *Bot) inPrivate(t Turn) Outcome {
	link := b.Link(t.Chat.Network)
	if link == "" {
		return b.say(t, b.T(t, "room.private"))
	}
	return b.say(t, b.T(t, "room.private"), row(channel.Button{Label: b.T(t, "room.write"), URL: link}))
}

// plainWord runs a command whose word was typed alone.
func (b *Bot) plainWord(ctx context.Context, t Turn) (Outcome, bool, error) {
	if t.Kind != channel.Text {
		return Outcome{}, false, nil
	}
	word := strings.Trim(community.Fold(t.Text), " .!¡¿?")
	for _, c := range Commands() {
		if t.Role.May(c.Role) && slices.Contains(c.Words, word) {
			o, err := b.run(ctx, t, c)
			return o, true, err
		}
	}
	return Outcome{}, false, nil
}

// press routes a tap. Buttons stay under old messages for ever, so each handler checks again whether
// what it offers is still possible and still allowed.
func (b *Bot) press(ctx context.Context, t Turn) (Outcome, bool, error) {
	if t.Kind != channel.Press {
		return Outcome{}, false, nil
	}
	verb, rest, _ := strings.Cut(t.Data, ":")
	handlers := map[string]func(context.Context, Turn, string) (Outcome, error){
		"c": b.pressCommand,
		"l": b.pressLanguage,
		"a": b.pressConsent,
		"p": b.pressProfile,
		"g": b.pressGroup,
		"q": b.pressQuestion,
		"s": b.pressStop,
		"f": b.pressForget,
		"h": b.pressHuman,
		"t": b.pressTicket,
		"n": b.pressAnnounce,
		"d": b.pressDanger,
		"k": b.pressLink,

		agenda.Verb:         b.pressEvent,
		agenda.DeadlineVerb: b.pressDeadline,
	}
	handle, ok := handlers[verb]
	if !ok || t.Room {
		return b.say(t, b.T(t, "button.old"), row(button(b.T(t, "command.help"), "c:help"))), true, nil
	}
	o, err := handle(ctx, t, rest)
	return o, true, err
}

func (b *Bot) pressCommand(ctx context.Context, t Turn, name string) (Outcome, error) {
	c, ok := findCommand(name)
	if !ok || !t.Role.May(c.Role) {
		return b.say(t, b.T(t, "command.unknown")), nil
	}
	return b.run(ctx, t, c)
}

// unreadable takes what the bot cannot read. A person should not have to guess why nothing came.
func (b *Bot) unreadable(ctx context.Context, t Turn) (Outcome, bool, error) {
	switch {
	case t.Kind == channel.Voice:
		return b.say(t, b.T(t, "unreadable.voice"), row(button(b.T(t, "human.button"), "h:ask"))), true, nil
	case t.Kind == channel.Card && t.Phone != "":
		o, err := b.card(ctx, t)
		return o, true, err
	case t.Kind == channel.Place:
		return b.say(t, b.T(t, "place.thanks"), row(button(b.T(t, "human.button"), "h:ask"))), true, nil
	case strings.TrimSpace(t.Text) == "":
		return b.say(t, b.T(t, "unreadable.media"), row(button(b.T(t, "human.button"), "h:ask"))), true, nil
	}
	return Outcome{}, false, nil
}

// conversation lets the open question take what fits it.
func (b *Bot) conversation(ctx context.Context, t Turn) (Outcome, bool, error) {
	if t.Kind != channel.Text || t.Room {
		return Outcome{}, false, nil
	}
	question, step, _ := strings.Cut(t.Conversation.Question, ".")
	switch question {
	case "consent":
		return b.typedConsent(ctx, t)
	case "profile":
		return b.typedProfile(t, step)
	case "forget":
		return b.typedForget(t)
	case "announce":
		return b.typedAnnounce(ctx, t, step)
	case "event":
		return b.typedEvent(ctx, t, step)
	}
	return Outcome{}, false, nil
}

// smallTalk answers a greeting or thanks by themselves.
func (b *Bot) smallTalk(ctx context.Context, t Turn) (Outcome, bool, error) {
	kind, ok := faq.SmallTalk(t.Text)
	if !ok || t.Late {
		return Outcome{}, false, nil
	}
	if kind != "greeting" {
		return b.say(t, b.T(t, "talk."+kind)), true, nil
	}
	if t.Member.ID == 0 && !t.Room {
		o, err := b.start(ctx, t)
		return o, true, err
	}
	return b.say(t, b.T(t, "talk.greeting", "name", b.comma(t.Member)), b.helpButtons(t)...), true, nil
}

// comma puts a known first name behind a greeting.
func (b *Bot) comma(m community.Member) string {
	if name := m.FirstName(); name != "" {
		return " " + name
	}
	return ""
}
