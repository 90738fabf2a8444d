# KlineForge with all it needs at run time: Python, Java, the packages of the lock file, the Delta jars. docs/containers.md
# says how to use it. No lake is in it: that is a volume at /srv/klineforge/data.
FROM eclipse-temurin:17-jre-jammy AS java

FROM python:3.11-slim-bookworm AS build
COPY --from=java /opt/java/openjdk /opt/java/openjdk
# The Delta jars and the class archive are found by path: build and final image have the same ones.
ENV JAVA_HOME=/opt/java/openjdk \
    KLINEFORGE_HOME=/opt/klineforge/share \
    PATH=/opt/klineforge/bin:$PATH \
    DO_NOT_TRACK=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /srv/klineforge
# Packages change less often than code: a layer of their own.
COPY requirements requirements
RUN python -m venv /opt/klineforge \
    && pip install --progress-bar off --require-hashes -r requirements/service.lock \
    && awk '/^[a-z]/ { on = /^setuptools==/ } on' requirements/dev.lock > /tmp/build.lock \
    && pip install --progress-bar off --require-hashes -r /tmp/build.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
# Editable, because a Kedro project is its folder: the code is in src, once.
RUN pip install --no-deps --no-build-isolation --editable . \
    && python -m klineforge.spark \
    && python -m compileall -q src

FROM python:3.11-slim-bookworm
COPY --from=java /opt/java/openjdk /opt/java/openjdk
ENV JAVA_HOME=/opt/java/openjdk \
    KLINEFORGE_HOME=/opt/klineforge/share \
    PATH=/opt/klineforge/bin:$PATH \
    DO_NOT_TRACK=1 \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
RUN groupadd --gid 10001 klineforge \
    && useradd --uid 10001 --gid klineforge --no-create-home --home-dir /tmp --shell /usr/sbin/nologin klineforge
COPY --from=build /opt/klineforge /opt/klineforge
WORKDIR /srv/klineforge
COPY --from=build /srv/klineforge/src src
COPY pyproject.toml .telemetry ./
COPY conf conf
# conf/local is where credentials are mounted; a new volume takes over the owner of data.
RUN mkdir --parents conf/local && install --directory --owner klineforge --group klineforge data
# By number: whoever forbids root by policy can see that this is not root.
USER 10001:10001
VOLUME ["/srv/klineforge/data"]
# The first load takes long; until the first success, failures within the start period do not count.
HEALTHCHECK --interval=5m --timeout=30s --start-period=6h --retries=3 \
    CMD ["klineforge", "pulse", "--within", "150"]
CMD ["kedro", "klineforge", "follow"]
