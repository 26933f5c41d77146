"""What a scan of 1,000 files costs: CPU time, wall time and memory.

    python benchmarks/scanning.py             # makes the files in a temporary folder
    python benchmarks/scanning.py --files 300

Every eighth file reads and writes tables in one of several styles; the others call these and do work of other kinds.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from runledger.scan.scanning import scan
from runledger.scan.settings import Settings

PYTHON_STORE = """
from pyairtable import Api
api = Api("key")
class Store{n}:
    def __init__(self, base_id):
        self.table = api.table(base_id, "{table}")
    def find(self, key):
        return self.table.first(formula=f"{{Key}}='{{key}}'")
    def start(self, key):
        return self.table.create({{"Key": key}})
    def touch(self, key, fields):
        row = self.find(key)
        if row is None:
            row = self.start(key)
        return self.table.update(row["id"], fields)
store = Store{n}("app")
"""
SCRIPT_STORE = """
const base = require('airtable').base('app');
const table = base('{table}');
async function find(key) {{
  const [row] = await table.select({{ filterByFormula: `{{Key}}='${{key}}'` }}).firstPage();
  return row;
}}
async function start(key) {{ return table.create([{{ fields: {{ Key: key }} }}]); }}
async function touch(key, fields) {{
  const row = await find(key);
  if (!row) return start(key);
  return table.update(row.id, fields);
}}
module.exports = {{ find, start, touch }};
"""
PYTHON_WORK = """
def work_{n}_{i}(items, factor=1):
    total = 0
    for item in items:
        if item.kind == {i} and item.amount > 0:
            total += item.amount * factor
        else:
            print(f"skipped {{item}} of {{len(items)}}")
    return {{"total": total, "names": [item.name for item in items if item.name]}}
"""
SCRIPT_WORK = """
function work_{n}_{i}(items, factor = 1) {{
  let total = 0;
  for (const item of items) {{
    if (item.kind === {i} && item.amount > 0) {{
      total += item.amount * factor;
    }} else {{
      console.log(`skipped ${{item}} of ${{items.length}}`);
    }}
  }}
  return {{ total, names: items.filter((item) => item.name).map((item) => item.name) }};
}}
"""


def make(folder: Path, files: int) -> int:
    """Write the files; returns the number of their lines."""
    lines = 0
    for n in range(files):
        python = n % 2 == 0
        table = "Client Run Results" if n % 3 else "Clients"
        near = n // 16 * 16 + (0 if python else 1)
        if n % 16 < 2:
            text = (PYTHON_STORE if python else SCRIPT_STORE).format(n=n, table=table)
        elif python:
            text = f"from .m{near} import store\ndef job_{n}(key):\n    store.touch(key, {{'n': {n}}})\n"
        else:
            text = (
                f"const store = require('./m{near}');\nexports.job = async (key) => store.touch(key, {{ n: {n} }});\n"
            )
        text += "".join((PYTHON_WORK if python else SCRIPT_WORK).format(n=n, i=i) for i in range(14))
        package = folder / f"p{n // 16}"
        package.mkdir(exist_ok=True)
        (package / f"m{n}.{'py' if python else 'js'}").write_text(text)
        lines += text.count("\n")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--files", type=int, default=1000)
    files = parser.parse_args().files
    with tempfile.TemporaryDirectory() as folder:
        lines = make(Path(folder), files)
        began, used = time.perf_counter(), time.process_time()
        report = scan([Path(folder)], Settings())
        wall, cpu = time.perf_counter() - began, time.process_time() - used
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu_of_children = children.ru_utime + children.ru_stime
    print(f"{files:,} files, {lines:,} lines, {len(report.findings):,} findings, Python {sys.version.split()[0]}")
    print(f"CPU {cpu:.1f} s and {cpu_of_children:.1f} s in other processes; wall {wall:.1f} s (target: 12 s)")
    print(f"memory {memory:.0f} MB, and up to {children.ru_maxrss / 1024:.0f} MB each in others (target: 500 MB)")


if __name__ == "__main__":
    main()
