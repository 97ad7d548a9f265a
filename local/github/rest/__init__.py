"""The REST API: one module a subject, each registering its routes when it is imported."""

# ruff: noqa: F401
import local.github.rest.accounts
import local.github.rest.actions
import local.github.rest.apps
import local.github.rest.commits
import local.github.rest.contents
import local.github.rest.pulls
import local.github.rest.references
import local.github.rest.repositories
import local.github.rest.rules
