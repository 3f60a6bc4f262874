"""Exports on disk: the whole text or nothing, and an error a person can act on."""

import errno
import os
import stat
from pathlib import Path

import pytest

from pasa_tui.errors import ExportError
from pasa_tui.export.files import write_export


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask_022() -> object:
    old = os.umask(0o022)
    yield
    os.umask(old)


@pytest.mark.usefixtures("umask_022")
def test_a_new_file_is_everyone_s_to_read(tmp_path: Path) -> None:
    path = tmp_path / "refs.bib"
    write_export("é\n", path)
    assert path.read_bytes() == "é\n".encode()
    assert permissions(path) == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_is_kept_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "refs.bib"
    path.write_text("mine")
    path.chmod(0o600)
    with pytest.raises(ExportError, match="exists already") as caught:
        write_export("new", path)
    assert caught.value.hint and path.read_text() == "mine"
    write_export("new", path, overwrite=True)
    assert path.read_text() == "new" and permissions(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "refs.bib"
    monkeypatch.setattr(os, "fsync", lambda _: path.write_text("theirs"))
    with pytest.raises(ExportError, match="exists already"):
        write_export("new", path)
    assert path.read_text() == "theirs" and list(tmp_path.iterdir()) == [path]


def test_file_systems_without_links_work_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", no_links)
    write_export("new", tmp_path / "refs.bib")
    assert (tmp_path / "refs.bib").read_text() == "new" and len(list(tmp_path.iterdir())) == 1


def test_home_and_links_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "link.bib").symlink_to("real.bib")
    write_export("one", Path("~/link.bib"))
    assert (tmp_path / "real.bib").read_text() == "one"
    write_export("two", Path("~/link.bib"), overwrite=True)
    assert (tmp_path / "link.bib").is_symlink() and (tmp_path / "real.bib").read_text() == "two"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "refs.bib"
    path.write_text("mine")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ExportError, match="No space left") as caught:
        write_export("new", path, overwrite=True)
    assert "space" in caught.value.hint
    assert path.read_text() == "mine" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing/refs.bib", "does not exist"),
        ("folder", "is a folder"),
        ("x" * 300, "can't be written"),
        ("a\0b", "names no file"),
        ("~nobody-of-that-name/refs.bib", "names no file"),
        ("file/refs.bib", "does not exist"),
    ],
)
def test_names_that_can_t_be_written(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match=message) as caught:
        write_export("new", Path(name) if name.startswith("~") else tmp_path / name, overwrite=True)
    assert caught.value.hint
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "file"}


def test_devices_are_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ExportError, match="not an ordinary file"):
        write_export("new", tmp_path / "pipe", overwrite=True)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.parametrize("denied", ["file", "folder"])
def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, denied: str) -> None:
    path = tmp_path / "refs.bib"
    path.write_text("mine")

    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, "denied")

    # Patched and not chmod-ed, since permissions don't bind root, whom containers run tests as.
    if denied == "file":
        monkeypatch.setattr(os, "access", lambda *_: False)
    else:
        monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ExportError, match="Permission denied") as caught:
        write_export("new", path, overwrite=True)
    assert "may write" in caught.value.hint and path.read_text() == "mine"
