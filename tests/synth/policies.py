"""The IAM policies of a synthesized template: what they allow, and a list of every statement for review.

python -m tests.synth.policies CLOUD_ASSEMBLY    # writes the review list, docs/iam.md
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ministack.core.iam_evaluator import EvalContext, ParsedStatement, evaluate, parse_policy_document

Template = Mapping[str, Any]
ACCOUNT, REGION = "123456789012", "us-east-1"
GITHUB = "token.actions.githubusercontent.com"
# The ARN of a resource of a type, by its physical id.
_ARNS = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:{region}:{account}:table/{id}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{id}",
    "AWS::KMS::Key": "arn:aws:kms:{region}:{account}:key/{id}",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{id}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{id}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{id}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{id}",
}
# What `Ref` gives, where that is an ARN.
_REFS = {
    "AWS::SecretsManager::Secret": "arn:aws:secretsmanager:{region}:{account}:secret:{id}-??????",
    "AWS::StepFunctions::StateMachine": "arn:aws:states:{region}:{account}:stateMachine:{id}",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{id}",
}
_NAMES = ("FunctionName", "RoleName", "LogGroupName", "TableName", "BucketName", "QueueName", "Name")


@dataclass(frozen=True)
class Call:
    """A call to AWS: by which function (its name), what (`service:Action`), on which ARN."""

    function: str
    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict, hash=False)  # condition keys in lower case


@dataclass(frozen=True)
class Names:
    """What the template's references stand for. `physical`: logical id -> physical id, else the name or logical id.

    `values`: `Ref` of a parameter, `LogicalId.Attribute`, or an export's name -> value, else a text in angle brackets.
    """

    physical: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    account: str = ACCOUNT
    region: str = REGION

    def resolved(self, template: Template, value: Any) -> Any:
        """Return the value without intrinsic functions. A condition counts as true."""
        if isinstance(value, list):
            return [self.resolved(template, item) for item in value]
        if not isinstance(value, dict):
            return value
        name: str
        argument: Any
        name, argument = next(iter(value.items())) if len(value) == 1 else ("", None)
        functions: dict[str, Callable[[], Any]] = {
            "Ref": lambda: self._ref(template, argument),
            "Fn::GetAtt": lambda: self._attribute(template, *argument),
            "Fn::ImportValue": lambda: self.values.get(argument, f"<{argument}>"),
            "Fn::Join": lambda: argument[0].join(map(str, self.resolved(template, argument[1]))),
            "Fn::Sub": lambda: re.sub(r"\$\{([^}]+)\}", lambda found: self._ref(template, found[1]), argument),
            "Fn::If": lambda: self.resolved(template, argument[1]),
            "Fn::Split": lambda: self.resolved(template, argument[1]).split(argument[0]),
            "Fn::Select": lambda: self.resolved(template, argument[1])[int(argument[0])],
        }
        if name in functions:
            return functions[name]()
        return {key: self.resolved(template, item) for key, item in value.items()}

    def _id(self, template: Template, logical_id: str) -> str:
        properties = template["Resources"][logical_id].get("Properties", {})
        named = next((properties[name] for name in _NAMES if name in properties), logical_id)
        return self.physical.get(logical_id) or str(self.resolved(template, named))

    def _ref(self, template: Template, name: str) -> str:
        pseudo = {"AWS::AccountId": self.account, "AWS::Region": self.region, "AWS::Partition": "aws"}
        if known := pseudo.get(name) or self.values.get(name):
            return known
        if name not in template["Resources"]:
            return f"<{name}>"
        identifier = self._id(template, name)
        pattern = _REFS.get(template["Resources"][name]["Type"])
        if not pattern or identifier.startswith("arn:"):
            return identifier
        return pattern.format(region=self.region, account=self.account, id=identifier)

    def _attribute(self, template: Template, name: str, attribute: str) -> str:
        if f"{name}.{attribute}" in self.values:
            return self.values[f"{name}.{attribute}"]
        pattern = _ARNS.get(template["Resources"][name]["Type"], "")
        if attribute == "Arn" and pattern:
            return pattern.format(region=self.region, account=self.account, id=self._id(template, name))
        return f"<{name}.{attribute}>"


def role_of(template: Template, function_name: str, names: Names) -> str:
    """Return the logical id of a function's role. Raises KeyError for an unknown function."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            properties = resource["Properties"]
            if names.resolved(template, properties.get("FunctionName")) == function_name:
                return str(properties["Role"]["Fn::GetAtt"][0])
    raise KeyError(function_name)


def documents(template: Template, role: str, names: Names) -> list[dict[str, Any]]:
    """Return the policy documents of a role (by its logical id), resolved: inline ones and policy resources."""
    inline = template["Resources"][role]["Properties"].get("Policies", [])
    attached = [
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Policy" and {"Ref": role} in resource["Properties"].get("Roles", [])
    ]
    return [names.resolved(template, policy["PolicyDocument"]) for policy in (*inline, *attached)]


def allows(
    template: Template,
    role: str,
    action: str,
    resource: str,
    *,
    context: Mapping[str, str] | None = None,
    names: Names | None = None,
) -> bool:
    """Tell whether a role (by its logical id) allows an action on an ARN, under condition keys in lower case."""
    names = names or Names()
    found = documents(template, role, names)
    return permit(found, action, resource, context=context, names=names, role=role)


