"""Photos are written anew without what nobody asked for; what is not what it says is not taken."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import ExifTags, Image
from tests.api.phone import FILM
from tests.api.pictures import LATITUDE, jpeg, opened, picture, with_position

from huqing.visits import files, photos


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.DATA = tmp_path


def stored(content: bytes, name: str = "p.jpg", **options: bool) -> photos.Stored:
    arrival = files.Arrival(name)
    arrival.write(content)
    try:
        return photos.store(arrival, **options)
    finally:
        arrival.discard()


def kept(content: bytes, name: str = "p.jpg", **options: bool) -> Image.Image:
    with photos.open_photo(stored(content, name, **options).sha256) as file:
        return opened(file.read())


def test_position_and_camera_are_taken_out():
    found = kept(with_position())
    assert dict(found.getexif()) == {}
    assert not found.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    assert "exif" not in found.info


def test_the_position_stays_where_the_form_asks_for_it_and_nothing_else():
    found = kept(with_position(), keep_position=True)
    place = found.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    assert tuple(map(float, place[ExifTags.GPS.GPSLatitude])) == LATITUDE
    assert set(found.getexif()) <= {ExifTags.IFD.GPSInfo}


def test_only_questions_that_say_so_keep_the_position():
    xform = (
        '<h:html xmlns:h="a" xmlns="b"><h:body><upload ref="/data/a" appearance="new keep-position"/>'
        '<upload ref="/data/b" appearance="new"/><upload ref="/data/c"/></h:body></h:html>'
    )
    assert photos.keeping_position(xform) == {"/data/a"}


@pytest.mark.parametrize(("orientation", "red"), [(1, "left"), (3, "right"), (6, "top"), (8, "bottom")])
def test_photos_are_turned_upright(orientation, red):
    found = kept(with_position(orientation, (80, 40))).convert("RGB")
    assert found.size == ((80, 40) if orientation in (1, 3) else (40, 80))
    width, height = found.size
    spots = {"left": (4, height // 2), "right": (width - 4, height // 2), "top": (width // 2, 4),
             "bottom": (width // 2, height - 4)}  # fmt: skip
    opposite = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}[red]
    assert found.getpixel(spots[opposite])[2] > 200
    assert found.getpixel(spots[red])[0] > 200


def test_large_photos_are_made_smaller_and_small_ones_are_not_made_larger():
    assert max(kept(jpeg((4000, 3000))).size) == photos.SIDE
    assert kept(jpeg((64, 48))).size == (64, 48)


@pytest.mark.parametrize(("form", "name", "becomes"), [("PNG", "s.png", "PNG"), ("WEBP", "w.webp", "JPEG")])
def test_formats_of_phones_are_read(form, name, becomes):
    assert kept(picture(form), name).format == becomes


def test_a_photo_with_a_second_picture_in_it_keeps_the_first():
    out = io.BytesIO()
    first, second = (Image.new("RGB", (64, 48), colour) for colour in ("red", "blue"))
    first.save(out, "MPO", save_all=True, append_images=[second])
    found = kept(out.getvalue())
    assert found.format == "JPEG"
    assert found.getpixel((5, 5))[0] > 200


def test_a_signature_stays_see_through():
    assert kept(picture("PNG", mode="RGBA"), "s.png").mode == "RGBA"


def test_what_hangs_behind_a_photo_is_cut_off():
    with photos.open_photo(stored(jpeg() + b"<script>alert(1)</script>" * 100).sha256) as file:
        assert b"script" not in file.read()


def test_the_same_photo_is_stored_once():
    assert stored(jpeg()).sha256 == stored(jpeg()).sha256
    assert len([path for path in files.folder().glob("??/*") if path.is_file()]) == 1


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def progressive(width: int, height: int) -> bytes:
    """A progressive JPEG that claims a size."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", progressive=True)
    content = bytearray(out.getvalue())
    start = content.index(b"\xff\xc2") + 5
    content[start : start + 4] = struct.pack(">HH", height, width)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (progressive(11_000, 10_000), "bomb.jpg", "太大了"),
        (png_of(60_000, 60_000), "bomb.png", "太大了|打不开"),
        (png_of(9_000, 9_000), "bomb.png", "太大了"),
        (jpeg()[:200], "cut.jpg", "打不开"),
        (b"\xff\xd8\xff" + b"\0" * 500, "noise.jpg", "打不开"),
        (b"", "empty.jpg", "空的"),
        (b"MZ\x90\0" * 100, "virus.jpg", "类型不收"),
        (b"<html><script>alert(1)</script></html>", "page.html", "类型不收"),
        (b"PK\x03\x04" + b"\0" * 100, "a.docx", "类型不收"),
        (b"%PDF-1.7\n", "photo.jpg", "扩展名 jpg 不符"),
        (jpeg(), "sound.mp3", "扩展名 mp3 不符"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 100, "IMG_1.HEIC", "改为 JPEG"),
        (b"GIF89a" + b"\0" * 100, "a.gif", "类型不收"),
        (b"a,b\n\0\x01", "a.csv", "类型不收"),
    ],
)
def test_what_is_not_taken_is_told_and_not_kept(content, name, said):
    found = stored(content, name)
    assert any(part in found.refused for part in said.split("|")), found.refused
    assert found.sha256 == ""
    assert not list(files.folder().glob("[0-9a-f][0-9a-f]/*"))


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (FILM, "a.mp4", "video/mp4"),
        (b"\0\0\0\x18ftypM4A " + b"\0" * 20, "a.m4a", "audio/mp4"),
        (b"\0\0\0\x18ftyp3gp4" + b"\0" * 20, "a.3gpp", "video/3gpp"),
        (b"ID3\x03" + b"\0" * 20, "a.mp3", "audio/mpeg"),
        (b"RIFF\0\0\0\0WAVEfmt ", "a.wav", "audio/wav"),
        (b"OggS" + b"\0" * 20, "a.ogg", "audio/ogg"),
        (b"#!AMR\n" + b"\0" * 20, "a.amr", "audio/amr"),
        (b"%PDF-1.7\n", "a.pdf", "application/pdf"),
        ("event,node\n打开,/data/水\n".encode() * 300, "audit.csv", "text/csv"),
    ],
)
def test_other_files_are_kept_as_they_are(content, name, kind):
    found = stored(content, name)
    assert (found.kind, found.refused, found.size) == (kind, "", len(content))
    with photos.open_photo(found.sha256) as file:
        assert file.read() == content


