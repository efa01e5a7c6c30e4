# The pipeline with Airflow: every Python package from requirements.lock, with its hash.
# Another base (a mirror, a hardened image): --build-arg PYTHON_BASE=... ; it brings Python 3.11 to 3.13.
ARG PYTHON_BASE=python:3.12-slim-bookworm

FROM ${PYTHON_BASE} AS environment
# Another package index than the public one, where set; the stage that runs does not know it.
ARG PIP_INDEX_URL
ARG UV_DEFAULT_INDEX
WORKDIR /build
COPY requirements.lock requirements-bootstrap.lock ./
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --quiet --no-cache-dir --disable-pip-version-check \
        --require-hashes -r requirements-bootstrap.lock \
    && /opt/venv/bin/uv pip sync --quiet --no-cache --compile-bytecode --python /opt/venv/bin/python \
        --require-hashes requirements.lock requirements-bootstrap.lock

FROM ${PYTHON_BASE}
RUN command -v sudo > /dev/null || { apt-get update -qq \
    && apt-get install -qq --no-install-recommends sudo && rm -rf /var/lib/apt/lists/*; }
# Airflow runs as `revlog`, and starts the task of a stage as the user that is called like the stage's role: the
# password of a role is in a file that its own user reads, and nobody else but revlog. Numbers, so that mounted
# folders can be given to them; group 10001 is everybody's here.
RUN groupadd --gid 10001 revlog \
    && useradd --uid 10001 --gid revlog --no-create-home --home-dir /var/lib/revlog --shell /usr/sbin/nologin revlog \
    && uid=10011 \
    && for role in loader transformer validator publisher reporter maintainer sender; do \
        useradd --uid $uid --user-group --groups revlog --no-create-home --home-dir /var/lib/revlog \
            --shell /usr/sbin/nologin $role \
        && usermod --append --groups $role revlog && uid=$((uid + 1)) || exit 1; \
    done \
    && groupadd --gid 10030 customer_key \
    && for user in revlog loader maintainer; do usermod --append --groups customer_key $user || exit 1; done \
    && groupadd --gid 10040 superset && usermod --append --groups superset revlog \
    && install -d -o revlog -g revlog -m 2770 /var/lib/revlog \
    && install -d -o revlog -g revlog -m 0755 /landing \
    && install -d -o revlog -g revlog -m 0711 /run/revlog /run/revlog/warehouse /run/revlog/superset \
    && install -d -o revlog -g revlog -m 0700 /run/revlog/airflow
COPY docker/sudoers /etc/sudoers.d/revlog
COPY --from=environment /opt/venv /opt/venv
COPY . /app
WORKDIR /app
# The commit that ops.publications records behind the version; the image has no .git to ask.
ARG CODE_VERSION
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/var/lib/revlog \
    REVLOG_VAR=/var/lib/revlog \
    AIRFLOW_HOME=/var/lib/revlog/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/app/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/app/airflow_plugins \
    LANDING_URL=/landing \
    GX_ANALYTICS_ENABLED=False \
    DO_NOT_TRACK=1 \
    CODE_VERSION=${CODE_VERSION}
RUN chmod 0440 /etc/sudoers.d/revlog && visudo --check --quiet \
    && uv pip install --quiet --no-cache --offline --no-deps --no-build-isolation --python /opt/venv/bin/python \
        --editable /app \
    && python -m compileall -q /app
USER revlog
VOLUME /var/lib/revlog
EXPOSE 8080
ENTRYPOINT ["sh", "/app/docker/enter.sh"]
CMD ["airflow", "info"]
