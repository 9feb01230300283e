package agenda

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"chasqui/community"
	"chasqui/i18n"
)

// Row is one line of the staff's calendar, read as an event.
type Row struct {
	// Line is where it stands in the file.
	Line  int
	Event Event
	// Fault says why it cannot be used, or is nil.
	Fault error
}

// sheetColumns are the columns of a calendar file; only date, title_fr and title_es must be filled.
var sheetColumns = []string{"date", "end", "start", "finish", "zone", "title_fr", "title_es", "title_en", "place", "link", "seats", "audience", "rrule"}

// ReadSheet reads a calendar file (CSV, comma or semicolon). Columns that it does not know are returned.
func ReadSheet(data []byte, home *time.Location) (rows []Row, ignored []string, err error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	first, _, _ := bytes.Cut(data, []byte("\n"))
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1
	if bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		r.Comma = ';'
	}
	header, err := r.Read()
	if err != nil || !slices.ContainsFunc(header, func(c string) bool { return columnName(c) == "date" }) {
		return nil, nil, errors.New("the calendar's first line must name the columns, date among them")
	}
	for _, c := range header {
		if !slices.Contains(sheetColumns, columnName(c)) {
			ignored = append(ignored, strings.TrimSpace(c))
		}
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, ignored, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read the calendar: %w", err)
		}
		line, _ := r.FieldPos(0)
		values := map[string]string{}
		for i, value := range record {
			if i < len(header) {
				values[columnName(header[i])] = oneLine(value)
			}
		}
		if strings.Join(record, "") == "" {
			continue
		}
		event, fault := readEvent(values, home)
		rows = append(rows, Row{Line: line, Event: event, Fault: fault})
	}
}

func columnName(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

func readEvent(values map[string]string, home *time.Location) (Event, error) {
	e := Event{State: Planned, Titles: map[i18n.Lang]string{}, Place: values["place"], Link: values["link"], Zone: values["zone"], Audience: values["audience"], Rule: values["rrule"]}
	for _, l := range i18n.Langs {
		if t := values["title_"+string(l)]; t != "" {
			e.Titles[l] = t
		}
	}
	if e.Zone == "" {
		e.Zone = home.String()
	}
	if e.Audience == "" {
		e.Audience = string(community.Everybody)
	}
	if err := e.readTimes(values); err != nil {
		return e, err
	}
	if text := values["seats"]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return e, fmt.Errorf("seats %q: write a number, or nothing for as many as like", text)
		}
		e.Seats = n
	}
	return e, e.Check()
}

func (e *Event) readTimes(values map[string]string) error {
	day, err := community.ParseDate(values["date"])
	if err != nil {
		return err
	}
	last := day
	if values["end"] != "" {
		if last, err = community.ParseDate(values["end"]); err != nil {
			return err
		}
	}
	e.Start = Wall(day)
	if values["start"] == "" {
		if values["finish"] != "" {
			return errors.New("finish without start")
		}
		if last != day {
			e.End = Wall(last)
		}
		return nil
	}
	clock, err := parseClock(values["start"])
	if err != nil {
		return fmt.Errorf("start %q: write HH:MM", values["start"])
	}
	e.Start = e.Start.At(clock)
	if values["finish"] == "" {
		if last != day {
			return errors.New("an end on another day needs a finish")
		}
		return nil
	}
	if clock, err = parseClock(values["finish"]); err != nil {
		return fmt.Errorf("finish %q: write HH:MM", values["finish"])
	}
	e.End = Wall(last).At(clock)
	return nil
}

// mostSeats is more than any room holds.
const mostSeats = 100_000

// Check says why an event cannot be published as it is.
func (e Event) Check() error {
	if e.Titles[i18n.French] == "" || e.Titles[i18n.Spanish] == "" {
		return errors.New("the title is needed in French and in Spanish")
	}
	if _, err := ParseWall(string(e.Start)); err != nil {
		return err
	}
	if e.End != "" {
		if _, err := ParseWall(string(e.End)); err != nil {
			return err
		}
		if e.End < e.Start || e.End.AllDay() != e.Start.AllDay() {
			return errors.New("the end comes before the start")
		}
	}
	if e.Zone == "Local" || e.Zone == "" {
		return errors.New("the zone is missing: write one such as America/Lima or Europe/Paris")
	}
	if _, err := time.LoadLocation(e.Zone); err != nil {
		return fmt.Errorf("zone %q is not known: write one such as America/Lima or Europe/Paris", e.Zone)
	}
	if e.Seats < 0 || e.Seats > mostSeats {
		return errors.New("seats: write a number, or 0 for as many as like")
	}
	if e.Link != "" && !strings.HasPrefix(e.Link, "https://") && !strings.HasPrefix(e.Link, "http://") {
		return fmt.Errorf("link %q: it begins with https://", e.Link)
	}
	if _, err := community.ParseAudience(e.Audience); err != nil {
		return err
	}
	if e.Rule != "" {
		return CheckRule(e.Rule)
	}
	return nil
}
