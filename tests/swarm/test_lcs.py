"""`jerne lcs` as a user calls it."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from classifier import scs
from classifier.params import Params
from swarm.cli import main

LESSONS = ["--problems", "300"]


def test_multiplexers_come_as_a_table_as_json_and_as_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "curve.png"
    assert main(["lcs", "mux", "--seeds", "2", "--picture", str(picture), *LESSONS]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "100 right after" in lines[0]
    assert [line.split()[0] for line in lines[1:]] == ["1", "2"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main(["lcs", "mux", "--problems", "3000", "--mu", "0.03", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert results["params"]["mu"] == 0.03
    assert results["seeds"][0]["last 1000 right"] > 0.95
    assert main(["lcs", "mux", "--bits", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["seeds"][0]["condensed"] == 8


def test_mazes_and_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lcs", "maze", "woods1", "--json", *LESSONS]) == 0
    assert json.loads(capsys.readouterr().out)["seeds"][0]["mean steps"] < 2
    rows = "\n".join(f"{i % 7},{i % 2},{'odd' if i % 2 else 'even'}" for i in range(60))
    (tmp_path / "t.csv").write_text(f"a,b,kind\n{rows}\n")
    assert main(["lcs", "csv", str(tmp_path / "t.csv"), "--target", "kind", "--json", "--problems", "2000"]) == 0
    assert json.loads(capsys.readouterr().out)["seeds"][0]["accuracy, mean of 10 folds"] > 0.9


def test_teams_and_auctions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lcs", "team", "--agents", "2", "--problems", "16000", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["seeds"][0]
    assert result["all known after"] <= 8000
    assert main(["lcs", "scs", "--problems", "2000", "--sigma", "0.02", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert results["params"]["sigma"] == 0.02
    assert results["seeds"][0]["last 1000 right"] > 0.55
    assert main(["lcs", "team", "--agents", "0"]) == 2
    assert "agents = 0: must lie in [1, 100]" in capsys.readouterr().err


def test_parameters_come_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.toml"
    path.write_text("mu = 0.01\nnu = 10\ngradient = true\n", encoding="utf-8-sig")  # as some editors save it
    assert main(["lcs", "mux", "--params", str(path), "--json", *LESSONS]) == 0
    params = json.loads(capsys.readouterr().out)["params"]
    assert (params["mu"], params["nu"], params["gradient"], params["beta"]) == (0.01, 10, True, 0.2)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("betta = 1.0", [], "p.toml: betta = 1.0: unknown key (did you mean 'beta'?)"),
        ("beta = 7.0", [], "p.toml: beta = 7.0: must lie in [1e-06, 1]"),
        ("capacity = 1.5", [], "p.toml: capacity = 1.5: must be of type int"),
        ("mu = 0.1", ["--mu", "0.2"], "mu: given in "),
        ("", ["--seeds", "0"], "--seeds 0: must lie in [1, 1000]"),
        ("", ["--problems", "0"], "--problems 0: must lie in [1, 10000000]"),
        ("", ["--nu", "2.5"], "nu = 2.5: must be a whole number"),
        ("", ["--capacity", "1"], "capacity = 1: must be at least the number of actions, 2"),
        ("", ["--picture", "nowhere/x.png"], "--picture nowhere/x.png: there is no folder nowhere"),
        ("", ["--picture", "x.gif"], "--picture x.gif: must end in .png"),
    ],
)
def test_mistakes_get_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, options: list[str], message: str
) -> None:
    path = tmp_path / "p.toml"
    path.write_text(text)
    assert main(["lcs", "mux", "--params", str(path), *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_picture_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.png").symlink_to(tmp_path / "none" / "x.png")
    assert main(["lcs", "mux", "--picture", str(tmp_path / "x.png"), "--problems", "20"]) == 2
    assert capsys.readouterr().err == f"jerne: error: --picture {tmp_path / 'x.png'}: No such file or directory\n"


@pytest.mark.parametrize(
    ("task", "params", "texts"),
    [
        (
            "mux",
            Params,
            ["--capacity int N: rules at most, each counted", "numerosity (default, by --bits: 400 to 5000)"],
        ),
        ("mux", Params, ["(default, by --bits: 0.33 to 0.65)", "exploit problem (default, by --bits: 2000 to 400000)"]),
        ("maze", Params, ["--theta-ga float steps between two runs", "on average (default: 25)"]),
        ("csv", Params, ["--mu float probability of mutation, per bit", "for the action (default: 0.08)"]),
        ("team", Params, ["--p-explore float probability of a random action (default: 0.08)"]),
        ("scs", scs.Params, ["--replaced float share of the population that is replaced (default: 0.2)"]),
        ("mux", Params, ["--gradient bool a rule's step is scaled", "[Butz, Goldberg & Lanzi 2005] (default: false)"]),
    ],
)
def test_the_help_says_what_every_parameter_means_and_is(
    capsys: pytest.CaptureFixture[str], task: str, params: type[Params | scs.Params], texts: list[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["lcs", task, "--help"])
    listed = " ".join(capsys.readouterr().out.split())
    assert all(
        f" --{field.name.replace('_', '-')} {type(field.default).__name__} " in listed for field in fields(params)
    )
    assert all(text in listed for text in texts)


def test_tables_and_changes_that_make_no_sense_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.csv"
    path.write_text("kind\na\nb\na\n")
    assert main(["lcs", "csv", str(path), "--target", "kind"]) == 2
    assert "t.csv: has no column but 'kind': nothing to learn from" in capsys.readouterr().err
    assert main(["lcs", "team", "--problems", "2000", "--change", "5000"]) == 2
    assert "change = 5000: must lie in [0, 2000]" in capsys.readouterr().err


@pytest.mark.parametrize("task", [["mux"], ["maze", "woods1"], ["csv", "t.csv", "--target", "k"], ["team"], ["scs"]])
def test_no_task_takes_more_problems_than_memory_holds(capsys: pytest.CaptureFixture[str], task: list[str]) -> None:
    assert main(["lcs", *task, "--problems", "1000000000000"]) == 2
    assert capsys.readouterr().err == "jerne: error: --problems 1000000000000: must lie in [1, 10000000]\n"


def test_a_missing_maze_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lcs", "maze", "nowhere"]) == 2
    assert "nowhere: no such file; those that ship are maze4" in capsys.readouterr().err
