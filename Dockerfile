# One image serves and trains: `docker run ... serve --host 0.0.0.0`, `docker run ... train digits --name digits-gan`.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY pyproject.toml requirements.lock ./
# The runtime environment gets no pip; another one installs into it. Only a change of these two files installs torch anew.
# `docker build --secret id=pip,src=pip.conf .` builds with your pip configuration, say one that prefers torch for CPUs.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv /opt/build \
    && /opt/build/bin/pip install -c requirements.lock hatchling \
    && python -m venv --without-pip /opt/venv \
    && python -c 'import tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
print(*project["dependencies"], *project["optional-dependencies"]["train"], sep="\n")' > requirements.txt \
    && /opt/build/bin/pip --python /opt/venv/bin/python install -c requirements.lock -r requirements.txt
COPY README.md LICENSE ./
COPY app app
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation -w dist . \
    && /opt/build/bin/pip --python /opt/venv/bin/python install --no-deps dist/*.whl

FROM ${PYTHON_IMAGE}
RUN useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin fount \
    && install -d -o fount -g fount /fount /fount/runs
COPY --from=build /opt/venv /opt/venv
# A fresh volume mounted here starts with these models and this owner.
COPY --chown=10001:10001 models /models
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
