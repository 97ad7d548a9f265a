"""The REST API: one module a subject, each registering its routes when it is imported."""

# ruff: noqa: F401
import standins.github.rest.accounts
import standins.github.rest.actions
import standins.github.rest.apps
import standins.github.rest.commits
import standins.github.rest.contents
import standins.github.rest.environments
import standins.github.rest.merges
import standins.github.rest.pull_people
import standins.github.rest.pulls
import standins.github.rest.references
import standins.github.rest.repositories
import standins.github.rest.rules
