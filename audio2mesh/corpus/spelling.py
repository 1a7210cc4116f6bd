"""Words that a pronouncing dictionary lacks, by words that it has."""

from difflib import get_close_matches

_SHORTEST_PART = 2
_SHORTEST_MISSPELT = 7  # shorter words have too many neighbours


def nearest_spelling(word: str, known: frozenset[str]) -> tuple[str, ...] | None:
    """The word itself, two words that make it up, or a misspelt one's only near neighbour."""
    if word in known:
        return (word,)
    return _two_parts(word, known) or _corrected(word, known)


def _two_parts(word: str, known: frozenset[str]) -> tuple[str, ...] | None:
    """The split whose shorter part is longest."""
    cuts = range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1)
    splits = [(word[:cut], word[cut:]) for cut in cuts]
    whole = [parts for parts in splits if known.issuperset(parts)]
    return max(whole, key=lambda parts: min(map(len, parts)), default=None)


def _corrected(word: str, known: frozenset[str]) -> tuple[str, ...] | None:
    if len(word) < _SHORTEST_MISSPELT:
        return None
    same_start = [other for other in known if other[:2] == word[:2]]
    return tuple(get_close_matches(word, same_start, n=1, cutoff=0.9)) or None
