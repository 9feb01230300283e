package store

import (
	"context"
	"database/sql/driver"
	"strings"
)

// mostKept is how many prepared statements a connection keeps; when it has more it begins anew. Only
// statements that are put together for an audience have many shapes.
const mostKept = 256

// preparing opens connections that keep the statements they prepared: to SQLite the outbox says the same
// thirty sentences all day, and reading one costs more than doing what it says.
type preparing struct{ driver.Connector }

// Connect implements driver.Connector.
func (p preparing) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &preparedConn{engineConn: c.(engineConn), kept: map[string]*statement{}}, nil
}

// engineConn is what modernc's connections can do and database/sql makes use of.
type engineConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// preparedConn is one connection. database/sql lets one goroutine at a time use it.
type preparedConn struct {
	engineConn
	kept map[string]*statement
}

// statement is one that is kept. busy says that its rows are still being read, or that it runs now.
type statement struct {
	driver.Stmt
	busy bool
}

// once reports whether a text must go to SQLite as it is: a script, or what does its work while it is being
// prepared.
func once(query string) bool {
	return strings.Contains(query, ";") || strings.HasPrefix(query, "PRAGMA") || strings.HasPrefix(query, "VACUUM")
}

// take returns the statement for a query, and nil where none can be kept: the text must go as it is, or the
// same query is being read further up.
func (c *preparedConn) take(ctx context.Context, query string) (*statement, error) {
	if s := c.kept[query]; s != nil {
		if s.busy {
			return nil, nil
		}
		s.busy = true
		return s, nil
	}
	if once(query) {
		return nil, nil
	}
	if len(c.kept) >= mostKept {
		if err := c.forget(); err != nil {
			return nil, err
		}
	}
	made, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s := &statement{Stmt: made, busy: true}
	c.kept[query] = s
	return s, nil
}

// forget closes the statements that nobody is reading from.
func (c *preparedConn) forget() error {
	for query, s := range c.kept {
		if s.busy {
			continue
		}
		delete(c.kept, query)
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}

// Close implements driver.Conn.
func (c *preparedConn) Close() error {
	for _, s := range c.kept {
		s.busy = false
	}
	if err := c.forget(); err != nil {
		_ = c.engineConn.Close() // the first error says more
		return err
	}
	return c.engineConn.Close()
}

// ExecContext implements driver.ExecerContext.
func (c *preparedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.engineConn.ExecContext(ctx, query, args)
	}
	defer func() { s.busy = false }()
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

// QueryContext implements driver.QueryerContext.
func (c *preparedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.engineConn.QueryContext(ctx, query, args)
	}
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		s.busy = false
		return nil, err
	}
	return &preparedRows{Rows: rows, of: s}, nil
}

// preparedRows gives its statement back when it is closed.
type preparedRows struct {
	driver.Rows
	of *statement
}

// Close implements driver.Rows.
func (r *preparedRows) Close() error {
	r.of.busy = false
	return r.Rows.Close()
}
