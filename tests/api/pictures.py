"""Small pictures as phones make them: with a position, turned, in several formats."""

from __future__ import annotations

import io

from PIL import ExifTags, Image

LATITUDE = (31.0, 2.0, 18.0)


def picture(
    form: str = "JPEG", size: tuple[int, int] = (64, 48), *, mode: str = "RGB", exif: Image.Exif | None = None
) -> bytes:
    """A picture whose left half is red and whose right half is blue."""
    image = Image.new(mode, size, (255, 0, 0) if mode == "RGB" else (255, 0, 0, 128))
    image.paste((0, 0, 255) if mode == "RGB" else (0, 0, 255, 255), (size[0] // 2, 0, size[0], size[1]))
    out = io.BytesIO()
    image.save(out, form, **({"exif": exif} if exif else {}))
    return out.getvalue()


def jpeg(size: tuple[int, int] = (64, 48)) -> bytes:
    """A plain photo."""
    return picture("JPEG", size)


def with_position(orientation: int = 1, size: tuple[int, int] = (64, 48)) -> bytes:
    """A photo that says where it was taken, by whose camera, and how it was held."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "HUAWEI"
    exif[ExifTags.Base.Orientation] = orientation
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: LATITUDE, 3: "E", 4: (109.0, 27.0, 36.0)})
    return picture("JPEG", size, exif=exif)


def opened(content: bytes) -> Image.Image:
    """The picture that was stored."""
    return Image.open(io.BytesIO(content))
