"""Known weaknesses of locked packages, by pip-audit; 1 where there are any, 2 where nobody could be asked.

python requirements/audit.py PIP_AUDIT FILE...
"""

import json
import subprocess
import sys

UNKNOWN = "nothing is known of weaknesses: the service that keeps them could not be asked"


def main(program: str, *files: str) -> int:
    named = [word for file in files for word in ("--requirement", file)]
    command = [program, "--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json"]
    ended = subprocess.run([*command, *named], capture_output=True, text=True, check=False)
    try:
        dependencies = json.loads(ended.stdout)["dependencies"]
    except (ValueError, KeyError):
        why = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        print(f"{UNKNOWN}: {why}", file=sys.stderr)
        return 2
    weak = {
        (one["name"], one["version"], each["id"]): each
        for one in dependencies
        for each in one.get("vulns", ())
    }
    skipped = [f"{one['name']}: {one['skip_reason']}" for one in dependencies if "skip_reason" in one]
    if len(skipped) == len(dependencies):
        print(f"{UNKNOWN}: it knows none of the packages", file=sys.stderr)
        return 2
    for (name, version, known), each in sorted(weak.items()):
        print(f"{name} {version}: {known}, mended in {', '.join(each['fix_versions']) or 'no version yet'}")
    for one in skipped:
        print(f"not asked of {one}", file=sys.stderr)
    names = len({one["name"] for one in dependencies})
    print(f"{names} packages, {len(weak)} known weaknesses")
    return 1 if weak or skipped else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
