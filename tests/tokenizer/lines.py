# SPDX-License-Identifier: Apache-2.0
"""Lines to tokenize: mixed scripts, code, emoji, digits, white space, special tokens and broken UTF-8."""
import random
import sys
import unicodedata

WORDS = {
    "english": "the quick brown fox it's we'll they'VE I'm don't shouldn't O'Neill re-entry naïve coöperate WORLD".split(),
    "german": "Straße Übergrößenträger schön Äpfel über daß ẞ Flüsse".split(),
    "french": "l'été œuvre garçon Noël c'est aujourd'hui déjà ça".split(),
    "russian": "Привет мир объект ёлка подъезд Ёж съёмка".split(),
    "greek": "Ελλάδα ἀρχή ὦ ΐ ΰ λόγος ᾧ".split(),
    "hebrew": "שלום עולם שָׁלוֹם".split(),
    "arabic": "مرحبا بالعالم السَّلامُ عليكم ١٢٣ ﷺ".split(),
    "hindi": "नमस्ते दुनिया क्षत्रिय हिन्दी १२३४ क़लम".split(),
    "thai": "สวัสดีชาวโลก ภาษาไทย ๑๒๓".split(),
    "chinese": "你好世界 人工智能 漢字 龍 今天天气怎么样？ 一二三 〇 ㊀ 㐀 𠀀 豈 神".split(),
    "japanese": "こんにちは カタカナ ガギグ ｶﾞｷﾞ 日本語 ・・・ 「引用」 ㍻".split(),
    "korean": "안녕하세요 세계 각 한글 ㄱㄴㄷ".split(),
    "vietnamese": "Tiếng Việt đường phố nguyễn".split(),
    "emoji": "😀 👨‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪🇫🇷 ❤️ ☺ 1️⃣ 🫠 🪿 ©️ ™".split(),
    "maths": "∀x∈ℝ ∑ᵢ₌₁ⁿ x² ½ ¾ Ⅷ ⅷ √2 Å Ω 𝔸𝒷𝓬 ℵ₀ ≠ ≮".split(),
    "newer": "𑽐𑼄 𞓐𞓰 𱍐 𮯰 𖵰𖵀 \U0001E030 \U00010D40\U00010D4A \U00011DE0 \U00016FF4 \u1C89 \uA7CB \u180E \u0897".split(" "),
}
CODE = [
    "def f(x, *args, **kwargs):", "    return x**2 + 1  # square", "\tif (a != b && c->d[i] == 0x1F) {", "for(int i=0;i<10;++i){",
    "std::vector<std::pair<int,std::string>> v{};", "SELECT * FROM t WHERE id='42' AND name LIKE \"%x%\";", "<div class=\"a b\">&nbsp;</div>",
    "https://example.org/a/b?c=d&e=%20f#g", "{\"key\": [1, 2.5e-10, null, true]}", "#!/bin/sh\nset -eu\r\necho \"$HOME\"", "a\\nb\\t\\u00e9",
    "printf(\"%08.3f\\n\", 3.14159);", "!@#$%^&*()_+-=[]{}|;':\",./<>?", "---\n===\n***\n", "\"\"\"doc\"\"\"", "x=y'z='w''ll'S'T'RE 'vE'm'LL'd",
    "’s ’ll ſ's 'ſ 'ſt K",
]
SPACES = [" ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r", " \n ", "\u00a0", "\u3000", "\u2003", "\u200b", "\u2028", "\x0b", "\x0c", "\x85", "\u1680",
          "\u180e", "\ufeff", " " * 17, "\t" * 9, "\n" * 5, " \t \n\r\n  ", "\x1c", "\x1f", "\x00"]
MARKS = ["\u0301", "\u0323", "\u0308", "\u0327", "\u0345", "\u05b0", "\u3099", "\u309a", "\u0f71\u0f74", "\u1100\u1161\u11a8", "\u0653", "\u093c", "\u20d0"]
BROKEN = [b"\x80", b"\xff", b"\xc0\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xf0\x9f", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe0\x80\xaf",
          b"\xf8\x88\x80\x80\x80", b"\xc3\x28", b"\xe2\x28\xa1", b"\xf0\x28\x8c\xbc", b"\xfe\xfe\xff\xff", b"\xc2\xc2", b"\xf1\x80\x80\xf1"]


def assigned_code_points():
    """Every code point except surrogates; a tokenizer must also read what is unassigned."""
    return [c for c in range(sys.maxunicode + 1) if not 0xD800 <= c <= 0xDFFF]


class LineMaker:
    def __init__(self, seed, special_tokens):
        self.random = random.Random(seed)
        self.special = special_tokens
        self.code_points = assigned_code_points()
        self.scripts = list(WORDS)

    def piece(self):
        r = self.random
        kind = r.randrange(100)
        if kind < 38:
            script = r.choice(self.scripts)
            return r.choice([" ", "", "  "][: r.choice([1, 1, 2, 3])]).join(r.choice(WORDS[script]) for _ in range(r.randrange(1, 8)))
        if kind < 50:
            return r.choice(CODE)
        if kind < 64:
            return "".join(r.choice(SPACES) for _ in range(r.choice([1, 1, 1, 2, 3, 8])))
        if kind < 72:
            return r.choice(["", " ", ",", ".", "-"]).join(str(r.randrange(10 ** r.randrange(1, 12))) for _ in range(r.randrange(1, 4)))
        if kind < 80:
            return r.choice("aeouAOkKかハ가क\u00e5\u212b\u1e69\u0958") + "".join(r.choice(MARKS) for _ in range(r.choice([1, 1, 2, 3, 12])))
        if kind < 86:
            return "".join(chr(r.choice(self.code_points)) for _ in range(r.randrange(1, 12)))
        if kind < 90:
            return "".join(chr(r.randrange(128)) for _ in range(r.randrange(1, 20)))
        if kind < 96 and self.special:
            token = r.choice(self.special)
            return token if r.random() < 0.8 else token[: r.randrange(1, len(token) + 1)] + r.choice(["", token])
        if kind < 98:
            return r.choice("aA1.- \nä漢😀'") * r.choice([3, 17, 33, 64, 250])
        return unicodedata.normalize(r.choice(["NFD", "NFC", "NFKD"]), r.choice(WORDS[r.choice(self.scripts)]))

    def line(self):
        r = self.random
        data = b""
        for _ in range(r.choice([1, 2, 4, 8, 16])):
            data += self.piece().encode("utf-8")
            if r.random() < 0.25:
                data += b" "
        if r.random() < 0.25:
            for _ in range(r.randrange(1, 4)):
                at = r.randrange(len(data) + 1)
                if r.random() < 0.5:
                    data = data[:at] + r.choice(BROKEN) + data[at:]
                else:
                    data = data[:at] + data[at + r.randrange(1, 4):]
        return data

    def lines(self, count):
        return [self.line() for _ in range(count)]

    def sweep(self):
        """Every code point once, in shuffled order, between letters, digits, spaces and punctuation."""
        order = self.code_points[:]
        self.random.shuffle(order)
        frames = ["{}", "a{}b", " {}", "1{}2", "!{}?", "\n{} ", "'{}", "e{}\u0301"]
        lines = []
        for start in range(0, len(order), 128):
            lines.append("".join(self.random.choice(frames).format(chr(c)) for c in order[start : start + 128]).encode("utf-8"))
        return lines
