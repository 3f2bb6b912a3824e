"""Files are laid down by a receipt, and exactly these are taken away; what a hand changed stays."""

import json
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.kiosk import lay_down as module
from devices.kiosk.installation_plan import PlannedFile
from devices.kiosk.lay_down import Step, lay_down, read_receipt, take_away
from devices.kiosk.receipt import RECEIPT_FILE, receipt_from_json
from devices.kiosk.root_files import RootFiles
from devices.kiosk.setup_error import KioskSetupError

UNIT = PurePosixPath("/etc/systemd/system/a.service")
RULES = PurePosixPath("/etc/udev/rules.d/a.rules")
WANTED = PurePosixPath("/etc/systemd/system/multi-user.target.wants/a.service")
SETTINGS = PurePosixPath("/etc/edgedx/a.env")


def plan(text: str = "one", settings: str = "x") -> list[PlannedFile]:
    return [
        PlannedFile(SETTINGS, settings.encode(), mode=0o600, pristine=b"x", keeps_changes=True),
        PlannedFile(RULES, b"rules"),
        PlannedFile(UNIT, text.encode()),
        PlannedFile(WANTED, str(UNIT).encode(), is_link=True),
    ]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system that has something of its own."""
    (tmp_path / "etc/udev/rules.d").mkdir(parents=True)
    (tmp_path / "etc/udev/rules.d/own.rules").write_text("own")
    return tmp_path


def at(root: Path, path: PurePosixPath) -> Path:
    return root / str(path).lstrip("/")


def tree(root: Path) -> dict[str, str]:
    """Every file, link and folder below a root, with what is in it."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            found[name] = path.read_text() if path.is_file() else "/"
    return found


def kinds(steps: tuple[Step, ...]) -> dict[PurePosixPath, str]:
    return {step.path: step.kind for step in steps}


def test_what_was_laid_down_is_taken_away_to_the_last_folder(root: Path) -> None:
    before = tree(root)
    lay_down(root, plan(), version="1")
    assert at(root, UNIT).read_text() == "one"
    assert at(root, WANTED).readlink() == Path(UNIT)
    assert at(root, SETTINGS).stat().st_mode & 0o777 == 0o600
    assert at(root, UNIT).stat().st_mode & 0o777 == 0o644
    take_away(root)
    assert tree(root) == before


def test_a_second_time_changes_nothing(root: Path) -> None:
    lay_down(root, plan(), version="1")
    before = tree(root)
    steps = lay_down(root, plan(), version="1")
    assert set(kinds(steps).values()) == {"unchanged"}
    assert tree(root) == before


def test_an_update_replaces_what_is_ours_and_removes_what_is_no_longer_there(root: Path) -> None:
    lay_down(root, plan(), version="1")
    steps = lay_down(root, [each for each in plan("two") if each.path != RULES], version="2")
    assert kinds(steps) == {
        SETTINGS: "unchanged",
        UNIT: "replaced",
        WANTED: "unchanged",
        RULES: "removed",
    }
    assert at(root, UNIT).read_text() == "two"
    receipt = read_receipt(root)
    assert receipt is not None
    assert receipt.version == "2"
    assert RULES not in receipt.digests


def test_a_file_that_a_hand_changed_is_kept_beside_the_new_one(root: Path) -> None:
    lay_down(root, plan(), version="1")
    at(root, UNIT).write_text("mine")
    steps = lay_down(root, plan("two"), version="2")
    saved = next(step.saved for step in steps if step.path == UNIT)
    assert saved == UNIT.with_name("a.service.saved")
    assert (at(root, UNIT).read_text(), at(root, saved).read_text()) == ("two", "mine")
    at(root, UNIT).write_text("mine again")
    steps = take_away(root)
    assert Step("set_aside", UNIT, UNIT.with_name("a.service.saved2")) in steps
    assert at(root, saved).read_text() == "mine"
    assert not at(root, UNIT).exists()


def test_a_file_that_was_there_before_is_kept(root: Path) -> None:
    at(root, UNIT).parent.mkdir(parents=True)
    at(root, UNIT).write_text("somebody else's")
    lay_down(root, plan(), version="1")
    assert at(root, UNIT.with_name("a.service.saved")).read_text() == "somebody else's"


