package telegram

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"chasqui/channel"
)

// largestPhoto is the most that Telegram takes as a picture (core.telegram.org/bots/api#sendphoto).
const largestPhoto = 10 << 20

// form is a way in which Telegram shows a file.
type form struct{ method, field string }

var (
	asPhoto    = form{"sendPhoto", "photo"}
	asDocument = form{"sendDocument", "document"}
)

// sendFile sends a file with the text as its caption. A file whose text is too long for one goes first, on its
// own: it is likelier to be refused, and then nothing has arrived yet. The text carries the buttons and
// gives its id, so that an edit reaches what people read.
func (c *Channel) sendFile(ctx context.Context, out channel.Outgoing, markup string) (string, error) {
	p := base(out)
	delete(p, "link_preview_options")
	if units(out.Content.Text) > longestCaption {
		if _, err := c.sendOnce(ctx, p, *out.Content.File); err != nil {
			return "", err
		}
		out.Content.ReplyTo = ""
		id, err := c.sendParts(ctx, out, split(out.Content.Text, longestText), 0, markup)
		if err != nil {
			return "", halfSent(err, "the text after its file")
		}
		return id, nil
	}
	if markup != "" {
		p["reply_markup"] = markup
	}
	raw, err := c.sendCaptioned(ctx, p, out.Content.Text, *out.Content.File)
	if err != nil {
		return "", err
	}
	return sentID(raw)
}

// sendCaptioned is sendText for captions.
func (c *Channel) sendCaptioned(ctx context.Context, p tg.Params, caption string, f channel.File) (json.RawMessage, error) {
	if caption == "" {
		return c.sendOnce(ctx, p, f)
	}
	p["caption"], p["parse_mode"] = render(caption), "HTML"
	raw, err := c.sendOnce(ctx, p, f)
	if says(err, "can't parse entities") {
		c.log.Error("telegram did not understand the markup", "method", "caption")
		delete(p, "parse_mode")
		p["caption"] = caption
		raw, err = c.sendOnce(ctx, p, f)
	}
	return raw, err
}

// sendOnce uploads a file that has a key once for everybody: Telegram is then told the id that it gave.
func (c *Channel) sendOnce(ctx context.Context, p tg.Params, f channel.File) (json.RawMessage, error) {
	if f.Key == "" {
		raw, _, err := c.upload(ctx, p, f)
		return raw, err
	}
	key := uploadKey{f.Key, f.Image}
	for {
		known, ok, err := c.uploads.begin(ctx, key, c.settings.UploadWait)
		if err != nil {
			return nil, &channel.SendError{Fault: channel.Throttled, RetryAfter: c.settings.UploadWait, Err: fmt.Errorf("wait for the upload of the same file: %w", err)}
		}
		if !ok {
			return c.firstUpload(ctx, p, f, key)
		}
		again := maps.Clone(p)
		again[known.form.field] = known.id
		raw, err := c.call(ctx, known.form.method, again)
		if !refusedID(err) {
			return raw, err
		}
		c.log.Warn("telegram does not know a file any more", "error", err)
		c.uploads.forget(key, known.id)
	}
}

func (c *Channel) firstUpload(ctx context.Context, p tg.Params, f channel.File, key uploadKey) (json.RawMessage, error) {
	var sent uploaded
	defer func() { c.uploads.end(key, sent) }()
	raw, form, err := c.upload(ctx, p, f)
	if err == nil {
		sent = uploaded{form, fileID(raw)}
	}
	return raw, err
}

// upload sends the bytes and says in which form Telegram took them. A picture that Telegram does not take
// for one goes as a document, which shows it whole.
func (c *Channel) upload(ctx context.Context, p tg.Params, f channel.File) (json.RawMessage, form, error) {
	if f.Image && len(f.Data) <= largestPhoto {
		raw, err := c.call(ctx, asPhoto.method, p, attached(asPhoto, f))
		if !refusedPhoto(err) {
			return raw, asPhoto, err
		}
		c.log.Warn("telegram did not take a picture for one", "error", err)
	}
	raw, err := c.call(ctx, asDocument.method, p, attached(asDocument, f))
	return raw, asDocument, err
}

func attached(as form, f channel.File) tg.RequestFile {
	return tg.RequestFile{Name: as.field, Data: tg.FileBytes{Name: f.Name, Bytes: f.Data}}
}

// fileID reads the id under which Telegram keeps what was sent; empty when it says none.
func fileID(raw json.RawMessage) string {
	var sent struct {
		Photo    []tg.PhotoSize `json:"photo"`
		Document tg.Document    `json:"document"`
	}
	// What cannot be read is uploaded again next time; the message itself has arrived.
	if err := json.Unmarshal(raw, &sent); err != nil {
		return ""
	}
	if n := len(sent.Photo); n > 0 {
		return sent.Photo[n-1].FileID
	}
	return sent.Document.FileID
}

// refusedID says that Telegram does not take a file's id: it forgot the file, or the token changed hands.
func refusedID(err error) bool {
	return refusedFor(err, "wrong file identifier", "wrong remote file identifier", "wrong file_id", "file_id_invalid", "file_reference_", "can't use file of type")
}

// refusedPhoto says that a picture is of a size or a format that Telegram only takes as a document.
func refusedPhoto(err error) bool {
	return refusedFor(err, "photo_", "image_process_failed", "photo should be uploaded", "too big", "too large")
}

// refusedFor reports whether Telegram will never take the message for one of these reasons.
func refusedFor(err error, reasons ...string) bool {
	return err != nil && channel.FaultOf(err).Fault == channel.Rejected && slices.ContainsFunc(reasons, func(r string) bool { return says(err, r) })
}
