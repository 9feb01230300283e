.PHONY: help run test check build pages transcripts

help: ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/ –/'

run: ## run the bot and open http://127.0.0.1:8080
	go run ./cmd/chasqui

test: ## run the tests
	go test ./...

check: ## run everything that CI runs
	bash .ci/run

build: ## build one static binary
	CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o chasqui ./cmd/chasqui

pages: ## generate the pages after a change to a .templ file
	cd console && go tool templ generate

transcripts: ## rewrite the transcripts with what the bot says now; read the difference
	go test ./bot -update
