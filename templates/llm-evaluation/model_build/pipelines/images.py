"""SageMaker's images and the day their patches end (AWS, "Deep Learning Containers support policy")."""

from __future__ import annotations

from datetime import date, timedelta

PATCHED_UNTIL = {
    ("xgboost", "3.2-0"): date(2027, 5, 13),
    ("sklearn", "1.9-0"): date(2027, 7, 16),
}
NOTICE = timedelta(days=60)  # tests/test_images.py fails that long before


class UnknownImage(Exception):
    """The table has no such version."""


def require_known(framework: str, version: str) -> date:
    """Return the day until which a version is patched. Raises UnknownImage."""
    if (framework, version) not in PATCHED_UNTIL:
        known = ", ".join(each for name, each in PATCHED_UNTIL if name == framework)
        raise UnknownImage(f"The {framework} image {version} is not in pipelines/images.py, which lists {known}.")
    return PATCHED_UNTIL[framework, version]
