package telegram

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"chasqui/channel"
)

// call makes one request. The library knows no context, so each call gets a copy of it whose HTTP
// client carries one. Every error is a *channel.SendError.
func (c *Channel) call(ctx context.Context, method string, p tg.Params, files ...tg.RequestFile) (json.RawMessage, error) {
	timeout := callTimeout
	switch {
	case method == "getUpdates":
		timeout = c.settings.PollTimeout + 10*time.Second
	case len(files) > 0:
		timeout = fileTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	bound := &boundClient{ctx: ctx, http: c.http}
	api := c.api
	api.Client = bound
	var answer *tg.APIResponse
	var err error
	if len(files) > 0 {
		answer, err = api.UploadFiles(method, p, files)
	} else {
		answer, err = api.MakeRequest(method, p)
	}
	if err == nil {
		return answer.Result, nil
	}
	return nil, c.classify(err, bound)
}

// boundClient is the library's HTTP client for one call.
type boundClient struct {
	ctx  context.Context
	http *http.Client
	// left is true once the whole request was written: from then on Telegram may have acted on it.
	left   bool
	status int
}

// gatewayError is an answer that does not come from the Bot API itself.
type gatewayError struct{ status int }

func (e *gatewayError) Error() string {
	return fmt.Sprintf("a gateway answered with status %d", e.status)
}

// Do implements tg.HTTPClient. Its errors hold no address, since the address holds the token.
func (b *boundClient) Do(r *http.Request) (*http.Response, error) {
	trace := &httptrace.ClientTrace{WroteRequest: func(i httptrace.WroteRequestInfo) { b.left = b.left || i.Err == nil }}
	resp, err := b.http.Do(r.WithContext(httptrace.WithClientTrace(b.ctx, trace)))
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return nil, err
	}
	b.status = resp.StatusCode
	return onlyJSON(resp)
}

// largestAnswer is far above a hundred updates, the most that one answer brings.
const largestAnswer = 32 << 20

// onlyJSON tells the Bot API's own answers from a gateway's by what they hold: gateways write HTML or
// nothing, and not every server in between keeps the content type.
func onlyJSON(resp *http.Response) (*http.Response, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, largestAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, &gatewayError{resp.StatusCode}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// classify says what happens next after a failed call.
func (c *Channel) classify(err error, b *boundClient) *channel.SendError {
	if e, ok := errors.AsType[*tg.Error](err); ok {
		return byAnswer(e, b.status)
	}
	// What else the library says may repeat the address it called.
	clean := errors.New(strings.ReplaceAll(err.Error(), c.settings.Token, "[hidden]"))
	if g, ok := errors.AsType[*gatewayError](err); ok {
		// A gateway that found nobody behind it passed nothing on; one that waited too long may have.
		if g.status == http.StatusBadGateway || g.status == http.StatusServiceUnavailable {
			return &channel.SendError{Fault: channel.Temporary, Err: clean}
		}
		return &channel.SendError{Fault: channel.Ambiguous, Err: clean}
	}
	if !b.left {
		return &channel.SendError{Fault: channel.Temporary, Err: clean}
	}
	return &channel.SendError{Fault: channel.Ambiguous, Err: clean}
}

// byAnswer reads Telegram's own refusal. UploadFiles loses the code of the answer, so the status of
// the HTTP response stands in for it.
func byAnswer(e *tg.Error, status int) *channel.SendError {
	code := e.Code
	if code == 0 {
		code = status
	}
	s := &channel.SendError{Fault: channel.Rejected, Err: fmt.Errorf("telegram %d: %s", code, e.Message)}
	text := strings.ToLower(e.Message)
	switch {
	case e.RetryAfter > 0 || code == http.StatusTooManyRequests:
		s.Fault, s.RetryAfter = channel.Throttled, time.Duration(e.RetryAfter)*time.Second
	case e.MigrateToChatID != 0:
		s.Fault, s.MovedTo = channel.MovedAway, fmt.Sprint(e.MigrateToChatID)
	case code == http.StatusUnauthorized, code == http.StatusNotFound && !strings.Contains(text, "chat"):
		// Telegram answers 404 to a token that it does not know.
		s.Fault = channel.Off
	case code == http.StatusForbidden, strings.Contains(text, "chat not found"), strings.Contains(text, "user is deactivated"):
		s.Fault = channel.Gone
	case code == http.StatusConflict, code >= 500:
		s.Fault = channel.Temporary
	}
	return s
}

// says reports whether Telegram's refusal contains text.
func says(err error, text string) bool {
	return err != nil && strings.Contains(strings.ToLower(err.Error()), text)
}
