"""CloudFormation takes an answer of 4,096 bytes, all of it: attributes, reason and ids. Pure.

(AWS CloudFormation user guide, "Custom resource response objects"; the framework's cfn-response.js writes it.)
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from custom_resources.errors import AnswerTooLong

MOST = 4096  # CloudFormation's limit of a custom resource's answer
_IDS = ("StackId", "RequestId", "PhysicalResourceId", "LogicalResourceId")
_OF_THE_FRAMEWORK = 1250  # bytes that it adds to a reason: the log's name and its own trace, at most ten lines
_LEAST_REASON = 500  # that are left for a reason, however long the rest is
_CUT = "... (cut)"
_MORE = "... (and the rest is in the function's log)"


def answered(event: Mapping[str, Any], data: Mapping[str, str]) -> int:
    """Return the bytes of the answer that the provider framework makes of a request and its attributes."""
    ids = {name: str(event.get(name, "")) for name in _IDS}
    return _bytes({"Status": "SUCCESS", "Reason": "SUCCESS", **ids, "Data": dict(data)})


def fitted(event: Mapping[str, Any], data: Mapping[str, str], for_people: Collection[str]) -> dict[str, str]:
    """Return the attributes so that the answer fits: those that only people read are cut, and say so.

    Raises AnswerTooLong where the others alone do not fit: nothing that a template uses is cut.
    """
    if answered(event, data) <= MOST:
        return dict(data)
    kept = {name: "" if name in for_people else value for name, value in data.items()}
    room = MOST - answered(event, kept)
    if room < 0:
        longest = max(kept, key=lambda name: len(kept[name]))
        raise AnswerTooLong(size=answered(event, kept), limit=MOST, attribute=longest)
    cut = sorted((name for name in data if name in for_people), key=lambda name: _length(data[name]))
    for number, name in enumerate(cut):
        kept[name] = shortened(data[name], room // (len(cut) - number))
        room -= _length(kept[name])
    return kept


def shortened(value: str, most: int) -> str:
    """Return a list of names or sentences within so many bytes, with how many are left out; "" where none fits."""
    if _length(value) <= most:
        return value
    between = "; " if "; " in value else ","
    parts = value.split(between)
    for left_out in range(1, len(parts)):
        found = between.join([*parts[:-left_out], f"... and {left_out} more"])
        if _length(found) <= most:
            return found
    return _cut(value, most, _CUT)


def reason(event: Mapping[str, Any], text: str) -> str:
    """Return why a request failed, so that the answer fits with what the framework adds to it."""
    ids = {name: str(event.get(name, "")) for name in _IDS}
    most = MOST - _OF_THE_FRAMEWORK - _bytes({"Status": "FAILED", "Reason": "", **ids})
    return _cut(text, max(most, _LEAST_REASON), _MORE)


def _cut(text: str, most: int, mark: str) -> str:
    if _length(text) <= most:
        return text
    low, high = 0, len(text)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _length(text[:middle] + mark) <= most else (low, middle - 1)
    found = text[:low] + mark
    return found if _length(found) <= most else ""


def _length(text: str) -> int:
    """Return the bytes that a text takes within the quotes of JSON."""
    return _bytes(text) - 2


def _bytes(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace"))
