"""Mission files: TOML whose sections follow `swarm.mission.Mission`, read strictly and written back.

Every mistake is one line, ``FILE: key.path = value: what is allowed (did you mean 'x'?)``, and as many as
one reading can tell are listed. What a file leaves out keeps its default.
"""

import json
import math
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from importlib import resources
from itertools import pairwise
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from robots import check
from sim.spec import Robots
from swarm.mission import Mission
from swarm.refusal import denied

MAP_SPEED = 0.5  # m/s
WORDS = {bool: "true or false", int: "an integer", float: "a number", str: "text in quotes"}
BROKEN: Any = object()  # in place of a value that could not be built; its mistake is on the list

Table = dict[str, Any]
T = TypeVar("T")


class MissionError(ValueError):
    """A mission that cannot be used; `errors` holds one line for each mistake."""

    def __init__(self, errors: Iterable[str]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(self.errors))


def shipped() -> dict[str, Path]:
    """The missions that come with jerne: name -> file."""
    files = sorted(Path(str(entry)) for entry in resources.files("missions").iterdir())
    return {path.stem: path for path in files if path.suffix == ".toml"}


def find(mission: str) -> Path:
    """The file of the shipped mission of that name, else the file `mission` itself. Raises MissionError."""
    known = shipped()
    if mission in known:
        return known[mission]
    if os.path.isfile(mission):
        return Path(mission)
    if os.path.isdir(mission):
        raise MissionError([f"{mission}: is a folder, must be a mission's file or name"])
    if why := denied(mission):
        raise MissionError([f"{mission}: cannot be read: {why}"])
    names = f"no such file, and the shipped missions are {', '.join(known)}"
    raise MissionError([f"{mission}: {names}{check.nearest(Path(mission).stem, known)}"])


def load(path: str | Path, sets: Sequence[str] = ()) -> Mission:
    """The mission of a file, changed by the assignments `sets`, see `assign`.

    Paths in the file are relative to its folder, those in `sets` to the working directory; they come out
    absolute, and what they name exists. Raises MissionError.
    """
    path = Path(path)
    text = text_of(path)
    mission = anchored(parse(text, str(path)), path.parent, str(path))
    return anchored(assign(mission, sets), Path.cwd(), "--set")


def parse(text: str, name: str = "mission") -> Mission:
    """The mission in TOML `text`, its paths as written; `name` opens each message. Raises MissionError."""
    return read(Mission, text, name)


