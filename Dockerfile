# Two stages: a static binary, and an image that holds nothing else but the certificates that TLS needs.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /chasqui ./cmd/chasqui && mkdir -m 0700 /data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /chasqui /chasqui
# The folder must exist with its owner, or a fresh volume belongs to root.
COPY --from=build --chown=65532:65532 /data /data
ENV CHASQUI_DATA=/data CHASQUI_LISTEN=0.0.0.0:8080
VOLUME /data
EXPOSE 8080
USER 65532:65532
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/chasqui", "doctor", "--running"]
ENTRYPOINT ["/chasqui"]
