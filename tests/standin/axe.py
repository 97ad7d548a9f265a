"""What axe-core finds against a page in headless Chromium."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

AXE = Path(__file__).parent / "node_modules/axe-core/axe.min.js"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_RUN = """
axe.run(document, {resultTypes: ["violations"]}).then(found => {
  const shown = found.violations.map(each => ({id: each.id, nodes: each.nodes.map(node => node.html)}));
  const place = document.createElement("pre");
  place.id = "axe";
  place.textContent = JSON.stringify({violations: shown, passes: found.passes.length});
  document.body.appendChild(place);
});
"""


def browser() -> str:
    """Return the path of Chromium; skip the test where none is installed."""
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        pytest.skip("No Chromium is installed (Debian's package chromium)")
    return found


def violations(text: str, folder: Path) -> list[dict[str, Any]]:
    """Open a page in headless Chromium with axe-core in it; return what axe finds. Skips where there is no Chromium."""
    policy = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)  # which would stop axe, too
    script = f"<script>{AXE.read_text(encoding='utf-8')}</script><script>{_RUN}</script></body>"
    opened = folder / "page.html"
    opened.write_text(script.join(policy.rsplit("</body>", 1)), encoding="utf-8")
    command = [browser(), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += ["--virtual-time-budget=20000", "--dump-dom", opened.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'<pre id="axe">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    told = json.loads(html.unescape(found[1]))
    assert told["passes"] > 5
    return list(told["violations"])
