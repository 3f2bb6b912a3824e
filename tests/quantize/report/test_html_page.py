"""The page: whole, escaped, readable without its plots, and in need of nothing else."""

import re
from html.parser import HTMLParser

import pytest
from report_samples import full_report

from quantize.report.html_page import render_html
from quantize.report.model import QuantizationReport
from quantize.report.tables import table

VOID = {"meta", "line", "rect", "circle", "path"}


class Outline(HTMLParser):
    """Checks that elements close as they open, and collects what a test asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.identifiers: list[str] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag, attributes) -> None:
        self.attributes += [(tag, name, value) for name, value in attributes]
        self.identifiers += [value for name, value in attributes if name == "id"]
        if tag not in VOID or tag == "rect":
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes) -> None:
        self.attributes += [(tag, name, value) for name, value in attributes]

    def handle_endtag(self, tag) -> None:
        while self.open and self.open[-1] != tag and self.open[-1] in VOID:
            self.open.pop()
        if tag in VOID and (not self.open or self.open[-1] != tag):
            return
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    assert found.open == []
    return found


@pytest.fixture(scope="module")
def page() -> str:
    return render_html(full_report())


def test_a_full_report_has_every_section(page) -> None:
    assert outline(page).headings == [
        "Answers",
        "ROC curves",
        "Decision flips",
        "Calibration of confidence",
        "Size and closeness",
        "Repair",
        "Layers",
        "Ranges",
        "Speed on this machine",
        "Origin",
    ]


def test_sections_without_content_are_left_out() -> None:
    page = render_html(QuantizationReport(name="bare"))
    assert outline(page).headings == []
    assert "<h1>bare</h1>" in page


@pytest.mark.parametrize("kind", ["classification", "multilabel", "regression"])
def test_every_kind_of_output_renders(kind) -> None:
    outline(render_html(full_report(kind)))


def test_nothing_in_the_page_refers_outside(page) -> None:
    loads = [
        value
        for _, name, value in outline(page).attributes
        if name in {"src", "srcset", "href", "xlink:href", "action", "data", "poster"}
    ]
    assert loads
    assert all(value.startswith("#") for value in loads)
    assert "url(" not in page
    assert "@import" not in page
    assert "<script" not in page


def test_the_browser_is_told_to_load_nothing(page) -> None:
    assert "default-src 'none'" in page.replace("&#x27;", "'")


def test_where_int8_gains_no_speed_the_page_says_so_and_the_way_out(page) -> None:
    text = page.replace("&#x27;", "'")
    assert "int8 on onnxruntime: 3.20 times float's (3.10 to 3.30)." in text
    assert "int8 on litert: 0.90 times float's (0.88 to 0.93): int8 gains no speed here" in text
    assert "--float litert keeps and runs float" in text


def test_cosine_stands_beside_the_signal_to_noise_ratio(page) -> None:
    assert '<td class="number">27.5 dB</td><td class="number">0.99912</td>' in page


def test_bounds_stay_together_where_a_table_is_narrow() -> None:
    content = table("figures", ("model", "AUROC", "SNR"), [("a (b)", "0.8 (0.7 to 0.9)", "3 dB")])
    assert '<td class="number">0.8 <span class="bounds">(0.7 to 0.9)</span></td>' in content
    assert '<th scope="row">a (b)</th>' in content
    assert '<td class="number">3 dB</td>' in content


def test_names_are_text_and_never_markup(page) -> None:
    assert "<b>mass</b>" not in page
    assert "&lt;script&gt;" in page


def test_every_drawing_says_what_it_shows(page) -> None:
    drawings = re.findall(r"<svg[^>]*role=\"img\"[^>]*>(.*?)</svg>", page, re.DOTALL)
    assert len(drawings) > 8
    for drawing in drawings:
        assert re.match(r"<title id=\"[^\"]+\">[^<]+</title><desc id=\"[^\"]+\">[^<]+<", drawing)


def test_every_identifier_is_there_once_and_every_reference_has_one(page) -> None:
    found = outline(page)
    assert len(found.identifiers) == len(set(found.identifiers))
    for _, name, value in found.attributes:
        if name == "aria-labelledby":
            assert set(value.split()) <= set(found.identifiers)
        if name == "href":
            assert value[1:] in found.identifiers


def test_every_plot_has_its_numbers_in_a_table(page) -> None:
    for section in re.findall(r"<section.*?</section>", page, re.DOTALL):
        if 'role="img"' in section:
            assert "<table>" in section


def test_flipped_examples_are_told_by_number(page) -> None:
    assert "film" not in page.replace("findings on a film", "")
    assert re.search(r"example \d+", page)


def test_the_same_report_gives_the_same_page(page) -> None:
    assert render_html(full_report()) == page
