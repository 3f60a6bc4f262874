"""Takes the weights of models from the Hugging Face hub, and PaSa's prompts from its repository."""

import errno
import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
from filelock import FileLock, Timeout

from pasa_tui.config import private_dir
from pasa_tui.config.profiles import PASA, PROMPT_FILE
from pasa_tui.errors import ModelError
from pasa_tui.models.engines.torch_loading import check_files
from pasa_tui.models.hub import Hub, Kind, Listing
from pasa_tui.models.hub_files import RemoteFile, is_intact, write_privately
from pasa_tui.models.hub_prompts import PROMPTS_AT, PROMPTS_PATH, fetch_prompts

REPOSITORIES: Mapping[str, tuple[str, ...]] = {
    PASA: ("bytedance-research/pasa-7b-crawler", "bytedance-research/pasa-7b-selector")
}
"""The repositories of models that are known by a name of their own."""
_RECORD = ".pasa-tui.json"
_PARTS = ".incomplete"
_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class RepositoryPlan:
    """What a repository holds at a commit, and what of it is in `folder`.

    `present` names files that are there in the right size; `parts` has the bytes that are there of others. `replaced`
    names files of another size, whose place is taken.
    """

    repository: str
    revision: str
    folder: Path
    files: tuple[RemoteFile, ...]
    present: frozenset[str]
    parts: Mapping[str, int]
    replaced: tuple[str, ...]
    kind: Kind = "model"

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def remaining(self) -> int:
        """Bytes still to be fetched, if what is there is right."""
        return sum(file.size - self.parts.get(file.name, 0) for file in self.files if file.name not in self.present)


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """What a fetch will bring: repositories, and where `prompts_url` is given PaSa's prompts; `free` bytes of disk."""

    name: str
    folder: Path
    endpoint: str
    repositories: tuple[RepositoryPlan, ...]
    prompts_url: str
    free: int

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(repository.size for repository in self.repositories)

    @property
    def remaining(self) -> int:
        """Bytes still to be fetched, if what is there is right."""
        return sum(repository.remaining for repository in self.repositories)


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """`done` of `total` bytes are there and hashed. What is done with `file` now; `wrong` once its checksum was."""

    done: int
    total: int
    file: str
    work: Literal["checking", "fetching", "wrong"]


