"""What single values of settings.toml look like: a type with its pattern for each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from products.settings.section import PARTITION

HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._/-]*)?\Z")]
RoleArnGiven = Annotated[str, StringConstraints(pattern=rf"^{PARTITION}:iam::\d{{12}}:role/[\w+=,.@/-]+\Z")]
PrincipalArn = Annotated[str, StringConstraints(pattern=rf"^{PARTITION}:iam::\d{{12}}:(role|user|group)/[\w+=,.@-]+\Z")]
PrincipalPattern = Annotated[str, StringConstraints(pattern=rf"^{PARTITION}:iam:::(role|user|group)/[\w+=,.@/*?-]+\Z")]
ProductId = Annotated[str, StringConstraints(pattern=r"^prod-[a-z0-9]{1,64}\Z")]
# "" stands for none: where roles without a boundary are valid.
BoundaryArn = Annotated[str, StringConstraints(pattern=rf"^({PARTITION}:iam::(\d{{12}}|aws):policy/[\w+=,.@/-]+)?\Z")]
OrganizationNode = Annotated[str, StringConstraints(pattern=r"^(o-[a-z0-9]{10,32}|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32})\Z")]
Email = Annotated[str, StringConstraints(pattern=r"^([^@\s]+@[^@\s]+\.[^@\s]+)?\Z")]
# A foundation model of Amazon Bedrock by its id, which begins with its maker; * at the end stands for any characters.
ModelId = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*\.([A-Za-z0-9][A-Za-z0-9._:-]*\*?|\*)\Z", max_length=64)
]
# Roles by name, with their path, or by ARN; * stands for any characters. None begins with it: that is any role.
RolePattern = Annotated[
    str,
    StringConstraints(pattern=rf"^({PARTITION}:iam::\d{{12}}:role/)?[\w+=,.@-][\w+=,.@*-]*(/[\w+=,.@*-]+)*\Z"),
]
# GitHub's rule for the name of a secret, in the spelling that GitHub shows.
SecretName = Annotated[str, StringConstraints(pattern=r"^(?!GITHUB_)[A-Z_][A-Z0-9_]{0,254}\Z")]
SecretReference = Annotated[
    str,
    StringConstraints(
        pattern=rf"^{PARTITION}:secretsmanager:([a-z0-9-]+:\d{{12}}|\*:\*):secret:[\w/+=.@-]+(#[\w.-]+)?\Z"
    ),
]
# Everybody who can read the repository can read it.
VariableValue = Annotated[
    str, StringConstraints(min_length=1, max_length=4000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+\Z")
]
Reviewer = Annotated[str, StringConstraints(pattern=r"^(team|user):[1-9][0-9]{0,18}\Z")]  # by id
Visibility = Literal["private", "internal", "public"]
# In one organization; `*` stands for a part of the name. Twenty fit into a function's environment.
RepositoryPattern = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._*-]{1,100}\Z")
]
FolderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*\Z")]
# One of GitHub's users, by its login; some logins of Enterprise Managed Users have an underscore.
Login = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,37}[A-Za-z0-9_])?\Z")]
LoginOrTeam = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,38}(?:/[a-z0-9][a-z0-9_-]{0,99})?\Z")
]
