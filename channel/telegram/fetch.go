package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"chasqui/channel"
)

// largestFetch is the most that is taken in of one file. Telegram lets bots download 20 MB, but what
// staff send goes out again, and a picture may have 10 MB then.
const largestFetch = 10 << 20

// Fetch implements channel.Fetcher. Asking twice changes nothing, so no failure is ambiguous.
func (c *Channel) Fetch(ctx context.Context, f channel.FileRef) (channel.File, error) {
	if f.Size > largestFetch {
		return channel.File{}, tooLarge()
	}
	raw, err := c.call(ctx, "getFile", tg.Params{"file_id": f.ID})
	if says(err, "file is too big") {
		return channel.File{}, tooLarge()
	}
	if err != nil {
		return channel.File{}, repeatable(err)
	}
	var at tg.File
	if err := json.Unmarshal(raw, &at); err != nil || at.FilePath == "" {
		return channel.File{}, &channel.SendError{Fault: channel.Temporary, Err: errors.New("telegram did not say where the file is")}
	}
	if at.FileSize > largestFetch {
		return channel.File{}, tooLarge()
	}
	data, err := c.download(ctx, at.FilePath)
	if err != nil {
		return channel.File{}, err
	}
	return channel.File{Name: f.Name, Data: data, Image: f.Image}, nil
}

func tooLarge() error {
	return &channel.SendError{Fault: channel.Rejected, Err: fmt.Errorf("%w: at most %d MB are taken in", channel.ErrTooLarge, largestFetch>>20)}
}

// download reads a file from where getFile said it is. The address holds the token, so no error of the
// HTTP client leaves here whole.
func (c *Channel) download(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fileTimeout)
	defer cancel()
	address := strings.TrimRight(c.settings.API, "/") + "/file/bot" + c.settings.Token + "/" + (&url.URL{Path: path}).EscapedPath()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &channel.SendError{Fault: channel.Rejected, Err: errors.New("telegram named a file in a way that cannot be asked for")}
	}
	resp, err := c.http.Do(r)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return nil, c.downloadFailed(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, byStatus(resp)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, largestFetch+1))
	if err != nil {
		return nil, c.downloadFailed(err)
	}
	if len(data) > largestFetch {
		return nil, tooLarge()
	}
	return data, nil
}

// byStatus reads the answer of a file's address. Unlike a method that is not found, a file that is not
// found says nothing about the token: Telegram does not keep it any more.
func byStatus(resp *http.Response) error {
	s := &channel.SendError{Fault: channel.Rejected, Err: fmt.Errorf("telegram's file answered with status %d", resp.StatusCode)}
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized:
		s.Fault = channel.Off
	case code == http.StatusTooManyRequests:
		s.Fault = channel.Throttled
		if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
			s.RetryAfter = time.Duration(seconds) * time.Second
		}
	case code >= http.StatusInternalServerError:
		s.Fault = channel.Temporary
	}
	return s
}

func (c *Channel) downloadFailed(err error) error {
	clean := strings.ReplaceAll(err.Error(), c.settings.Token, "[hidden]")
	return &channel.SendError{Fault: channel.Temporary, Err: fmt.Errorf("download a file: %s", clean)}
}
