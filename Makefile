# Everything that a developer needs. Each target sets up what it needs.
VENV := .venv
PYTHON := $(VENV)/bin/python
READY := $(VENV)/.ready
LOCK := $(VENV)/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --quiet
IMAGE := build/image.binpb
BASE := build/base

.PHONY: help demo run test check protos bench lock clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

demo: $(READY) ## make a picture of each kind into demo/ and show what happened
	$(VENV)/bin/image-grpc demo --out demo

run: $(READY) ## run everything in one process, with GetImg.AI's stand-in if there is no GETIMG_API_KEY
	$(VENV)/bin/image-grpc up

test: $(READY) servers ## run the tests, against a RabbitMQ and a PostgreSQL that they start themselves
	$(PYTHON) -m pytest -n 2 --dist loadfile -q $(TESTS)

check: $(READY) ## lint, types, imports, contracts, generated code
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	@mkdir -p build
	$(PYTHON) tools/protos.py image protos $(IMAGE)
	$(VENV)/bin/buf lint $(IMAGE) --config buf.yaml
	@$(MAKE) --no-print-directory breaking generated

.PHONY: servers
servers: # the tests start throwaway servers of their own from Debian's packages
	@{ test -x /usr/lib/rabbitmq/bin/rabbitmq-server && ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; } || \
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq rabbitmq-server postgresql; }

.PHONY: breaking generated
breaking: # the contracts against those of main: of the remote, or of this clone if it has none
	@rm -rf $(BASE) && mkdir -p $(BASE)
	@base=$$(git rev-parse -q --verify origin/main || git rev-parse -q --verify main || git rev-parse HEAD) && \
	git archive $$base protos | tar -x -C $(BASE) && \
	$(PYTHON) tools/protos.py image $(BASE)/protos $(BASE)/image.binpb && \
	$(VENV)/bin/buf breaking $(IMAGE) --against $(BASE)/image.binpb --config buf.yaml && \
	echo "contracts: nothing broken since $$(git rev-parse --short $$base)"

generated: # regenerating changes nothing
	@rm -rf build/generated && mkdir -p build/generated
	@$(PYTHON) tools/protos.py stubs protos build/generated
	@diff -r -x __pycache__ build/generated src/generated
	@$(PYTHON) tools/settings.py | diff - docs/settings.md
	@$(PYTHON) -m tools.hub_page | diff - docs/hub.md
	@$(PYTHON) -m tools.asyncapi | diff - docs/asyncapi.yaml
	@$(PYTHON) -m tools.asyncapi docs/asyncapi.yaml
	@echo "generated code and pages: up to date"

protos: $(READY) ## make the stubs of src/generated anew
	rm -rf src/generated && mkdir -p src/generated
	$(PYTHON) tools/protos.py stubs protos src/generated

.PHONY: docs
docs: $(READY) ## write docs/settings.md, docs/hub.md and docs/asyncapi.yaml anew
	$(PYTHON) tools/settings.py > docs/settings.md
	$(PYTHON) -m tools.hub_page > docs/hub.md
	$(PYTHON) -m tools.asyncapi > docs/asyncapi.yaml

bench: $(READY) ## measure, each figure beside its floor
	$(PYTHON) -m benchmarks

lock: $(READY) ## pin the dependencies anew
	$(LOCK) --extra embedded -o requirements.lock
	$(LOCK) --extra dev --constraints requirements.lock -o requirements-dev.lock

clean: ## remove what the targets made
	rm -rf $(VENV) build demo data .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): requirements-dev.lock pyproject.toml
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
