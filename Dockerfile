# aihub with PostgreSQL's driver and what reads secrets in AWS. Build: docker build -t aihub .
# The digest is of python:3.13-slim-trixie with Python 3.13.15; `docker buildx imagetools inspect` shows a newer one.
FROM python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285 AS build

WORKDIR /opt/aihub
COPY requirements-cloud.lock ./
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-cloud.lock
COPY pyproject.toml LICENSE ./
COPY domain domain
COPY ports ports
COPY adapters adapters
COPY entrypoints entrypoints
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation -e . \
    && /opt/venv/bin/pip uninstall --yes --quiet setuptools pip \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib /opt/aihub

FROM python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285

LABEL org.opencontainers.image.title="aihub" \
      org.opencontainers.image.description="A self-hosted AI gateway whose billing can be proved" \
      org.opencontainers.image.licenses="Apache-2.0"

# A number, so that an orchestrator can see that it is not root.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin aihub \
    && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/aihub /opt/aihub

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DATA_DIR=/data \
    AIHUB_HOST=0.0.0.0 \
    AIHUB_PORT=8080
# The hub writes nowhere but in DATA_DIR and /tmp: the root file system may be read-only.
VOLUME /data
WORKDIR /data
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['AIHUB_PORT'] + '/readyz', timeout=4)"]
ENTRYPOINT ["aihub"]
CMD ["serve"]