def read(cls: type[T], text: str, name: str) -> T:
    """The parameter class `cls` in TOML `text`, as strictly as missions are read. Raises MissionError."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ends with "(at line 3, column 5)"
        raise MissionError([f"{name}: not valid TOML: {error}"]) from None
    return _build(cls, document, name)


def text_of(path: Path) -> str:
    """What is in a text file. Raises MissionError."""
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise MissionError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise MissionError([f"{path}: not UTF-8 text: {error.reason} at byte {error.start}"]) from None


def assign(mission: Mission, sets: Sequence[str], name: str = "--set") -> Mission:
    """`mission` after assignments ``key.path=value``, in order; `name` opens each message. Raises MissionError.

    A value is TOML, or text without its quotes; ``phases.0.rate=5`` reaches into a list, ``phases.*.rate=5``
    into each of its entries.
    """
    document = _plain(mission)
    for assignment in sets:
        _assign(document, assignment, name)
    return _build(Mission, document, name)


def override(
    mission: Mission,
    seed: int | None = None,
    robots: int | None = None,
    duration: float | None = None,
    map: str | Path | None = None,  # noqa: A002
    world: str | None = None,
) -> Mission:
    """`mission` with another seed, number of robots, duration (s), map or world. Raises MissionError.

    A shorter duration cuts the phases where it ends, a longer one extends the last phase. A map's path is
    relative to the working directory; ways are long on a map, so robots of the default speed drive
    `MAP_SPEED` there.
    """
    document = _plain(mission)
    if seed is not None:
        document["seed"] = seed
    if world is not None:
        document["world"] = world
    if robots is not None:
        document["robots"]["count"] = robots
    if duration is not None:
        document["phases"] = _lasting(document["phases"], duration)
    if map is not None:
        document["arena"]["map"] = str(map)
        if mission.robots.speed == Robots().speed:
            document["robots"]["speed"] = MAP_SPEED
    return anchored(_build(Mission, document, mission.name), Path.cwd(), mission.name)


def dumps(whole: Any) -> str:
    """A mission, or another parameter class, as TOML with every default written out; `read` gives an equal one back."""
    return "\n".join(_lines(_plain(whole), "")) + "\n"


def template(name: str) -> str:
    """The text of a new mission file: every key with its meaning, defaults commented out."""
    return shipped()["default"].read_text("utf-8").replace('name = "default"', f"name = {toml(name)}", 1)


def keys(cls: Any, path: str = "") -> Iterator[str]:
    """Every key of a parameter class, as in ``radio.range``, ``kinds.NAME.colour``, ``phases[].rate``."""
    for key, hint in get_type_hints(cls).items():
        here = _join(path, key)
        yield here
        if is_dataclass(hint):
            yield from keys(hint, here)
        for inner in filter(is_dataclass, get_args(hint)):
            yield from keys(inner, f"{here}.NAME" if get_origin(hint) is Mapping else f"{here}[]")


# From tables to parameter classes


def _build(cls: type[T], document: Table, name: str) -> T:
    reader = _Reader(cls)
    built = reader.table(cls, document, "", None)
    if reader.errors:
        raise MissionError(f"{name}: {error}" for error in reader.errors)
    assert isinstance(built, cls)
    return built


class _Reader:
    """Builds parameter classes from what TOML gives, by their type hints, and lists what is wrong.

    Each method takes a value and its key path, and returns what it built or BROKEN.
    """

    def __init__(self, root: type) -> None:
        self.errors: list[str] = []
        self.root = root

    def wrong(self, path: str, value: object, why: str) -> Any:
        self.errors.append(f"{path} = {_shown(value)}: {why}")
        return BROKEN

    def build(self, hint: Any, value: object, path: str, default: object = None) -> Any:
        if NoneType in get_args(hint):  # X | None: TOML has no None, what is written is an X
            hint = get_args(hint)[0]
        if is_dataclass(hint):
            return self.table(hint, value, path, default)
        if get_origin(hint) is Mapping:
            return self.mapping(hint, value, path)
        if get_origin(hint) is tuple:
            return self.array(hint, value, path)
        return self.scalar(hint, value, path)

    def scalar(self, hint: Any, value: object, path: str) -> Any:
        if hint is object:  # whatever is given
            return value
        if type(value) is int and not -(2**63) <= value < 2**63:
            return self.wrong(path, value, "must fit into 64 bits")
        kinds = get_args(hint) or (hint,)
        if float in kinds and type(value) is int:
            return float(value)
        if type(value) not in kinds:
            return self.wrong(path, value, f"must be {_words(hint, path)}")
        if type(value) is float and not math.isfinite(value):
            return self.wrong(path, value, "must be a finite number")
        return value

    def array(self, hint: Any, value: object, path: str) -> Any:
        first, *others = get_args(hint)
        endless = others == [...]
        if not isinstance(value, list) or not (endless or len(value) == 1 + len(others)):
            return self.wrong(path, value, f"must be {_words(hint, path)}")
        hints = [first] * len(value) if endless else [first, *others]
        parts = [self.build(h, v, f"{path}[{i}]") for i, (h, v) in enumerate(zip(hints, value, strict=True))]
        return BROKEN if any(part is BROKEN for part in parts) else tuple(parts)

    def mapping(self, hint: Any, value: object, path: str) -> Any:
        if not isinstance(value, dict):
            return self.wrong(path, value, f"must be {_words(hint, path)}")
        parts = {key: self.build(get_args(hint)[1], v, _join(path, key)) for key, v in value.items()}
        return BROKEN if any(part is BROKEN for part in parts.values()) else parts

    def table(self, cls: Any, value: object, path: str, default: object) -> Any:
        if not isinstance(value, dict):
            return self.wrong(path, value, f"must be {_words(cls, path)}")
        hints, defaults = get_type_hints(cls), _defaults(cls, default)
        parts = {}
        for key, part in value.items():
            if key in hints:
                parts[key] = self.build(hints[key], part, _join(path, key), defaults.get(key))
            else:
                self.wrong(_join(path, key), part, f"unknown key{_whereabouts(self.root, path, key, hints)}")
        for key, hint in hints.items():
            if key not in value and key not in defaults:
                self.errors.append(f"{_join(path, key)}: missing, must be {_words(hint, _join(path, key))}")
        return self.checked(cls, defaults, parts, path)

    def checked(self, cls: Any, defaults: Table, parts: Table, path: str) -> Any:
        """The class of these parts; what its own checks refuse is listed, left out, and the rest tried again.

        Once something is left out, what is said about several keys together may be an echo of that: from
        then on only "key = value: ..." counts.
        """
        given = {key: part for key, part in parts.items() if part is not BROKEN}
        whole = len(given) == len(parts)
        while all(field.name in given or field.name in defaults for field in fields(cls)):
            try:
                built = cls(**{**defaults, **given})
            except ValueError as error:
                key, equals = re.findall(r"^(\w*)( = )?", str(error))[0]
                if whole or equals:
                    hint = _suggestion(given.get(key), str(error))
                    self.errors.append(f"{path}{'.' if path else ''}{error}{hint}")
                whole = False
                if given.pop(key, BROKEN) is BROKEN:
                    return BROKEN
            else:
                return built if whole else BROKEN
        return BROKEN


def _defaults(cls: Any, default: object) -> Table:
    """What the fields of `cls` are where a file is silent: as in `default`, else as the class says."""
    if default is not None:
        return {field.name: getattr(default, field.name) for field in fields(cls)}
    given = {field.name: _default(field) for field in fields(cls)}
    return {key: value for key, value in given.items() if value is not MISSING}


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def anchored(mission: Mission, folder: Path, name: str) -> Mission:
    """`mission` with its paths absolute, relative ones from `folder`; MissionError if a file is missing."""
    errors = []

    def file(key: str, path: str) -> str:
        full = (folder / path).absolute()
        if not os.path.isfile(full):
            folder_is_open = os.path.isdir(full.parent) and os.access(full.parent, os.R_OK)
            beside = os.listdir(full.parent) if folder_is_open else []
            hint = check.nearest(full.name, (other for other in beside if other.endswith(full.suffix)))
            wrong = f"cannot be read: {why}" if (why := denied(full)) else f"no such file: {full}{hint}"
            errors.append(f"{name}: {key} = {path!r}: {wrong}")
        return str(full)

    arena, robots, mind = mission.arena, mission.robots, mission.mind
    if arena.map is not None:
        arena = replace(arena, map=file("arena.map", arena.map))
    if robots.body.endswith(".urdf"):
        robots = replace(robots, body=file("robots.body", robots.body))
    plugins = tuple(file(f"mind.plugins[{i}]", path) for i, path in enumerate(mind.plugins))
    if errors:
        raise MissionError(errors)
    return replace(mission, arena=arena, robots=robots, mind=replace(mind, plugins=plugins))


# Changes


def _assign(document: Table, assignment: str, name: str) -> None:
    key, equals, text = assignment.partition("=")
    path = _parts(key)
    if not equals or not path:
        raise MissionError([f"{name} {assignment}: must be written key.path=value, as in radio.range=1.5"])
    for here, at in _places(document, path, f"{name} {assignment}"):
        here[at] = _value(text)


def _places(here: Any, path: Sequence[str], what: str) -> Iterator[tuple[Any, Any]]:
    """The tables or lists that the parts of a key lead to, each with the last part's place in it."""
    part, *rest = path
    if part == "*" and isinstance(here, (dict, list)):
        ats: Sequence[Any] = list(here) if isinstance(here, dict) else range(len(here))
    else:
        ats = [_place(here, part, what)]
    for at in ats:
        if rest:
            yield from _places(here[at] if isinstance(here, list) else here.setdefault(at, {}), rest, what)
        else:
            yield here, at


