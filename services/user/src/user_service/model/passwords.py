"""Which passwords are refused beside those that are too short: what attackers try first (NIST SP 800-63B, 3.1.1.2).

There are no rules of composition: any character may be in a password, and none must.
"""

import unicodedata
from collections.abc import Iterable

SERVICE = "heliograph"
_SHORTEST_WORD = 4
"""Of the context: shorter ones are in too many good passwords."""
_LONGEST_CONTEXT = 320
_FEWEST_OWN = 4
"""So many characters besides digits must be left of a password without the words of its context."""
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm")

# Of eight and more characters: those of fewer are too short anyway. What differs in case, or in digits and signs at its
# ends, is found as well.
_COMMON = """
    password passwort passw0rd p@ssword p@ssw0rd pa$$word passwords passphrase mypassword yourpassword thepassword
    newpassword oldpassword passpass letmein letmeinnow welcome welcomeback welcome1 changeme changeit changethis
    default secret secrets mysecret topsecret trustno1 iloveyou iloveu loveyou loveme iloveme whatever
    nothing anything something computer internet samsung google facebook instagram youtube twitter linkedin microsoft
    windows android superman batman spiderman starwars pokemon minecraft fortnite football baseball basketball
    softball hockey soccer liverpool arsenal chelsea barcelona realmadrid juventus manchester steelers cowboys yankees
    princess sunshine shadow monkey dragon master michael jennifer jessica michelle charlie daniel anthony matthew
    jordan thomas hunter ranger buster killer pepper ginger cookie chocolate butterfly flower rainbow diamond
    computer1 corvette mercedes porsche mustang harley yamaha summer winter spring autumn january february
    september october november december monday friday sunday london newyork berlin paris america england
    administrator admin adminadmin root rootroot user username guest test testing testtest tester
    login loginlogin access server database system security private
    qwerty qwertyui qwertyuiop qwerty123 qwe123qwe qweasdzxc qazwsx qazwsxedc 1qaz2wsx 1q2w3e4r 1q2w3e4r5t 1q2w3e
    zaq12wsx zaq1zaq1 q1w2e3r4 q1w2e3r4t5 asdfasdf asdfghjk asdf1234 zxcvzxcv zxcvbnm1 abcd1234 abc12345 abc123 a1b2c3d4
    aa123456 a123456 123abc 12341234 11223344 12344321 123123123 147258369 159753 987654321 123qweasd 123qwe
    hello hellohello helloworld goodbye goodluck blessed jesus jesuschrist godisgood heaven angel angels freedom family
    forever friends happy lovely beautiful sweetheart babygirl babyboy daddysgirl fuckyou fuckyou2 asshole bullshit
    correcthorsebatterystaple
"""
COMMON = frozenset(_COMMON.split())


def weakness(password: str, context: Iterable[str]) -> str | None:
    """Why attackers would guess this password (folded) soon, or None. `context` are words that have to do with the
    account: its username, its e-mail address, its owner's name."""
    plain = unicodedata.normalize("NFKC", password).casefold()
    if plain in COMMON or _core(plain) in COMMON:
        return "is one of the most common passwords"
    if len(set(plain)) <= 2:
        return "is the same over and over"
    if any(plain in row * 2 or plain[::-1] in row * 2 for row in _ROWS):
        return "is a row of the alphabet, of digits or of the keyboard"
    if _left(plain, context) < _FEWEST_OWN:
        return "is too close to the account's own names, or to the name of the service"
    return None


def _core(plain: str) -> str:
    """Without the digits and signs that people put at the ends."""
    letters = [place for place, character in enumerate(plain) if character.isalpha()]
    return plain[letters[0] : letters[-1] + 1] if letters else ""


def _left(plain: str, context: Iterable[str]) -> int:
    rest = plain
    for word in sorted(_words(context), key=len, reverse=True):
        rest = rest.replace(word, "")
    return sum(not character.isdigit() for character in rest) if rest != plain else _FEWEST_OWN


def _words(context: Iterable[str]) -> set[str]:
    found = {SERVICE}
    for text in context:
        folded = unicodedata.normalize("NFKC", text[:_LONGEST_CONTEXT]).casefold()
        split = "".join(character if character.isalnum() else " " for character in folded).split()
        found |= {word for word in (folded, "".join(split), *split) if len(word) >= _SHORTEST_WORD}
    return found
