"""The properties that CloudFormation gives a custom resource: their base, and types that several resources share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_pascal


class Properties(BaseModel):
    """Typed ResourceProperties; strings are converted by the declared type ("true" -> True)."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_pascal, populate_by_name=True, regex_engine="python-re"
    )

    retain_on_failure: bool = False  # a Delete that the token does not permit leaves things as they are and succeeds


# A text that cannot leave its line: not in a commit's trailers, a description or a header.
Line = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
LineOrNothing = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*\Z")]
# A repository's full name, and a branch's (git-check-ref-format): neither leaves its place in a URL or an argument.
FullName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}\Z")]
BranchName = Annotated[str, StringConstraints(pattern=r"^(?![-/])(?!.*(?:\.\.|//|@\{))[^\x00-\x20\x7f~^:?*\[\\]+\Z")]
