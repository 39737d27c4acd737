"""What `jerne tracker` refuses."""

from pathlib import Path

import pytest

from swarm.field.tracker import main

CAMERA = """\
[camera]
focal = [900.0, 900.0]
middle = [640.0, 480.0]
[camera.floor]
100 = [-0.9, -0.9]
101 = [0.9, -0.9]
102 = [0.9, 0.9]
103 = [-0.9, 0.9]
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (CAMERA.replace("103", "corner"), "camera.floor.corner: must be the number of a tag, 0 to 586"),
        (CAMERA.replace("103", "587"), "camera.floor.587: must be the number of a tag, 0 to 586"),
        (CAMERA.replace("103", "0101"), "camera.floor.0101: must be the number of a tag, 0 to 586"),
        (CAMERA.replace("103 =", "#"), "camera.floor: 3 tags, at least 4 are needed"),
        (CAMERA.replace("focal", "focus"), "camera.focal: missing"),
    ],
)
def test_what_is_wrong_with_a_cameras_file(
    text: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "camera.toml"
    file.write_text(text)
    assert main(["--camera", str(file)]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("address", ["localhost:5601", "tcp://localhost", "tcp://localhost:99999"])
def test_where_poses_cannot_come_from(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--poses", address]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"jerne: error: --poses = '{address}': must be tcp://HOST:PORT, with a port of 1 to 65535")
    assert error.count("\n") == 1
