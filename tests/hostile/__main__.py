"""`python -m tests.hostile [KIND ...]` runs every hostile case, or those of some kinds, and prints totals by kind."""

import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.hostile.cases import all_cases
from tests.hostile.checker import make_template, problem_of


def main(kinds: list[str]) -> int:
    """Run the cases of some kinds, of all without any; returns 1 if one fails."""
    total, failed = Counter(), Counter()
    with tempfile.TemporaryDirectory() as root:
        template = Path(root) / "template"
        make_template(template)
        for number, case in enumerate(case for case in all_cases() if not kinds or case.kind in kinds):
            total[case.kind] += 1
            if problem := problem_of(case, template, Path(root) / str(number) / "sandbox"):
                failed[case.kind] += 1
                print(f"{case.kind}: {case.name}: {problem}", flush=True)
    for kind, count in total.items():
        print(f"{kind:12} {count:5} cases, {failed[kind]:4} failed")
    print(f"{'all':12} {total.total():5} cases, {failed.total():4} failed")
    return min(1, failed.total())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
