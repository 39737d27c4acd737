"""Keys in folders, the command for them, and the judgement of the gate."""

import stat
from pathlib import Path

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st
from zmq.utils import z85

from swarm.cli import main
from swarm.net import gate, keys
from swarm.net.keys import Keyring, KeysError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The keys of robots 0, 1, 2 and of a desk."""
    keys.new(tmp_path / "keys", ["0", "1", "2", "desk"], "barn")
    return tmp_path / "keys"


def test_what_is_made_is_loaded(folder: Path) -> None:
    rings = [keys.load(folder, name) for name in ("0", "1", "2", "desk")]
    assert [ring.name for ring in rings] == ["0", "1", "2", "desk"]
    assert {ring.swarm for ring in rings} == {"barn"}
    assert len({ring.beacon for ring in rings}) == 1
    assert len(rings[0].beacon) == 32
    allowed = {ring.public: ring.name for ring in rings}
    assert all(ring.allowed == allowed and zmq.curve_public(ring.secret) == ring.public for ring in rings)
    assert rings[0].robots == {n: rings[n].public for n in range(3)}
    assert rings[0].secret.decode() not in repr(rings[0])


def test_the_files_are_their_owners_alone(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {"swarm", "members", *(f"{n}.secret" for n in (0, 1, 2, "desk"))}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.iterdir())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_secret_of_who_is_no_member_is_left_as_it_is(folder: Path) -> None:
    """The list may have been emptied by accident; who is revoked gets new keys under the same name."""
    secret = (folder / "desk.secret").read_bytes()
    listed = (folder / "members").read_bytes()
    (folder / "members").write_bytes(b"")
    with pytest.raises(KeysError, match=r"desk\.secret: exists already and is left as it is"):
        keys.new(folder, ["9", "desk"])
    assert (folder / "desk.secret").read_bytes() == secret
    assert (folder / "members").read_bytes() == b""
    assert not (folder / "9.secret").exists()
    (folder / "members").write_bytes(listed)
    keys.revoke(folder, "desk")
    keys.new(folder, ["desk"])
    assert (folder / "desk.secret").read_bytes() != secret


def test_no_more_members_are_made_than_can_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(KeysError, match=r"members: 1025 members, at most 1024 are possible, revoked ones included"):
        keys.new(folder, [f"w{i}" for i in range(keys.MOST - 3)])
    assert sorted(path.name for path in folder.iterdir()) == before
    monkeypatch.setattr(keys, "MOST", 4)
    with pytest.raises(KeysError, match="5 members, at most 4"):
        keys.add(folder, "w", zmq.curve_keypair()[0])
    assert len(keys.members(folder)) == 4


def test_a_robot_needs_no_name_where_its_own_secret_is_alone(folder: Path) -> None:
    with pytest.raises(KeysError, match=r"several secret keys, a name is needed; there are those of 0, 1, 2, desk$"):
        keys.load(folder)
    for other in ("0", "2", "desk"):
        (folder / f"{other}.secret").unlink()
    assert keys.load(folder).name == "1"
    with pytest.raises(KeysError, match=r"3\.secret is not there; there are those of 1$"):
        keys.load(folder, "3")
    (folder / "1.secret").unlink()
    with pytest.raises(KeysError, match="a secret key is not there; jerne keys new makes one"):
        keys.load(folder)


def test_who_is_revoked_is_let_in_no_longer_and_never_again(folder: Path) -> None:
    one = keys.load(folder, "1")
    zero = keys.load(folder, "0")
    keys.revoke(folder, "1")
    renewed = keys.renew(zero)
    assert one.public not in renewed.allowed
    assert renewed.revoked == {one.public}
    assert not (folder / "1.secret").exists()
    with pytest.raises(KeysError, match="was revoked, of 1"):
        keys.add(folder, "1", one.public)
    with pytest.raises(KeysError, match="1: no such member; there are 0, 2, desk"):
        keys.revoke(folder, "1")
    (made,) = keys.new(folder, ["1"])
    assert keys.load(folder, "1").allowed[made.public] == "1"
    keys.revoke(folder, made.public.decode())
    secret = (folder / "0.secret").read_bytes()
    keys.revoke(folder, "0")
    keys.write(folder / "0.secret", secret)  # as on the robot itself
    with pytest.raises(KeysError, match="the key of 0 was revoked"):
        keys.load(folder, "0")
    assert set(keys.renew(zero).allowed.values()) == {"2", "desk"}  # it lets nobody in who is a member no more


def test_keys_made_elsewhere(folder: Path, tmp_path: Path) -> None:
    (mine,) = keys.new(tmp_path / "mine", ["7"])
    keys.add(folder, "7", mine.public)
    assert keys.load(folder, "0").robots[7] == mine.public
    for name, public, why in [
        ("8", mine.public, "is the key of 7"),
        ("7", zmq.curve_keypair()[0], "7: is a member already"),
        ("a b", zmq.curve_keypair()[0], "'a b': is no name"),
        ("8", b"short", "short: is no public key"),
        ("8", b"\xff" * 40, "is no public key"),
        ("8", b"#" * 40, "is no public key"),  # the right letters, and no key
    ]:
        with pytest.raises(KeysError, match=why):
            keys.add(folder, name, public)


@pytest.mark.parametrize("name", ["swarm", "members", "1.secret"])
def test_damage_is_refused(folder: Path, name: str) -> None:
    path = folder / name
    whole = path.read_bytes()
    beyond = b" ".join([b"#" * 40] * 2)
    for data in (b"", b"\xff\xfe" * 50, whole[: len(whole) // 2], whole + b"x", whole.swapcase(), beyond):
        path.write_bytes(data)
        with pytest.raises(KeysError):
            keys.load(folder, "1")
    path.write_bytes(whole)
    path.chmod(0o640)
    with pytest.raises(KeysError, match=rf"^{path}: others can read or write it \(mode 0640\): chmod 600 {path}$"):
        keys.load(folder, "1")
    path.unlink()
    with pytest.raises(KeysError):
        keys.load(folder, "1")


def test_another_swarm_in_the_same_folder_is_refused(folder: Path) -> None:
    with pytest.raises(KeysError, match="holds the keys of the swarm 'barn', not of 'stable'"):
        keys.new(folder, ["5"], "stable")


@pytest.mark.parametrize(
    ("name", "number"),
    [("0", 0), ("7", 7), ("32767", 32767), ("32768", None), ("07", None), ("desk", None), ("", None)],
)
def test_numbers(name: str, number: int | None) -> None:
    assert keys.number(name) == number


# The command


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "keys"
    assert main(["keys", "new", str(folder), "0-2", "desk", "--swarm", "barn"]) == 0
    made = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert list(made) == ["0", "1", "2", "desk"]
    assert main(["keys", "revoke", str(folder), "2"]) == 0
    public, _ = zmq.curve_keypair()
    assert main(["keys", "add", str(folder), "9", public.decode()]) == 0
    capsys.readouterr()
    assert main(["keys", "list", str(folder)]) == 0
    lines = [line.split(maxsplit=3) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["swarm", "barn"],
        ["0", made["0"], "robot", "its secret is here"],
        ["1", made["1"], "robot", "its secret is here"],
        ["2", made["2"], "robot", "revoked"],
        ["desk", made["desk"], "watcher", "its secret is here"],
        ["9", public.decode(), "robot"],
    ]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["new", "{}", "0"], "0: is a member already"),
        (["new", "{}", "5", "5"], "5: is a member already"),
        (["new", "{}", "../x"], "'../x': is no name"),
        (["new", "{}", "9-2"], "9-2: must be FIRST-LAST"),
        (["new", "/proc/keys/here", "1"], "cannot be written"),
        (["add", "{}", "9", "abc"], "abc: is no public key"),
        (["list", "{}/none"], "cannot be read: No such file"),
        (["revoke", "{}", "nobody"], "nobody: no such member; there are 0, 1, 2, desk"),
    ],
)
def test_bad_input_is_one_line(
    folder: Path, arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "members").read_bytes()
    assert main(["keys", *(word.format(folder) for word in arguments)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("jerne: error: ")
    assert why in line
    assert (folder / "members").read_bytes() == before


# The gate's judgement


def ring() -> Keyring:
    return keys.generate(["0", "1"], "barn")["0"]


RING = ring()


def request(public: bytes, mechanism: bytes = b"CURVE") -> list[bytes]:
    return [b"1.0", b"17", b"radio", b"127.0.0.1", b"", mechanism, z85.decode(public)]


def test_members_are_let_in_under_their_keys() -> None:
    for public in RING.allowed:
        assert gate.judge(request(public), RING) == ([b"1.0", b"17", b"200", b"OK", public, b""], "let in")


def test_strangers_are_not() -> None:
    public, _ = zmq.curve_keypair()
    answer, what = gate.judge(request(public), RING)
    assert (answer[2], answer[4], what) == (b"400", b"", "stranger")
    revoked = Keyring("0", RING.public, RING.secret, RING.allowed, revoked=frozenset({public}))
    assert gate.judge(request(public), revoked)[1] == "revoked"
    assert gate.judge(request(RING.public, b"PLAIN"), RING)[1] == "bad"


@given(st.lists(st.binary(max_size=40), max_size=9))
def test_no_request_of_another_form_is_let_in(frames: list[bytes]) -> None:
    answer, what = gate.judge(frames, RING)
    assert what != "let in"
    assert len(answer) == 6
    assert answer[2] == b"400"
