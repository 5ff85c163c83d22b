"""Each dataset format on tiny folders made by hand."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ocrbench.config.schema import Dataset
from ocrbench.data import read
from ocrbench.errors import DatasetError
from ocrbench.records import Sample

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, content: str | bytes = b"not decoded by read()") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def samples(name: str, root: Path) -> list[Sample]:
    return read(Dataset(name="mine", format=name, root=str(root)))


def texts(sample: Sample) -> list[str]:
    return [region.text for region in sample.regions]


class TestFolder:
    def test_lists_images_in_natural_order_below_subfolders(self, tmp_path: Path, write: Write) -> None:
        for name in ("b/img_10.PNG", "b/img_9.jpg", "a.tiff", "notes.txt", "b/._img_9.jpg", "é/1.webp"):
            write(name)
        found = samples("folder", tmp_path)
        assert [sample.id for sample in found] == ["a.tiff", "b/img_9.jpg", "b/img_10.PNG", "é/1.webp"]
        assert all(sample.image_path.is_file() and not sample.regions for sample in found)


class TestIcdar2015:
    def test_byte_order_mark_commas_dont_care_and_windows_lines(self, tmp_path: Path, write: Write) -> None:
        write("img_1.jpg")
        lines = "\ufeff0,0,9,1,9,5,0,4,Café, 2,50\r\n\r\n1,1,2,1,2,2,1,2,###\r\n"
        write("gt_img_1.txt", lines)
        (sample,) = samples("icdar2015", tmp_path)
        assert sample.id == "img_1.jpg"
        assert texts(sample) == ["Café, 2,50", "###"]
        assert [region.ignore for region in sample.regions] == [False, True]
        assert sample.regions[0].polygon == ((0, 0), (9, 1), (9, 5), (0, 4))

    def test_line_separators_inside_a_transcription_do_not_split_it(self, tmp_path: Path, write: Write) -> None:
        write("img_1.jpg")
        write("gt_img_1.txt", "0,0,9,1,9,5,0,4,a\u2028b")
        assert texts(samples("icdar2015", tmp_path)[0]) == ["a\u2028b"]

    def test_a_word_without_transcription_is_dont_care(self, tmp_path: Path, write: Write) -> None:
        write("img_1.jpg")
        write("gt_img_1.txt", "0,0,9,1,9,5,0,4,")
        assert samples("icdar2015", tmp_path)[0].regions[0].ignore

    def test_natural_order(self, tmp_path: Path, write: Write) -> None:
        for number in (10, 2, 1):
            write(f"img_{number}.jpg")
            write(f"gt_img_{number}.txt", "")
        assert [sample.id for sample in samples("icdar2015", tmp_path)] == [
            "img_1.jpg",
            "img_2.jpg",
            "img_10.jpg",
        ]

    def test_images_and_annotations_in_separate_folders(self, tmp_path: Path, write: Write) -> None:
        write("ch4_test_images/img_1.jpg")
        write("Challenge4_Test_Task1_GT/gt_img_1.txt", "0,0,9,1,9,5,0,4,word")
        (sample,) = samples("icdar2015", tmp_path)
        assert sample.id == "ch4_test_images/img_1.jpg"
        assert texts(sample) == ["word"]

    def test_the_image_beside_the_annotation_wins(self, tmp_path: Path, write: Write) -> None:
        for split in ("train", "test"):
            write(f"{split}/img_1.jpg")
            write(f"{split}/gt_img_1.txt", f"0,0,9,1,9,5,0,4,{split}")
        found = samples("icdar2015", tmp_path)
        assert {sample.id: texts(sample) for sample in found} == {
            "test/img_1.jpg": ["test"],
            "train/img_1.jpg": ["train"],
        }

    def test_several_possible_images_are_refused(self, tmp_path: Path, write: Write) -> None:
        write("img_1.jpg")
        write("img_1.png")
        write("gt_img_1.txt", "")
        with pytest.raises(DatasetError, match=r"img_1\.jpg.*img_1\.png"):
            samples("icdar2015", tmp_path)

    def test_missing_image(self, tmp_path: Path, write: Write) -> None:
        write("gt_img_1.txt", "")
        with pytest.raises(DatasetError, match=r"gt_img_1\.txt: its image img_1\.jpg is missing"):
            samples("icdar2015", tmp_path)

    def test_images_without_annotation_are_left_out_with_a_warning(
        self, tmp_path: Path, write: Write, caplog: pytest.LogCaptureFixture
    ) -> None:
        write("img_1.jpg")
        write("img_2.jpg")
        write("gt_img_1.txt", "")
        assert len(samples("icdar2015", tmp_path)) == 1
        assert "1 images have no annotation" in caplog.text

    @pytest.mark.parametrize(
        "line",
        [
            "1,2,3,4,5,6,7,8",
            "1,2,3,4,word",
            "1,2,3,4,5,6,7,x,word",
            "1,2,3,4,5,6,7,nan,word",
            "word",
            ",,,,,,,,",
        ],
    )
    def test_a_malformed_line_is_named(self, tmp_path: Path, write: Write, line: str) -> None:
        write("img_1.jpg")
        write("gt_img_1.txt", f"0,0,9,1,9,5,0,4,fine\n\n{line}\n")
        with pytest.raises(DatasetError, match=r"gt_img_1\.txt:3: expected x1,y1"):
            samples("icdar2015", tmp_path)

    @pytest.mark.parametrize("coordinate", ["1e308", "-1000001", "1e-320,1e308,0,0,9"])
    def test_a_coordinate_in_no_picture_is_refused(self, tmp_path: Path, write: Write, coordinate: str) -> None:
        write("img_1.jpg")
        numbers = f"{coordinate},0,9,1,9,5,0,4".split(",")[:8]
        write("gt_img_1.txt", f"0,0,9,1,9,5,0,4,fine\n{','.join(numbers)},word\n")
        with pytest.raises(DatasetError, match=r"gt_img_1\.txt:2: the coordinate .* is in no picture"):
            samples("icdar2015", tmp_path)

    @pytest.mark.parametrize(
        ("outline", "counts"),
        [
            ("5,5,5,5,5,5,5,5", False),
            ("0,0,9,0,9,0,0,0", False),
            ("0,0,3,3,6,6,9,9", False),
            ("0,0,9,9,9,0,0,9", True),
            ("0,0,9,0,9,1,0,0", True),
        ],
    )
    def test_a_region_without_an_area_does_not_count(
        self, tmp_path: Path, write: Write, outline: str, counts: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        write("img_1.jpg")
        write("gt_img_1.txt", f"{outline},word\n")
        (sample,) = samples("icdar2015", tmp_path)
        assert sample.regions[0].ignore is not counts
        warned = "gt_img_1.txt:1: a region without an area does not count: word" in caplog.text
        assert warned is not counts

    def test_other_encodings_are_refused(self, tmp_path: Path, write: Write) -> None:
        write("img_1.jpg")
        write("gt_img_1.txt", "0,0,9,1,9,5,0,4,ok\n0,0,9,1,9,5,0,4,Café".encode("latin-1"))
        with pytest.raises(DatasetError, match=r"gt_img_1\.txt:2: not UTF-8"):
            samples("icdar2015", tmp_path)


class TestSroie:
    def test_lines_with_commas(self, tmp_path: Path, write: Write) -> None:
        write("img/000.jpg")
        write("box/000.csv", "72,25,326,25,326,64,72,64,NO.1, JALAN SETIA,\n")
        (sample,) = samples("sroie", tmp_path)
        assert sample.id == "img/000.jpg"
        assert texts(sample) == ["NO.1, JALAN SETIA,"]

    def test_missing_image(self, tmp_path: Path, write: Write) -> None:
        write("img/001.jpg")
        write("box/000.csv", "")
        with pytest.raises(DatasetError, match=r"000\.csv: its image 000\.jpg is missing"):
            samples("sroie", tmp_path)


class TestFunsd:
    def form(self, *words: object) -> str:
        return json.dumps({"form": [{"text": "block", "words": list(words)}]})

    def test_words_without_text_are_skipped(self, tmp_path: Path, write: Write) -> None:
        write("images/a.png")
        words = ({"box": [1, 2, 11, 7], "text": "R&D"}, {"box": [0, 0, 5, 5], "text": " "})
        write("annotations/a.json", self.form(*words))
        (sample,) = samples("funsd", tmp_path)
        assert sample.id == "images/a.png"
        assert texts(sample) == ["R&D"]
        assert sample.regions[0].polygon == ((1, 2), (11, 2), (11, 7), (1, 7))

    @pytest.mark.parametrize(
        "word",
        [
            {"box": [1, 2, 3], "text": "a"},
            {"box": [9, 2, 3, 4], "text": "a"},
            {"box": [1, 2, 3, float("nan")], "text": "a"},
            {"box": [1, 2, 3, 4]},
            {"box": [1, 2, 3, 4], "text": None},
            {"box": None, "text": "a"},
            "word",
            7,
        ],
    )
    def test_a_malformed_word_is_named(self, tmp_path: Path, write: Write, word: object) -> None:
        write("images/a.png")
        write("annotations/a.json", self.form({"box": [1, 2, 11, 7], "text": "ok"}, word))
        with pytest.raises(DatasetError, match=r"a\.json: word 1: expected"):
            samples("funsd", tmp_path)

    @pytest.mark.parametrize("content", ["[]", "{}", '{"form": 3}', '{"form": [{}]}', "7"])
    def test_another_structure_is_refused(self, tmp_path: Path, write: Write, content: str) -> None:
        write("images/a.png")
        write("annotations/a.json", content)
        with pytest.raises(DatasetError, match=r"a\.json: expected an object"):
            samples("funsd", tmp_path)

    def test_broken_json_is_named_by_line(self, tmp_path: Path, write: Write) -> None:
        write("images/a.png")
        write("annotations/a.json", '{"form":\n oops}')
        with pytest.raises(DatasetError, match=r"a\.json:2: not JSON"):
            samples("funsd", tmp_path)


def words_xml(name: str, *rectangles: str, resolution: str = '<resolution x="100" y="50"/>') -> bytes:
    words = "".join(rectangles)
    return (
        "<?xml version='1.0' encoding='ISO-8859-1'?><tagset><image>"
        f"<imageName>{name}</imageName>{resolution}<taggedRectangles>{words}</taggedRectangles>"
        "</image></tagset>"
    ).encode("latin-1")


def rectangle(x: object, y: object, width: object, height: object, tag: str = "<tag>word</tag>") -> str:
    return f'<taggedRectangle x="{x}" y="{y}" width="{width}" height="{height}">{tag}</taggedRectangle>'


class TestIcdar2003:
    def test_declared_encoding_and_subfolders(self, tmp_path: Path, write: Write) -> None:
        write("a/1.jpg")
        write("words.xml", words_xml("a/1.jpg", rectangle(1.0, 2.0, 10, 5, "<tag>£5</tag>")))
        (sample,) = samples("icdar2003", tmp_path)
        assert sample.id == "a/1.jpg"
        assert texts(sample) == ["£5"]
        assert sample.regions[0].polygon == ((1, 2), (11, 2), (11, 7), (1, 7))

    def test_rectangles_are_clipped_to_the_image(self, tmp_path: Path, write: Write) -> None:
        write("1.jpg")
        write("words.xml", words_xml("1.jpg", rectangle(-5, -16, 20, 30), rectangle(90, 40, 20, 30)))
        first, second = samples("icdar2003", tmp_path)[0].regions
        assert first.polygon == ((0, 0), (15, 0), (15, 14), (0, 14))
        assert second.polygon == ((90, 40), (100, 40), (100, 50), (90, 50))

    @pytest.mark.parametrize(
        "word",
        [rectangle(200, 0, 5, 5), rectangle(1, 1, 0, 5), rectangle(1, 1, -3, 5), rectangle(0, -9, 5, 9)],
    )
    def test_a_rectangle_without_area_is_refused(self, tmp_path: Path, write: Write, word: str) -> None:
        write("1.jpg")
        write("words.xml", words_xml("1.jpg", rectangle(0, 0, 5, 5), word))
        with pytest.raises(DatasetError, match=r"words\.xml: 1\.jpg, rectangle 2: .* covers no part"):
            samples("icdar2003", tmp_path)

    @pytest.mark.parametrize("word", [rectangle("", 0, 5, 5), rectangle("inf", 0, 5, 5), "<taggedRectangle/>"])
    def test_a_rectangle_needs_numbers(self, tmp_path: Path, write: Write, word: str) -> None:
        write("1.jpg")
        write("words.xml", words_xml("1.jpg", word))
        with pytest.raises(DatasetError, match=r"rectangle 1: <taggedRectangle> needs numbers"):
            samples("icdar2003", tmp_path)

    def test_a_word_without_tag_is_dont_care(self, tmp_path: Path, write: Write) -> None:
        write("1.jpg")
        write("words.xml", words_xml("1.jpg", rectangle(0, 0, 5, 5, "")))
        assert samples("icdar2003", tmp_path)[0].regions[0].ignore

    @pytest.mark.parametrize("name", ["../secret.jpg", "a/../../secret.jpg", "/etc/passwd", "link.jpg"])
    def test_names_that_lead_outside_are_refused(self, tmp_path: Path, write: Write, name: str) -> None:
        secret = write("secret.jpg")
        root = tmp_path / "set"
        write("set/a/1.jpg")
        (root / "link.jpg").symlink_to(secret)
        write("set/words.xml", words_xml(name))
        with pytest.raises(DatasetError, match="leads outside the dataset"):
            samples("icdar2003", root)

    def test_the_root_itself_may_be_a_link(self, tmp_path: Path, write: Write) -> None:
        write("real/1.jpg")
        write("real/words.xml", words_xml("1.jpg"))
        (tmp_path / "link").symlink_to(tmp_path / "real")
        assert [sample.id for sample in samples("icdar2003", tmp_path / "link")] == ["1.jpg"]

    @pytest.mark.parametrize("name", ["2.jpg", "a" * 5000])
    def test_missing_image(self, tmp_path: Path, write: Write, name: str) -> None:
        write("words.xml", words_xml(name))
        with pytest.raises(DatasetError, match=r"words\.xml: .*(is missing|cannot name an image)"):
            samples("icdar2003", tmp_path)

    def test_an_image_twice_is_refused(self, tmp_path: Path, write: Write) -> None:
        write("1.jpg")
        image = '<image><imageName>1.jpg</imageName><resolution x="9" y="9"/></image>'
        write("words.xml", f"<tagset>{image}{image}</tagset>")
        with pytest.raises(DatasetError, match="more than once"):
            samples("icdar2003", tmp_path)

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (words_xml(""), "no imageName"),
            (words_xml("1.jpg", resolution=""), "no resolution"),
            (b"<tagset></tagset>", "names no images"),
            (b"<tagset>\n<image></tagset>", r"words\.xml:2: not valid XML"),
            (b"", "not valid XML"),
            (b"<?xml version='1.0' encoding='no-such'?><tagset/>", "not valid XML"),
        ],
    )
    def test_malformed_files_are_refused(self, tmp_path: Path, write: Write, content: bytes, reason: str) -> None:
        write("1.jpg")
        write("words.xml", content)
        with pytest.raises(DatasetError, match=reason):
            samples("icdar2003", tmp_path)

    @pytest.mark.parametrize(
        "doctype",
        [
            '<!DOCTYPE tagset [<!ENTITY name SYSTEM "secret.txt">]>',
            '<!DOCTYPE tagset [<!ENTITY name "1.jpg">]>',
            '<!DOCTYPE tagset SYSTEM "secret.dtd">',
        ],
    )
    def test_entities_are_refused(self, tmp_path: Path, write: Write, doctype: str) -> None:
        write("1.jpg")
        write("secret.txt", "1.jpg")
        write("words.xml", f"{doctype}<tagset><image><imageName>&name;</imageName></image></tagset>")
        with pytest.raises(DatasetError, match="document type"):
            samples("icdar2003", tmp_path)
