# Builds the wheel and its environment with compilers at hand; the final stage has none.
FROM python:3.11-slim-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev pkg-config && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN python -m venv /opt/image-grpc \
 && /opt/image-grpc/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY src ./src
RUN /opt/image-grpc/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data image-grpc && install -d -o image-grpc /data
COPY --from=build /opt/image-grpc /opt/image-grpc
ENV PATH=/opt/image-grpc/bin:$PATH \
    IMAGE_GRPC_LISTEN=0.0.0.0:50051 \
    IMAGE_GRPC_DATA_DIR=/data
USER 10001
VOLUME /data
EXPOSE 50051
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-m", "image_grpc.probe", "127.0.0.1:50051"]
ENTRYPOINT ["image-grpc"]
CMD ["up"]
