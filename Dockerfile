# One image serves and trains: `docker run ... serve --host 0.0.0.0`, `docker run ... train digits --name digits-gan`.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements.lock ./
COPY requirements requirements
# The runtime environment gets no pip; another one installs into it. Every file is known by its hash but torch's, whose
# build is yours to choose: `docker build --secret id=pip,src=pip.conf .` builds with your pip configuration, say one that
# prefers torch for CPUs. Only a change of these files installs torch anew.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes -r requirements/build.txt \
    && python -m venv --without-pip /opt/venv \
    && /opt/build/bin/pip --python /opt/venv/bin/python install --require-hashes --no-deps -r requirements/image.txt \
    && /opt/build/bin/pip --python /opt/venv/bin/python install -c requirements.lock torch
COPY pyproject.toml README.md LICENSE ./
COPY app app
# Nothing else can come in (`--no-index`), so the wheel's installation tells whether anything is missing. The last line
# lists all that there is.
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation -w dist . \
    && /opt/build/bin/pip --python /opt/venv/bin/python install --no-index --find-links dist 'fount[train]' \
    && /opt/build/bin/pip --python /opt/venv/bin/python check \
    && /opt/build/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --of JSON \
        -o sbom.cdx.json /opt/venv/bin/python

FROM ${PYTHON_IMAGE}
# What the service never runs goes: installers, and programs that would run as somebody else.
RUN useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin fount \
    && install -d -o fount -g fount /fount /fount/runs \
    && rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages /usr/local/lib/python3*/ensurepip \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
COPY --from=build /src/sbom.cdx.json /usr/share/fount/sbom.cdx.json
COPY --from=build /opt/venv /opt/venv
# A fresh volume mounted here starts with these models and this owner.
COPY --chown=10001:10001 models /models
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title=fount \
    org.opencontainers.image.licenses=Apache-2.0 \
    org.opencontainers.image.version=${VERSION} \
    org.opencontainers.image.revision=${REVISION}
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    FOUNT_REPOSITORY__URL=/models
USER 10001:10001
WORKDIR /fount
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
ENTRYPOINT ["fount"]
CMD ["serve", "--host", "0.0.0.0"]
