"""What all tables of settings.toml share, and the texts that several of them hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

PARTITION = "arn:aws(-[a-z]+)*"
GitHubName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9-]{0,38})?\Z")]
Account = Annotated[str, StringConstraints(pattern=r"^\d{12}\Z")]
Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d\Z")]
RoleArn = Annotated[str, StringConstraints(pattern=rf"^({PARTITION}:iam::\d{{12}}:role/[\w+=,.@/-]+)?\Z")]


class Section(BaseModel):
    """One table: a key that is not known is refused, and no value is taken for one of another type."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", regex_engine="python-re")


def repeated(values: Sequence[str]) -> str:
    """Return the first value that is listed twice, else ""."""
    return next((value for number, value in enumerate(values) if value in values[:number]), "")
