"""Where template content comes from: folders, working trees, commits."""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from custom_resources.errors import InvalidTemplate, SymbolicLink
from custom_resources.template_content import build_archive
from operations.command_line import main
from operations.errors import LfsFiltered, SourceUnreadable, SparseCheckout, UrlHoldsPassword
from operations.template_source import TemplateContent, _unreadable, resolve
from tests.operations.conftest import TEMPLATE, WORKFLOW, Files, commit, git, write
from tests.standin.aws.conftest import World

DELIVERED = {path.removeprefix("templates/") for path in TEMPLATE if path != "templates/README.md"}


def paths(content: TemplateContent) -> set[str]:
    return {file.path for file in content.files}


def executables(content: TemplateContent) -> set[str]:
    return {file.path for file in content.files if file.executable}


def test_a_plain_folder(folder: Path) -> None:
    content = resolve(folder, folder="templates")
    assert paths(content) == DELIVERED
    assert executables(content) == {"regression/model_build/run.sh"}
    assert (content.source, content.ref, content.commit) == ("templates", "", "")
    assert content.ignored == ("README.md",)


def test_a_working_tree_gives_what_git_does_not_ignore(repository: Path) -> None:
    write(
        repository,
        {
            ".gitignore": "*.pyc\n",
            "templates/regression/model_build/a.pyc": "junk",
            "templates/regression/model_build/new.py": "new\n",
        },
    )
    (repository / "templates/regression/model_build/loop.pyc").symlink_to("nowhere")  # ignored: no reason to refuse
    content = resolve(repository, folder="templates")
    assert paths(content) == DELIVERED | {"regression/model_build/new.py"}
    assert content.commit == ""  # no commit holds exactly this


def test_where_the_disk_has_no_modes_the_index_says_what_is_executable(repository: Path) -> None:
    git(repository, "config", "core.fileMode", "false")
    (repository / "templates/regression/model_build/run.sh").chmod(0o644)  # as a disk of Windows has it
    (repository / "templates/regression/model_build/README.md").chmod(0o755)
    content = resolve(repository, folder="templates")
    assert executables(content) == {"regression/model_build/run.sh"}
    assert content.commit == git(repository, "rev-parse", "HEAD")


def test_a_sparse_checkout_is_refused(repository: Path) -> None:
    git(repository, "sparse-checkout", "set", "--no-cone", "/*", "!/templates/regression/model_build/run.sh")
    with pytest.raises(
        SparseCheckout, match=r"sparse checkout without regression/model_build/run\.sh\. Run `git sparse-checkout"
    ):
        resolve(repository, folder="templates")
    assert paths(resolve(repository, "main", "templates")) == DELIVERED  # a commit has all of it


def test_what_goes_through_git_lfs_is_refused_also_where_the_disk_has_its_content(repository: Path) -> None:
    write(
        repository,
        {
            ".gitattributes": "*.bin filter=lfs diff=lfs -text\n",
            "templates/regression/model_build/model.bin": "weights",
        },
    )
    with pytest.raises(LfsFiltered, match=r"regression/model_build/model\.bin has filter=lfs"):
        resolve(repository, folder="templates")


def test_a_link_that_the_disk_cannot_hold_is_refused_all_the_same(repository: Path) -> None:
    git(repository, "config", "core.symlinks", "false")
    (repository / "templates/regression/model_build/link").symlink_to("README.md")
    git(repository, "-c", "core.symlinks=true", "add", "--all")
    (repository / "templates/regression/model_build/link").unlink()
    (repository / "templates/regression/model_build/link").write_text("README.md")
    with pytest.raises(SymbolicLink):
        resolve(repository, folder="templates")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (
            "ssh: Could not resolve hostname nowhere.invalid: Name or service not known\n"
            "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\n"
            "and the repository exists.\n",
            "ssh: Could not resolve hostname nowhere.invalid: Name or service not known",
        ),
        ("warning: x\nfatal: unable to access 'https://a/': SSL certificate problem\n", "SSL certificate problem"),
        ("something else\n", "something else"),
        ("", "git gave no reason"),
    ],
)
def test_the_line_that_tells_why_is_told(said: str, why: str) -> None:
    assert why in str(_unreadable("https://a/b.git", "main", said))


