"""Tiny BERTs made on the spot: a sentence-transformers folder, and cross-encoders with one label and with two."""

from pathlib import Path

WORDS = "dense retrieval tool use reward models web agents papers which study we report in the of style school setting"


def _bert(folder: Path, *, labels: int) -> None:
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.?"
    pieces = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *WORDS.split(),
        *letters,
        *(f"##{each}" for each in letters),
    ]
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(pieces)) + "\n", encoding="utf-8")
    tokenizer = BertTokenizerFast(vocab=str(folder / "vocab.txt"), model_max_length=128)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        num_labels=labels or 2,
    )
    model = BertForSequenceClassification(config) if labels else BertModel(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def make_embedder(folder: Path, *, prompts: bool = False) -> Path:
    """Mean pooling over a BERT of random weights; with `prompts`, one for queries."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    _bert(folder / "bert", labels=0)
    transformer = Transformer(str(folder / "bert"))
    model = SentenceTransformer(
        modules=[transformer, Pooling(transformer.get_embedding_dimension(), "mean")],
        prompts={"query": "which papers study "} if prompts else None,
        device="cpu",
    )
    model.save(str(folder / "model"))
    return folder / "model"


def make_cross_encoder(folder: Path, *, labels: int) -> Path:
    """A BERT of random weights that classifies pairs."""
    _bert(folder, labels=labels)
    return folder
