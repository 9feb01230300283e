package community

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"
	"github.com/xuri/excelize/v2"

	"chasqui/i18n"
)

// Row is one person of the staff's spreadsheet.
type Row struct {
	// Line is where it stands in the file, counted from 1 with the header.
	Line   int
	Member Member
	// Telegram is the person's numeric id there, or empty.
	Telegram string
	// Set are the columns that were filled: only these change a member who is known already.
	Set map[string]bool
	// Fault says why the row cannot be taken, in words for whoever keeps the file; nil when it can.
	Fault error
}

// Roster is a spreadsheet as read.
type Roster struct {
	Rows []Row
	// Ignored are columns that nobody knows.
	Ignored []string
}

// columns are those of the contract, each with how its value is taken.
var columns = map[string]func(*Row, string) error{
	"name":            func(r *Row, v string) error { r.Member.Name = v; return nil },
	"phone":           func(r *Row, v string) (err error) { r.Member.Phone, err = ParsePhone(v); return err },
	"telegram":        setTelegram,
	"language":        setLanguage,
	"kind":            setKind,
	"scheme":          setScheme,
	"region":          setRegion,
	"host":            func(r *Row, v string) error { r.Member.Host = v; return nil },
	"arrival":         func(r *Row, v string) (err error) { r.Member.Arrival, err = ParseDate(v); return err },
	"end":             func(r *Row, v string) (err error) { r.Member.End, err = ParseDate(v); return err },
	"email":           setEmail,
	"timezone":        setTimezone,
	"nationality":     func(r *Row, v string) error { r.Member.Nationality = v; return nil },
	"gender":          func(r *Row, v string) error { r.Member.Gender = v; return nil },
	"sender":          func(r *Row, v string) error { r.Member.Sender = v; return nil },
	"buddy":           func(r *Row, v string) error { r.Member.Buddy = v; return nil },
	"emergency_name":  func(r *Row, v string) error { r.Member.EmergencyName = v; return nil },
	"emergency_phone": func(r *Row, v string) (err error) { r.Member.EmergencyPhone, err = ParsePhone(v); return err },
	"visa_end":        func(r *Row, v string) (err error) { r.Member.VisaEnd, err = ParseDate(v); return err },
}

func setTelegram(r *Row, v string) error {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n <= 0 {
		return fmt.Errorf("telegram %q is not a numeric id", v)
	}
	r.Telegram = strconv.FormatInt(n, 10)
	return nil
}

func setLanguage(r *Row, v string) error {
	l, ok := i18n.ParseLang(v)
	if !ok {
		return fmt.Errorf("language %q: write fr, es or en", v)
	}
	r.Member.Language, r.Member.LanguageChosen = l, true
	return nil
}

func setKind(r *Row, v string) error {
	k, ok := ParseKind(v)
	if !ok {
		return fmt.Errorf("kind %q: write one of %v", v, Kinds)
	}
	r.Member.Kind = k
	return nil
}

func setScheme(r *Row, v string) error {
	s, ok := ParseScheme(v)
	if !ok {
		return fmt.Errorf("scheme %q: write one of %v", v, Schemes)
	}
	r.Member.Scheme = s
	return nil
}

func setRegion(r *Row, v string) error {
	region, ok := FindRegion(v)
	if !ok {
		return fmt.Errorf("region %q: write a department of Peru, or France", v)
	}
	r.Member.Region = region.Slug
	return nil
}

func setEmail(r *Row, v string) error {
	a, err := mail.ParseAddress(v)
	if err != nil || a.Address != v {
		return fmt.Errorf("email %q is not an address", v)
	}
	r.Member.Email = v
	return nil
}

func setTimezone(r *Row, v string) error {
	if _, err := time.LoadLocation(v); err != nil || v == "Local" {
		return fmt.Errorf("timezone %q is not known: write one such as America/Lima", v)
	}
	r.Member.Timezone = v
	return nil
}

// ParsePhone writes a phone in E.164. A number without its country's prefix is taken for one of Peru.
func ParsePhone(v string) (string, error) {
	n, err := phonenumbers.Parse(v, "PE")
	if err != nil || !phonenumbers.IsPossibleNumber(n) {
		return "", fmt.Errorf("phone %q is not a number: write it with its country, such as +51 987 654 321", v)
	}
	return phonenumbers.Format(n, phonenumbers.E164), nil
}

// ErrNoHeader says that the first line is not a header with at least the column name.
var ErrNoHeader = errors.New("the first line must name the columns, name among them")