def test_an_unchanged_working_tree_names_its_commit(repository: Path) -> None:
    assert resolve(repository, folder="templates").commit == git(repository, "rev-parse", "HEAD")


def test_a_commit_wins_over_the_working_tree(repository: Path) -> None:
    sha = git(repository, "rev-parse", "HEAD")
    write(repository, {"templates/regression/model_build/README.md": "not committed\n"})
    content = resolve(repository, "main", "templates")
    assert {file.content for file in content.files if file.path == "regression/model_build/README.md"} == {b"# Build\n"}
    assert (content.ref, content.commit) == ("main", sha)
    assert executables(content) == {"regression/model_build/run.sh"}


@pytest.mark.parametrize("ref", ["main", "v1", "full", "short"])
def test_branch_tag_and_commit(repository: Path, make_commit: Callable[[Files], str], ref: str) -> None:
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "--annotate", "--message=one", "v1")
    second = make_commit({"templates/regression/model_build/README.md": "# Second\n"})
    given = {"full": first, "short": first[:8]}.get(ref, ref)
    assert resolve(repository, given, "templates").commit == (second if ref == "main" else first)


def test_from_git_and_from_disk_give_the_same_archive(repository: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), str(other))
    sources: list[tuple[str | Path, str]] = [(repository, ""), (repository, "main"), (other, "")]
    sources.append((f"file://{other}", "main"))
    archives = {build_archive(resolve(source, ref, "templates").files) for source, ref in sources}
    assert len(archives) == 1


def test_content_filters_of_the_machine_do_not_matter(repository: Path, make_commit: Callable[[Files], str]) -> None:
    make_commit({"templates/.gitattributes": "* text eol=crlf\n*.md export-ignore\n"})
    assert paths(resolve(repository, "main", "templates")) == DELIVERED
    content = resolve(repository, "main", "templates")
    assert not any(b"\r" in file.content for file in content.files)


def test_profiles_can_be_limited(folder: Path) -> None:
    write(
        folder,
        {"templates/vision/model_build/a": "a", "templates/vision/model_deploy/b": "b"},
    )
    assert resolve(folder, folder="templates").profiles == ("regression", "vision")
    assert resolve(folder, folder="templates", profiles=["vision"]).profiles == ("vision",)
    with pytest.raises(InvalidTemplate, match="templates does not contain the profile folder 'speech'"):
        resolve(folder, folder="templates", profiles=["speech"])


def test_the_whole_source_can_be_the_folder(tmp_path: Path) -> None:
    commit(tmp_path / "s", {path.removeprefix("templates/"): text for path, text in TEMPLATE.items()})
    assert paths(resolve(tmp_path / "s", "main")) == DELIVERED


@pytest.mark.parametrize("from_git", [True, False])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"templates/regression/model_deploy/README.md": None}, "not have a folder model_deploy"),
        (
            {f"{path}": None for path in TEMPLATE if "model_" in path},
            "templates does not contain a profile|not contain the folder 'templates'",
        ),
        ({"templates/regression/model_build/big.bin": b"version https://git-lfs.github.com/spec/v1\n"}, "LFS pointer"),
        ({"templates/regression/model_build/readme.md": "x"}, "differ only in case"),
    ],
)
def test_unfit_templates_are_refused(
    repository: Path, make_commit: Callable[[Files], str], change: Files, said: str, from_git: bool
) -> None:
    make_commit(change)
    with pytest.raises((InvalidTemplate, SourceUnreadable), match=said):
        resolve(repository, "main" if from_git else "", "templates")


