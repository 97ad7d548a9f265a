"""A product has 100 versions at most in Service Catalog: told before the deployment fails. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from operations.errors import TooManyVersions
from products.versions import Version

MOST = 100  # https://docs.aws.amazon.com/general/latest/gr/servicecatalog.html
NEAR = 80
_NAMED = 5


def remark_on(published: Sequence[Version]) -> str:
    """Return what to say when one more version is published, "" while the limit is far.

    Raises TooManyVersions for the hundredth: the last one stays free, so that what is wrong can still be put right.
    """
    count = len(published) + 1
    if count >= MOST:
        raise TooManyVersions(count=len(published), candidates=removable(published))
    if count < NEAR:
        return ""
    return f"This is version {count}. Service Catalog allows {MOST} per product. {removable(published)}"


def removable(published: Sequence[Version]) -> str:
    """Return which versions may go first: those that nobody may launch or update to, then those nobody may launch."""
    for guidance in ("INACTIVE", "DEPRECATED"):
        names = [each.version for each in published[:-1] if each.guidance == guidance]
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            return f"Remove the oldest {guidance} versions first: {', '.join(names[:_NAMED])}{more}."
    names = [each.version for each in published[:-1]][:_NAMED]
    return f"No version is INACTIVE. The oldest are {', '.join(names)}."
