"""Write the golden files anew: ``python -m tests.golden``, by ``make golden``."""

from tests.golden.documents import DOCUMENTS, ROOT

for name, render in DOCUMENTS.items():
    path, text = ROOT / name, render()
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        print(f"wrote {name}")  # noqa: T201 - a command's answer