@pytest.mark.parametrize("ref", ["feature/#12", "user@feature", "_x", "ünï", "+main", "tag"])
@pytest.mark.parametrize("url", [False, True])
def test_every_legal_branch_name_is_taken(
    repository: Path, make_commit: Callable[[Files], str], ref: str, url: bool
) -> None:
    git(repository, "switch", "--quiet", "--create", ref)
    sha = make_commit({"templates/regression/model_build/README.md": f"# {ref}\n"})
    git(repository, "switch", "--quiet", "main")
    make_commit({"templates/regression/model_build/README.md": "# main goes on\n"})
    source = f"file://{repository}" if url else repository
    content = resolve(source, ref, "templates")
    assert (content.ref, content.commit) == (ref, sha)


@pytest.mark.parametrize("ref", ["--upload-pack=touch x", "-x", "a..b", "a b", "main:x", "main^{tree}", "a@{1}", "x\n"])
def test_what_git_would_take_for_more_than_a_ref_is_refused(repository: Path, ref: str) -> None:
    with pytest.raises(SourceUnreadable, match="is not a branch, tag or commit"):
        resolve(repository, ref, "templates")


@pytest.mark.parametrize("ref", ["", "main"])
def test_symbolic_links_are_refused(repository: Path, ref: str) -> None:
    (repository / "templates/regression/model_build/link").symlink_to("/etc/passwd")
    commit(repository, {})
    with pytest.raises(InvalidTemplate, match="'regression/model_build/link' is a symbolic link"):
        resolve(repository, ref, "templates")


@pytest.mark.parametrize("ref", ["", "main"])
def test_submodules_are_refused(repository: Path, tmp_path: Path, ref: str) -> None:
    commit(tmp_path / "other", {"a": "a"})
    place = "templates/regression/model_build/other"
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "other"), place)
    commit(repository, {})
    with pytest.raises(InvalidTemplate, match="submodule"):
        resolve(repository, ref, "templates")


@pytest.mark.parametrize("ref", ["", "main"])
def test_names_that_are_not_utf8_are_refused(repository: Path, ref: str) -> None:
    name = os.fsencode(repository / "templates/regression/model_build") + b"/caf\xe9"
    Path(os.fsdecode(name)).write_text("x")
    commit(repository, {})
    with pytest.raises(InvalidTemplate, match="UTF-8"):
        resolve(repository, ref, "templates")


@pytest.mark.parametrize(
    ("source", "ref", "folder", "said"),
    [
        ("REPOSITORY", "nothing", "templates", "no branch, tag or commit 'nothing'"),
        ("REPOSITORY", "0" * 40, "templates", "no branch, tag or commit"),
        ("REPOSITORY", "--upload-pack=touch /tmp/x", "templates", "not a branch"),
        ("REPOSITORY", "main:refs/heads/x", "templates", "not a branch"),
        ("REPOSITORY", "main", "other", "not contain the folder 'other'"),
        ("REPOSITORY", "", "other", "not contain the folder 'other'"),
        ("REPOSITORY", "main", "templates/README.md", "is a file"),
        ("REPOSITORY", "main", "../..", "is outside the template source"),
        ("/no/such/place", "", "", "neither a folder nor a Git URL"),
        ("https://user:hunter2@example.com/x.git", "main", "", "contains a password"),
        ("https://hunter2@example.com/x.git", "main", "", "contains a password or a token"),
        ("HTTPS://hunter2@example.com/x.git", "main", "", "contains a password or a token"),
        ("http://hunter2:@127.0.0.1:9/x.git", "", "", "contains a password or a token"),
        ("https://x@hunter2@example.com/x.git", "", "", "contains a password or a token"),
        ("ssh://git:hunter2@example.com/x.git", "", "", "contains a password or a token"),
        ("git://hunter2@example.com/x.git", "", "", "contains a password or a token"),
        ("hunter2@example.com/x.git", "", "", "neither a folder nor a Git URL"),
        ("https:/hunter2@example.com/x.git", "", "", "neither a folder nor a Git URL"),
        ("ext::sh -c touch% /tmp/x", "main", "", "neither a folder|must be an https"),
        ("http://127.0.0.1:9/x.git", "main", "", "cannot be read"),
    ],
)
def test_unreadable_sources_say_why(repository: Path, source: str, ref: str, folder: str, said: str) -> None:
    with pytest.raises(SourceUnreadable, match=said) as refused:
        resolve(source.replace("REPOSITORY", str(repository)), ref, folder)
    assert "hunter2" not in str(refused.value)
    assert "Traceback" not in str(refused.value)


