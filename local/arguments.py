"""The local run's command line, as `--help` shows it."""

from __future__ import annotations

import argparse

from operations.terminal import add_completion, add_manners

_DESCRIPTION = """\
The whole product on this machine, no account needed: CloudFormation, Lambda and Studio are emulated on 127.0.0.1,
GitHub by a stand-in with real Git. The stacks and the Lambda code are those that are deployed on AWS.
"""
_EPILOG = """\
begin with:
  python -m local demo                              the whole story in a minute
  python -m local launch demo --profile regression  a project with its two repositories
  python -m local status demo
  python -m local down

environment:
  LOCAL_HOME     the run's folder (default: .local beside the source); two folders are two separate runs
  GITHUB_TOKEN   the token for --github-api-url. The stand-in has a token of its own; a token of another shape than
                 GitHub's (ghp_..., github_pat_...) is tried on it, those are never sent to it

exit codes: 0 done, 1 refused or failed for the reason on stderr, 2 wrong usage, 130 interrupted,
            141 nobody reads the output any more
"""

Parser = argparse.ArgumentParser


def _shared() -> Parser:
    parser = Parser(add_help=False)
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document on stdout; progress goes to stderr"
    )
    return parser


def _github() -> Parser:
    parser = Parser(add_help=False)
    group = parser.add_argument_group("GitHub (default: the stand-in)")
    group.add_argument(
        "--github-api-url", metavar="URL", default="", help="API URL of a real GitHub; GITHUB_TOKEN holds its token"
    )
    group.add_argument(
        "--github-server-url",
        metavar="URL",
        default="",
        help="web and Git URL of the real GitHub (default: from the API's URL)",
    )
    group.add_argument("--organization", metavar="NAME", default="", help="organization for the repositories")
    return parser


def _source() -> Parser:
    parser = Parser(add_help=False)
    group = parser.add_argument_group("template content")
    group.add_argument("--version", metavar="V", default="", help="version, such as v1.1.0 (default: the newest)")
    group.add_argument(
        "--template-source",
        metavar="PATH_OR_GIT_URL",
        default="",
        help="publish this content first, as that version or the next: a folder or a Git repository that holds "
        "<profile>/model_build and <profile>/model_deploy",
    )
    group.add_argument("--template-ref", metavar="REF", default="", help="branch, tag or commit of the template source")
    group.add_argument(
        "--template-folder", metavar="F", default="", help="folder with the profiles in the template source"
    )
    return parser


def _tuning() -> Parser:
    parser = Parser(add_help=False)
    group = parser.add_argument_group("product parameters")
    group.add_argument("--sync-mode", choices=("Merge", "PullRequest", "Off"), help="how updates reach the branch")
    group.add_argument(
        "--parameter", metavar="K=V", action="append", default=[], help="any other parameter of the product"
    )
    return parser


def parser() -> Parser:
    """Return the parser; each verb's name is in `verb`."""
    top = Parser(
        prog="python -m local",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_manners(top)
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    shared, github, source, tuning = _shared(), _github(), _source(), _tuning()

    def verb(name: str, does: str, *parents: Parser) -> Parser:
        return verbs.add_parser(name, help=does, description=f"{does}.", parents=[*parents, shared])

    verb("up", "Start everything and deploy the stacks", github)
    _publish(verb("publish", "Publish template content as a version of this run", source))
    _launch(verb("launch", "Launch a project: its repositories, files, secrets", github, source, tuning))
    _update(verb("update", "Bring a version to a project's repositories, merged with its work", source, tuning))
    verb("diff", "Show what an update would change, as a patch", source).add_argument("name", help="the project")
    verb("terminate", "Delete a project's stack; its repositories are archived").add_argument("name")
    verb("status", "Show what runs, or one project").add_argument("name", nargs="?", default="")
    _logs(verb("logs", "Show a project's stack events and function logs, or what a process wrote"))
    down = verb("down", "End everything that runs; the stand-in's repositories stay")
    down.add_argument("--wipe", action="store_true", help="remove the run's folder too, repositories included")
    demo = verb("demo", "Tell the whole story: launch, edit, update, conflict, terminate")
    demo.add_argument("--keep", action="store_true", help="leave everything running afterwards")
    _studio(verbs.add_parser("studio", help="Act as a user of Studio", description="Act as a user of Studio."), shared)
    env = verb("env", "Print what `python -m operations` needs to work on this run, for a shell's eval")
    env.epilog = 'eval "$(python -m local env)" && python -m operations status'
    credential = verbs.add_parser(
        "credential",
        help="Git credential helper for the stand-in's repositories",
        description="Git calls it; `launch` and `studio create-project` print the command that clones with it.",
    )
    credential.add_argument("operation", choices=("get", "store", "erase"))
    credential.set_defaults(json=False)
    add_completion(verbs).set_defaults(json=False)
    return top


def _publish(verb: Parser) -> None:
    verb.add_argument("--notes", default="", help="release notes in Markdown")


def _launch(verb: Parser) -> None:
    verb.add_argument("name", help="the project")
    verb.add_argument("--profile", default="regression", help="project profile (default: %(default)s)")
    verb.add_argument("--build-repository", metavar="N", default="", help="name of the build repository")
    verb.add_argument("--deploy-repository", metavar="N", default="", help="name of the deploy repository")
    verb.add_argument("--adopt-existing", action="store_true", help="use existing repositories with these names")


def _update(verb: Parser) -> None:
    verb.add_argument("name", help="the project")
    verb.add_argument("--dry-run", action="store_true", help="show what would happen; write nothing to GitHub")
    verb.add_argument("--rotate-secrets", action="store_true", help="rewrite every secret")


def _logs(verb: Parser) -> None:
    verb.add_argument("name", nargs="?", default="", help="a project; or ministack, aws, github (default: those)")
    verb.add_argument("--lines", type=int, default=40, help="lines of a process's log (default: %(default)s)")


def _studio(verb: Parser, shared: Parser) -> None:
    acts = verb.add_subparsers(dest="act", metavar="ACT", required=True)
    create = acts.add_parser(
        "create-project",
        help="create a project, whose profile launches the product",
        description="Create a Studio project. Its profile's blueprint launches the product through Service Catalog.",
        parents=[shared],
    )
    create.add_argument("name", help="the project")
    create.add_argument("--profile", default="regression", help="project profile (default: %(default)s)")
    create.add_argument(
        "--domain-kind",
        choices=("identity-center", "iam"),
        default="",
        help="kind of the Studio domain, which decides about the projects' roles; a run has one domain "
        "(default: the run's, else identity-center)",
    )
    update = acts.add_parser(
        "update-project",
        help="update a project to a version of the template",
        description="Update a Studio project, whose environment updates the product through Service Catalog.",
        parents=[shared],
    )
    update.add_argument("name", help="the project")
    update.add_argument("--version", metavar="V", default="", help="template version (default: the newest)")
    update.add_argument("--dry-run", action="store_true", help="show what would happen; write nothing to GitHub")
    delete = acts.add_parser(
        "delete-project",
        help="delete a project; its repositories are archived",
        description="Delete a Studio project. The product is terminated, which archives the repositories.",
        parents=[shared],
    )
    delete.add_argument("name", help="the project")
