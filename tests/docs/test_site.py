"""The documentation as a site: it builds strictly, axe finds nothing against its pages, its diagrams draw."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from docs.site.hooks import MERMAID, linked
from tests.standin.axe import browser, violations

ROOT = Path(__file__).parents[2]
PAGES = [page for page in sorted((ROOT / "docs").rglob("*.md")) if "node_modules" not in page.parts]
SHOWN = ("index.html", "data-scientist.html", "how-it-works.html", "reference/settings.html", "decisions/index.html")
_FENCE = re.compile(r"^```mermaid\n(.*?)^```", re.DOTALL | re.MULTILINE)
_DRAW = """
(async () => {
  mermaid.initialize({startOnLoad: false});
  const told = [];
  for (const [number, text] of texts.entries()) {
    try {
      const drawn = await mermaid.render("diagram" + number, text);
      told.push(drawn.svg.length);
    } catch (error) { told.push(String(error)); }
  }
  const place = document.createElement("pre");
  place.id = "told";
  place.textContent = JSON.stringify(told);
  document.body.appendChild(place);
})();
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site, as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_in_the_site(site: Path) -> None:
    expected = {page.relative_to(ROOT / "docs").with_suffix(".html") for page in PAGES}
    assert len(expected) > 60
    assert expected - {page.relative_to(site) for page in site.rglob("*.html")} == set()


def test_no_link_in_the_site_leads_nowhere(site: Path) -> None:
    """MkDocs looks at Markdown's links; this looks at what came out."""
    broken = []
    for page in site.rglob("*.html"):
        for link in re.findall(r'(?:href|src)="([^"#:]+?)(?:#[^"]*)?"', page.read_text(encoding="utf-8")):
            if page.name != "404.html" and not (page.parent / html.unescape(link)).exists():
                broken.append((page.name, link))
    assert broken == []


def test_a_page_loads_nothing_from_elsewhere(site: Path) -> None:
    for name in SHOWN:
        text = (site / name).read_text(encoding="utf-8")
        assert re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//[^"]+"', text) == []
        assert MERMAID.rpartition("/")[2] in text


@pytest.mark.parametrize("name", SHOWN)
def test_axe_finds_nothing_against_a_page(site: Path, name: str) -> None:
    page = site / name
    assert violations(page.read_text(encoding="utf-8"), page.parent) == []


def drawn(texts: list[str], folder: Path) -> list[int | str]:
    """Draw diagrams in headless Chromium; return each one's length as SVG, or why it was not drawn."""
    script = (ROOT / "docs/site/node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js").as_uri()
    page = folder / "diagrams.html"
    given = json.dumps(texts).replace("</", "<\\/")
    page.write_text(
        f'<html><body><script src="{script}"></script><script>const texts = {given};{_DRAW}</script></body></html>',
        encoding="utf-8",
    )
    command = [browser(), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += ["--virtual-time-budget=20000", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'<pre id="told">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    told: list[int | str] = json.loads(html.unescape(found[1]))
    return told


def test_every_diagram_draws(tmp_path: Path) -> None:
    texts = [text for page in PAGES for text in _FENCE.findall(page.read_text(encoding="utf-8"))]
    assert len(texts) >= 4
    told = drawn(texts, tmp_path)
    assert [each for each in told if isinstance(each, str) or each < 2000] == []


def test_a_diagram_with_a_mistake_is_told(tmp_path: Path) -> None:
    (told,) = drawn(["sequenceDiagram\n  a->>"], tmp_path)
    assert "rror" in str(told)


@pytest.mark.parametrize(
    ("source", "place", "text", "expected"),
    [
        ("README.md", "index.md", "[a](docs/admin.md#publish)", "[a](admin.md#publish)"),
        (
            "README.md",
            "index.md",
            "[c](CHANGELOG.md) ![p](docs/reference/dashboard.svg)",
            "[c](changelog.md) ![p](reference/dashboard.svg)",
        ),
        ("docs/reference/x.md", "reference/x.md", "[s](../../SECURITY.md)", "[s](../security-policy.md)"),
        ("README.md", "index.md", "[`settings.toml`](settings.toml)", "`settings.toml`"),
        ("README.md", "index.md", "[the license](LICENSE)", "the license (`LICENSE`)"),
        ("README.md", "index.md", "[why](docs/decisions/)", "[why](decisions/index.md)"),
        (
            "README.md",
            "index.md",
            "`[a](b.md)` [out](https://example.com/x.md) [in](#there)",
            "`[a](b.md)` [out](https://example.com/x.md) [in](#there)",
        ),
    ],
)
def test_links_are_turned(source: str, place: str, text: str, expected: str) -> None:
    assert linked(text, PurePosixPath(source), PurePosixPath(place)) == expected
