"""The scripted model answers the project's own prompts so that the agent understands it, over the engine."""

from contextlib import aclosing

from pasa_tui.models.engines.protocol import Prompt
from pasa_tui.models.language import ModelAssessor, ModelCrawler, ModelPlanner, ModelSelector
from pasa_tui.models.prompts.general import GeneralPrompts
from pasa_tui.models.protocols import Candidate, MadeSearch, RankedPaper, Standing
from pasa_tui.papers import Paper, Query
from tests.models.engines.openai_script import WordModel
from tests.models.engines.openai_server import ModelServer
from tests.models.engines.test_openai_engine import engine_for

QUERY = Query("dense retrieval methods for open-domain question answering")
GOOD = Paper(
    title="Dense passage retrieval for open-domain question answering",
    abstract="We show that dense retrieval methods answer questions. They need few examples.",
    arxiv_id="2004.04906",
)
BAD = Paper(title="Snow on mountains", abstract="We measure snow.", arxiv_id="2004.00001")


async def test_the_agent_understands_the_scripted_model() -> None:
    model, prompts = WordModel(), GeneralPrompts()
    async with (
        ModelServer(answer=model.answer, probabilities=model.probabilities) as server,
        engine_for(server, api="chat") as engine,
    ):
        crawler = ModelCrawler(engine, prompts, name="words")
        async with aclosing(crawler.plan(QUERY, ())) as searches:
            texts = [text async for text in searches]
            assert len(texts) == 4 and "dense retrieval" in texts[0]
        async with aclosing(crawler.choose(QUERY, GOOD, ("Method", "Related Work"))) as sections:
            assert [name async for name in sections] == ["Related Work"]
        judged = await ModelSelector(engine, prompts, name="words").judge(
            QUERY, [Candidate(GOOD, ()), Candidate(BAD, ())]
        )
        assert judged[0].score > 0.8 and judged[1].score < 0.1
        assessor = ModelAssessor(engine, prompts, name="words")
        criteria = await assessor.split(QUERY)
        assert len(criteria) == 2
        verdicts = await assessor.assess(QUERY, criteria, GOOD)
        assert [verdict.level for verdict in verdicts] != ["no", "no"]
        assert all(verdict.found for verdict in verdicts if verdict.level != "no")
        standing = Standing([MadeSearch("dense retrieval", 2, 2, 1)], 2, 2, 1, 0, [RankedPaper(GOOD, 0.9, False)])
        proposal = await ModelPlanner(engine, prompts, name="words").propose(QUERY, standing)
        assert proposal.searches and proposal.expand == (GOOD.id,)
        assert server.asked()[0]["messages"][0]["role"] == "system"


def test_it_judges_whatever_else_it_is_asked_too() -> None:
    assert WordModel().answer(Prompt("Is it?").text) in ("True", "False")