@dataclass(frozen=True, slots=True)
class Installed:
    """How much of a model is on the disk: bytes, and of a partial one what is missing, in words."""

    status: Literal["complete", "partial", "missing"]
    size: int = 0
    lacks: str = ""


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a folder should hold: bytes by file name."""

    repository: str
    revision: str
    files: dict[str, int]


def plan_fetch(name: str, folder: Path, *, endpoint: str | None = None, prompts_at: str = PROMPTS_AT) -> FetchPlan:
    """What `pasa-7b`, or the model of a repository `owner/name`, is made of; asks the hub and fetches nothing.

    `folder` holds a folder per model. Raises ModelError.
    """
    with Hub(endpoint) as hub:
        repositories = tuple(_plan_repository(hub, repository, folder) for repository in _repositories(name))
        return FetchPlan(
            name=name,
            folder=folder,
            endpoint=hub.endpoint,
            repositories=repositories,
            prompts_url=prompts_at.rstrip("/") + PROMPTS_PATH if name in REPOSITORIES else "",
            free=_free_space(folder),
        )


def _repositories(name: str) -> tuple[str, ...]:
    if name not in REPOSITORIES and "/" not in name:
        raise ModelError(
            f"There is no model {name!r} to fetch.",
            f"Known is {', '.join(REPOSITORIES)}; others by their repository on the hub: owner/name.",
        )
    return REPOSITORIES.get(name, (name,))


def plan_dataset(repository: str, files: Sequence[str], folder: Path, *, endpoint: str | None = None) -> FetchPlan:
    """What of a repository of data is to be fetched into `folder`: `files`, by their paths within it.

    Asks the hub and fetches nothing. Raises ModelError, also where it lacks one of them.
    """
    with Hub(endpoint) as hub:
        listing = hub.list_dataset(repository, files)
        if missing := sorted(set(files) - {file.name for file in listing.files}):
            raise ModelError(f"{repository} has no {', '.join(missing)} any more.", "Look at what it holds on the hub.")
        plan = _plan_files(listing, repository, folder, "dataset")
        return FetchPlan(repository, folder, hub.endpoint, (plan,), "", _free_space(folder))


def _plan_repository(hub: Hub, repository: str, folder: Path) -> RepositoryPlan:
    return _plan_files(hub.list_model(repository), repository, folder / repository.rpartition("/")[2], "model")


def _plan_files(listing: Listing, repository: str, target: Path, kind: Kind) -> RepositoryPlan:
    record = _read_record(target)
    if record is not None and record.repository != repository:
        raise ModelError(
            f"The folder {target} holds {record.repository}, not {repository}.", "Move or delete that folder first."
        )
    sizes = {file.name: _size(target / file.name) for file in listing.files}
    parts = {file.name: _size(_part(target, file)) or 0 for file in listing.files}
    return RepositoryPlan(
        repository=repository,
        revision=listing.commit,
        folder=target,
        files=listing.files,
        present=frozenset(file.name for file in listing.files if sizes[file.name] == file.size),
        parts={file.name: parts[file.name] for file in listing.files if 0 < parts[file.name] <= file.size},
        replaced=tuple(file.name for file in listing.files if sizes[file.name] not in (None, file.size)),
        kind=kind,
    )


def fetch(plan: FetchPlan, tell: Callable[[FetchProgress], None], *, parallel: int = 4, backoff: float = 1.0) -> None:
    """Bring what the plan lacks, and check all of it; blocks.

    Files take their names only once their checksums are right; one that is wrong is deleted, told and fetched once
    more. `tell` is called from several threads, one at a time. After an error, a KeyboardInterrupt, or what `tell`
    raises, the next fetch goes on from there. Raises ModelError, and ConfigError where a folder can't be made.
    """
    if plan.remaining > plan.free:
        raise ModelError(
            f"{_gigabytes(plan.remaining)} are to be fetched, and {plan.folder} has {_gigabytes(plan.free)} free.",
            "Free some space, or choose another folder.",
        )
    try:
        private_dir(plan.folder)
        # Two that write the same parts would spoil them.
        with FileLock(plan.folder / ".fetching.lock", timeout=0), Hub(plan.endpoint, backoff=backoff) as hub:
            if plan.prompts_url:
                fetch_prompts(plan.prompts_url, plan.folder)
            _Fetch(plan, hub, tell).run(parallel)
    except Timeout:
        raise ModelError(f"Another fetch into {plan.folder} is under way.", "Wait for it, or stop it.") from None
    except OSError as error:
        raise ModelError(
            f"The files can't be written to {plan.folder}: {error.strerror or error}.",
            "Free some space and fetch again: what is here already is kept."
            if error.errno in _FULL
            else "Make that folder writable, or choose another.",
        ) from None


class _Fetch:
    """One run of a fetch, with threads of its own."""

    def __init__(self, plan: FetchPlan, hub: Hub, tell: Callable[[FetchProgress], None]) -> None:
        self._plan = plan
        self._hub = hub
        self._tell = tell
        self._done = 0
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def run(self, parallel: int) -> None:
        """Fetch everything. The first failure stops all the rest and is raised."""
        for repository in self._plan.repositories:
            private_dir(repository.folder / _PARTS)
            _remove_outdated(repository)
            _write_record(repository)
        with ThreadPoolExecutor(parallel, thread_name_prefix="fetch") as threads:
            jobs = [
                threads.submit(self._obtain, repository, file)
                for repository in self._plan.repositories
                # Small files first: what is wrong with the model or the access to it shows at once.
                for file in sorted(repository.files, key=lambda file: file.size)
            ]
            try:
                done, _ = wait(jobs, return_when=FIRST_EXCEPTION)
            finally:
                self._stopped.set()
                threads.shutdown(wait=True, cancel_futures=True)
        for job in done:
            job.result()
        for repository in self._plan.repositories:
            shutil.rmtree(repository.folder / _PARTS, ignore_errors=True)

    def _obtain(self, repository: RepositoryPlan, file: RemoteFile) -> None:
        """Have one file in its place with the right content."""
        target, part = repository.folder / file.name, _part(repository.folder, file)
        self._advance(file, "checking", 0)
        if _size(target) == file.size:
            checked = is_intact(
                target, file, advance=lambda n: self._advance(file, "checking", n), stopped=self._stopped
            )
            if checked:
                return
            self._advance(file, "wrong", 0)
            target.unlink()
        # The first try may go on from a part that is wrong, so that has two of its own.
        for _ in range(3 if _size(part) else 2):
            if self._hub.download(
                repository.repository,
                repository.revision,
                file,
                part,
                advance=lambda n: self._advance(file, "fetching", n),
                stopped=self._stopped,
                kind=repository.kind,
            ):
                private_dir(target.parent)
                os.replace(part, target)
                return
            self._advance(file, "wrong", -file.size)
            part.unlink()
        raise ModelError(
            f"{file.name} of {repository.repository} came with a wrong checksum, again and again.",
            "Something between here and the hub changes it; try another network or HF_ENDPOINT.",
        )

    def _advance(self, file: RemoteFile, work: Literal["checking", "fetching", "wrong"], size: int) -> None:
        with self._lock:
            self._done += size
            self._tell(FetchProgress(self._done, self._plan.size, file.name, work))


def recorded_sizes(folder: Path) -> dict[str, int]:
    """The bytes of each file that a fetch put into a folder, by its path there; empty without a record."""
    record = _read_record(folder)
    return record.files if record else {}


def installed(folder: Path, name: str) -> Installed:
    """How much of a model is in `folder`, by its name, its repository or its own folder's path; asks no hub.

    Only names and sizes of files are looked at. A folder that was filled by other means counts as complete where it
    has a configuration and all of its weights.
    """
    found = [_installed_model(_folder_of(model, folder)) for model in REPOSITORIES.get(name, (name,))]
    if name in REPOSITORIES and not (folder / PROMPT_FILE).is_file():
        found.append(Installed("missing", lacks=PROMPT_FILE))
    size = sum(one.size for one in found)
    lacks = "; ".join(one.lacks for one in found if one.lacks)
    if all(one.status == "complete" for one in found):
        return Installed("complete", size)
    return Installed("partial" if size else "missing", size, lacks)


def _folder_of(model: str, folder: Path) -> Path:
    # An absolute path stays what it is.
    own = folder / Path(model).expanduser()
    return own if own.is_dir() else folder / model.rpartition("/")[2]


def _installed_model(folder: Path) -> Installed:
    try:
        sizes = {entry.name: entry.stat().st_size for entry in folder.iterdir() if entry.is_file()}
        parts = sum(entry.stat().st_size for entry in (folder / _PARTS).glob("*"))
    except OSError:
        return Installed("missing", lacks=folder.name)
    size = sum(length for name, length in sizes.items() if not name.startswith(".")) + parts
    if record := _read_record(folder):
        missing = [name for name, length in record.files.items() if sizes.get(name) != length]
        if missing:
            return Installed("partial", size, f"{len(missing)} of {len(record.files)} files of {folder.name}")
        return Installed("complete", size)
    try:
        check_files(folder, folder.name)
    except ModelError as error:
        return Installed("partial" if size else "missing", size, error.message)
    return Installed("complete", size)


def _part(folder: Path, file: RemoteFile) -> Path:
    # By content as well: the same file of a later commit goes on from it, another does not.
    return folder / _PARTS / f"{file.digest}-{file.name.replace('/', '-')}"


def _read_record(folder: Path) -> _Record | None:
    try:
        return msgspec.json.decode((folder / _RECORD).read_bytes(), type=_Record)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _write_record(repository: RepositoryPlan) -> None:
    files = {file.name: file.size for file in repository.files}
    known = _read_record(repository.folder)
    if repository.kind == "dataset" and known is not None:
        # Fetched file by file, as they are wanted.
        files = {**known.files, **files}
    record = msgspec.json.encode(_Record(repository.repository, repository.revision, files))
    aside = repository.folder / _PARTS / _RECORD
    write_privately(aside, record)
    os.replace(aside, repository.folder / _RECORD)


def _remove_outdated(repository: RepositoryPlan) -> None:
    """Delete what an earlier fetch brought and the model no longer has: weights of both would be mixed."""
    record = _read_record(repository.folder) if repository.kind == "model" else None
    wanted = {file.name.casefold() for file in repository.files}
    for name in record.files if record else ():
        if name.casefold() not in wanted and os.path.basename(name) == name:
            (repository.folder / name).unlink(missing_ok=True)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _free_space(folder: Path) -> int:
    there: Sequence[Path] = [place for place in (folder, *folder.absolute().parents) if place.exists()]
    return shutil.disk_usage(there[0]).free


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
