package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"chasqui/faq"
	"chasqui/i18n"
)

func (p *program) faqCommand() *cobra.Command {
	c := &cobra.Command{Use: "faq", Short: "Ask and check the FAQ", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(p.faqAsk(), p.faqCheck())
	return c
}

func (p *program) faqAsk() *cobra.Command {
	var asJSON bool
	var entries, lang string
	c := &cobra.Command{
		Use: "ask", Short: "Answer questions from standard input, one a line", Args: noArgs,
		Long: "Reads questions on standard input: a line of text, or {\"lang\",\"query\"}. Says for each what the FAQ decides.",
		RunE: func(*cobra.Command, []string) error {
			if _, ok := i18n.ParseLang(lang); lang != "" && !ok {
				return wrongSetting("--lang %q: write fr, es or en", lang)
			}
			known, err := knowledgeBase(entries)
			if err != nil {
				return err
			}
			return p.ask(faq.NewIndex(known), i18n.Lang(lang), asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	c.Flags().StringVar(&entries, "entries", "", "answer from this file of lines {\"entry\",\"lang\",\"question\",\"answer\"}")
	c.Flags().StringVar(&lang, "lang", "", "the language of those who ask: fr, es or en")
	return c
}

func knowledgeBase(file string) ([]faq.Entry, error) {
	if file == "" {
		return faq.Builtin()
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, wrongSetting("cannot read the entries: %v", err)
	}
	defer f.Close()
	return faq.ReadLines(f)
}

// asked is a question on standard input, decided one on standard output.
type asked struct {
	Lang  string `json:"lang"`
	Query string `json:"query"`
}

type decided struct {
	Query    string   `json:"query"`
	Lang     string   `json:"lang"`
	Decision faq.Kind `json:"decision"`
	Entry    string   `json:"entry"`
	Ranking  []ranked `json:"ranking"`
}

type ranked struct {
	Entry string  `json:"entry"`
	Score float64 `json:"score"`
}

func (p *program) ask(ix *faq.Index, lang i18n.Lang, asJSON bool) (err error) {
	out := bufio.NewWriter(p.stdout)
	defer func() { err = errors.Join(err, out.Flush()) }()
	in := bufio.NewReader(p.stdin)
	for n := 1; ; n++ {
		line, readErr := in.ReadString('\n')
		if strings.TrimSpace(line) != "" {
			q, err := readQuestion(line, lang)
			if err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
			if err := writeDecision(out, q, ix.Decide(q), ix, asJSON); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
		if errors.Is(readErr, io.EOF) {
			return nil
		}
		if readErr != nil {
			return fmt.Errorf("read questions: %w", readErr)
		}
	}
}

func readQuestion(line string, lang i18n.Lang) (faq.Query, error) {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "{") {
		return faq.Query{Text: line, Lang: lang}, nil
	}
	var a asked
	if err := json.Unmarshal([]byte(line), &a); err != nil {
		return faq.Query{}, fmt.Errorf("not a question {\"lang\",\"query\"}: %w", err)
	}
	if l, ok := i18n.ParseLang(a.Lang); ok {
		lang = l
	}
	return faq.Query{Text: a.Query, Lang: lang}, nil
}

func writeDecision(w io.Writer, q faq.Query, d faq.Decision, ix *faq.Index, asJSON bool) error {
	if !asJSON {
		title := ""
		if e, ok := ix.Entry(d.Entry); ok {
			title = e.Texts[d.Lang].Title
		}
		_, err := fmt.Fprintf(w, "%-8s %.2f  %-24s %s\n", d.Kind, d.Confidence, d.Entry, title)
		return err
	}
	out := decided{Query: q.Text, Lang: string(d.Lang), Decision: d.Kind, Entry: d.Entry, Ranking: []ranked{}}
	for _, r := range d.Ranking {
		out.Ranking = append(out.Ranking, ranked(r))
	}
	return json.NewEncoder(w).Encode(out)
}

func (p *program) faqCheck() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Check every entry: languages, sources, review dates, its own questions", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			entries, err := faq.Builtin()
			if err != nil {
				return err
			}
			wrong := 0
			for _, f := range faq.Check(entries, p.now()) {
				fmt.Fprintf(p.stdout, "%s: %s %s: %s\n", f.Severity, f.Entry, f.Lang, f.Message)
				if f.Severity == faq.Fault {
					wrong++
				}
			}
			if wrong > 0 {
				return fmt.Errorf("%d faults in %d entries", wrong, len(entries))
			}
			_, err = fmt.Fprintf(p.stdout, "%d entries checked\n", len(entries))
			return err
		},
	}
}
