# SPDX-License-Identifier: Apache-2.0
"""Tiny byte-level BPE tokenizers, one for each pre-tokenizer that the model families name, trained on a few sentences."""
from dataclasses import dataclass, field

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = [
    "The river was high that spring, and the ferry could not cross. In the evening the children sat on the wall",
    "and counted the lights of the other side: one, two, three, and then the fourth that came and went.",
    "for (int i = 0; i < n; ++i) { sum += values[i]; } return sum / static_cast<double>(n);",
    "On 12 March 2024 the station measured 1013.25 hPa at 07:30 and 998.6 hPa at 19:45, a fall of 14.65 hPa.",
    "Die Brücke führt über den Fluß. Où est la gare ? Привет, мир! 你好，世界。 こんにちは。 🙂🙂",
    "They're sure we'll see it, aren't they? I'd say so; it's what you've been told, and I'm here.",
]

LLAMA3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2_SPLIT = LLAMA3_SPLIT.replace(r"\p{N}{1,3}", r"\p{N}")


@dataclass
class TinyTokenizer:
    hf: Tokenizer
    pre: str  # the value of tokenizer.ggml.pre
    specials: list  # text of each special token, in order of id
    bos: str | None
    eos: str
    user_defined: list = field(default_factory=list)  # added, but text like any other ("<think>")
    add_bos: bool | None = None  # None: the key is left out of the file
    add_space_prefix: bool | None = None

    def id(self, text):
        return self.hf.token_to_id(text)

    def encode(self, text):
        return self.hf.encode(text).ids


def _train(pre_tokenizer, vocab_size, specials_first=(), specials_last=(), ignore_merges=False):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(specials_last),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=list(specials_first),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens(list(specials_last))
    assert tokenizer.get_vocab_size() == vocab_size, (tokenizer.get_vocab_size(), vocab_size)
    return tokenizer


def _split(regex):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(regex), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])


def llama3(vocab_size=352):
    specials = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    hf = _train(_split(LLAMA3_SPLIT), vocab_size, specials_last=specials, ignore_merges=True)
    bos = hf.token_to_id("<|begin_of_text|>")
    hf.post_processor = processors.TemplateProcessing(
        single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", bos)]
    )
    return TinyTokenizer(hf, "llama-bpe", specials, "<|begin_of_text|>", "<|eot_id|>", add_bos=True)


def smollm(vocab_size=320):
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    splitter = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
    ])
    hf = _train(splitter, vocab_size, specials_first=specials)
    return TinyTokenizer(
        hf, "smollm", specials, "<|im_start|>", "<|im_end|>", add_bos=False, add_space_prefix=False
    )


def smollm3(vocab_size=336):
    specials = ["<|end_of_text|>", "<|im_start|>", "<|im_end|>"]
    user_defined = ["<think>", "</think>"]
    hf = _train(_split(LLAMA3_SPLIT), vocab_size - len(user_defined), specials_last=specials)
    hf.add_tokens(user_defined)
    return TinyTokenizer(hf, "smaug-bpe", specials, None, "<|im_end|>", user_defined, add_bos=False)


def qwen2(vocab_size=336):
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    hf = _train(_split(QWEN2_SPLIT), vocab_size, specials_last=specials)
    hf.normalizer = normalizers.NFC()
    return TinyTokenizer(hf, "qwen2", specials, None, "<|im_end|>", add_bos=False)


def qwen3(vocab_size=344):
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    user_defined = ["<think>", "</think>"]
    hf = _train(_split(QWEN2_SPLIT), vocab_size - len(user_defined), specials_last=specials)
    hf.normalizer = normalizers.NFC()
    hf.add_tokens(user_defined)
    return TinyTokenizer(hf, "qwen2", specials, None, "<|im_end|>", user_defined)
