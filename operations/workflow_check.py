"""Do the template's GitHub workflows look like workflows? Syntax only: `make check` looks closer (zizmor)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from custom_resources.template_content import TemplateFile
from operations.errors import WorkflowInvalid


def check_workflows(files: Iterable[TemplateFile]) -> int:
    """Check every `<profile>/<part>/.github/workflows/*.yml`; return how many there are.

    Raises WorkflowInvalid with the first workflow that GitHub could not read.
    """
    count = 0
    for file in files:
        if not workflow_name(file.path):
            continue
        count += 1
        problem = _problem(file.content)
        if problem:
            raise WorkflowInvalid(path=file.path, problem=problem)
    return count


def workflow_name(path: str) -> str:
    """Return the file name of a part's workflow (`<profile>/<part>/.github/workflows/*.yml`), "" for other files."""
    pieces = path.split("/")
    is_one = pieces[2:4] == [".github", "workflows"] and len(pieces) == 5 and pieces[4].endswith((".yml", ".yaml"))
    return pieces[4] if is_one else ""


def parsed(content: bytes) -> Any:
    """Return a workflow as GitHub reads it. Raises UnicodeDecodeError and YAMLError."""
    return yaml.load(content.decode(), Loader=_Loader)  # noqa: S506 -- a SafeLoader


def _problem(content: bytes) -> str:
    try:
        workflow = parsed(content)
    except UnicodeDecodeError:
        return "not UTF-8 text"
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        return f"the file is not YAML{where}: {getattr(error, 'problem', None) or 'it cannot be parsed'}"
    if not isinstance(workflow, dict):
        return "the file is not a mapping with `on` and `jobs`"
    if not workflow.get("on"):
        return "no trigger (`on`)"
    jobs = workflow.get("jobs")
    if not isinstance(jobs, dict) or not jobs:
        return "no `jobs`"
    return next(filter(None, (_job_problem(str(name), job) for name, job in jobs.items())), "")


def _job_problem(name: str, job: Any) -> str:
    if not isinstance(job, dict):
        return f"the job {name!r} is not a mapping"
    if job.get("uses"):  # a reusable workflow
        return ""
    if not job.get("runs-on"):
        return f"the job {name!r} does not have `runs-on`"
    if not isinstance(job.get("steps"), list) or not job["steps"]:
        return f"the job {name!r} does not have `steps`"
    return ""


class _Loader(yaml.SafeLoader):
    """YAML as GitHub reads it: `on` is a word (YAML 1.1 takes it for true), and a key may not come twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse repeated keys."""
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is repeated", key.start_mark
                )
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return super().construct_mapping(node, deep)


_BOOLEAN = "tag:yaml.org,2002:bool"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOLEAN or first.lower() in "tf"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
