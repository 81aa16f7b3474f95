# docs/deployment.md tells how to build, run and upgrade it.

# The tag follows the security fixes of Python 3.13 and Debian 13: build with --pull to have them.
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS build
WORKDIR /build
COPY requirements.txt ./
# What the file names and nothing else: no embedded servers, no resolving, no compiler.
RUN grep -v '^-r requirements-embedded' requirements.txt > production.txt \
    && python -m venv --without-pip /venv \
    && python -m pip --python /venv/bin/python install --no-cache-dir --no-compile --no-deps \
        --only-binary :all: -r production.txt \
    && python -m pip --python /venv/bin/python check
WORKDIR /app
COPY manage.py gunicorn.conf.py ./
COPY shelfwise shelfwise
COPY catalog catalog
COPY orders orders
# Nothing is written at run time, so bytecode is made here. Readable whatever the checkout's umask.
RUN /venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /venv/lib /app \
    && chmod -R a+rX /venv /app

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="ShelfWise" \
    org.opencontainers.image.description="A book catalogue and ordering service for many tenants" \
    org.opencontainers.image.version="0.1.0"
RUN groupadd --gid 10001 shelfwise \
    && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin shelfwise
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PORT=8000
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
# By number: orchestrators that refuse root can't look a name up.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# Alive, not ready: restarting it would not bring a database back.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["python", "-m", "shelfwise.observability.probe", "live"]
# No shell between: gunicorn is process 1 and hears the signals.
CMD ["gunicorn", "shelfwise.wsgi:application", "--config", "gunicorn.conf.py"]
