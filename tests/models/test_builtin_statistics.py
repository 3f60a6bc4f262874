"""Term statistics where nothing is counted, and the memory over them."""

from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.models.builtin import PlainStatistics
from pasa_tui.models.builtin.statistics import Vocabulary
from tests.models.collection import COLLECTION

PLAIN = PlainStatistics()


def test_forms_of_a_word_become_one_term_and_stop_words_none() -> None:
    assert PLAIN.analyze("The studies of Encoders and encoding") == ["study", "encoder", "encod"]


def test_unspaced_scripts_match_on_parts_of_a_run() -> None:
    assert set(PLAIN.analyze("强化学习")) < set(PLAIN.analyze("深度强化学习的论文"))


def test_names_are_guessed_rarer_than_words() -> None:
    assert PLAIN.document_frequency("GPT4") < PLAIN.document_frequency("learning") < PLAIN.document_frequency("use")


@given(st.text(max_size=30))
def test_a_guess_is_within_the_collection(word: str) -> None:
    assert 0 <= PLAIN.document_frequency(word) <= PLAIN.num_papers


def test_rare_words_weigh_most_and_unknown_ones_nothing() -> None:
    vocabulary = Vocabulary(COLLECTION)
    assert vocabulary.idf("envy") > vocabulary.idf("encoders") > vocabulary.idf("unheard") == 0
