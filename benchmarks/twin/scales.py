"""Are Barthel, Zarit and the days covered exactly those of the published tables?

    python -m benchmarks.twin.scales

The tables are written here again, plainly, and read by nothing else. Barthel is asked each of the
46,656 answer sets that there are, and 500 with items left out; Zarit, in both of its ways, for
every total and 5,000 random sets; the days covered are counted anew by boxes of tablets, a day
after the other, for 2,000 random histories with early refills, two medicines and days in hospital.
"""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from benchmarks import report
from cauce.twin.scales.adherence import Supply, adherence
from cauce.twin.scales.scoring import score

BARTHEL = {
    "feeding": (0, 5, 10),
    "bathing": (0, 5),
    "grooming": (0, 5),
    "dressing": (0, 5, 10),
    "bowels": (0, 5, 10),
    "bladder": (0, 5, 10),
    "toilet": (0, 5, 10),
    "transfer": (0, 5, 10, 15),
    "mobility": (0, 5, 10, 15),
    "stairs": (0, 5, 10),
}
ZARIT = (
    *("asks_more", "own_time", "other_duties", "shame", "anger", "relationships", "future"),
    *("dependence", "tension", "health", "privacy", "social_life", "visits", "only_carer"),
    *("cost", "endurance", "control", "hand_over", "doubt", "do_more", "do_better", "overall"),
)
SETS = 5_000
HISTORIES = 2_000
FIRST, LAST = date(2023, 1, 1), date(2023, 12, 31)
AGAIN = timedelta(1)


def measure() -> None:
    """Shares of answer sets and of histories that come to exactly what the tables say."""
    report("barthel_exact", _share(_barthel()), 1.0, "higher")
    report("zarit_exact", _share(_zarit("zarit", 0)), 1.0, "higher")
    report("zarit_martin_exact", _share(_zarit("zarit-martin", 1)), 1.0, "higher")
    report("missing_items_bounds_exact", _share(_missing()), 1.0, "higher")
    report("pdc_exact", _share(_days_covered()), 1.0, "higher")


def _share(exact: Iterator[bool]) -> float:
    found = list(exact)
    return sum(found) / len(found)


def _barthel() -> Iterator[bool]:
    for points in itertools.product(*BARTHEL.values()):
        found = score("barthel", dict(zip(BARTHEL, points, strict=True)))
        total = sum(points)
        yield (found.total, found.band) == (total, barthel_band(total))


def barthel_band(total: int) -> str:
    """Shah, Vanclay & Cooper 1989, as used in Spain."""
    if total == 100:
        return "independent"
    if total >= 91:
        return "slight"
    if total >= 61:
        return "moderate"
    return "severe" if total >= 21 else "total"


def _zarit(scale: str, lowest: int) -> Iterator[bool]:
    chance = random.Random(0)
    # Random answers would all come to about half of the most; burdens of every size do not.
    burdens = [chance.uniform(0, 4) for _ in range(SETS)]
    sets = [[int(burden + chance.random()) for _ in ZARIT] for burden in burdens]
    sets += [[min(4, max(0, total - 4 * place)) for place in range(22)] for total in range(89)]
    for answers in sets:
        points = [lowest + min(4, answer) for answer in answers]
        found = score(scale, dict(zip(ZARIT, points, strict=True)))
        band = zarit_band(sum(points)) if lowest == 0 else martin_band(sum(points))
        yield (found.total, found.band) == (sum(points), band)


def zarit_band(total: int) -> str:
    """0-20, 21-40, 41-60, 61-88."""
    if total <= 20:
        return "little"
    if total <= 40:
        return "mild"
    return "moderate" if total <= 60 else "severe"


def martin_band(total: int) -> str:
    """Cut-offs between 46 and 47 and between 55 and 56."""
    if total <= 46:
        return "none"
    return "slight" if total <= 55 else "intense"


def _missing() -> Iterator[bool]:
    """Barthel with some items left out, against every way in which they could be answered."""
    chance = random.Random(0)
    for _ in range(SETS // 10):
        left_out = chance.sample(list(BARTHEL), chance.randint(1, 4))
        given = {item: chance.choice(BARTHEL[item]) for item in BARTHEL if item not in left_out}
        known = sum(given.values())
        ways = [known + sum(way) for way in itertools.product(*(BARTHEL[i] for i in left_out))]
        bands = {barthel_band(total) for total in ways}
        found = score("barthel", given)
        yield (
            found.total is None
            and found.bounds == (min(ways), max(ways))
            and set(found.missing) == set(left_out)
            and found.band == (bands.pop() if len(bands) == 1 else "")
        )


def _days_covered() -> Iterator[bool]:
    chance = random.Random(0)
    for _ in range(HISTORIES):
        supplies = [
            Supply(
                medicine=chance.choice("ab"),
                start=FIRST + chance.randrange(365) * AGAIN,
                days=chance.choice((1, 7, 14, 28, 30, 56, 90)),
            )
            for _ in range(chance.randint(1, 14))
        ]
        stay = FIRST + chance.randrange(340) * AGAIN
        away = [stay + number * AGAIN for number in range(chance.choice((0, 0, 2, 10, 25)))]
        counted = boxes(supplies, away)
        if counted[1] == 0:
            continue
        found = adherence(supplies, FIRST, LAST, hospital=away)
        dispensed = sum(supply.days for supply in supplies)
        yield (found.covered, found.days, found.dispensed) == (*counted, dispensed)


def boxes(supplies: Sequence[Supply], away: Sequence[date]) -> tuple[int, int]:
    """Days covered and days counted: what arrives goes into a box, one day leaves it at home."""
    left: dict[str, int] = defaultdict(int)
    covered = counted = 0
    has_begun = False
    for number in range((LAST - FIRST).days + 1):
        day = FIRST + number * AGAIN
        for supply in supplies:
            if supply.start == day:
                left[supply.medicine] += supply.days
                has_begun = True
        if not has_begun or day in away:
            continue
        counted += 1
        covered += any(left.values())
        for medicine in left:
            left[medicine] = max(0, left[medicine] - 1)
    return covered, counted


if __name__ == "__main__":
    measure()
