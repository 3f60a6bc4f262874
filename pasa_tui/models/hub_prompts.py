"""PaSa's prompts, out of its repository on GitHub."""

import os
from pathlib import Path

import httpx

from pasa_tui.config.profiles import PROMPT_FILE
from pasa_tui.errors import ModelError
from pasa_tui.models.hub_files import write_privately
from pasa_tui.models.prompts.published import PublishedPrompts
from pasa_tui.retries import unreachable

PROMPTS_AT = "https://raw.githubusercontent.com"
"""Where GitHub serves the files of a repository as they are."""
PROMPTS_PATH = f"/bytedance/pasa/main/{PROMPT_FILE}"
"""Where the prompts are there: on the branch main of bytedance/pasa."""
_LARGEST = 1_000_000
_TIMEOUT = 15.0


def fetch_prompts(url: str, folder: Path) -> None:
    """Have PaSa's prompts in `folder`, where they are not there already. Raises ModelError and OSError."""
    target, aside = folder / PROMPT_FILE, folder / f".{PROMPT_FILE}.part"
    try:
        PublishedPrompts.load(target)
        return
    except ModelError:
        pass
    try:
        content = b""
        with httpx.stream("GET", url, follow_redirects=True, timeout=_TIMEOUT) as response:
            response.raise_for_status()
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > _LARGEST:
                    break
        write_privately(aside, content)
        PublishedPrompts.load(aside)
        os.replace(aside, target)
    except httpx.HTTPStatusError as error:
        raise ModelError(f"{url} can't be had: {error.response.status_code}.", _by_hand(folder)) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ModelError(f"{url} can't be reached: {unreachable(error)}.", _by_hand(folder)) from None
    except ModelError:
        raise ModelError(f"What {url} holds are not PaSa's prompts.", _by_hand(folder)) from None
    finally:
        aside.unlink(missing_ok=True)


def _by_hand(folder: Path) -> str:
    return f"Try again later, or put {PROMPT_FILE} from PaSa's repository into {folder}."
