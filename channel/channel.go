// Package channel says what a network is to the rest of Chasqui: messages come in,
// deliveries go out. Each network has one folder below this one, and that folder is the
// only importer of the network's library.
//
// What must stay true: a message is acknowledged to its network only after Receive
// returned nil. A crash then repeats a message and never loses one; the turn's
// store drops the repetition.
package channel

import (
	"context"
	"time"
)

// Network names where messages travel.
type Network string

// The networks.
const (
	Telegram Network = "telegram"
	WhatsApp Network = "whatsapp"
	Web      Network = "web"
	Terminal Network = "terminal"
)

// Address is a chat on a network: a person's private chat, or a room, or a topic in a room.
type Address struct {
	Network Network
	// ID is the chat as the network names it.
	ID string
	// Topic is a thread inside a room (Telegram's message_thread_id); empty for the
	// room itself, for its General topic and for private chats.
	Topic string
}

// IsZero reports whether the address names no chat.
func (a Address) IsZero() bool { return a.Network == "" && a.ID == "" }

// Sender is who wrote, as far as the network tells.
type Sender struct {
	// ID is the person's private chat on this network.
	ID string
	// Name is the name shown there; empty when the network hides it.
	Name string
	// Language is the tag of the person's application ("fr", "es-PE"), or empty.
	Language string
	// Bot is true for other bots, whose messages are never answered.
	Bot bool
}

// Kind says what came in.
type Kind string

// What may come in.
const (
	// Text is a written message, a command among them.
	Text Kind = "text"
	// Press is a tap on a button that the bot offered.
	Press Kind = "press"
	// Place is a shared position.
	Place Kind = "place"
	// Card is a shared contact; only the sender's own phone is kept from it.
	Card Kind = "card"
	// Voice is a spoken message; the bot cannot listen.
	Voice Kind = "voice"
	// Media is a picture, a video, a file or a sticker; Text holds its caption.
	Media Kind = "media"
	// Left says that the person blocked the bot, or the bot was removed from a room.
	Left Kind = "left"
	// Returned says that the person came back after Left.
	Returned Kind = "returned"
	// Moved says that the room lives on under another id, MovedTo.
	Moved Kind = "moved"
	// Joined says that From is in the room now. It may come again for somebody who is there already, as
	// when only their rights change.
	Joined Kind = "joined"
	// Departed says that From is not in the room any more, by their own wish or another's.
	Departed Kind = "departed"
)

// Message is one thing that came in.
type Message struct {
	Kind Kind
	// ID is unique in its chat and the same each time the network repeats the message.
	ID string
	// Chat is where it was written and where the answer goes.
	Chat Address
	From Sender
	// At is when it was written by the network's clock.
	At time.Time
	// Room is true when others read along.
	Room bool
	// Addressed is true in a private chat, and in a room when the bot was named, replied to
	// or sent a command. The bot never answers a room that did not address it.
	Addressed bool
	// Text is what was written, without the bot's own name in it.
	Text string
	// Data is what the pressed button carries, as the bot wrote it.
	Data string
	// OnMessage is the id of the message that carries the pressed button.
	OnMessage string
	// ReplyTo is the id of the message that this one quotes, or empty.
	ReplyTo string
	// Phone is the sender's own phone in E.164 when the network vouches for it, or empty.
	Phone string
	// Latitude and Longitude are in degrees and set for Place only.
	Latitude, Longitude float64
	// MovedTo is the new id of the chat, for Moved only.
	MovedTo string
	// File is the picture or document of a Media message in a private chat; nil for every other kind
	// of media, which the bot does not take in, and in rooms.
	File *FileRef
}

// FileRef names a file that somebody sent; a Fetcher brings what is in it.
type FileRef struct {
	// ID is the file as its network names it.
	ID string
	// Name is what the sender calls the file, or one that the channel gave it. It comes from outside.
	Name string
	// Image is true for what was sent as a picture.
	Image bool
	// Size is in bytes as the network tells it; zero when it does not.
	Size int64
}

// Content is what a delivery shows. It is stored as JSON: fields may be added, never renamed.
type Content struct {
	// Text is plain text in which *word* is bold; each network renders it its own way and
	// cuts it into several messages where it must.
	Text string `json:"text"`
	// Buttons are rows of buttons under the text.
	Buttons [][]Button `json:"buttons,omitempty"`
	// Edit names the message that this content replaces; a network that cannot replace it any more
	// sends a new one.
	Edit string `json:"edit,omitempty"`
	// Withdraw says that what stands in Edit must not be read any more: Text takes its place, and where
	// that cannot be, the old message is removed if the network still lets it be. It carries no file. Of
	// what left as several messages Edit names the last, and only that is taken back.
	Withdraw bool `json:"withdraw,omitempty"`
	// ReplyTo names the message that this one answers, in rooms.
	ReplyTo string `json:"reply_to,omitempty"`
	// Silent arrives without a sound.
	Silent bool `json:"silent,omitempty"`
	// Preview lets the network show what a link leads to; off unless asked for.
	Preview bool `json:"preview,omitempty"`
	// File is attached to the text.
	File *File `json:"file,omitempty"`
	// React puts this emoji on the message named by ReplyTo instead of sending a text.
	React string `json:"react,omitempty"`
}

// File is a picture or a document that goes out with a text.
type File struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
	// Image shows the file as a picture, where the network takes it for one.
	Image bool `json:"image,omitempty"`
	// Key names the same bytes each time, so that a network uploads them once for everybody who gets
	// them. Empty uploads them each time.
	Key string `json:"key,omitempty"`
}

// Button is one choice under a message. Exactly one of Data and URL is set.
type Button struct {
	Label string `json:"label"`
	// Data comes back in Message.Data when tapped: 1–64 bytes, the limit of Telegram's
	// callback_data.
	Data string `json:"data,omitempty"`
	// URL opens outside.
	URL string `json:"url,omitempty"`
}

// Outgoing is one delivery on its way.
type Outgoing struct {
	// Key is the delivery's own id, stored before the first try and the same at every try: a
	// network that can tell repetitions apart is given it.
	Key     string
	To      Address
	Content Content
}

// Receive takes in one message and returns nil once everything it changes is committed.
// An error means that the message must come again.
type Receive func(ctx context.Context, m Message) error

// Channel carries messages to and from one network account.
type Channel interface {
	Network() Network
	// Run receives until ctx ends, and returns nil then. Another error is final for this channel: the
	// token was refused, say.
	Run(ctx context.Context, receive Receive) error
	// Send delivers one message and returns the id under which the network knows it. The error is a
	// *SendError, whatever went wrong.
	Send(ctx context.Context, out Outgoing) (id string, err error)
}

// Fetcher is a channel that can bring the files that people send.
type Fetcher interface {
	// Fetch brings a file. A *SendError says what happens next, as it does for Send; one that wraps
	// ErrTooLarge is for the person to hear.
	Fetch(ctx context.Context, f FileRef) (File, error)
}

// CarriesFiles reports whether a network takes Content.File; on the others what a file would say must
// be said in text.
func (n Network) CarriesFiles() bool { return n == Telegram || n == WhatsApp }
