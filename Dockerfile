# Needs IMAGE_GRPC_API_KEYS_FILE or another way to authenticate callers, or IMAGE_GRPC_INSECURE=true: see
# docs/security.md.
#
# Builds the wheels and their environment with compilers; the final stage has none.
FROM python:3.11-slim-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev pkg-config && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements-build.lock requirements.lock ./
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements-build.lock \
 && python -m venv --without-pip /opt/image-grpc \
 && /opt/build/bin/uv pip install --no-cache --python /opt/image-grpc --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
COPY clients/python ./clients/python
COPY packages ./packages
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels ./clients/python . ./packages/getimg-standin \
 && /opt/build/bin/uv pip install --no-cache --python /opt/image-grpc --no-deps /wheels/*.whl

FROM python:3.11-slim-bookworm
# For scripts that the fonts of the package do not have.
RUN apt-get update && apt-get install --yes --no-install-recommends fonts-noto-core && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /data image-grpc && install -d -o image-grpc /data
COPY --from=build /opt/image-grpc /opt/image-grpc
ENV PATH=/opt/image-grpc/bin:$PATH \
    IMAGE_GRPC_LISTEN=0.0.0.0:50051 \
    IMAGE_GRPC_HEALTH_LISTEN=127.0.0.1:50052 \
    IMAGE_GRPC_DATA_DIR=/data
USER 10001
VOLUME /data
EXPOSE 50051
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-m", "image_grpc.probe", "127.0.0.1:50052"]
ENTRYPOINT ["image-grpc"]
CMD ["up"]