@pytest.mark.parametrize("user", ["hunter2", "x:hunter2", "x@hunter2", "hunter2@x", "x:y@hunter2"])
def test_what_git_repeats_of_an_address_shows_no_token(monkeypatch: pytest.MonkeyPatch, user: str) -> None:
    for key, value in {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.http://{user}@127.0.0.1:9/.insteadOf",
        "GIT_CONFIG_VALUE_0": "http://templates.example/",
    }.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(SourceUnreadable, match="cannot be read") as refused:
        resolve("http://templates.example/x.git", "main", "")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("options", [(), ("--json",), ("--dry-run",)])
def test_a_token_in_an_argument_is_neither_used_nor_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: Sequence[str]
) -> None:
    command = ["publish", "--source", "https://hunter2@127.0.0.1:9/x.git", "--versions-dir", str(tmp_path)]
    assert main([*command, *options]) == 1
    said = capsys.readouterr()
    assert "contains a password or a token" in said.err
    assert "hunter2" not in said.err + said.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("source", ["ssh://git@example.invalid/x.git", "git@example.invalid:x.git"])
def test_the_user_of_ssh_is_no_secret(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", "false")
    with pytest.raises(SourceUnreadable) as refused:
        resolve(source, "main", "")
    assert not isinstance(refused.value, UrlHoldsPassword)


@contextmanager
def private_server(repository: Path, authorization: list[str]) -> Iterator[str]:
    """Git's own smart HTTP service behind a check of the Authorization header."""
    git(repository, "update-server-info")

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            authorization.append(self.headers.get("Authorization", ""))
            if self.headers.get("Authorization") != "Basic eC1hY2Nlc3MtdG9rZW46Y2FuYXJ5LXRva2Vu":
                self.send_response(401)
                self.send_header("WWW-Authenticate", "Basic")
                self.end_headers()
                return
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            done = subprocess.run(
                ["git", "http-backend"],
                input=body,
                capture_output=True,
                check=True,
                env={
                    **os.environ,
                    "GIT_PROJECT_ROOT": str(repository.parent),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "PATH_INFO": path,
                    "QUERY_STRING": query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "CONTENT_LENGTH": str(len(body)),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                },
            )
            head, _, answer = done.stdout.partition(b"\r\n\r\n")
            self.send_response(200)
            for line in head.decode().splitlines():
                self.send_header(*line.split(": ", 1))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = handle_any  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/{repository.name}/.git"
        finally:
            server.shutdown()
            thread.join()


def test_a_private_source_gets_the_token_and_nobody_else_sees_it(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    arguments: list[str] = []

    class Recorded(subprocess.Popen[bytes]):
        def __init__(self, command: Sequence[str], *rest: Any, **options: Any) -> None:
            arguments.extend(map(str, command))
            super().__init__(command, *rest, **options)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    with private_server(repository, seen) as url:
        content = resolve(url, "main", "templates", token="canary-token")
        assert paths(content) == DELIVERED
        assert content.source == url
        with pytest.raises(SourceUnreadable, match="requires a token"):
            resolve(url, "main", "templates")
        with pytest.raises(SourceUnreadable, match="requires a token") as refused:
            resolve(url, "main", "templates", token="wrong-canary")
    assert any(seen)
    assert arguments
    assert not [argument for argument in arguments if "canary" in argument or "Y2FuYXJ5" in argument]
    assert "canary" not in str(refused.value)


def test_a_hook_of_another_repository_does_not_lead_astray(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(tmp_path / "other", {"a": "a"})
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))
    assert paths(resolve(repository, folder="templates")) == DELIVERED
    monkeypatch.delenv("GIT_WORK_TREE")
    assert paths(resolve(repository, "main", "templates")) == DELIVERED


def test_git_settings_of_the_caller_stay(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for its ownership check
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    with pytest.raises(SourceUnreadable, match=r"safe\.directory"):
        resolve(repository, folder="templates")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "safe.directory")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "*")
    assert paths(resolve(repository, folder="templates")) == DELIVERED


