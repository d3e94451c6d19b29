# The wheel is built in the first stage; the second holds Python, the locked packages and the wheel.
FROM python:3.12-slim-bookworm AS build
RUN apt-get update -qq \
    && apt-get install -qq --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
RUN make wheel

FROM python:3.12-slim-bookworm
COPY --from=build /build/requirements.lock /build/dist/*.whl /tmp/deskgraph/
RUN pip install --no-cache-dir --require-hashes -r /tmp/deskgraph/requirements.lock \
    && pip install --no-cache-dir --no-deps /tmp/deskgraph/*.whl \
    && rm -r /tmp/deskgraph \
    && useradd --system --no-create-home deskgraph \
    && install --directory --owner=deskgraph /data
USER deskgraph
WORKDIR /data
ENV DESKGRAPH_HOME=/data/.deskgraph \
    DESKGRAPH_HTTP__HOST=0.0.0.0 \
    DESKGRAPH_HTTP__PORT=8000 \
    PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
ENTRYPOINT ["deskgraph"]
CMD ["serve"]
