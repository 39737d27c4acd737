"""The report's figures as PNG, with resvg (extra `report`); text in the font that comes with Pillow."""

import tempfile
from functools import cache
from io import BytesIO
from pathlib import Path

from PIL import ImageFont

ZOOM = 2.0  # pixels for each user unit


def png(svg: str) -> bytes:
    """An SVG figure as a PNG file on white. Raises ModuleNotFoundError where resvg is missing."""
    try:
        import resvg_py
    except ModuleNotFoundError:
        raise ModuleNotFoundError("PNG figures need resvg: uv sync --extra report; or --format svg") from None
    face, data = _font()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "font.ttf"
        file.write_bytes(data)
        image: bytes = resvg_py.svg_to_bytes(
            svg_string=svg,
            background="#ffffff",
            zoom=ZOOM,
            skip_system_fonts=True,
            font_files=[str(file)],
            font_family=face,
            sans_serif_family=face,
        )
    return bytes(image)


@cache
def _font() -> tuple[str, bytes]:
    """Family and file of Pillow's own font."""
    font = ImageFont.load_default(12)
    if not isinstance(font, ImageFont.FreeTypeFont) or not isinstance(font.path, BytesIO):
        raise ModuleNotFoundError("PNG figures need a Pillow with FreeType; or --format svg")
    return str(font.getname()[0]), font.path.getvalue()
