"""The licences of a CycloneDX list of components as a Markdown table; it fails where one has none.

python requirements/licences.py dist/sbom.cdx.json
"""

import json
import sys
from pathlib import Path
from typing import Any


def licences_of(component: dict[str, Any]) -> str:
    """As the component declares them: an identifier, an expression, or words."""
    found = []
    for one in component.get("licenses", ()):
        licence = one.get("license", {})
        found.append(one.get("expression") or licence.get("id") or licence.get("name") or "")
    names = sorted({" ".join(name.split())[:80].replace("|", "/") for name in found if name})
    return ", ".join(names)


def main(path: Path) -> int:
    components = sorted(
        json.loads(path.read_text(encoding="utf-8"))["components"], key=lambda one: one["name"]
    )
    print("| package | version | licence |\n|---|---|---|")
    for one in components:
        print(f"| {one['name']} | {one.get('version', '')} | {licences_of(one) or '**none is declared**'} |")
    missing = [one["name"] for one in components if not licences_of(one)]
    if missing:
        print(f"no licence is declared by {', '.join(missing)}", file=sys.stderr)
    return 1 if missing or not components else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
