"""What no source settles about launches: the stand-in can do either."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from standins.aws.calls import Record

SOURCE_ACCOUNTS = ("own", "absent", "another")


@dataclass
class Behaviour:
    """The choices.

    searches_ids: SearchProvisionedProducts finds a launch by `id:`. updates_tainted: a TAINTED launch can be updated.
    keeps_parameters: a parameter that an update leaves out keeps its value; off, it takes the template's default.
    unchanged_fails: an update that changes nothing fails with CloudFormation's refusal; off, it makes AVAILABLE.
    source_account: what is told as aws:SourceAccount when a launch role is assumed: "own" the launch's account,
    "absent" nothing, "another" the account of somebody else.
    emptied: outputs of products that are empty, whatever their stacks say: names. tells_empty: what is empty is told.
    """

    searches_ids: bool = True
    updates_tainted: bool = True
    keeps_parameters: bool = False
    unchanged_fails: bool = False
    source_account: str = "own"
    emptied: tuple[str, ...] = ()
    tells_empty: bool = True

    def told_account(self, account: str) -> str:
        """Return what is told as aws:SourceAccount for a launch of the account, "" for nothing."""
        return {"own": account, "absent": "", "another": "999999999999"}[self.source_account]

    def told_outputs(self, outputs: Record) -> dict[str, str]:
        """Return what is told of a launch's outputs."""
        told = {key: "" if key in self.emptied else value for key, value in outputs.items()}
        return {key: value for key, value in told.items() if value or self.tells_empty}

    def change(self, request: Record) -> Record:
        """Take a control's choices, in its spelling; return all of them. Raises ValueError."""
        if request.get("sourceAccount", "own") not in SOURCE_ACCOUNTS:
            raise ValueError(f"sourceAccount is one of {', '.join(SOURCE_ACCOUNTS)}")
        spelled = {each.name: _camel(each.name) for each in fields(self)}
        for name, key in spelled.items():
            setattr(self, name, type(getattr(self, name))(request.get(key, getattr(self, name))))
        return {spelled[name]: value for name, value in asdict(self).items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
