"""Model repositories on the Hugging Face hub: what is in them, and their files, resumed and verified.

The hub's own library lists files and knows tokens and addresses. It downloads nothing here: what it has of a file
when it is interrupted it deletes (huggingface_hub 2.4), and these files are gigabytes.
"""

import os
import random
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from pasa_tui.errors import ModelError
from pasa_tui.models.hub_files import CHUNK, FetchCancelled, Part, RemoteFile
from pasa_tui.retries import LONGEST_RETRY_AFTER, retry_after, unreachable

ATTEMPTS = 5
"""Attempts of which none brings a byte, after which a download is given up."""
_TIMEOUT = 15.0
_LONGEST_WAIT = 10.0
_MOST_FILES = 10_000
# Only names that are a single, plain part of a path on every system, and only what transformers and vLLM read: no
# pickles and no code, both of which can do anything when they are loaded.
_WANTED = re.compile(
    r"model(-\d{5}-of-\d{5})?\.safetensors"
    r"|[A-Za-z0-9][A-Za-z0-9._+-]{0,120}\.(json|model|tiktoken|jinja)"
    r"|(merges|vocab)\.txt"
)
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_DIGESTS = {"sha256": re.compile(r"[0-9a-f]{64}"), "git-sha1": re.compile(r"[0-9a-f]{40}")}


Kind = Literal["model", "dataset"]
"""What a repository of the hub holds."""


