"""The builtin agent on ../shared/bench, each question judged by a model that was not trained on it; and its parts.

    python -m tests.benchmarks.bench_builtin --home FOLDER --output FOLDER [--limit N] [--embeddings FOLDER]

`--home` holds the corpus `bench` (`pasa-tui corpus build`). Searches are made once to train a model per fold (kept in
`--output`), then each variant answers every question with the model of the fold that held it out. The result folders
are those of `pasa-tui eval run`: `pasa-tui eval report` and `compare` read them. Goals (issue 5): recall@20 0.45, @50
0.55, @100 0.62, crawler recall 0.75, and more than each part with intervals that exclude zero. `--embeddings` adds the
whole with a model of `make_lsa`, or a real one.
"""

import argparse
import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from pasa_tui.config import Paths
from pasa_tui.config.settings import AgentSettings, load_settings
from pasa_tui.evaluation.folder import ResultFolder
from pasa_tui.evaluation.queries import BenchmarkQuery, read_queries
from pasa_tui.evaluation.runner import Worker, describe_run
from pasa_tui.evaluation.systems.catalogue import find_system
from pasa_tui.evaluation.systems.protocol import Place
from pasa_tui.models.builtin.trees import load_trees
from pasa_tui.training.builtin import collect, exported, fit, fold_of_each, write_model
from tests.benchmarks.bench_search import BENCH

FOLDS = 5
_WHOLE = AgentSettings(max_seconds=0)
VARIANTS: dict[str, tuple[str, AgentSettings]] = {
    "bm25": ("bm25", _WHOLE),
    "builtin": ("builtin", _WHOLE),
    "one-query": ("builtin", replace(_WHOLE, search_queries=1, guide_papers=0)),
    "no-expansion": ("builtin", replace(_WHOLE, guide_papers=0)),
    "no-feedback": ("builtin", replace(_WHOLE, search_queries=2)),
    "builtin-ensemble": ("builtin-ensemble", _WHOLE),
}
"""Name of the result folder, system, settings: the whole and its parts."""


def fold_models(queries: Sequence[BenchmarkQuery], paths: Paths, output: Path) -> dict[str, Path]:
    """The model for each question: of the fold that held it out. Made where `output` lacks them."""
    kept = output / "folds.json"
    models = [output / f"fold-{fold}.json" for fold in range(FOLDS)]
    if not kept.is_file() or not all(model.is_file() for model in models):
        broad = collect(queries, "bench", paths, broad=True, tell=lambda done: None)
        narrow = collect(queries, "bench", paths, broad=False, tell=lambda done: None)
        fold_of = fold_of_each(broad, FOLDS, 0)
        for fold, model in enumerate(models):
            seen = [example for example in (*broad, *narrow) if fold_of[example.qid] != fold]
            write_model(exported(fit(seen, 0), load_trees().offset, {"fold": fold}), model)
        kept.write_bytes(msgspec.json.encode(fold_of))
    folds = msgspec.json.decode(kept.read_bytes(), type=dict[str, int])
    # Questions without an answer in the corpus are in no fold, and count in no figure.
    return {query.qid: models[folds.get(query.qid, 0)] for query in queries}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--embeddings", type=Path)
    parser.add_argument("--variants", default=",".join(VARIANTS))
    arguments = parser.parse_args()
    paths = Paths.default({"PASA_TUI_HOME": str(arguments.home)})
    arguments.output.mkdir(parents=True, exist_ok=True)
    path = BENCH / "autoscholar_dev.jsonl"
    queries = [query for query in read_queries(path, arguments.limit) if any(it.source_id for it in query.answers)]
    random.Random(0).shuffle(queries)
    model_of = fold_models(queries, paths, arguments.output)
    settings = load_settings(paths.config_file)
    for name in (*filter(None, arguments.variants.split(",")), *(["embeddings"] if arguments.embeddings else [])):
        system, agent = VARIANTS.get(name, VARIANTS["builtin"])
        if name == "embeddings":
            settings = replace(settings, models=replace(settings.models, embeddings=str(arguments.embeddings)))
        folder = ResultFolder(arguments.output / name)
        place = Place(paths, settings, agent, corpus="bench")
        folder.begin(describe_run(system, path, str(path), queries, place), resume=True)
        for model in sorted(set(model_of.values())):
            chosen = [query for query in queries if model_of[query.qid] == model]
            models = replace(settings.models, builtin=str(model))
            asyncio.run(_answer(system, replace(place, settings=replace(settings, models=models)), chosen, folder))
        print(f"{name}: {len(folder.done())} questions answered in {folder.path}", flush=True)


async def _answer(system: str, place: Place, chosen: Sequence[BenchmarkQuery], folder: ResultFolder) -> None:
    made = find_system(system).make(place)
    try:
        await Worker(made, chosen, folder, place, parallel=1).work(lambda query, outcome: None)
    finally:
        await made.close()


if __name__ == "__main__":
    main()
