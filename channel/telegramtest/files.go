package telegramtest

import (
	"bytes"
	"fmt"
	"image"
	_ "image/gif"  // a picture may be one
	_ "image/jpeg" // a picture may be one
	"image/png"
	"net/http"
	"strings"
)

// The documented limits: what a picture may have in bytes and pixels, and what a bot may download.
const (
	largestPhoto    = 10 << 20
	largestSides    = 10000
	largestRatio    = 20
	largestDownload = 20 << 20
)

// attached stands for the bytes of an uploaded file among the parameters.
const attached = "attach"

// file is a file that the server keeps.
type file struct {
	id    string
	name  string
	photo bool
	data  []byte
}

// path is where a file can be had.
func (f *file) path() string {
	if f.photo {
		return "photos/" + f.id + ".jpg"
	}
	return "documents/" + f.id
}

// json are the fields of a message with this file. A picture comes in several sizes, the whole one last.
func (f *file) json() map[string]any {
	if !f.photo {
		return map[string]any{"document": map[string]any{"file_id": f.id, "file_unique_id": "u" + f.id, "file_name": f.name, "file_size": len(f.data)}}
	}
	size := func(id string, width, height, bytes int) map[string]any {
		return map[string]any{"file_id": id, "file_unique_id": "u" + id, "width": width, "height": height, "file_size": bytes}
	}
	return map[string]any{"photo": []map[string]any{size(f.id+"-small", 90, 60, 1200), size(f.id, 1200, 800, len(f.data))}}
}

// keep stores a file under a new id; the lock is held.
func (s *Server) keep(name string, photo bool, data []byte) *file {
	s.fileID++
	f := &file{id: fmt.Sprintf("AgAC%06d", s.fileID), name: name, photo: photo, data: data}
	s.files[f.id] = f
	return f
}

// Forget makes the server refuse the ids of all files that it has given, as Telegram does to a bot whose
// token another account took over.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.files)
}

// attach puts the file of a call into a message: one that is uploaded, or one that the server has.
func (s *Server) attach(m *Shown, call Call) *failure {
	photo := call.Method == "sendPhoto"
	given := call.Params["document"]
	if photo {
		given = call.Params["photo"]
	}
	switch {
	case call.Method == "sendMessage":
		return nil
	case given != attached:
		known := s.files[given]
		if known == nil {
			return bad("wrong file identifier/HTTP URL specified")
		}
		if known.photo != photo {
			return bad("can't use file of type %s as %s", typeOf(known.photo), typeOf(photo))
		}
		m.file = known
	default:
		if len(call.data) == 0 {
			return bad("file must be non-empty")
		}
		if photo {
			if refused := checkPhoto(call.data); refused != nil {
				return refused
			}
		}
		m.file = s.keep(call.File, photo, call.data)
	}
	m.File, m.Photo = m.file.name, photo
	return nil
}

func typeOf(photo bool) string {
	if photo {
		return "Photo"
	}
	return "Document"
}

func checkPhoto(data []byte) *failure {
	size, _, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case len(data) > largestPhoto:
		return bad("file is too big")
	case err != nil:
		return bad("IMAGE_PROCESS_FAILED")
	case size.Width+size.Height > largestSides, size.Width > largestRatio*size.Height, size.Height > largestRatio*size.Width:
		return bad("PHOTO_INVALID_DIMENSIONS")
	}
	return nil
}

// Picture makes a picture that the server takes for one, unless its sides are too long.
func Picture(width, height int) []byte {
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		panic(err) // a buffer takes everything; only a picture without an area is refused
	}
	return out.Bytes()
}

func (s *Server) getFile(_ *http.Request, call Call) (any, *failure) {
	f := s.files[call.Params["file_id"]]
	switch {
	case f == nil:
		return nil, bad("wrong file_id or the file is temporarily unavailable")
	case len(f.data) > largestDownload:
		return nil, bad("file is too big")
	}
	return map[string]any{"file_id": f.id, "file_unique_id": "u" + f.id, "file_size": len(f.data), "file_path": f.path()}, nil
}

// Download is what Next and Calls name the download of a file, which is no method of the Bot API.
const Download = "(download)"

func (s *Server) serveFile(w http.ResponseWriter, r *http.Request, rest string) {
	token, path, _ := strings.Cut(rest, "/")
	fault := s.record(Call{Method: Download, Params: map[string]string{}, At: s.o.Now()})
	if token != s.o.Token {
		answer(w, nil, &failure{code: http.StatusUnauthorized, description: "Unauthorized"})
		return
	}
	if fault != nil && fault.before(w, r) || fault != nil && fault.lose(w) {
		return
	}
	s.mu.Lock()
	_, name, _ := strings.Cut(path, "/")
	found := s.files[strings.TrimSuffix(name, ".jpg")]
	s.mu.Unlock()
	if found == nil || found.path() != path || r.Method != http.MethodGet {
		answer(w, nil, &failure{code: http.StatusNotFound, description: "Not Found"})
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(found.data) // a client that has gone is a client's business
}
