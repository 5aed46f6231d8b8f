# syntax=docker/dockerfile:1
# The daemon as a small image without a shell, for a user that is not root.
#
#   docker build --build-arg VERSION=$(git describe --tags --always) -t maskline .
#
# FreeSWITCH is not in it: compose.yaml runs that beside it.

# Where the public registries are slow, name mirrors: --build-arg GO_IMAGE=… --build-arg RUNTIME_IMAGE=… --build-arg GOPROXY=…
ARG GO_IMAGE=golang:1.26-bookworm
ARG RUNTIME_IMAGE=scratch

FROM ${GO_IMAGE} AS build
ARG GOPROXY
WORKDIR /src
# The modules have a layer of their own: it is made again only when they change.
COPY go.mod go.sum ./
RUN go mod download
COPY cmd cmd
COPY conf conf
COPY controller controller
COPY esl esl
COPY models models
COPY web web
ARG VERSION=unknown
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/maskline ./cmd/maskline
# A new volume takes owner and mode from the image's directory at its place. FreeSWITCH runs as the same user and writes to some.
RUN for d in daemon media recordings switch-spool trunks; do install -d -m 750 -o 65532 -g 65532 /out/state/$d; done

# Beside the binary it needs the CA certificates, for the pushes. The default prompts, the schema and the sample configuration are in the binary.
FROM ${RUNTIME_IMAGE}
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/maskline /usr/local/bin/maskline
COPY --from=build --chown=65532:65532 /out/state /var/lib/maskline
# Nobody's id, said in digits, so that an orchestrator can see that it is not root.
USER 65532:65532
WORKDIR /var/lib/maskline
ENV MASKLINE_CONFIG=/etc/maskline/maskline.yaml
# The tenant API, the admin API with /healthz, /readyz and /metrics, the switches' posts.
EXPOSE 8080 8081 8090
# There is no shell and no curl: the command line asks the admin API, which answers this from memory. It says that the daemon lives;
# whether it can take calls is said by /readyz.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 CMD ["/usr/local/bin/maskline", "trunk", "list"]
ENTRYPOINT ["/usr/local/bin/maskline"]
CMD ["serve"]
