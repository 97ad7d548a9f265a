"""The class of a Python function's error, as Lambda tells it."""

from __future__ import annotations

import pytest

from standins.aws.function_errors import error_type

FIRST = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    raise Wrong("x")\n'


@pytest.mark.parametrize(
    ("log", "name"),
    [
        ("", ""),
        ("a line that the function wrote\n", ""),
        (f"{FIRST}KeyError: 'id'\n", "KeyError"),
        (f"{FIRST}custom_resources.errors.ProjectNotFound: Studio has not found it.\nTwo lines.\n", "ProjectNotFound"),
        (f"{FIRST}ValueError: first\n\nDuring handling of it:\n\n{FIRST}package.Second: then\n", "Second"),
        (f"{FIRST}StopIteration\n", "StopIteration"),
    ],
)
def test_the_error_that_a_log_ends_with_has_its_class(log: str, name: str) -> None:
    assert error_type(log) == name
