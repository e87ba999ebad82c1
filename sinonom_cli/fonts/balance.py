"""As many pictures of every character: more degraded ones where fewer faces have it."""

from collections.abc import Sequence


def balanced(drawn: Sequence[tuple[str, str]], levels: int) -> tuple[int, dict[tuple[str, str], int]]:
    """Find out how many more pictures each face has to draw of each character.

    Parameters
    ----------
    drawn : the key of each face, and the characters that it really draws.
    levels : pictures of each glyph that are drawn anyway.

    Returns
    -------
    how many pictures each character will have: as many as the one that most faces have; and how many more, by
    (face key, character). What is missing is shared out among the character's faces evenly.
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
            # Which faces draw one more changes from character to character.
            count = each + ((place + ord(char)) % len(keys) < rest)
            if count:
                more[key, char] = count
    return target, more
