"""What the eye takes for something else: names that look like other names, characters that hide or turn text around.

After Unicode Technical Standard 39, for the few characters that a username may have.
"""

import unicodedata

# Lower-case letters of other scripts that stand for a Latin one, as far as they serve to spell a username.
_LOOKALIKES = {
    "a": "аαɑ", "b": "вьβƅ", "c": "сϲᴄ", "d": "ԁժɗ", "e": "еεҽ", "f": "ƒϝ", "g": "ɡց", "h": "һհн", "i": "іιɩı",
    "j": "јϳ", "k": "кκ", "l": "ӏⅼ|", "m": "мⅿ", "n": "ոпηռ", "o": "оοσօ", "p": "рρ", "q": "ԛգ", "r": "гᴦ", "s": "ѕꜱ",
    "t": "тτ", "u": "υսц", "v": "νѵ", "w": "ԝωш", "x": "хχ", "y": "уγүყ", "z": "ᴢ", "3": "зӡ", "6": "б",
}  # fmt: skip
_ALPHABET = {foreign: latin for latin, group in _LOOKALIKES.items() for foreign in group}
_PAIRS = (("rn", "m"), ("vv", "w"))

_CONTROLS = {"Cc", "Cs", "Zl", "Zp"}
# Embeddings, overrides and isolates.
_TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
_MARKS_OF_DIRECTION = "\u200e\u200f\u061c"
# Characters that show nothing although their category is that of a letter, a mark or a symbol.
_BLANK = frozenset("\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u2800\u3164\uffa0")
_ZERO_WIDTH = _MARKS_OF_DIRECTION + "\u200b\u2060\u2061\u2062\u2063\u2064\ufeff"
_JOINERS = "\u200c\u200d"
_PRESENTATION = "\ufe0e\ufe0f"
_BLACK_FLAG = "\U0001f3f4"


def look(username: str) -> str:
    """The same for usernames (folded) that the eye takes for each other. The migration says it in SQL."""
    text = username.translate({ord("0"): "o", ord("1"): "l"})
    for pair, letter in _PAIRS:
        text = text.replace(pair, letter)
    return text


def bare_look(username: str) -> str:
    """Coarser, for names that nobody may come near: dots, underscores and capital i for l do not tell them apart."""
    return look(username.replace(".", "").replace("_", "")).replace("i", "l")


def latin_look(text: str) -> str:
    """What is left of letters of other scripts, of other widths and with marks when they are read as Latin ones."""
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).lower())
    return "".join(_ALPHABET.get(character, character) for character in plain if not unicodedata.combining(character))


def is_control(character: str) -> bool:
    """Also line and paragraph separators, and what changes the direction of the text around it."""
    return unicodedata.category(character) in _CONTROLS or unicodedata.bidirectional(character) in _TURNING


def hides(text: str) -> bool:
    """Whether something in it does not show: two such texts would look the same. Emoji, Arabic and Indic scripts need
    some of these characters, and have them where they do something."""
    return any(_is_hidden(text, place) for place in range(len(text)))


def _is_hidden(text: str, place: int) -> bool:
    character, before, after = text[place], text[place - 1 : place], text[place + 1 : place + 2]
    if character in _JOINERS:
        return not (_is_joined(before) and _is_joined(after))
    if character in _PRESENTATION:
        return not before or before.isalpha()
    if "\U000e0000" <= character <= "\U000e007f":
        return _BLACK_FLAG not in text[:place]
    is_selector = "\ufe00" <= character <= "\ufe0d" or "\U000e0100" <= character <= "\U000e01ef"
    return is_selector or character in _BLANK or character in _ZERO_WIDTH or "\u206a" <= character <= "\u206f"


def _is_joined(neighbour: str) -> bool:
    """Letters of Latin, Greek or Cyrillic are not, nor signs of ASCII."""
    return neighbour != "" and (unicodedata.category(neighbour) in {"Lo", "Mn", "Mc", "So", "Sk"})
