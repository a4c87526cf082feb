# accessiflow: `make demo` and `make test` are all that a fresh machine needs (git, make, bash, curl, Maven, Java 17, Python 3.11).
SHELL    := /bin/bash
VENVS    ?= $(CURDIR)/.venvs
NEXTFLOW := $(CURDIR)/scripts/nextflow
STAGES   := $(filter-out enformer,$(notdir $(patsubst %/,%,$(wildcard containers/*/))))  # enformer: large wheels, only on demand (make envs STAGES=enformer)
OUTDIR   ?= results
ARGS     ?=

.PHONY: help demo docs-tables test test-fast test-jax test-room test-trust test-containers test-enformer lint notebook envs test-env nextflow lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: envs nextflow ## simulate a study of known truth, analyse it from end to end, print the report's path
	@$(NEXTFLOW) run $(CURDIR) -profile demo,venv --outdir $(OUTDIR) -ansi-log false $(ARGS)
	@echo "Report: $$(cd $(OUTDIR) && pwd)/report.html"

JAX_TESTS = $(addprefix tests/,$(addsuffix .py,$(addprefix unit/test_,model_backends model_presets training training_compute \
	training_run training_objectives training_checkpoint prediction scoring_sad scoring_effects \
	interpretation_ism library_laws) $(addprefix golden/test_,model training scoring prediction)))
PYTEST = PATH="$(VENVS)/.nextflow:$$PATH" OMP_NUM_THREADS=1 $(VENVS)/test/bin/python -m pytest

test: test-env envs nextflow lint ## every test but those of test-trust and test-containers (nf-test suites too where nf-test is on PATH)
	@$(MAKE) -s test-jax
	@$(PYTEST) -n 2 --dist loadgroup --no-loadscope-reorder -q -m "not trust and not containers" $(ARGS)
	@scripts/run_nf_test.sh $(VENVS)

test-trust: test-env envs nextflow ## faults, bad input, security, reproducibility at length, on a SLURM of two nodes too (root, Debian)
	@scripts/slurm_lab.sh up || echo "SLURM cannot be brought up here: its tests are skipped"
	@$(PYTEST) -n 2 --dist loadgroup --no-loadscope-reorder -q -m "not containers" tests/trust $(ARGS); code=$$?; scripts/slurm_lab.sh down; exit $$code

test-containers: test-env envs nextflow ## build the images with buildah, run the stages in them through charliecloud (root, Debian)
	@CONTAINERS=1 $(PYTEST) -q -m containers tests/trust $(ARGS)

test-fast: test-env ## the tests that run no pipeline
	@OMP_NUM_THREADS=1 $(VENVS)/test/bin/python -m pytest -n 2 --dist loadgroup -q -m "not nextflow and not slow" $(ARGS)

test-room: test-env ## the tests of one room, as in make test-room ROOM=peaks (tests/unit/test_ROOM*.py and tests/golden/test_ROOM*.py)
	@$(PYTEST) -q $(or $(wildcard tests/unit/test_$(ROOM)*.py tests/golden/test_$(ROOM)*.py),$(error no tests of a room '$(ROOM)')) $(ARGS)

test-jax: ## the networks' tests on JAX, in an environment without TensorFlow
	@scripts/build_envs.sh $(VENVS) test-jax
	@OMP_NUM_THREADS=1 $(VENVS)/test-jax/bin/python -m pytest -n 2 --dist loadfile -q $(JAX_TESTS) $(ARGS)

test-enformer: envs test-env ## the Enformer adapter against its package (large wheels: 6 GB)
	@$(MAKE) -s envs STAGES=enformer
	@PYTHONPATH=$(VENVS)/test/lib/python3.11/site-packages $(VENVS)/enformer/bin/python -m pytest -q tests/unit/test_prediction_enformer.py

lint: test-env ## ruff, check and format; the strict syntax of Nextflow
	@$(VENVS)/test/bin/ruff check -q . && $(VENVS)/test/bin/ruff format -q --check .
	@scripts/lint_nextflow.sh

envs: ## one Python environment per stage in .venvs/; GPU=jax: train and score with JAX for CUDA too
	@scripts/build_envs.sh $(VENVS) $(STAGES) $(if $(filter jax,$(GPU)),train-jax score-jax)

test-env:
	@scripts/build_envs.sh $(VENVS) test

nextflow: ## bring Nextflow (the user's own, else the official installer, else Maven Central)
	@$(NEXTFLOW) -version >/dev/null
	@mkdir -p $(VENVS)/.nextflow && ln -sfn $(NEXTFLOW) $(VENVS)/.nextflow/nextflow

lock: ## pin every requirements.in again
	@scripts/lock_requirements.sh

docs-tables: test-env ## write the tables of docs/ that are made from the code
	@$(VENVS)/test/bin/python scripts/docs_tables.py

notebook: test-env ## run examples/notebook.ipynb on the results in OUTDIR and show it as OUTDIR/notebook.html
	@ACCESSIFLOW_RESULTS=$(abspath $(OUTDIR)) PYTHONPATH=$(CURDIR)/bin $(VENVS)/test/bin/jupyter nbconvert --log-level WARN --execute \
		--to html --output-dir $(abspath $(OUTDIR)) examples/notebook.ipynb
	@echo "Notebook: $(abspath $(OUTDIR))/notebook.html"

clean: ## remove what the targets made, and what a build of the library left
	@rm -rf work .nextflow* $(OUTDIR) .pytest_cache .ruff_cache build bin/*.egg-info native/build native/*.egg-info .nf-test .nf-test-study
