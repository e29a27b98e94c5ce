#  The images of all services, one target each:
#
#      docker build --target edge -t stentor/edge .
#
#      edge, postoffice, stentor-connector, notifier, genesys-connector    the product
#      demo-bot, mail-catcher                           for the demonstration
#      door                                             HAProxy in front of the edges of docker-compose.yml
#
#  With --build-arg WIDGET=yes the image of the edge has the stock widget, and with it /widget.html:
#  npm brings it (NPM_CONFIG_REGISTRY: from another registry than its own).
#
#  All run as a user without rights, need no writable file system, take their settings from the
#  environment (NAME_FILE for secrets), end in order on SIGTERM, and listen on every address of their
#  container; what is published is for whoever runs them to say.

ARG DEBIAN=debian:bookworm-slim

FROM ${DEBIAN} AS build
RUN apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
        gcc libc6-dev cmake ninja-build pkg-config \
        libzmq3-dev libczmq-dev libsodium-dev libuv1-dev libjson-c-dev libpq-dev libcurl4-openssl-dev \
        libmicrohttpd-dev nettle-dev uthash-dev libcjose-dev libjansson-dev libssl-dev \
        libglib2.0-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY CMakeLists.txt ./
COPY libcommon libcommon
COPY services services
COPY demo demo
RUN cmake -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DSTENTOR_TESTS=OFF -DSTENTOR_BENCH=OFF \
    && cmake --build /build --target edge postoffice stentor-connector notifier genesys-connector demo-bot \
    && strip /build/bin/*

#  What every process of ours needs.
FROM ${DEBIAN} AS base
RUN apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
        libzmq5 libczmq4 libsodium23 libuv1 libjson-c5 libmicrohttpd12 libcjose0 \
        libglib2.0-0 tzdata \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
COPY deploy/healthy /usr/local/bin/
USER 10001:10001
WORKDIR /
ENV OPERATIONS_ADDRESS=0.0.0.0

FROM base AS demo-bot
COPY --from=build /build/bin/demo-bot /usr/local/bin/
ENV DEMO_BOT_ADDRESS=0.0.0.0 DEMO_BOT_PORT=8090
EXPOSE 8090
HEALTHCHECK --interval=3s --timeout=3s --start-period=30s CMD ["healthy", "8090", "/healthz"]
ENTRYPOINT ["demo-bot"]

FROM base AS postoffice
USER root
RUN apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends libpq5 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
USER 10001:10001
COPY --from=build /build/bin/postoffice /usr/local/bin/
ENV OPERATIONS_PORT=9101
EXPOSE 7001 9101
HEALTHCHECK --interval=3s --timeout=3s --start-period=30s CMD ["healthy", "9101", "/readyz"]
ENTRYPOINT ["postoffice"]

FROM base AS stentor-connector
USER root
RUN apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
        libcurl4 ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
USER 10001:10001
COPY --from=build /build/bin/stentor-connector /usr/local/bin/
ENV OPERATIONS_PORT=9103
EXPOSE 9103
HEALTHCHECK --interval=3s --timeout=3s --start-period=30s CMD ["healthy", "9103", "/readyz"]
ENTRYPOINT ["stentor-connector"]

FROM base AS notifier
USER root
RUN apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
        libcurl4 ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
USER 10001:10001
COPY --from=build /build/bin/notifier /usr/local/bin/
ENV OPERATIONS_PORT=9104
EXPOSE 9104
HEALTHCHECK --interval=3s --timeout=3s --start-period=30s CMD ["healthy", "9104", "/readyz"]
ENTRYPOINT ["notifier"]

FROM base AS genesys-connector
USER root
RUN apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
        libcurl4 ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
USER 10001:10001
COPY --from=build /build/bin/genesys-connector /usr/local/bin/
ENV OPERATIONS_PORT=9105
EXPOSE 9105
HEALTHCHECK --interval=3s --timeout=3s --start-period=30s CMD ["healthy", "9105", "/readyz"]
ENTRYPOINT ["genesys-connector"]

FROM ${DEBIAN} AS mail-catcher
RUN apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
COPY deploy/healthy demo/mail/mail-catcher /usr/local/bin/
USER 10001:10001
ENV MAIL_CATCHER_ADDRESS=0.0.0.0
EXPOSE 1025 8025
HEALTHCHECK --interval=3s --timeout=3s --start-period=30s CMD ["healthy", "8025", "/healthz"]
ENTRYPOINT ["mail-catcher"]

FROM ${DEBIAN} AS door
RUN apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends haproxy \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
COPY deploy/healthy /usr/local/bin/
COPY deploy/door.cfg /etc/haproxy/haproxy.cfg
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGUSR1
HEALTHCHECK --interval=3s --timeout=3s --start-period=30s CMD ["healthy", "8080", "/config.json"]
ENTRYPOINT ["haproxy", "-f", "/etc/haproxy/haproxy.cfg"]

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

FROM base AS edge
ARG WIDGET=
USER root
RUN apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
        libnettle8 libssl3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
USER 10001:10001
COPY services/edge/web /usr/share/stentor/web
COPY --from=widget /widget /usr/share/stentor/widget
COPY --from=build /build/bin/edge /usr/local/bin/
ENV OPERATIONS_PORT=9001 EDGE_ADDRESS=0.0.0.0 EDGE_PORT=8080 EDGE_WEB_ROOT=/usr/share/stentor/web \
    EDGE_WIDGET_ROOT=${WIDGET:+/usr/share/stentor/widget}
EXPOSE 8080 9001
HEALTHCHECK --interval=3s --timeout=3s --start-period=30s CMD ["healthy", "9001", "/readyz"]
ENTRYPOINT ["edge"]
