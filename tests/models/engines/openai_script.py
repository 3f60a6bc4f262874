"""A model without weights that answers the project's own prompts by the words they share."""

import json
import re
from collections.abc import Mapping

from pasa_tui.stopwords import STOP_WORDS

_ASKS = frozenset("papers paper which study works work find about using use used survey surveys research".split())


class WordModel:
    """Judges a paper by the share of the question's words in its title and abstract."""

    def answer(self, prompt: str) -> str:
        """What a helpful model would write, in the form the prompt asks for."""
        if "Judge how far" in prompt:
            return self._verdicts(prompt)
        if "Split the question" in prompt:
            return self._criteria(prompt)
        if "What should be done next" in prompt:
            return self._turn(prompt)
        if "<sections>" in prompt:
            return self._sections(prompt)
        if "[Search]" in prompt:
            return self._searches(prompt)
        return "True" if self.probabilities(prompt).get("True", 0.0) > 0.5 else "False"

    def probabilities(self, prompt: str) -> Mapping[str, float]:
        """Of True and of False; a little is left for all else."""
        wanted, paper = _content(_question(prompt)), _content(_part(prompt, "paper") or prompt)
        share = len(set(wanted) & set(paper)) / max(1, len(set(wanted)))
        true = min(0.97, 0.02 + 1.3 * share * share)
        return {"True": true, "False": 0.99 - true, " True": 0.005}

    def _searches(self, prompt: str) -> str:
        words = _content(_question(prompt))
        texts = [words, words[:3], words[-3:], [*words[:2], "survey"]]
        return "".join(f"[Search]{' '.join(text)}\n" for text in texts if text) + "[StopSearch]"

    def _sections(self, prompt: str) -> str:
        names = [line.removeprefix("- ").strip() for line in _part(prompt, "sections").splitlines() if line.strip()]
        good = [name for name in names if re.search("related|background|introduction|previous|prior", name, re.I)]
        return "".join(f"[Expand]{name}\n" for name in (good or names)[:3]) + "[StopExpand]"

    def _criteria(self, prompt: str) -> str:
        words = _content(_question(prompt))
        half = max(1, len(words) // 2)
        parts = [part for part in (words[:half], words[half:]) if part]
        listed = [
            {"criterion": "about " + " ".join(part), "weight": 3 - place, "kind": "requirement"}
            for place, part in enumerate(parts)
        ]
        return "```json\n" + json.dumps(listed, indent=1) + "\n```"

    def _verdicts(self, prompt: str) -> str:
        paper = _part(prompt, "paper")
        verdicts = []
        for number, text in re.findall(r"^(\d+)\. (.*)$", prompt.split("Judge how far", 1)[1], re.M):
            wanted = set(_content(text)) - {"exclusion"}
            share = len(wanted & set(_content(paper))) / max(1, len(wanted))
            level = ("no", "partly", "mostly", "yes")[min(3, int(share * 3.99))]
            quote = _quote(paper, wanted) if level != "no" else ""
            verdicts.append({"criterion": int(number), "level": level, "quote": quote})
        return json.dumps(verdicts)

    def _turn(self, prompt: str) -> str:
        words, made = _content(_question(prompt)), _part(prompt, "searches")
        new = [f"{word} {other}" for word in words[:4] for other in ("methods", "evaluation")]
        searches = [text for text in new if text not in made][:2]
        papers = re.findall(r"^(\d+)\. .*: 0\.[5-9]\d$", _part(prompt, "papers"), re.M)[:2]
        if not searches and not papers:
            return "DONE"
        actions = [f"[Search]{text}" for text in searches] + [f"[Expand]{number}" for number in papers]
        return "\n".join([*actions, "[Stop]"])


def _part(prompt: str, tag: str) -> str:
    match = re.search(rf"<{tag}>\n(.*?)\n</{tag}>", prompt, re.S)
    return match[1] if match else ""


def _question(prompt: str) -> str:
    return _part(prompt, "question") or prompt.partition("\n")[0]


def _content(text: str) -> list[str]:
    """The words that mean something, without their plural, each once."""
    words = [word.removesuffix("s") for word in re.findall(r"[a-z][a-z0-9-]+", text.lower())]
    return list(dict.fromkeys(word for word in words if word not in STOP_WORDS and word not in _ASKS))


def _quote(paper: str, wanted: set[str]) -> str:
    """The sentence with most of the words, cut to twelve."""
    text = re.sub(r"^(?:Title|Abstract): ", "", paper, flags=re.M)
    sentences = [part.strip() for part in re.split(r"(?<=[.!?])\s|\n", text) if part.strip()]
    best = max(sentences, key=lambda part: len(wanted & set(_content(part))), default="")
    return " ".join(best.split()[:12])
