"""The page of benchmarks: a part that is measured alone leaves the others as they stand."""

from pathlib import Path

from tools.bench.page import SHIPPING, Row, section, sections, write

OLD = "# Benchmarks\n\n**Of an old state.**\n\n| what | measured |\n|---|---|\n| ship | 1 s |\n"


def test_a_page_without_parts_becomes_the_part_of_shipping(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(OLD)
    write(page, "Delivery", section(["In words."], [Row("a switch", "0", "0")]))
    found = sections(page.read_text())
    assert list(found) == [SHIPPING, "Delivery"]
    assert "| ship | 1 s |" in found[SHIPPING]
    assert "| a switch | 0 | 0 | - |" in found["Delivery"]
    assert page.read_text().startswith("# Benchmarks\n")


def test_a_part_that_is_measured_again_replaces_only_itself(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    write(page, SHIPPING, "ship: 1 s")
    write(page, "Delivery", "switch: 2 s")
    write(page, SHIPPING, "ship: 3 s")
    assert {name: text.strip() for name, text in sections(page.read_text()).items()} == {
        SHIPPING: "ship: 3 s",
        "Delivery": "switch: 2 s",
    }
    once = page.read_text()
    write(page, SHIPPING, "ship: 3 s")
    assert page.read_text() == once