def bounds(template: Template, action: str, resource: str, *, context: Mapping[str, str] | None = None) -> bool:
    """Tell whether the boundary that the stack ships lets a role be allowed an action on an ARN."""
    (policy,) = (each for each in template["Resources"].values() if each["Type"] == "AWS::IAM::ManagedPolicy")
    names = Names()
    document = names.resolved(template, policy["Properties"]["PolicyDocument"])
    return permit([document], action, resource, context=context, names=names)


def permit(
    found: Iterable[Mapping[str, Any]],
    action: str,
    resource: str,
    *,
    context: Mapping[str, str] | None = None,
    names: Names,
    role: str = "role",
) -> bool:
    """Tell whether policy documents, resolved, allow an action on an ARN."""
    parsed: list[list[ParsedStatement]] = [parse_policy_document(dict(document)) for document in found]
    request = EvalContext(
        principal_arn=f"arn:aws:sts::{names.account}:assumed-role/{role}/call",
        principal_type="AssumedRole",
        # The evaluator takes the owner of a bucket, which no ARN names, to be the caller's account.
        principal_account=(context or {}).get("s3:resourceaccount", names.account),
        action=action,
        resource_arn=resource,
        region=names.region,
        service_context=dict(context or {}),
    )
    return bool(evaluate(request, parsed).decision == "Allow")


def trusts(template: Template, role: str, claims: Mapping[str, str], names: Names, issuer: str = GITHUB) -> bool:
    """Tell whether a role's trust policy takes an identity token with these claims, as STS tells them to IAM."""
    document = names.resolved(template, template["Resources"][role]["Properties"]["AssumeRolePolicyDocument"])
    # An identity policy names no principal, and a trust policy no resource.
    statements = [
        {key: value for key, value in statement.items() if key != "Principal"} | {"Resource": "*"}
        for statement in document["Statement"]
        if "Federated" in statement["Principal"]
    ]
    request = EvalContext(
        principal_arn=f"arn:aws:sts::{names.account}:federated-user/job",
        principal_type="FederatedUser",
        principal_account=names.account,
        action="sts:AssumeRoleWithWebIdentity",
        resource_arn=f"arn:aws:iam::{names.account}:role/{role}",
        region=names.region,
        service_context={f"{issuer}:{claim}".lower(): value for claim, value in claims.items()},
    )
    parsed = parse_policy_document({"Version": "2012-10-17", "Statement": statements})
    return bool(evaluate(request, [parsed]).decision == "Allow")


def refused(template: Template, calls: Iterable[Call], names: Names | None = None) -> list[Call]:
    """Return the calls that the functions' roles do not allow: empty when the policies are enough."""
    names = names or Names()
    return [
        call
        for call in calls
        if not allows(
            template,
            role_of(template, call.function, names),
            call.action,
            call.resource,
            context=call.context,
            names=names,
        )
    ]


# -- the review list ----------------------------------------------------------------------------------------------


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (role, statement) of every identity policy, with readable names in place of references."""
    names = Names(account="ACCOUNT", region="REGION")
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == "AWS::IAM::Role":
            for document in documents(template, logical_id, names):
                for statement in document["Statement"]:
                    yield _readable(logical_id), statement
        elif resource["Type"] == "AWS::IAM::ManagedPolicy":
            for statement in names.resolved(template, resource["Properties"]["PolicyDocument"])["Statement"]:
                yield f"{_readable(logical_id)} (permissions boundary)", statement
        elif resource["Type"] == "AWS::IAM::Policy" and not all("Ref" in role for role in _refs(resource)):
            for statement in names.resolved(template, resource["Properties"]["PolicyDocument"])["Statement"]:
                yield f"{_readable(logical_id)} (on the project's own role)", statement


def _refs(resource: Mapping[str, Any]) -> list[Any]:
    return list(resource["Properties"].get("Roles", []))


def _readable(text: str) -> str:
    """Drop the CDK's hashes, which change with the tree and say nothing."""
    return re.sub(r"(?<=[A-Za-z])[0-9A-F]{8}(?![0-9A-F])", "", text)


def review_list(assembly: Path) -> str:
    """Return docs/iam.md: each statement of each role in the cloud assembly."""
    lines = [
        "# What each role may do",
        "",
        "Every statement of every role that the stacks and the product create, for review. Written by",
        "`python -m tests.synth.policies cdk.out > docs/iam.md`; a test holds it to the templates, so that no",
        "permission comes in unseen. Names in angle brackets are known at launch only; reasons of statements with a",
        "`*` are in `tests/synth/reviewed.py`.",
    ]
    for title, path in _templates(assembly):
        lines += ["", f"## {title}"]
        role = ""
        for name, statement in statements(json.loads(path.read_text(encoding="utf-8"))):
            if name != role:
                lines += ["", f"### {name}", ""]
                role = name
            actions = ", ".join(f"`{action}`" for action in _list(statement["Action"]))
            resources = "; ".join(f"`{_readable(str(resource))}`" for resource in _list(statement["Resource"]))
            condition = statement.get("Condition")
            when = f" when `{_readable(json.dumps(condition, sort_keys=True))}`" if condition else ""
            denied = "**denied:** " if statement["Effect"] == "Deny" else ""
            lines.append(f"- {denied}{actions} on {resources}{when}")
    return "\n".join(lines) + "\n"


def _templates(assembly: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(assembly.glob("*Stack.template.json")):
        yield path.name.split(".", 1)[0], path
    for path in sorted(assembly.glob("*.product.template.json")):
        yield "The product", path


if __name__ == "__main__":
    sys.stdout.write(review_list(Path(sys.argv[1])))