// ReadRoster reads a spreadsheet, CSV or XLSX. Faults of single rows are kept with the rows; an error
// means that the file as a whole cannot be read.
func ReadRoster(data []byte, xlsx bool) (Roster, error) {
	cells, err := readCSV, error(nil)
	if xlsx {
		cells = readXLSX
	}
	lines, err := cells(data)
	if err != nil {
		return Roster{}, err
	}
	if len(lines) == 0 {
		return Roster{}, ErrNoHeader
	}
	var roster Roster
	header := make([]string, len(lines[0]))
	for i, h := range lines[0] {
		header[i] = strings.ToLower(strings.TrimSpace(h))
		if header[i] != "" && columns[header[i]] == nil {
			roster.Ignored = append(roster.Ignored, strings.TrimSpace(h))
		}
		if header[i] != "" && slices.Contains(header[:i], header[i]) {
			return Roster{}, fmt.Errorf("the column %s stands twice", header[i])
		}
	}
	if !slices.Contains(header, "name") {
		return Roster{}, ErrNoHeader
	}
	for i, line := range lines[1:] {
		if strings.TrimSpace(strings.Join(line, "")) != "" {
			roster.Rows = append(roster.Rows, readRow(i+2, header, line))
		}
	}
	roster.refuseDoubles()
	return roster, nil
}

func readRow(line int, header, cells []string) Row {
	r := Row{Line: line, Set: map[string]bool{}}
	var faults []error
	for i, name := range header {
		if i >= len(cells) || columns[name] == nil {
			continue
		}
		value := strings.TrimSpace(cells[i])
		if value == "" {
			continue
		}
		if err := columns[name](&r, value); err != nil {
			faults = append(faults, err)
			continue
		}
		r.Set[name] = true
	}
	if r.Member.Name == "" {
		faults = append(faults, errors.New("the name is missing"))
	}
	if r.Member.Arrival != "" && r.Member.End != "" && r.Member.Arrival > r.Member.End {
		faults = append(faults, fmt.Errorf("the end %s is before the arrival %s", r.Member.End, r.Member.Arrival))
	}
	r.Fault = errors.Join(faults...)
	return r
}

// refuseDoubles refuses the second row with a phone or a Telegram id that an earlier one has.
func (r *Roster) refuseDoubles() {
	first := map[string]int{}
	for i := range r.Rows {
		row := &r.Rows[i]
		for kind, id := range map[string]string{"phone": row.Member.Phone, "telegram id": row.Telegram} {
			if id == "" {
				continue
			}
			if line, ok := first[kind+id]; ok {
				row.Fault = errors.Join(row.Fault, fmt.Errorf("the same %s stands in line %d", kind, line))
				continue
			}
			first[kind+id] = row.Line
		}
	}
}

// readCSV takes commas or, as spreadsheets here write them, semicolons.
func readCSV(data []byte) ([][]string, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !bytes.ContainsRune(data, ',') || bytes.IndexByte(data, ';') >= 0 && bytes.IndexByte(data, ';') < indexOr(data, ',') {
		return parseCSV(data, ';')
	}
	return parseCSV(data, ',')
}

func indexOr(data []byte, b byte) int {
	if i := bytes.IndexByte(data, b); i >= 0 {
		return i
	}
	return len(data)
}

func parseCSV(data []byte, comma rune) ([][]string, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.FieldsPerRecord = comma, -1
	var lines [][]string
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read CSV: %w", err)
		}
		// Blank lines are skipped by the reader; the numbers shown to people must still be right.
		line, _ := r.FieldPos(0)
		for len(lines) < line-1 {
			lines = append(lines, nil)
		}
		lines = append(lines, record)
	}
}

func readXLSX(data []byte) (lines [][]string, err error) {
	f, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{UnzipSizeLimit: 64 << 20})
	if err != nil {
		return nil, fmt.Errorf("read XLSX: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines, err = f.GetRows(f.GetSheetName(0), excelize.Options{RawCellValue: true})
	if err != nil {
		return nil, fmt.Errorf("read the first sheet: %w", err)
	}
	if len(lines) > 0 {
		spreadsheetDates(lines)
	}
	return lines, nil
}

// spreadsheetDates turns the day numbers that a spreadsheet keeps dates as into dates.
func spreadsheetDates(lines [][]string) {
	for i, h := range lines[0] {
		if h = strings.ToLower(strings.TrimSpace(h)); h != "arrival" && h != "end" && h != "visa_end" {
			continue
		}
		for _, line := range lines[1:] {
			if i >= len(line) {
				continue
			}
			if days, err := strconv.ParseFloat(line[i], 64); err == nil && days > 20000 && days < 100000 {
				if t, err := excelize.ExcelDateToTime(days, false); err == nil {
					line[i] = t.Format("2006-01-02")
				}
			}
		}
	}
}
