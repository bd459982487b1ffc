# One image for every process of countersignd, and the countersign tool beside
# it. It holds two static binaries, certificate authorities and a folder for
# SQLite; no shell, no package manager, no key.
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOTOOLCHAIN=local go build -trimpath -ldflags='-s -w' -o /out/ ./cmd/countersignd ./cmd/countersign
RUN mkdir /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/countersignd /out/countersign /
# A volume that is mounted here for the first time takes its owner from it.
COPY --from=build --chown=65532:65532 /out/data /var/lib/countersign
USER 65532:65532
ENTRYPOINT ["/countersignd"]
