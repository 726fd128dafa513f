"""How many copies each image of a folder gets, and what they are called."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from app.augmentation.draws import MAX_COPIES
from app.core.apportionment import apportion
from app.core.errors import DatasetError, LimitExceededError
from app.data.options import SPLITS

COPIES_AT_ONCE = 16
MIXED_OUTPUTS_AT_ONCE = 64
_MANY_BYTES = 16 * 2**20
"""Of the file, times copies: about as many outputs as one answer of an augmenter holds."""


class Work(NamedTuple):
    """What becomes of one image.

    Attributes:
        path: Of its file, below the folder of all images, with ``/`` between folders.
        stem: What the names of its copies begin with.
        copies: How many.
        first_copy: Number of the first.
        is_kept: Whether the image itself belongs to the outputs.
    """

    path: str
    stem: str
    copies: int
    first_copy: int
    is_kept: bool

    def name_copy(self, copy: int, patch: int | None, ending: str) -> str:
        """Return the path of a copy, or of a part of it, below the folder of outputs."""
        part = "" if patch is None else f"-{patch}"
        return f"{self.stem}-{copy}{part}.{ending}"


def plan_copies(paths: Sequence[str], copies: int, first_copy: int, *, keep: bool) -> list[Work]:
    """Give all images the same number of copies.

    Args:
        paths: Of the images.
        copies: Of each.
        first_copy: Number of the first.
        keep: Whether images themselves belong to the outputs.

    Raises:
        LimitExceededError: If an image cannot have as many.
    """
    _check_number(first_copy + copies)
    stems = _find_stems(paths)
    return [Work(path, stems[path], copies, first_copy, keep) for path in paths]


def plan_balance(digests: Mapping[str, str], count: int | None, first_copy: int) -> list[Work]:
    """Bring all classes to the same number of pictures: the images, and as many copies as are missing.

    Copies are spread evenly over the images of a class. Images with the same bytes have copies of different numbers,
    so that none comes twice.

    Args:
        digests: Of the images' bytes, by their paths.
        count: Pictures of each class; by default as many as the largest has.
        first_copy: Number of the first copy.

    Raises:
        DatasetError: If images do not lie in folders of classes, or a class has more of them than asked for.
        LimitExceededError: If an image would need too many copies.
    """
    paths = list(digests)
    counts = count_classes(paths)
    largest = max(counts, key=lambda name: counts[name])
    target = counts[largest] if count is None else count
    if target < counts[largest]:
        raise DatasetError(f"a class has {counts[largest]} images already; no image is left out to get to {target}")
    stems, used = _find_stems(paths), Counter[str]()
    works = []
    for name, number in counts.items():
        members = [path for path in paths if _class_of(path) == name]
        for path, copies in zip(members, apportion(target - number, [1] * number), strict=True):
            first = first_copy + used[digests[path]]
            used[digests[path]] += copies
            _check_number(first + copies)
            works.append(Work(path, stems[path], copies, first, is_kept=True))
    return works


def count_classes(paths: Iterable[str]) -> dict[str, int]:
    """Count the images in each folder below the uppermost one.

    Raises:
        DatasetError: If images lie beside these folders, or they are splits and not classes.
    """
    paths = list(paths)
    loose = [path for path in paths if "/" not in path]
    if loose:
        raise DatasetError(f"{len(loose)} images lie in no class folder: every class needs a folder of its own")
    counts = Counter(map(_class_of, paths))
    if all(name.casefold() in SPLITS for name in counts):
        raise DatasetError(f"{', '.join(counts)} are splits, not classes: balance one of these folders by itself")
    return dict(counts)


def name_outputs(works: Iterable[Work], fan_out: int, ending: str) -> Iterator[str]:
    """Yield the paths of all outputs."""
    for work in works:
        if work.is_kept:
            yield work.path
        for copy in range(work.first_copy, work.first_copy + work.copies):
            yield from (work.name_copy(copy, patch, ending) for patch in list_patches(fan_out))


def list_patches(fan_out: int) -> Sequence[int | None]:
    """Return the numbers of the parts of a copy; None for one that is whole."""
    return range(fan_out) if fan_out > 1 else [None]


def check_names(names: Iterable[str]) -> None:
    """Refuse outputs that would be written over one another.

    Raises:
        DatasetError: If two have the same name.
    """
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise DatasetError(f"{times} outputs would be called {name}; rename the images that they are of")


def cut(works: Iterable[Work], sizes: Mapping[str, int]) -> Iterator[Sequence[Work]]:
    """Cut work into pieces that take a moment each; copies of small files are made together.

    Args:
        works: What becomes of the images.
        sizes: Bytes of their files.
    """
    for work in works:
        at_once = max(1, min(COPIES_AT_ONCE, _MANY_BYTES // max(1, sizes[work.path])))
        for start in range(0, max(1, work.copies), at_once):
            yield [_take(work, start, at_once)]


def cut_mixed(works: Sequence[Work], sizes: Mapping[str, int], most: int, most_bytes: int) -> Iterator[Sequence[Work]]:
    """Cut work on images that are mixed into groups, each from all over the folder; only within them it is mixed.

    Args:
        works: What becomes of the images, all with the same number of copies.
        sizes: Bytes of their files.
        most: Images of a group.
        most_bytes: Of a group's files, on average.

    Raises:
        DatasetError: If there is nothing to mix.
    """
    if len(works) < 2:  # noqa: PLR2004 - one and another
        raise DatasetError("the policy mixes images: it takes at least two")
    total = sum(sizes[work.path] for work in works)
    num_groups = min(max(-(-len(works) // most), -(-total // most_bytes)), len(works) // 2)
    for number in range(num_groups):
        group = works[number::num_groups]
        at_once = max(1, MIXED_OUTPUTS_AT_ONCE // len(group))
        for start in range(0, group[0].copies, at_once):
            yield [_take(work, start, at_once) for work in group]


def _take(work: Work, start: int, count: int) -> Work:
    """Return a part of some work; an image itself belongs to the first."""
    copies = min(count, work.copies - start)
    return work._replace(copies=copies, first_copy=work.first_copy + start, is_kept=work.is_kept and start == 0)


def _find_stems(paths: Sequence[str]) -> dict[str, str]:
    """Leave the endings away where names are still different then."""
    bare = {path: _strip_ending(path) for path in paths}
    counts = Counter(bare.values())
    return {path: stem if counts[stem] == 1 else path for path, stem in bare.items()}


def _strip_ending(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    return folder + slash + name.rpartition(".")[0]


def _class_of(path: str) -> str:
    return path.split("/", maxsplit=1)[0]


def _check_number(end: int) -> None:
    if end > MAX_COPIES:
        raise LimitExceededError(f"an image has at most {MAX_COPIES} copies in all", limit=MAX_COPIES)
