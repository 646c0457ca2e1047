# TransferSeg on a server.
#   CPU:   docker build -t transferseg .
#   CUDA:  docker build -t transferseg:cuda --build-arg BASE=pytorch/pytorch:2.8.0-cuda12.8-cudnn9-runtime .
#   run:   docker run --rm -v "$PWD":/work -v transferseg:/data/transferseg transferseg segment --help
#          (with a GPU: add --gpus all; to own what it writes: add --user "$(id -u):$(id -g)")
# Any base with Python >= 3.11 and pip will do. A smaller torch for the CPU, or a mirror, comes from the index that
# --build-arg PIP_EXTRA_INDEX_URL=ADDRESS names.
ARG BASE=python:3.12-slim
# hadolint ignore=DL3006
FROM ${BASE}

ARG PIP_EXTRA_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    TRANSFERSEG_HOME=/data/transferseg

WORKDIR /opt/transferseg
COPY pyproject.toml README.md LICENSE ./
COPY TransferSegLib TransferSegLib
RUN pip install .

# Models and caches outlive the container here; open to any user, so that --user works.
RUN useradd --create-home --uid 10001 transferseg \
    && install --directory --mode 1777 /data/transferseg
VOLUME ["/data/transferseg"]

USER 10001
WORKDIR /work
ENTRYPOINT ["transferseg"]
CMD ["--help"]
