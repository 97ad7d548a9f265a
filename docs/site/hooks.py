"""What MkDocs does beside its own: the project's own pages join the site, and links to files outside it become text.

https://www.mkdocs.org/user-guide/configuration/#hooks
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
# Pages that lie where GitHub looks for them, and their places in the site.
OWN = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-policy.md",
    "CODE_OF_CONDUCT.md": "conduct.md",
    "CHANGELOG.md": "changelog.md",
}
MERMAID = "javascript/mermaid.tiny.js"
CONTRAST = "stylesheets/contrast.css"
_DRAWN_BY = Path(__file__).parent / "node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js"
# A link, or code, in which nothing is a link.
_LINK = re.compile(
    r"(?P<mark>!?)\[(?P<text>[^\]]*)\]\((?P<path>[^)\s#:]+)(?P<anchor>#[^)\s]*)?\)|```.*?```|`[^`\n]*`", re.DOTALL
)
_SCROLLS = re.compile(r"(<pre[^>]*>(?:<span></span>)?<code|<table)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the project's own pages and what draws the diagrams."""
    for name, place in OWN.items():
        text = linked((ROOT / name).read_text(encoding="utf-8"), PurePosixPath(name), PurePosixPath(place))
        files.append(File.generated(config, place, content=text))
    files.append(File.generated(config, MERMAID, abs_src_path=str(_DRAWN_BY)))
    files.append(File.generated(config, CONTRAST, abs_src_path=str(Path(__file__).with_name("contrast.css"))))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Turn the links of a page of docs/ that lead out of it."""
    place = PurePosixPath(page.file.src_uri)
    if str(place) in OWN.values():
        return markdown
    return linked(markdown, PurePosixPath("docs") / place, place)


def on_page_content(content: str, **_: object) -> str:
    """Let the keyboard reach what scrolls sideways: code and wide tables (WCAG 2.1, criterion 2.1.1)."""
    return _SCROLLS.sub(r'\1 tabindex="0"', content)


def linked(text: str, source: PurePosixPath, place: PurePosixPath) -> str:
    """Return a page's text with its links as they are in the site.

    `source` is its path in the project, `place` its path in the site. Files that are not in the site become text.
    """

    def turned(found: re.Match[str]) -> str:
        if found["path"] is None:
            return found[0]
        leads = PurePosixPath(normpath(str(source.parent / found["path"])))
        target = _in_site(leads)
        if target is None:
            return f"{found['text']} (`{leads}`)" if found["text"] != f"`{leads}`" else found["text"]
        path = relpath(str(target), str(place.parent))
        return f"{found['mark']}[{found['text']}]({path}{found['anchor'] or ''})"

    return _LINK.sub(turned, text)


def _in_site(leads: PurePosixPath) -> PurePosixPath | None:
    if str(leads) in OWN:
        return PurePosixPath(OWN[str(leads)])
    if str(leads) == "docs/decisions":
        return PurePosixPath("decisions/index.md")
    if leads.parts[:1] == ("docs",) and leads.suffix in (".md", ".svg", ".png"):
        return leads.relative_to("docs")
    return None
