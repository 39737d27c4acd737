# What people who work on jerne call; users need none of it.
.PHONY: check format test slow bench faults

check:  ## lint, format, types, import contracts: what CI checks
	uv run ruff check
	uv run ruff format --check
	uv run mypy
	uv run lint-imports

format:  ## put the code in form
	uv run ruff check --fix
	uv run ruff format

test:  ## the fast tests
	uv run pytest

slow:  ## the slow tests
	uv run --all-extras pytest -m slow -n 0

bench:  ## speed, as ratios to yardsticks measured in the same run
	uv run python benchmarks/tick.py

faults:  ## what bad networks, dying robots and broken bytes do to a swarm; about 45 minutes, needs root
	uv run python benchmarks/faults.py
