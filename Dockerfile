# wanctl alone, for CI and for machines without Python:
#   docker build -t wanctl .
#   docker run --rm -v "$PWD:/work" --user "$(id -u):$(id -g)" -e DASHSCOPE_API_KEY wanctl plan
# The base by its digest, so that it is the same one tomorrow. A newer one: docker pull python:3.12-slim says it.
FROM python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea AS build
WORKDIR /src
COPY requirements/build.txt requirements/image.txt ./
RUN python -m venv /opt/wanctl \
    && /opt/wanctl/bin/pip install --no-cache-dir --no-deps --require-hashes --requirement image.txt \
    && python -m pip install --no-cache-dir --no-deps --require-hashes --requirement build.txt
COPY pyproject.toml README.md LICENSE ./
COPY wanctl ./wanctl
RUN python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/wanctl/bin/pip install --no-cache-dir --no-deps /wheels/*.whl \
    && /opt/wanctl/bin/pip uninstall --yes pip
RUN /opt/wanctl/bin/wanctl --version

FROM python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea
# git, its LFS and ssh: for a ledger that is a branch, and for the ref that watch follows. /work belongs to whoever mounts it, which git has to be told is meant.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git git-lfs openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && git lfs install --system --skip-repo \
    && git config --system --add safe.directory /work \
    && useradd --create-home --uid 10001 --home-dir /work wanctl
COPY --from=build /opt/wanctl /opt/wanctl
ENV PATH="/opt/wanctl/bin:$PATH" PYTHONUNBUFFERED=1
USER wanctl
WORKDIR /work
ENTRYPOINT ["wanctl"]
CMD ["--help"]
