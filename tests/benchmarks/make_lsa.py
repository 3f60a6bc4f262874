"""An embedding model made of a corpus alone, for measuring what one adds where none can be fetched.

    python -m tests.benchmarks.make_lsa --home FOLDER --output FOLDER

Latent semantic analysis (Deerwester et al., JASIS 1990): words' vectors are the first 256 right singular vectors of the
corpus's tf-idf matrix, a text's the sum of its words'. `--output` is a sentence-transformers folder. It knows no more
than the corpus's words, so a model trained on questions ought to add more.
"""

import argparse
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Split

from pasa_tui.config import Paths
from pasa_tui.corpus import open_corpus
from pasa_tui.models.embeddings import text_of

_SIZE = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    with open_corpus("bench", Paths.default({"PASA_TUI_HOME": str(arguments.home)})) as corpus:
        texts = [text_of(paper) for paper in corpus.all_papers()]
    counted = TfidfVectorizer(
        token_pattern="[a-z0-9]+", stop_words="english", min_df=5, max_df=0.2, max_features=60_000, sublinear_tf=True
    )
    decomposed = TruncatedSVD(_SIZE, n_iter=3, random_state=0).fit(counted.fit_transform(texts).astype(np.float32))
    vectors = (decomposed.components_.T * counted.idf_[:, None]).astype(np.float32)
    words = ["[UNK]", *counted.get_feature_names_out()]
    tokenizer = Tokenizer(WordLevel({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Split(Regex("[^a-z0-9]+"), "removed")
    weights = np.vstack([np.zeros((1, _SIZE), np.float32), vectors])
    module = StaticEmbedding(tokenizer, embedding_weights=weights)
    SentenceTransformer(modules=[module], device="cpu").save(str(arguments.output))
    print(f"{len(words) - 1:,} words in {arguments.output}")


if __name__ == "__main__":
    main()
