"""`perpetua label`, in a process of its own."""

import io
from pathlib import Path

from PIL import Image
from tests.app.test_cli_order import perpetua
from tests.labels.reading import Seen, barcodes_of, labels_of, read


def test_labels_are_printed_into_files(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("SKU,Title\nPEN,Pen\nPENCIL,Pencil\nINK,Ink\n")
    assert perpetua(tmp_path, database_url, "import", "products", "items.csv")[0] == 0

    code, page = perpetua(tmp_path, database_url, "label", "templates", "--kind", "item")
    assert code == 0
    assert "item-a4-3x8" in [one["code"] for one in page["items"]]

    asked = ["label", "print", "item-roll-57x32", "--sku-prefix", "pen", "--copies", "2", "--format", "zpl"]
    code, done = perpetua(tmp_path, database_url, *asked, "-o", "pens.zpl")
    assert (code, done["labels"]) == (0, 4)
    made = [(label.quantity, list(barcodes_of(label))) for label in labels_of((tmp_path / "pens.zpl").read_text())]
    assert made == [(2, [Seen("]C0", "PEN")]), (2, [Seen("]C0", "PENCIL")])]

    asked = ["label", "print", "plate-roll-100x150", "--values", '{"sscc": "395201234567890123"}']
    code, done = perpetua(tmp_path, database_url, *asked, "-o", "plate.pdf")
    assert (code, done["format"]) == (0, "pdf")
    assert (tmp_path / "plate.pdf").read_bytes().startswith(b"%PDF-")

    code, _ = perpetua(tmp_path, database_url, "label", "preview", "plate-roll-100x150", "-o", "plate.png")
    assert code == 0
    assert read(Image.open(io.BytesIO((tmp_path / "plate.png").read_bytes())).convert("L"))

    for wrong, field in (
        (["--lot", "PEN"], "lot"), (["--values", "{"], "values"), (["--sku", "NO"], "items[0].sku"),
        (["--sku", "PEN", "--copies", "0"], "label"),
    ):  # fmt: skip
        code, problem = perpetua(tmp_path, database_url, "label", "print", "item-a4-3x8", *wrong, "-o", "no.pdf")
        assert (code, problem["field"]) == (1, field), problem
    assert not (tmp_path / "no.pdf").exists()
