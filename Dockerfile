# The platform: workers and Dagster. The broker of docker-compose.yml is Apache Kafka's own image.
FROM python:3.11-slim-bookworm

# User 1000 is also the one of Kafka's image, so that both can read the broker's certificates, mode 0600.
RUN useradd --uid 1000 --create-home b12 \
 && install --directory --owner=b12 --group=b12 --mode=0700 /app /config /var/lib/b12
USER b12
WORKDIR /app
ENV PATH=/app/venv/bin:$PATH PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1 B12_HOME=/var/lib/b12

COPY --chown=b12:b12 requirements.lock ./
RUN python -m venv venv && pip install --no-cache-dir --no-deps --require-hashes --requirement requirements.lock

COPY --chown=b12:b12 pyproject.toml README.md LICENSE ./
COPY --chown=b12:b12 b12 b12
COPY --chown=b12:b12 contracts contracts
COPY --chown=b12:b12 expectations expectations
COPY --chown=b12:b12 lake lake
COPY --chown=b12:b12 pipelines pipelines
COPY --chown=b12:b12 registry registry
COPY --chown=b12:b12 sites sites
COPY --chown=b12:b12 streams streams
RUN pip install --no-cache-dir --no-deps --no-build-isolation .

VOLUME ["/var/lib/b12", "/config"]
ENTRYPOINT ["b12"]
CMD ["--help"]