class _Interrupted(Exception):
    """The connection ended before the file did. `after` is the host's Retry-After in seconds."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


@dataclass(frozen=True, slots=True)
class Listing:
    """What a model is made of, at one commit."""

    commit: str
    files: tuple[RemoteFile, ...]


class Hub:
    """A hub at `endpoint`, else at HF_ENDPOINT, else the public one; with the token of HF_TOKEN or of a login.

    `backoff` is the longest wait in seconds after the first attempt that failed; it doubles with each further one.
    """

    def __init__(self, endpoint: str | None = None, *, backoff: float = 1.0) -> None:
        """Raises ModelError where the hub's library is not installed."""
        try:
            import huggingface_hub
            from huggingface_hub.utils import build_hf_headers, logging
        except ImportError:
            raise ModelError(
                "The package huggingface-hub, with which files are fetched, is not installed.",
                "In the clone: pip install -e '.[hub]'; the extras [transformers] and [vllm] bring it too.",
            ) from None
        # The hub's warnings are a stranger's text, and a screen may be open.
        logging.set_verbosity_error()
        self._api = huggingface_hub.HfApi(endpoint=endpoint or os.environ.get("HF_ENDPOINT") or None)
        self._url_of = huggingface_hub.hf_hub_url
        self.endpoint: str = self._api.endpoint.rstrip("/")
        self._host = urlsplit(self.endpoint).netloc
        self._backoff = backoff
        # Compressed, a file could not be taken up where it broke off.
        self._headers: dict[str, str] = {**build_hf_headers(library_name="pasa-tui"), "Accept-Encoding": "identity"}
        # It sends the token to no other host that it is redirected to.
        self._client = httpx.Client(follow_redirects=True, timeout=_TIMEOUT)

    def __enter__(self) -> "Hub":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def list_model(self, repository: str) -> Listing:
        """The files of `owner/name` that make up a model in safetensors format. Raises ModelError."""
        if not _REPOSITORY.fullmatch(repository):
            raise _no_name(repository)
        try:
            info = self._api.model_info(repository, files_metadata=True, timeout=_TIMEOUT)
        except Exception as error:
            raise self._explained(error, repository) from None
        if not isinstance(info.sha, str) or not _COMMIT.fullmatch(info.sha):
            raise self._no_hub()
        found = info.siblings if isinstance(info.siblings, list) else []
        if len(found) > _MOST_FILES:
            raise ModelError(f"{repository} holds {len(found):,} files: that is no model.", "Check its name.")
        # By name without case, as some file systems see it: the first counts.
        files: dict[str, RemoteFile] = {}
        for entry in found:
            if isinstance(entry.rfilename, str) and _WANTED.fullmatch(entry.rfilename):
                files.setdefault(entry.rfilename.casefold(), self._file(entry, repository))
        self._check_model(files, repository, [entry.rfilename for entry in found])
        return Listing(info.sha, tuple(files.values()))

    def list_dataset(self, repository: str, wanted: Iterable[str]) -> Listing:
        """Those of the files `wanted` (paths within it) that a repository of data holds. Raises ModelError."""
        try:
            info = self._api.dataset_info(repository, files_metadata=True, timeout=_TIMEOUT)
        except Exception as error:
            raise self._explained(error, repository) from None
        if not isinstance(info.sha, str) or not _COMMIT.fullmatch(info.sha):
            raise self._no_hub()
        names = frozenset(wanted)
        found = info.siblings if isinstance(info.siblings, list) else []
        return Listing(info.sha, tuple(self._file(entry, repository) for entry in found if entry.rfilename in names))

    def _file(self, entry: Any, repository: str) -> RemoteFile:
        size, digest = (entry.lfs.size, entry.lfs.sha256) if entry.lfs else (entry.size, entry.blob_id)
        algorithm: Literal["sha256", "git-sha1"] = "sha256" if entry.lfs else "git-sha1"
        if type(size) is not int or size < 0 or not _DIGESTS[algorithm].fullmatch(str(digest)):
            raise ModelError(
                f"{self._host} does not tell the size and the checksum of {entry.rfilename} in {repository}.",
                "Try again later, or another HF_ENDPOINT.",
            )
        return RemoteFile(entry.rfilename, size, str(digest), algorithm)

    def _check_model(self, files: Iterable[str], repository: str, all_names: list[str]) -> None:
        if "config.json" not in files:
            raise ModelError(f"{repository} is no model for transformers: it has no config.json.", "Check its name.")
        if any(name.endswith(".safetensors") for name in files):
            return
        if any(str(name).endswith((".bin", ".pt", ".pth")) for name in all_names):
            raise ModelError(
                f"{repository} has its weights as pickles only, which can run any code when they are loaded.",
                "Take a model whose weights are in safetensors format.",
            )
        raise ModelError(f"{repository} has no weights in safetensors format.", "Take another repository of the model.")

    def download(
        self,
        repository: str,
        commit: str,
        file: RemoteFile,
        part: Path,
        *,
        advance: Callable[[int], None],
        stopped: threading.Event,
        kind: Kind = "model",
    ) -> bool:
        """Bring what is missing in `part`, and say whether its checksum is right.

        `advance` is told bytes that are had and hashed, of those that were there as well; negative where they are
        thrown away. Raises ModelError, OSError for the disk, and FetchCancelled once `stopped`.
        """
        url = self._url_of(repository, file.name, repo_type=kind, revision=commit, endpoint=self.endpoint)
        with Part(part, file, advance, stopped) as here:
            failures = 0
            while here.size < file.size:
                before = here.size
                try:
                    self._stream(url, here, repository)
                except _Interrupted as interrupted:
                    failures = 0 if here.size > before else failures + 1
                    if failures >= ATTEMPTS or interrupted.after > LONGEST_RETRY_AFTER:
                        raise ModelError(
                            f"{file.name} of {repository} can't be fetched from {self._host}: {interrupted.reason}.",
                            "Fetch again once there is a connection: what is here already is kept.",
                        ) from None
                    longest = min(_LONGEST_WAIT, self._backoff * 2**failures)
                    if stopped.wait(interrupted.after + random.uniform(0, longest)):
                        raise FetchCancelled from None
            return here.is_right()

    def _stream(self, url: str, here: "Part", repository: str) -> None:
        """One request for what is missing. Raises _Interrupted where it did not bring all of it."""
        headers = {**self._headers, "Range": f"bytes={here.size}-"} if here.size else self._headers
        try:
            with self._client.stream("GET", url, headers=headers) as response:
                self._check(response, repository)
                _line_up(response, here)
                for chunk in response.iter_bytes(CHUNK):
                    if not here.append(chunk):
                        return
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise _Interrupted(unreachable(error)) from None
        except httpx.TimeoutException:
            raise _Interrupted("nothing comes any more") from None
        except (httpx.TransportError, httpx.DecodingError, httpx.TooManyRedirects):
            raise _Interrupted("the connection broke off") from None
        if here.size < here.file.size:
            raise _Interrupted("it ended too early")

    def _check(self, response: httpx.Response, repository: str) -> None:
        status = response.status_code
        if status in (408, 429) or status >= 500:
            raise _Interrupted(f"it answers {status}", retry_after(response.headers.get("Retry-After")) or 0.0)
        if status >= 400 and status != 416:
            raise self._refused(status, response.headers, repository)

    def _explained(self, error: Exception, repository: str) -> ModelError:
        """Why files can't be listed, in words: the library's errors hold texts of strangers."""
        from huggingface_hub.errors import HFValidationError, OfflineModeIsEnabled

        if isinstance(error, HFValidationError):
            return _no_name(repository)
        response = getattr(error, "response", None)
        if response is not None:
            return self._refused(response.status_code, response.headers, repository)
        if isinstance(error, OfflineModeIsEnabled):
            return ModelError("The hub is not asked: HF_HUB_OFFLINE is set.", "Unset it to fetch models.")
        # The library changed from httpx to its successor; both name their errors alike.
        if isinstance(error, OSError) or type(error).__module__.partition(".")[0] in ("httpx", "httpx2"):
            return ModelError(
                f"{self._host} can't be reached: {unreachable(error)}.",
                "Check the network, or set HF_ENDPOINT to a hub that can be reached.",
            )
        return self._no_hub()

    def _no_hub(self) -> ModelError:
        return ModelError(
            f"What answers at {self._host} is no Hugging Face hub.", "Check HF_ENDPOINT, and the network's login page."
        )

    def _refused(self, status: int, headers: Mapping[str, str], repository: str) -> ModelError:
        code = headers.get("X-Error-Code", "")
        if status == 401 and headers.get("X-Error-Message") == "Invalid credentials in Authorization header":
            return ModelError(f"{self._host} does not accept the access token.", "Check HF_TOKEN, or unset it.")
        if code == "GatedRepo" or status == 403:
            return ModelError(
                f"{self._host} gives {repository} only to people it knows.",
                "Accept its terms on the hub, and put an access token of yours into HF_TOKEN.",
            )
        if code == "EntryNotFound":
            return ModelError(f"A file of {repository} is no longer on {self._host}.", "Fetch again.")
        # Without a token the hub answers 401 for what is private and for what is not there.
        if status in (401, 404):
            return ModelError(
                f"There is no repository {repository} on {self._host} that you may see.",
                "Check the name; a private one needs an access token in HF_TOKEN.",
            )
        return ModelError(f"{self._host} answers {status} for {repository}.", "Try again later.")


def _line_up(response: httpx.Response, here: Part) -> None:
    """See that what comes goes on from what is here, or starts anew. Raises _Interrupted."""
    if response.status_code == 416:
        here.restart()
        raise _Interrupted("the part that is here is no beginning of it")
    if response.status_code != 206:
        here.restart()
    elif not response.headers.get("Content-Range", "").startswith(f"bytes {here.size}-"):
        here.restart()
        raise _Interrupted("another part came than was asked for")


def _no_name(repository: str) -> ModelError:
    return ModelError(f"{repository!r} is no repository's name.", "They are called owner/name.")
