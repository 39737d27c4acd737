"""What docs/classifier.md shows works as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_examples_run_in_order(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "classifier.md").read_text(encoding="utf-8")
    script = tmp_path / "page.py"
    script.write_text("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert "64 of 64 situations right" in done.stdout
    assert re.search(r"^If .*a0 is [01] and a1 is [01] and d\d is [01], then (no|yes) pays", done.stdout, re.MULTILINE)
    steps = re.search(r"steps to food (\S+) shortest 1.6875", done.stdout)
    assert steps is not None
    assert float(steps[1]) < 1.8
