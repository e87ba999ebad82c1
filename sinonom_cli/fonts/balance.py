"""Balance a set, so that each character has equally many pictures: draw more degraded ones where few faces have it."""

from collections.abc import Sequence


def balanced(drawn: Sequence[tuple[str, str]], levels: int) -> tuple[int, dict[tuple[str, str], int]]:
    """Return how many more pictures each face must draw of each character.

    Parameters
    ----------
    drawn : key of each face, and the characters that it really draws.
    levels : number of pictures of each glyph that are drawn in any case.

    Returns
    -------
    The number of pictures that each character will have, which is that of the character in most faces; and the number
    of further pictures by (face key, character). The faces of a character share its further pictures evenly.
    """
    faces: dict[str, list[str]] = {}
    for key, chars in drawn:
        for char in chars:
            faces.setdefault(char, []).append(key)
    target = levels * max(map(len, faces.values()), default=0)
    more = {}
    for char, keys in faces.items():
        each, rest = divmod(target - levels * len(keys), len(keys))
        for place, key in enumerate(keys):
            # The faces that draw one picture more differ from character to character.
            count = each + ((place + ord(char)) % len(keys) < rest)
            if count:
                more[key, char] = count
    return target, more
