// Package chasqui is the root of the module; it holds only the test of the import table. The program is
// in cmd/chasqui, and ARCHITECTURE.md says what is where.
package chasqui
