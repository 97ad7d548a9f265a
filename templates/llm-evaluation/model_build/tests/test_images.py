"""The images that the steps run in are patched for 60 days more."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipelines import images
from pipelines.configuration import load


def test_the_image_in_use_is_patched_for_a_while():
    version = load(Path(__file__).parent.parent / "config.toml").compute.xgboost_image
    until = images.require_known("xgboost", version)
    today = datetime.now(UTC).date()
    assert today <= until - images.NOTICE, f"Patches of xgboost {version} end on {until}: choose a newer image."


def test_an_unknown_image_is_refused():
    assert images.require_known("xgboost", "3.2-0") == date(2027, 5, 13)
    with pytest.raises(images.UnknownImage, match=r"which lists 3\.2-0"):
        images.require_known("xgboost", "1.7-1")