def test_a_file_may_not_be_larger_than_its_kind(monkeypatch):
    from huqing.visits import kinds

    monkeypatch.setitem(kinds._LARGEST, "video", 10)
    assert "不能超过" in stored(FILM, "a.mp4").refused


def test_thumbnails_are_made_when_first_asked_for():
    found = stored(jpeg((1600, 1200)))
    assert not files.thumbnail_place(found.sha256).exists()
    with photos.open_photo(found.sha256, thumbnail=True) as file:
        small = opened(file.read())
    assert (small.format, max(small.size)) == ("JPEG", photos.THUMBNAIL_SIDE)
    assert files.thumbnail_place(found.sha256).exists()


def test_a_see_through_signature_has_a_white_thumbnail():
    image = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    out = io.BytesIO()
    image.save(out, "PNG")
    with photos.open_photo(stored(out.getvalue(), "s.png").sha256, thumbnail=True) as file:
        assert opened(file.read()).getpixel((50, 50)) == (255, 255, 255)


def test_only_pictures_have_thumbnails():
    with pytest.raises(photos.NoPicture):
        photos.open_photo(stored(FILM, "a.mp4").sha256, thumbnail=True)


def test_a_file_that_is_gone_is_told():
    with pytest.raises(FileNotFoundError):
        photos.open_photo("0" * 64)
