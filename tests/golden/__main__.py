"""Write the golden files anew: ``python -m tests.golden``, by ``make golden``."""

from tests.golden.documents import DOCUMENTS, ROOT
from tests.golden.sheets import digest_of, read_digest, render_sheet, sheet_paths

for name, render in DOCUMENTS.items():
    path, text = ROOT / name, render()
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        print(f"wrote {name}")  # noqa: T201 - a command's answer

for sheet, name in sheet_paths().items():
    path = ROOT / name
    if not path.exists() or read_digest(path.read_bytes()) != digest_of(sheet):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(render_sheet(sheet))
        print(f"wrote {name}")  # noqa: T201 - as above
