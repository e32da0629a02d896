# One static program and the certificates it trusts: no shell, no libraries, no root. Docs: docs/deployment.md.
FROM rust:1.95-alpine AS build
RUN apk add --no-cache ca-certificates cmake g++ make musl-dev perl
WORKDIR /build
COPY . .
RUN cargo build --locked --release

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /build/target/release/topup /usr/bin/topup
USER 65532:65532
WORKDIR /data
ENTRYPOINT ["/usr/bin/topup"]
