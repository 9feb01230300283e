package console

import (
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// assets are the files of the pages under names that change with their content, so that a browser may
// keep them for ever.
type assets struct {
	paths map[string]string
	files map[string][]byte
}

func loadAssets() (assets, error) {
	a := assets{paths: map[string]string{}, files: map[string][]byte{}}
	names, err := fs.Glob(assetFiles, "assets/*")
	if err != nil {
		return a, fmt.Errorf("list assets: %w", err)
	}
	for _, name := range names {
		data, err := assetFiles.ReadFile(name)
		if err != nil {
			return a, fmt.Errorf("read asset %s: %w", name, err)
		}
		sum := sha256.Sum256(data)
		p := "/assets/" + hex.EncodeToString(sum[:6]) + "/" + path.Base(name)
		a.paths[path.Base(name)], a.files[p] = p, data
	}
	return a, nil
}

func (a assets) path(name string) string { return a.paths[name] }

// ServeHTTP implements http.Handler.
func (a assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, ok := a.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(r.URL.Path)))
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(data) // the caller has gone if this fails
}

// compressed gzips what a browser can unpack, but for streams, which must not wait in a buffer.
func compressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") || r.URL.Path == "/chat/events" {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Add("Vary", "Accept-Encoding")
		zip := gzip.NewWriter(w)
		defer zip.Close()
		next.ServeHTTP(&zipped{ResponseWriter: w, out: zip}, r)
	})
}

type zipped struct {
	http.ResponseWriter
	out io.Writer
}

func (z *zipped) Write(p []byte) (int, error) { return z.out.Write(p) }