def _place(here: Any, part: str, what: str) -> Any:
    """Where a part of a key leads in `here`: a table's key, a list's index."""
    if isinstance(here, dict):
        return part
    if not isinstance(here, list):
        raise MissionError([f"{what}: {_shown(here)} is no table, it has no key {part!r}"])
    if not part.isdecimal() or int(part) >= len(here):
        raise MissionError([f"{what}: {part} is no entry of a list of {len(here)}; they count from 0"])
    return int(part)


def _parts(key: str) -> list[str]:
    """The names in a dotted key, none if it is no key; ``phases[0]`` is another way to say ``phases.0``."""
    try:
        quoted = re.sub(r"(?<![^.])\*(?![^.])", '"*"', re.sub(r"\[(\d+)\]", r".\1", key).strip())
        nested: Any = tomllib.loads(quoted + " = 0")
    except ValueError:
        return []
    parts = []
    while isinstance(nested, dict):
        if len(nested) != 1:  # a comment
            return []
        ((part, nested),) = nested.items()
        parts.append(part)
    return parts


def _value(text: str) -> Any:
    """A value in TOML; text as it stands if it is none."""
    try:
        document = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text.strip()
    value = document["value"]
    comment = "#" in text and not isinstance(value, str)  # as in 10##: a pattern, not a number
    return text.strip() if len(document) > 1 or comment else value


