"""Writing an export to a file: the whole text, or no change at all."""

import errno
import os
import secrets
import stat
from pathlib import Path

from pasa_tui.errors import ExportError

_HINTS = {
    errno.ENOSPC: "Free some space on the disk, or choose another folder.",
    errno.EDQUOT: "Your disk quota is used up; choose another folder.",
    errno.EACCES: "Choose a folder you may write to.",
    errno.EPERM: "Choose a folder you may write to.",
    errno.EROFS: "The file system is read-only; choose another folder.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
}
# File systems without hard links (FAT, some network shares) answer one of these.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}


def write_export(text: str, path: Path, *, overwrite: bool = False) -> None:
    """Write `text` in UTF-8 to `path`, of which `~` is expanded and a link is followed.

    The text is written beside the file and then takes its name, so that a reader sees the old file or the
    whole new one. A new file gets the permissions the umask leaves, a replaced one keeps its own.

    Raises ExportError with a hint if the file exists (without `overwrite`), is a folder or a device, or can't
    be written: folder missing, no permission, disk full.
    """
    try:
        target = path.expanduser().resolve()
        mode = _check(target, overwrite=overwrite)
        aside = target.parent / f".pasa-tui-{secrets.token_hex(6)}.part"
        try:
            _write(aside, text, mode)
            _put_in_place(aside, target, overwrite=overwrite)
        finally:
            aside.unlink(missing_ok=True)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise ExportError(
            f"{path} can't be written: {os.strerror(error.errno) if error.errno else error}.",
            _HINTS.get(error.errno or 0, "Choose another file."),
        ) from error
    except (ValueError, RuntimeError) as error:
        # pathlib's answers to a NUL in a name, a home folder of nobody, and links that run in a circle.
        raise ExportError(f"{str(path)!r} names no file: {error}.", "Choose another file.") from error


def _check(target: Path, *, overwrite: bool) -> int | None:
    """See that `target` may be written; return the permissions of the file it replaces, if there is one."""
    if not target.parent.is_dir():
        raise ExportError(f"The folder {target.parent} does not exist.", "Create it first, or choose another one.")
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise ExportError(f"{target} is a folder.", "Name a file in it, such as references.bib.")
    if not stat.S_ISREG(status.st_mode):
        raise ExportError(f"{target} is not an ordinary file.", "Name a file, or leave it out to write to stdout.")
    if not overwrite:
        raise _exists(target)
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return stat.S_IMODE(status.st_mode)


def _exists(path: Path) -> ExportError:
    return ExportError(f"{path} exists already.", "Choose another name, or allow it to be overwritten.")


def _write(aside: Path, text: str, mode: int | None) -> None:
    # 0666 less the umask, as any program's files; tempfile's would be 0600.
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with open(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        if mode is not None:
            os.fchmod(file.fileno(), mode)


def _put_in_place(aside: Path, target: Path, *, overwrite: bool) -> None:
    """Give the file its name; without `overwrite`, a file that came to be in the meantime stays as it is."""
    if not overwrite:
        try:
            os.link(aside, target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
        else:
            return
    os.replace(aside, target)