def test_settings_that_were_changed_are_used_by_an_update_and_kept_by_a_removal(root: Path) -> None:
    lay_down(root, plan(), version="1")
    at(root, SETTINGS).write_text("x, changed")
    steps = lay_down(root, plan(settings="x, changed"), version="2")
    assert kinds(steps)[SETTINGS] == "unchanged"
    take_away(root)
    assert at(root, SETTINGS.with_name("a.env.saved")).read_text() == "x, changed"


def test_a_purge_keeps_nothing(root: Path) -> None:
    before = tree(root)
    lay_down(root, plan(), version="1")
    at(root, UNIT).write_text("mine")
    state = root / "var/lib/edgedx/journal"
    state.mkdir(parents=True)
    (state / "entry").write_text("answer")
    take_away(root)
    assert (state / "entry").exists()
    at(root, UNIT.with_name("a.service.saved")).unlink()
    lay_down(root, plan(), version="1")
    at(root, UNIT).write_text("mine")
    take_away(root, is_purge=True)
    left = tree(root)
    assert not (root / "var/lib/edgedx").exists()
    assert {name: left[name] for name in before} == before
    assert not [name for name in left if "a.service" in name or "edgedx" in name]


def test_a_rehearsal_says_what_would_be_done_and_touches_nothing(root: Path) -> None:
    before = tree(root)
    steps = lay_down(root, plan(), version="1", is_rehearsal=True)
    assert tree(root) == before
    assert kinds(steps) == kinds(lay_down(root, plan(), version="1"))
    before = tree(root)
    steps = take_away(root, is_rehearsal=True)
    assert tree(root) == before
    assert kinds(steps) == kinds(take_away(root))


def test_removing_where_nothing_is_installed_does_nothing(root: Path) -> None:
    before = tree(root)
    assert take_away(root) == ()
    assert tree(root) == before


@pytest.mark.parametrize("stop_at", range(1, 6))
def test_an_update_that_was_interrupted_leaves_nothing_that_no_receipt_knows(
    root: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    before = tree(root)
    lay_down(root, plan(), version="1")
    written = iter(range(1, 100))

    def interrupted(method: Callable[..., None]) -> Callable[..., None]:
        def run(*words: object) -> None:
            if next(written) == stop_at:
                raise KeyboardInterrupt
            method(*words)

        return run

    with monkeypatch.context() as patch:
        patch.setattr(RootFiles, "write", interrupted(RootFiles.write))
        extra = PlannedFile(PurePosixPath("/etc/sysusers.d/a.conf"), b"user")
        changed = [*plan("two"), extra]
        changed[1] = PlannedFile(RULES, b"other rules")
        with pytest.raises(KeyboardInterrupt):
            lay_down(root, changed, version="2")
    take_away(root)
    assert {name for name in tree(root) if "saved" in name} == set()
    assert tree(root) == before


def test_a_link_that_leads_out_of_the_root_is_refused(root: Path, tmp_path_factory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (root / "etc/systemd").symlink_to(outside)
    with pytest.raises(KioskSetupError, match="would lie outside"):
        lay_down(root, plan(), version="1")
    assert list(outside.iterdir()) == []


def test_what_cannot_be_written_is_said_in_one_line(root: Path) -> None:
    (root / "etc/systemd").write_text("a file, not a folder")
    with pytest.raises(KioskSetupError, match=r"cannot .*/etc/systemd/system/a\.service"):
        lay_down(root, plan(), version="1")


@given(
    st.binary()
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(
        lambda value: json.dumps(
            {"format": 1, "version": "", "files": value, "folders": []}
        ).encode()
    )
)
def test_a_damaged_receipt_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(KioskSetupError, match="cannot be read") as caught:
        receipt_from_json(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["../etc/passwd", "/etc/../../x", "etc/x"])
def test_a_receipt_names_absolute_paths_only(root: Path, path: str) -> None:
    at(root, RECEIPT_FILE).parent.mkdir(parents=True)
    document = {"format": 1, "version": "1", "files": {path: []}, "folders": []}
    at(root, RECEIPT_FILE).write_text(json.dumps(document))
    with pytest.raises(KioskSetupError, match="cannot be read"):
        module.read_receipt(root)
