package bot

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
)

// codeBytes make 120 random bits: twenty-four letters, which somebody can read out on the phone.
const codeBytes = 15

// NewCode makes an invitation code, in groups of four letters and digits.
func NewCode() string {
	b := make([]byte, codeBytes)
	rand.Read(b) // never fails: crypto/rand.Read ends the process instead
	text := base32.StdEncoding.EncodeToString(b)
	var groups []string
	for len(text) > 0 {
		groups = append(groups, text[:4])
		text = text[4:]
	}
	return strings.Join(groups, "-")
}

// HashCode is what is kept of a code. Case, spaces and dashes do not matter, since people copy codes
// by hand; the code itself is random enough that a plain hash gives nothing away.
func HashCode(code string) string {
	code = strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(code))
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}