def _lasting(phases: list[Table], duration: float) -> list[Table]:
    """The phases up to `duration` (s) in all; no phase of less than a second is left at the end."""
    kept, start = phases[:1], 0.0
    for before, phase in pairwise(phases):
        if start + before["duration"] > duration - 1:
            break
        start += before["duration"]
        kept.append(phase)
    return [*kept[:-1], {**kept[-1], "duration": duration - start}]


# To TOML


def _plain(value: Any) -> Any:
    """Parameter classes as tables, tuples as lists; what is None is left out."""
    if is_dataclass(value):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
        return {key: _plain(part) for key, part in parts.items() if part is not None}
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value


def _lines(table: Table, path: str) -> Iterator[str]:
    """A table's lines: its own values first, then its tables under their headers."""
    sections = {key: value for key, value in table.items() if _is_section(value)}
    yield from (f"{_key(key)} = {toml(value)}" for key, value in table.items() if key not in sections)
    for key, section in sections.items():
        here = _join(path, key)
        for entry in section if isinstance(section, list) else [section]:
            if isinstance(section, list):
                yield from ("", f"[[{here}]]")
            elif not entry or not all(map(_is_section, entry.values())):  # else the headers below imply it
                yield from ("", f"[{here}]")
            yield from _lines(entry, here)


def _is_section(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and value != [] and isinstance(value[0], dict))


def toml(value: object) -> str:
    """A value on one line of TOML."""
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        return text.replace("\x7f", "\\u007f")  # TOML escapes DEL, JSON does not
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_key(key)} = {toml(part)}' for key, part in value.items())}}}"
    if isinstance(value, int) and value.bit_length() > 64:
        return hex(value)  # Python refuses to write very long integers in decimals
    return str(value)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml(key)


def _join(path: str, key: str) -> str:
    return f"{path}.{_key(key)}" if path else _key(key)


# What messages say


def _shown(value: object) -> str:
    """A value as messages quote it, in at most 60 characters."""
    text = repr(value) if isinstance(value, str) else toml(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _words(hint: Any, path: str) -> str:
    """What the type hint of the key `path` asks for."""
    header = re.sub(r"\[\d+\]", "", path)
    if is_dataclass(hint) or get_origin(hint) is Mapping:
        return f"a table, written [{header}]"
    if get_origin(hint) is not tuple:
        return ", or ".join(WORDS[kind] for kind in get_args(hint) or (hint,) if kind is not NoneType)
    first, *others = get_args(hint)
    if is_dataclass(first):
        return f"an array of tables, written [[{header}]]"
    return "an array" if others == [...] else f"an array of {1 + len(others)} values"


def _whereabouts(root: type, path: str, key: str, known: Iterable[str]) -> str:
    """What an unknown key may have meant: its nearest name here, its place elsewhere; else what is known."""
    here = [_join(path, name) for name in check.near(key, known)]
    elsewhere = [other for other in keys(root) if other.split(".")[-1] == key]
    return check.hint(here + elsewhere) or f"; known here: {', '.join(known)}"


def _suggestion(value: object, refusal: str) -> str:
    """The nearest to a refused text among the names that the refusal quotes, where it makes no suggestion itself."""
    if not isinstance(value, str) or "did you mean" in refusal:
        return ""
    return check.nearest(value, re.findall(r"'([^']+)'", refusal.partition(": ")[2]))
