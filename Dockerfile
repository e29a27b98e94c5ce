#  The images of all services, one target each:
#
#      docker build --target edge -t stentor/edge .
#
#      edge, postoffice, stentor-connector, notifier, genesys-connector    the product
#      demo-bot, mail-catcher                           for the demonstration
#      door                                             HAProxy in front of the edges of docker-compose.yml
#
#  Debian 12, or 13 with --build-arg DEBIAN=debian:trixie-slim. With --build-arg WIDGET=yes the image of
#  the edge has the stock widget, and with it /widget.html: npm brings it (NPM_CONFIG_REGISTRY: from
#  another registry than its own). What an image says of itself: VERSION, REVISION, SOURCE_URL and
#  SOURCE_DATE_EPOCH, which tools/build-args knows of a clone.
#
#  An image is its program, Debian's packages with the libraries of it, our licence and theirs, and a
#  list of all that (deploy/image-roots). There is no shell in it. All run as a user without rights, need
#  no writable file system, take their settings from the environment (NAME_FILE for secrets), end in order
#  on SIGTERM, and listen on every address of their container; what is published is for whoever runs them
#  to say.

ARG DEBIAN=debian:bookworm-slim

FROM ${DEBIAN} AS widget
ARG WIDGET=
ARG NPM_CONFIG_REGISTRY=
COPY deploy/widget /source
RUN mkdir /widget \
    && case "$WIDGET" in \
    '') ;; \
    yes) apt-get update -q \
        && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
            npm ca-certificates \
        && /source/bring /widget \
        && rm -rf /var/lib/apt/lists/* /root/.npm ;; \
    *) echo "WIDGET must be yes or empty" >&2; exit 1 ;; \
    esac

#  haproxy, python3, tzdata and ca-certificates are here for the images that are made of them.
FROM ${DEBIAN} AS build
RUN apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
        gcc libc6-dev cmake ninja-build pkg-config \
        libzmq3-dev libczmq-dev libsodium-dev libuv1-dev libjson-c-dev libpq-dev libcurl4-openssl-dev \
        libmicrohttpd-dev nettle-dev uthash-dev libcjose-dev libjansson-dev libssl-dev \
        libglib2.0-dev \
        haproxy python3 tzdata ca-certificates \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY CMakeLists.txt ./
COPY libcommon libcommon
COPY services services
COPY demo demo
COPY tools/hardened tools/hardened
RUN cmake -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DSTENTOR_TESTS=OFF -DSTENTOR_BENCH=OFF \
    && cmake --build /build --target edge postoffice stentor-connector notifier genesys-connector \
        demo-bot healthy
#  A commit that changes no program is built within seconds.
ARG REVISION=
RUN sed -i "s/\"unknown\"/\"${REVISION:-unknown}\"/" /build/generated/stentor_version.h \
    && ninja -C /build edge postoffice stentor-connector notifier genesys-connector demo-bot healthy \
    && tools/hardened /build/bin/* \
    && strip /build/bin/*
COPY LICENSE ./
COPY deploy/image-roots deploy/door.cfg deploy/
COPY --from=widget /widget /widget
ARG VERSION=
ARG SOURCE_URL=
ARG SOURCE_DATE_EPOCH=
RUN apt-get update -q \
    && WIDGET_FILES=/widget deploy/image-roots /build/bin /source /roots \
    && rm -rf /var/lib/apt/lists/*

#  What every image has. `healthy` asks a program that has no command of its own for that.
FROM scratch AS ground
COPY --from=build /roots/ground /
ARG VERSION=
ARG REVISION=
ARG SOURCE_URL=
LABEL org.opencontainers.image.vendor="Stentor Chat Router" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE_URL}"
ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin
USER 10001:10001
WORKDIR /

FROM ground AS demo-bot
COPY --from=build /roots/demo-bot /
LABEL org.opencontainers.image.title="stentor/demo-bot" \
      org.opencontainers.image.description="A bot to talk to while trying the Stentor Chat Router"
ENV DEMO_BOT_ADDRESS=0.0.0.0 DEMO_BOT_PORT=8090
EXPOSE 8090
HEALTHCHECK --interval=3s --timeout=3s --start-period=30s CMD ["healthy", "8090", "/healthz"]
ENTRYPOINT ["demo-bot"]

FROM ground AS mail-catcher
COPY --from=build /roots/mail-catcher /
LABEL org.opencontainers.image.title="stentor/mail-catcher" \
      org.opencontainers.image.description="Takes every mail of a demonstration, sends none on, and shows them"
ENV MAIL_CATCHER_ADDRESS=0.0.0.0
EXPOSE 1025 8025
HEALTHCHECK --interval=3s --timeout=3s --start-period=30s CMD ["healthy", "8025", "/healthz"]
ENTRYPOINT ["/usr/bin/python3", "/usr/local/bin/mail-catcher"]

FROM ground AS door
COPY --from=build /roots/door /
LABEL org.opencontainers.image.title="stentor/door" \
      org.opencontainers.image.description="HAProxy in front of the edges of docker-compose.yml"
EXPOSE 8080
STOPSIGNAL SIGUSR1
HEALTHCHECK --interval=3s --timeout=3s --start-period=30s CMD ["healthy", "8080", "/config.json"]
ENTRYPOINT ["haproxy", "-f", "/etc/haproxy/haproxy.cfg"]

#  What every service has, and what those have that call others over HTTP.
FROM ground AS service
COPY --from=build /roots/services /
ENV OPERATIONS_ADDRESS=0.0.0.0

FROM service AS caller
COPY --from=build /roots/callers /

FROM service AS postoffice
COPY --from=build /roots/postoffice /
LABEL org.opencontainers.image.title="stentor/postoffice" \
      org.opencontainers.image.description="Sessions, messages and who answers them, over PostgreSQL"
ENV OPERATIONS_PORT=9101
EXPOSE 7001 9101
HEALTHCHECK --interval=3s --timeout=3s --start-period=30s CMD ["postoffice", "healthy"]
ENTRYPOINT ["postoffice"]

FROM caller AS stentor-connector
COPY --from=build /roots/stentor-connector /
LABEL org.opencontainers.image.title="stentor/stentor-connector" \
      org.opencontainers.image.description="Asks bots, and brings their answers"
ENV OPERATIONS_PORT=9103
EXPOSE 9103
HEALTHCHECK --interval=3s --timeout=3s --start-period=30s CMD ["stentor-connector", "healthy"]
ENTRYPOINT ["stentor-connector"]

FROM caller AS notifier
COPY --from=build /roots/notifier /
LABEL org.opencontainers.image.title="stentor/notifier" \
      org.opencontainers.image.description="Mail, SMS, Slack and webhooks"
ENV OPERATIONS_PORT=9104
EXPOSE 9104
HEALTHCHECK --interval=3s --timeout=3s --start-period=30s CMD ["notifier", "healthy"]
ENTRYPOINT ["notifier"]

FROM caller AS genesys-connector
COPY --from=build /roots/genesys-connector /
LABEL org.opencontainers.image.title="stentor/genesys-connector" \
      org.opencontainers.image.description="Makes sessions conversations of Genesys Cloud"
ENV OPERATIONS_PORT=9105
EXPOSE 9105
HEALTHCHECK --interval=3s --timeout=3s --start-period=30s CMD ["genesys-connector", "healthy"]
ENTRYPOINT ["genesys-connector"]

FROM service AS edge
ARG WIDGET=
COPY --from=build /roots/edge /
LABEL org.opencontainers.image.title="stentor/edge" \
      org.opencontainers.image.description="Sockets of clients, pages, webhooks and the HTTP API"
ENV OPERATIONS_PORT=9001 EDGE_ADDRESS=0.0.0.0 EDGE_PORT=8080 EDGE_WEB_ROOT=/usr/share/stentor/web \
    EDGE_WIDGET_ROOT=${WIDGET:+/usr/share/stentor/widget}
EXPOSE 8080 9001
HEALTHCHECK --interval=3s --timeout=3s --start-period=30s CMD ["edge", "healthy"]
ENTRYPOINT ["edge"]
