"""The TMTV page, PDF, pictures and words: self-contained, complete, and drawn the right way round."""

from __future__ import annotations

import re
import shutil
import string
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from helpers_browser import dom, screenshot
from helpers_tmtv import save, spots, worked_example

from TransferSegLib.errors import UsageError
from TransferSegLib.imaging import Grid
from TransferSegLib.jobs.tmtv import tmtv
from TransferSegLib.jobs.tmtv_options import TmtvOptions
from TransferSegLib.reporting import tmtv_words
from TransferSegLib.reporting.tmtv_listing import share
from TransferSegLib.reporting.tmtv_pdf import ROOM, text_inches, wrapped
from TransferSegLib.reporting.tmtv_projecting import project
from TransferSegLib.reporting.tmtv_table import tmtv_table, write_csv

VOID = {"meta", "img", "br", "link"}


class Page(HTMLParser):
    """Elements, words and tables of a page; fails on tags that do not close in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open, self.tags, self.sources, self.rows, self.words = [], [], [], [], []
        self.feed(path.read_text(encoding="utf-8"))
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.sources += [value for name, value in attributes if name in ("src", "href", "srcset", "data")]
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """The worked example in both languages."""
    folder = tmp_path_factory.mktemp("worked")
    files = worked_example(folder / "in")
    values = {}
    for language in ("en", "fr"):
        options = TmtvOptions(unit="suv", language=language)
        values[language] = tmtv(**files, out=folder / language, id="CLIPS <1>", options=options)
    return values


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_is_whole_and_needs_nothing_from_outside(reports, language):
    path = Path(reports[language]["report"])
    page, text = Page(path), path.read_text(encoding="utf-8")
    assert f'<html lang="{language}">' in text and 'charset="utf-8"' in text
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert all(source.startswith("data:image/png;base64,") for source in page.sources) and len(page.sources) == 2
    assert not re.search(r"https?:|@import|url\(|@font-face", text)
    words = " ".join(page.words)
    assert "CLIPS <1>" in words and "<1>" not in re.sub(r"&lt;1&gt;", "", text)
    dice = next(row for row in page.rows if row[0] == "Dice")
    assert dice[1] == "0.558"
    lesions = next(place for place, row in enumerate(page.rows) if "SUVpeak" in row)
    assert [row[0] for row in page.rows[lesions + 1 : lesions + 4]] == ["1", "2", "total"]
    fields = {row[0]: row[1] for row in page.rows if len(row) == 2}
    assert fields["TMTV TP ml"] == "52.03" and fields["TMTV FN ml"] == "82.37"
    criteria = [row for row in page.rows if row and "(100.0%)" in "".join(row)]
    assert len(criteria) == 4


def test_the_page_in_headless_chromium(reports, tmp_path):
    path = Path(reports["en"]["report"])
    assert "52.03" in dom(path, tmp_path)
    seen = screenshot(path, tmp_path / "page.png").astype(int)
    red, green, blue = seen[..., 0], seen[..., 1], seen[..., 2]
    assert ((red > 170) & (green < 60) & (blue < 80)).sum() > 100, "no outline of a lesion was drawn"
    assert ((green > red + 40) & (green > blue + 20)).sum() > 200, "no true positive was drawn"
    assert ((blue > red + 60) & (blue > green + 20)).sum() > 200, "no false negative was drawn"
    narrow = screenshot(path, tmp_path / "narrow.png", size=(500, 3000))
    assert (narrow[:, -8:] == 255).all(), "a part of the page runs out of a narrow window"


def test_the_pdf_has_the_pages_words(reports, tmp_path):
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not there to read the PDF with")
    import subprocess

    path = reports["fr"]["files"]["pdf"]
    text = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True).stdout
    for words in ("Compte rendu TMTV", "TMTV calculé par TMTV-NET (seuillé)", "52.03", "99.88", "Lésions", "0.558"):
        assert words in text


def test_lines_of_the_pdf_fit_between_the_margins():
    text = "Les lésions sont des composantes 18-connexes, " * 9
    lines = wrapped(text, 9)
    assert " ".join(lines) == " ".join(text.split()) and len(lines) > 3
    assert max(text_inches(line, 9) for line in lines) <= ROOM


def test_both_languages_have_all_words_and_the_same_gaps():
    for name, (english, french) in tmtv_words._WORDS.items():
        gaps = [{gap for _, gap, _, _ in string.Formatter().parse(text) if gap} for text in (english, french)]
        assert gaps[0] == gaps[1], name
        assert english and french


def test_the_french_page_has_no_english_headings(reports):
    page = Page(Path(reports["fr"]["report"]))
    words = " ".join(page.words)
    assert "Seuils côte à côte" in words and "Par rapport à la référence" in words
    assert not re.search(r"Thresholds|Against the reference|Lesions found|unnamed", words)


@pytest.mark.parametrize("code", ["LPS", "RAS", "SPL", "AIR"])
def test_projections_stand_upright_whatever_the_axes(code):
    """The same patient on grids of other axes gives the same two pictures."""
    import SimpleITK as sitk

    suv = np.full((10, 8, 6), 0.5, np.float32)
    suv[8, 1, 4] = 5  # high up, in front, on the left
    upright = Grid((6, 8, 10), (2.0, 3.0, 4.0), (-5, -10, -20))
    turned = sitk.DICOMOrient(upright.put_on(sitk.GetImageFromArray(suv)), code)
    array, grid = sitk.GetArrayFromImage(turned), Grid.of(turned)
    labels = (array > 4).astype(np.uint8)
    frontal, lateral = project(array, labels, ["1"], {"all": array > 4}, grid)
    assert (frontal.name, lateral.name) == ("frontal", "lateral")
    for view, column, size in ((frontal, 4, (12.0, 40.0)), (lateral, 1, (24.0, 40.0))):
        assert view.size_mm == size and view.suv[1, column] == 5
        assert view.masks["1"][1, column] and view.masks["1"].sum() == 1
        assert (view.masks["all"] == view.masks["1"]).all()


def test_many_lesions_and_odd_numbers_do_not_break_the_pictures(tmp_path):
    rng = np.random.default_rng(0)
    suv = np.full((60, 60, 60), 0.6, np.float32)
    for k, j, i in rng.integers(2, 58, (150, 3)):
        suv[k, j, i] = 6
    value = tmtv(pet=save(tmp_path / "c" / "pet.nii.gz", suv), out=tmp_path / "out",
                 options=TmtvOptions(unit="suv", naming="off"))  # fmt: skip
    assert value["count"] > 100 and Path(value["report"]).stat().st_size > 50_000


def test_shares_and_the_table_of_nothing():
    assert share(3, 7) == "3 / 7 (42.9%)" and share(0, 0) == "0 / 0 (–)"


def test_a_name_that_a_spreadsheet_would_run_is_only_text(tmp_path):
    suv, _ = spots()
    pet = save(tmp_path / "c" / "pet.nii.gz", suv)
    value = tmtv(pet=pet, out=tmp_path / "out", id="=1+1", options=TmtvOptions(unit="suv", naming="off"))
    headings, rows = tmtv_table([value])
    path = write_csv(tmp_path / "t.csv", headings, rows, language="en")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf") and "'=1+1," in path.read_text(encoding="utf-8-sig")


def test_names_are_text_and_never_formulas_or_warnings(tmp_path, recwarn):
    suv, _ = spots()
    pet = save(tmp_path / "c" / "pet.nii.gz", suv)
    moves = ((1, "other:$x^$"), (2, r"other:日本 $\frac"))
    options = TmtvOptions(unit="suv", naming="off", moves=moves)
    for name in ("P$^$", r"日本 $\frac$ <b>&"):
        value = tmtv(pet=pet, out=tmp_path / "out", id=name, options=options)
        words = " ".join(Page(Path(value["report"])).words)
        assert name in words and "$x^$" in words and "other:" not in words
    assert not [str(one.message) for one in recwarn if "lyph" in str(one.message)]
    if shutil.which("pdftotext") is not None:
        import subprocess

        command = ["pdftotext", "-layout", value["files"]["pdf"], "-"]
        text = subprocess.run(command, capture_output=True, text=True).stdout
        assert r"TMTV report: ?? $\frac$" in text and "lacks some characters" in text
    for wrong in ("x\x01y", "a\nb", "a\udc80"):
        with pytest.raises(UsageError, match=r"--id: .*cannot be printed"):
            tmtv(pet=pet, out=tmp_path / "none", id=wrong, options=options)
    assert not (tmp_path / "none").exists()
