"""The libraries that draw the scorecards' charts, kept with the code so that a page opens offline."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

ASSETS = Path(__file__).parent / "assets"
VENDOR = ASSETS / "vendor"


@dataclass(frozen=True)
class Library:
    """A file of a release as npm has it, byte for byte."""

    package: str
    version: str
    file: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return VENDOR / self.file


# All BSD-3-Clause, the licence beside each. Another version: docs/decisions/0040-scorecard.md.
LIBRARIES = (
    Library(
        "vega", "6.4.0", "vega.min.js", "8f6a3587cf8d4f42c7e08120e3eb05d067e746d554e39d2dcf52acc0bd5ba28f"
    ),
    Library(
        "vega-lite", "6.4.3", "vega-lite.min.js",
        "35a9821df838825b05a6a73e9414b58747a1b18321583858ed903c66393a5c7e",
    ),
    Library(
        "vega-interpreter", "2.3.2", "vega-interpreter.js",
        "c0bdb735a63f9276f136e8d90d7fdf5d8e9df8031eb069048fc9975c876fd7f9",
    ),
)  # fmt: skip


@functools.cache
def scripts() -> tuple[str, ...]:
    """What a page with charts runs, in this order; the last is our own."""
    vega, lite, interpreter = (library.path.read_text(encoding="utf-8") for library in LIBRARIES)
    own = (ASSETS / "scorecard.js").read_text(encoding="utf-8")
    return vega, lite, _as_script(interpreter), own


def _as_script(module: str) -> str:
    """The interpreter, which is released as a module only, as a script that adds it to `vega`.

    With it Vega evaluates expressions without `eval`, which the pages' policy forbids.
    """
    lines = module.splitlines()
    imported = next(line for line in lines if line.startswith("import "))
    exported = next(line for line in lines if line.startswith("export "))
    names = imported[imported.index("{") : imported.index("}") + 1]
    inner = exported[exported.index("{") + 1 : exported.index("}")].split(" as ")
    rest = [line for line in lines if line not in (imported, exported)]
    return "\n".join(
        [
            "(() => {",
            f"const {names} = vega;",
            *rest,
            f"vega.{inner[1].strip()} = {inner[0].strip()};",
            "})();",
        ]
    )


def sha256(path: Path) -> str:
    """Of a file's bytes, as the table above has it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
