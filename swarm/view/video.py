"""Pictures in a row as a file: MP4 (H.264, needs the extra `video`) or GIF (for short clips)."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from PIL import Image
from PIL.GifImagePlugin import getdata, getheader

from robots import check


class Video:
    """A video file that grows picture by picture; the first picture decides the size.

    Use it as a context manager, or call `close`, which completes the file. A video that never got a picture
    leaves no file.

    path: ends in .mp4 or .gif
    fps: pictures per second, 1 to 60; a GIF rounds the time of a picture to 0.01 s
    Raises ValueError for another suffix or rate, ModuleNotFoundError where PyAV is missing.
    """

    def __init__(self, path: str | Path, fps: float = 20.0) -> None:
        check.number("fps", fps, 1, 60)
        self._file: _Mp4 | _Gif
        match Path(path).suffix.lower():
            case ".mp4":
                self._file = _Mp4(Path(path), fps)
            case ".gif":
                self._file = _Gif(Path(path), fps)
            case _:
                raise ValueError(f"{path}: a video's name must end in .mp4 or .gif")
        self._size: tuple[int, int] | None = None

    def write(self, picture: Image.Image) -> None:
        """Append `picture`. Raises ValueError if its size is not that of the first."""
        self._size = self._size or picture.size
        if picture.size != self._size:
            raise ValueError(f"picture of {picture.size} pixels: the video has {self._size}")
        self._file.write(picture.convert("RGB"))

    def close(self) -> None:
        """Complete the file."""
        if self._size:
            self._file.close()
            self._size = None

    def __enter__(self) -> "Video":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Mp4:
    def __init__(self, path: Path, fps: float) -> None:
        try:
            import av
        except ModuleNotFoundError:
            raise ModuleNotFoundError(f"{path}: MP4 needs PyAV: uv sync --extra video; or write a .gif") from None
        self._av: Any = av
        self._path, self._rate = path, Fraction(fps).limit_denominator(1000)
        self._container: Any = None
        self._stream: Any = None

    def write(self, picture: Image.Image) -> None:
        if self._container is None:
            self._open(picture.width, picture.height)
        self._container.mux(self._stream.encode(self._av.VideoFrame.from_image(picture)))

    def close(self) -> None:
        self._container.mux(self._stream.encode())
        self._container.close()

    def _open(self, width: int, height: int) -> None:
        self._container = self._av.open(str(self._path), "w")
        self._stream = self._container.add_stream("libx264", rate=self._rate, options={"crf": "20"})
        # 4:2:0 colour halves both sides, so they must be even
        self._stream.width, self._stream.height = width // 2 * 2, height // 2 * 2
        self._stream.pix_fmt = "yuv420p"


class _Gif:
    def __init__(self, path: Path, fps: float) -> None:
        self._path, self._duration = path, 10 * round(100 / fps)  # ms
        self._out: IO[bytes] | None = None

    def write(self, picture: Image.Image) -> None:
        frame = picture.quantize()
        if self._out is None:
            self._out = self._path.open("wb")
            self._out.writelines(getheader(frame, info={"loop": 0})[0])
        self._out.writelines(getdata(frame, duration=self._duration, include_color_table=True))
        self._out.flush()

    def close(self) -> None:
        assert self._out is not None
        self._out.write(b";")
        self._out.close()
