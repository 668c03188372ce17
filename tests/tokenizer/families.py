# SPDX-License-Identifier: Apache-2.0
"""Hugging Face tokenizers of each model family, as their published tokenizer.json describe them, over any vocabulary."""
import os

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace("{1,3}", "")
NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5


def split_then_bytes(pattern):
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


class Family:
    def __init__(self, pre, pre_tokenizer, control, user_defined=(), normalizer=None, ignore_merges=False, eos=None):
        self.pre = pre
        self.pre_tokenizer = pre_tokenizer
        self.control = control
        self.user_defined = list(user_defined)
        self.normalizer = normalizer
        self.ignore_merges = ignore_merges
        self.eos = eos

    def tokenizer(self, model):
        tokenizer = Tokenizer(model)
        if self.normalizer:
            tokenizer.normalizer = self.normalizer
        tokenizer.pre_tokenizer = self.pre_tokenizer
        tokenizer.decoder = decoders.ByteLevel()
        return tokenizer

    def add_special(self, tokenizer, control, user_defined):
        tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in control])
        if user_defined:
            tokenizer.add_tokens([AddedToken(t, normalized=False, special=False) for t in user_defined])


QWEN_CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|vision_pad|>"]
QWEN_USER = ["<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|repo_name|>"]

FAMILIES = {
    "gpt2": Family("gpt-2", pre_tokenizers.ByteLevel(add_prefix_space=False), ["<|endoftext|>"], eos="<|endoftext|>"),
    "smollm2": Family(
        "smollm",
        pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]),
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>", "<reponame>", "<file_sep>"],
        eos="<|im_end|>",
    ),
    "llama3": Family(
        "llama-bpe",
        split_then_bytes(LLAMA3),
        ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>", "<|python_tag|>"]
        + [f"<|reserved_special_token_{i}|>" for i in range(12)],
        ignore_merges=True,
        eos="<|eot_id|>",
    ),
    "qwen2": Family("qwen2", split_then_bytes(QWEN2), QWEN_CONTROL, QWEN_USER, normalizers.NFC(), eos="<|im_end|>"),
    "qwen3": Family(
        "qwen2",
        split_then_bytes(QWEN2),
        QWEN_CONTROL,
        QWEN_USER + ["<think>", "</think>", "<tool_response>", "</tool_response>"],
        normalizers.NFC(),
        eos="<|im_end|>",
    ),
}


def train(family, texts, vocabulary_size):
    """A small vocabulary with the family's rules; returns a Tokenizer and its source for our program."""
    learner = family.tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(vocab_size=vocabulary_size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    learner.train_from_iterator(texts, trainer)
    import json

    model = json.loads(learner.to_str())["model"]
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in model["merges"]]
    if family.ignore_merges:
        # Leave out some merges, so that some tokens are reached by the whole word only.
        merges = [m for i, m in enumerate(merges) if i % 7 != 3]
    return assemble(family, model["vocab"], merges, family.control, family.user_defined)


def assemble(family, vocabulary, merges, control, user_defined):
    """`vocabulary` maps text in the byte alphabet to ids; special tokens it lacks come after it."""
    model = models.BPE(vocab=vocabulary, merges=merges, ignore_merges=family.ignore_merges)
    tokenizer = family.tokenizer(model)
    family.add_special(tokenizer, control, user_defined)
    size = tokenizer.get_vocab_size(with_added_tokens=True)
    tokens = [f"[PAD{i}]" for i in range(size)]
    types = [UNUSED] * size
    for text, i in vocabulary.items():
        tokens[i], types[i] = text, NORMAL
    for group, kind in ((control, CONTROL), (user_defined, USER_DEFINED)):
        for text in group:
            i = tokenizer.token_to_id(text)
            tokens[i], types[i] = text, kind
    source = {
        "pre": family.pre,
        "tokens": tokens,
        "token_types": types,
        "merges": [" ".join(m) for m in merges],
        "eos": tokenizer.token_to_id(family.eos),
    }
    return tokenizer, source


def from_gguf(family, path):
    from gguf import GGUFReader

    fields = GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    control = [t for t, k in zip(tokens, types) if k == CONTROL]
    user_defined = [t for t, k in zip(tokens, types) if k == USER_DEFINED]
    vocabulary = {t: i for i, t in enumerate(tokens)}
    return assemble(family, vocabulary, merges, control, user_defined)


def from_tokenizer_json(family, path):
    """A published tokenizer.json as it is, and the source a GGUF conversion would make of it."""
    import json

    with open(path, encoding="utf-8") as file:
        published = json.load(file)
    tokenizer = Tokenizer.from_file(path)
    merges = [m if isinstance(m, str) else " ".join(m) for m in published["model"]["merges"]]
    size = tokenizer.get_vocab_size(with_added_tokens=True)
    tokens = [f"[PAD{i}]" for i in range(size)]
    types = [UNUSED] * size
    for text, i in published["model"]["vocab"].items():
        tokens[i], types[i] = text, NORMAL
    for added in published["added_tokens"]:
        tokens[added["id"]], types[added["id"]] = added["content"], CONTROL if added["special"] else USER_DEFINED
    return tokenizer, {"pre": family.pre, "tokens": tokens, "token_types": types, "merges": merges, "eos": tokens.index(family.eos)}


def from_tiktoken(family, path, control):
    """Llama 3's tokenizer.model: base64 tokens with ranks. A token's merges are all its cuts into two tokens."""
    import base64

    printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    alphabet = {b: chr(b) for b in printable}
    alphabet.update({b: chr(256 + n) for n, b in enumerate(sorted(set(range(256)) - set(printable)))})
    shown = lambda data: "".join(alphabet[b] for b in data)
    with open(path, "rb") as file:
        ranks = {base64.b64decode(t): int(r) for t, r in (line.split() for line in file if line.strip())}
    merges = []
    for token, rank in sorted(ranks.items(), key=lambda item: item[1]):
        cuts = [(token[:i], token[i:]) for i in range(1, len(token)) if token[:i] in ranks and token[i:] in ranks]
        merges += [(shown(a), shown(b)) for a, b in sorted(cuts, key=lambda cut: (ranks[cut[0]], ranks[cut[1]]))]
    return assemble(family, {shown(t): r for t, r in ranks.items()}, merges, control, family.user_defined)


def find_in_package(package, *parts):
    """The path of a file shipped in an installed Python package, or None. The package is not imported."""
    import importlib.util

    spec = importlib.util.find_spec(package)
    if spec is None:
        return None
    for folder in spec.submodule_search_locations or []:
        path = os.path.join(folder, *parts)
        if os.path.exists(path):
            return path
    return None
