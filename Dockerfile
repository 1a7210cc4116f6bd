# VoiceSplat on CPUs. docs/ways-in.md says how it is built and used.
FROM python:3.12-slim AS wheel
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.12-slim
# An index with builds of torch for CPUs, where the default one gives those for CUDA.
ARG PIP_EXTRA_INDEX_URL
COPY constraints.txt /tmp/
COPY --from=wheel /wheels /tmp/wheels
RUN pip install --no-cache-dir -c /tmp/constraints.txt /tmp/wheels/*.whl && rm -r /tmp/wheels
# Kernels for the processor that builds this; another one compiles its own, once.
RUN voicesplat warm

RUN useradd --create-home --uid 1000 speaker
USER speaker
WORKDIR /work
VOLUME /home/speaker/.cache
EXPOSE 8000
ENTRYPOINT ["voicesplat"]
CMD ["--help"]
