"""The REST API: one module a subject, each registering its routes."""

from local.github.rest import (  # noqa: F401
    accounts,
    actions,
    apps,
    contents,
    pulls,
    references,
    repositories,
    rules,
)
