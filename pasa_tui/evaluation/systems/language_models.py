"""The model that a baseline prompts: a profile of the settings, or one of OpenAI's by its name."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pasa_tui.assembly import load_models, weight_folders
from pasa_tui.config.profiles import BUILTIN, KNOWN, Profile, find_profile
from pasa_tui.config.secrets import KEYS, find_model_key
from pasa_tui.errors import ConfigError, EvaluationError, PasaError
from pasa_tui.evaluation.systems.protocol import Place
from pasa_tui.evaluation.systems.spending import Bill
from pasa_tui.models.engines.pool import EnginePool
from pasa_tui.models.engines.protocol import Prompt, Sampling
from pasa_tui.models.language.answers import write_answer
from pasa_tui.models.weights import find_weights

if TYPE_CHECKING:
    from pasa_tui.models.loading import LanguageAgent

OPENAI_URL = "https://api.openai.com/v1"
"""Where models are that no profile is made for; a profile of the model's name says another place, and prices."""


class LanguageModels:
    """The model of a place, `default` where it names none. A question has it for itself while it is answered.

    So what is counted is that question's, and `max_cost` holds for each. Connections, and what is learnt of a server,
    go on to the next question; a model in this process is loaded once and counted for all that use it together.
    """

    def __init__(self, place: Place, default: str, *, general: bool) -> None:
        """With `general` it must not be a model that was trained for the published prompts.

        Raises PasaError where a key, weights or a setting are missing.
        """
        name, self._profile = chosen_profile(place, default)
        if general and self._profile.prompts == "published":
            raise EvaluationError(
                f"The model {name} answers the published prompts alone.", "Give the profile of a general model."
            )
        self.name = name
        check_key(name, self._profile)
        self._agent = replace(place.agent, planner="single", ensemble=1)
        self._settings = replace(place.settings, profiles={**place.settings.profiles, name: self._profile})
        self._paths = place.paths
        self._pool = EnginePool()
        self._idle = [self._load()]
        self._is_closed = False

    @asynccontextmanager
    async def borrow(self, bill: Bill) -> AsyncGenerator["LanguageAgent", None]:
        """The model for one question, ready to write; what it does is put on the bill. Raises ModelError."""
        agent = self._idle.pop() if self._idle else self._load()
        engine = agent.engines[0]
        before = engine.usage()
        try:
            await engine.start(lambda progress: None)
            yield agent
        finally:
            bill.add_model(before, engine.usage())
            # An agent's limit of cost is over all that it does.
            if self._is_closed or self._agent.max_cost:
                await agent.close()
            else:
                self._idle.append(agent)

    async def write(self, prompt: Prompt, max_tokens: int, bill: Bill) -> str:
        """The likeliest answer to a prompt. Raises ModelError."""
        async with self.borrow(bill) as agent:
            return await write_answer(agent.engines[0], prompt, Sampling(max_tokens))

    async def close(self) -> None:
        """Close connections, and give back models in this process. May be called twice."""
        self._is_closed = True
        while self._idle:
            await self._idle.pop().close()
        await self._pool.close()

    def _load(self) -> "LanguageAgent":
        return load_models(self.name, self._agent, self._settings, self._paths, self._pool)


def chosen_profile(place: Place, default: str) -> tuple[str, Profile]:
    """The name and the profile of the model that a place asks for. Raises ConfigError."""
    name = place.model or default
    if name == BUILTIN:
        raise ConfigError("The builtin agent writes no text.", "Name a profile, or one of OpenAI's models.")
    if name in place.settings.profiles or name in KNOWN:
        return name, find_profile(name, place.settings.profiles)
    return name, Profile(url=OPENAI_URL, model=name, key="openai")


def check_key(name: str, profile: Profile) -> str | None:
    """The key of a profile; None where it names none. Raises ConfigError where it names one that is not there."""
    key = find_model_key(profile.key) if profile.key else None
    if profile.key and key is None:
        raise ConfigError(
            f"The model {name} needs a key, {profile.key}.",
            f"Store it with: pasa-tui config set-key {profile.key}"
            if profile.key in KEYS
            else f"Set the variable {profile.key}.",
        )
    return key


def missing_model(place: Place, default: str) -> str:
    """What the model of a place lacks, in a line; empty where it lacks nothing that can be seen from here."""
    try:
        name, profile = chosen_profile(place, default)
        if profile.key and find_model_key(profile.key) is None:
            is_known = profile.key in KEYS
            where = f"pasa-tui config set-key {profile.key}" if is_known else f"the variable {profile.key}"
            return f"a key for {KEYS[profile.key].use if is_known else name}: {where}"
        if profile.engine != "openai":
            find_weights(profile.crawler_model, weight_folders(place.settings, place.paths))
    except PasaError as error:
        return error.message
    return ""