def test_the_settings_source_and_the_token_in_a_secret(
    repository: Path, tmp_path: Path, aws: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []
    with private_server(repository, seen) as url:
        settings = tmp_path / "settings.toml"
        settings.write_text(
            f'[template_source]\nrepository = "{url}"\ntoken_secret_name = "source-token"\n'
            '[git_config]\nspecific_folders = ["regression"]\n'
        )
        monkeypatch.setenv("SETTINGS_FILE", str(settings))
        command = ["publish", "--versions-dir", str(tmp_path / "versions"), "--json"]
        assert main(command) == 1  # there is no such secret yet
        assert "The secret source-token does not exist" in json.loads(capsys.readouterr().out)["error"]
        aws.client("secretsmanager").create_secret(Name="source-token", SecretString='{"token": "canary-token"}')
        assert main(command) == 0
        printed = capsys.readouterr()
        told = json.loads(printed.out)
    assert (told["source"], told["ref"]) == (url, "main")
    assert told["commit"] == git(repository, "rev-parse", "main")
    assert "canary" not in printed.out + printed.err
    assert not [path for path in (tmp_path / "versions").rglob("*.json") if "canary" in path.read_text()]


def test_workflow_text_is_untouched(folder: Path) -> None:
    files = {file.path: file.content for file in resolve(folder, folder="templates").files}
    assert files["regression/model_build/.github/workflows/build.yml"] == WORKFLOW.encode()


OTHER_LAYOUT = {"ml-build": "model_build", "ml-deploy": "model_deploy"}


@pytest.mark.parametrize("ref", ["", "main"])
def test_folders_of_another_layout_are_mapped(repository: Path, ref: str) -> None:
    for part, name in (("model_build", "ml-build"), ("model_deploy", "ml-deploy")):
        git(repository, "mv", f"templates/regression/{part}", f"templates/regression/{name}")
    commit(repository, {})
    content = resolve(repository, ref, "templates", parts=OTHER_LAYOUT)
    assert paths(content) == DELIVERED
    assert executables(content) == {"regression/model_build/run.sh"}
    assert content.commit == git(repository, "rev-parse", "HEAD")
    with pytest.raises(InvalidTemplate):
        resolve(repository, ref, "templates")


def test_what_the_templates_own_gitignore_hides_is_named(repository: Path) -> None:
    write(
        repository,
        {
            ".gitignore": "secret.txt\n",
            "templates/regression/model_build/.gitignore": "*.csv\n__pycache__/\n/data/\n",
            "templates/regression/model_build/tests/sample.csv": "1\n",
            "templates/regression/model_build/data/large": "1\n",
            "templates/regression/model_build/__pycache__/x.pyc": "1\n",
            "templates/regression/model_build/secret.txt": "mine\n",
        },
    )
    content = resolve(repository, folder="templates")
    hidden = {path.removeprefix("regression/model_build/") for path in content.hidden}
    assert hidden - {"tests/"} == {"data/", "tests/sample.csv"}, "not what tools leave, nor what the repository ignores"
    assert resolve(repository, "main", "templates").hidden == ()
