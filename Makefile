# Everything a developer needs. Each target installs its own prerequisites into .venv.
VENV := .venv
PYTHON := $(VENV)/bin/python
UV := VIRTUAL_ENV=$(VENV) $(VENV)/bin/uv pip
# Stamps of what .venv contains: the tools that install, the runtime dependencies with the packages of this
# repository, the development dependencies. Bytecode is compiled on installation: where PYTHONDONTWRITEBYTECODE is
# set, every start would compile everything again, which takes seconds.
BUILD := $(VENV)/.build
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
PACKAGES := clients/python . packages/getimg-standin
TEST_PACKAGES := packages/image-grpc-testkit
# What tests write is kept in memory if there is room, and programs may run there: it is synced to disk and deleted
# thousands of times.
SCRATCH := $(if $(TMPDIR),,$(shell { test "$$(df --output=avail /dev/shm | tail -n 1)" -gt 4000000 && \
	! findmnt -no OPTIONS -T /dev/shm | grep -q noexec && echo TMPDIR=/dev/shm; } 2>/dev/null))
# Bytecode is kept, so that the assertions of tests are rewritten once: for build/collected, not by each worker.
PYTEST := PYTHONDONTWRITEBYTECODE= OPENBLAS_NUM_THREADS=1 $(SCRATCH) $(PYTHON) -m pytest
LOCK := $(UV) compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-package getimg-standin --no-emit-package image-grpc-client --no-emit-index-url --no-header --quiet
# The contract of the last release, as `buf build` writes it.
RELEASED := protos/released.binpb

.PHONY: help demo run test faults check clients protos bench lock clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

demo: $(RUNTIME) ## generate one picture of each kind into demo/ and show what happened
	$(VENV)/bin/image-grpc demo --out demo

run: $(RUNTIME) ## run all servers in one process; without GETIMG_API_KEY, the stand-in draws
	$(VENV)/bin/image-grpc up

test: $(if $(TESTS),$(DEV),build/collected) servers ## run the tests with their own RabbitMQ and PostgreSQL
	$(PYTEST) -n 5 --dist loadfile --no-loadscope-reorder -q $(TESTS)

build/collected: $(DEV) $(shell find tests packages -name '*.py')
	@mkdir -p build
	@$(PYTEST) --collect-only -q > $@ || { cat $@; rm $@; exit 1; }

faults: $(DEV) servers ## run the tests that break a whole platform: processes, broker, databases, clocks
	$(PYTEST) -n 2 --dist loadfile -q -m faults tests

clients: $(DEV) servers ## build the clients, and run their examples against a real server
	$(PYTEST) -q -m clients tests/clients

check: $(DEV) ## check format, lint, types, imports, contracts and generated files
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/mypy clients/python/example
	PYTHONPATH=src/generated $(VENV)/bin/lint-imports
	$(PYTHON) tools/limits.py src/image_grpc clients/python/src packages/getimg-standin/src
	$(VENV)/bin/buf lint
	$(VENV)/bin/buf breaking --against $(RELEASED)
	$(PYTHON) tools/bounded_waits.py src/image_grpc/hub/amqp
	@$(MAKE) --no-print-directory generated

.PHONY: servers
servers: # install the Debian packages of the servers and generators that the tests start
	@{ test -x /usr/lib/rabbitmq/bin/rabbitmq-server && ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 && \
	test -x /usr/sbin/pgbouncer && test -x /usr/bin/faketime && test -x /usr/bin/promtool && test -x /usr/bin/protoc && \
	test -x /usr/bin/protoc-gen-go-grpc; } || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	rabbitmq-server postgresql pgbouncer faketime prometheus protobuf-compiler protoc-gen-go-1-5 protoc-gen-go-grpc; }

.PHONY: generated
generated: # check that generated files are up to date
	@rm -rf build/generated && mkdir -p build/generated
	@$(PYTHON) tools/protos.py stubs protos build/generated
	@diff -r -x __pycache__ build/generated src/generated
	@$(PYTHON) tools/settings.py | diff - docs/settings.md
	@$(PYTHON) -m tools.hub_page | diff - docs/hub.md
	@$(PYTHON) -m tools.asyncapi | diff - docs/asyncapi.yaml
	@$(PYTHON) -m tools.asyncapi docs/asyncapi.yaml
	@$(PYTHON) -m tools.api_reference build/generated/reference
	@diff -r build/generated/reference docs/reference
	@echo "generated code and pages: up to date"

protos: $(DEV) servers ## regenerate the stubs in src/generated and clients/go
	rm -rf src/generated && mkdir -p src/generated
	$(PYTHON) tools/protos.py stubs protos src/generated
	clients/go/generate.sh

.PHONY: docs
docs: $(DEV) ## regenerate the generated pages in docs/, and build the site in build/site
	$(PYTHON) tools/settings.py > docs/settings.md
	$(PYTHON) -m tools.hub_page > docs/hub.md
	$(PYTHON) -m tools.asyncapi > docs/asyncapi.yaml
	$(PYTHON) -m tools.api_reference docs/reference
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --quiet

bench: $(DEV) ## run the benchmarks
	$(PYTHON) -m benchmarks

lock: $(BUILD) ## pin the dependencies again
	$(LOCK) --extra embedded --extra c2pa -o requirements.lock
	$(UV) compile --group build --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --quiet -o requirements-build.lock
	$(LOCK) --extra dev --constraints requirements.lock --constraints requirements-build.lock -o requirements-dev.lock

clean: ## remove everything that the targets created
	rm -rf $(VENV) build demo data .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BUILD): requirements-build.lock
	@echo "Creating $(VENV)"
	@python3 -m venv $(VENV)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(RUNTIME): $(BUILD) requirements.lock $(PACKAGES:%=%/pyproject.toml)
	@echo "Installing the runtime dependencies"
	@$(UV) install --compile-bytecode --require-hashes -r requirements.lock
	@$(UV) install --no-deps --no-build-isolation $(PACKAGES:%=-e %)
	@$(PYTHON) -m compileall -q $(PACKAGES:%=%/src)
	@touch $@

$(DEV): $(RUNTIME) requirements-dev.lock $(TEST_PACKAGES:%=%/pyproject.toml)
	@echo "Installing the development dependencies"
	@$(UV) install --compile-bytecode --require-hashes -r requirements-dev.lock
	@$(UV) install --no-deps --no-build-isolation $(TEST_PACKAGES:%=-e %)
	@touch $@
