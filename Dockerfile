# The image of eci-vnode: one static binary and the roots of trust.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -ldflags "-s -w" -o /eci-vnode ./cmd/eci-vnode

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /eci-vnode /eci-vnode
# A manifest of the first ECI provider gives flags only.
ENTRYPOINT ["/eci-vnode"]
