# The short names of what we do every day. `make` alone lists them.
.POSIX:
.PHONY: help run test security clients deploy lint bench

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' Makefile

run: ## build the shop and open it
	cargo run --release

test: ## everything that CI runs
	cargo xtask ci

security: ## the long proofs of docs/security, by other people's tools
	cargo xtask security

clients: ## make the TypeScript and Python clients, and try them in a shop
	cargo xtask clients

deploy: ## what is shipped for running a shop, by the tools of its formats: docs/deploy
	cargo xtask deploy

lint: ## formatting, lints and our own rules, without the tests
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo xtask tidy

bench: ## how fast and how small the shop is, beside named peers: docs/performance
	cargo xtask bench
