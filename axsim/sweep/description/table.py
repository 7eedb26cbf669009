"""One table of the description: its keys taken one by one, every mistake noted with its line."""

import difflib
import math
from typing import Any

from .lines import Path


class Mistakes:
    """What is wrong with a description, each with its line."""

    def __init__(self, lines: dict[Path, int]) -> None:
        self._lines = lines
        self._noted: list[tuple[int, str]] = []

    def note(self, place: Path, text: str) -> None:
        """Note a mistake at a key or an element, or the nearest that has a line."""
        while place and place not in self._lines:
            place = place[:-1]
        self._noted.append((self._lines.get(place, 1), " ".join(text.split())))

    def __len__(self) -> int:
        return len(self._noted)

    def in_order(self) -> list[tuple[int, str]]:
        """Lines and texts, from the top of the file to its end."""
        return sorted(set(self._noted), key=lambda each: each[0])


class Table:
    """
    A table at `place`. Each method takes one key: its value, or the default where it is absent or wrong.

    `end` notes what nobody took. A key without a default (`...`) must be there.
    """

    def __init__(self, values: Any, place: Path, mistakes: Mistakes) -> None:
        self.place, self._mistakes = place, mistakes
        self._known: list[str] = []
        self._values: dict[str, Any] = values if isinstance(values, dict) else {}
        if not isinstance(values, dict):
            mistakes.note(place, f"{place[-1]} must be a table, got {values!r}")

    def wrong(self, key: str, text: str) -> None:
        """Note a mistake at a key."""
        self._mistakes.note((*self.place, key), text)

    def take(self, key: str, default: Any = ...) -> Any:
        """Return the value, of any kind; None where a key that must be there is not."""
        self._known.append(key)
        if key in self._values:
            return self._values[key]
        if default is ...:
            self._mistakes.note(self.place, f"{key} is missing")
            return None
        return default

    def text(self, key: str, default: Any = ..., among: tuple[str, ...] | None = None) -> Any:
        """Take text, maybe one of a few."""
        value = self.take(key, default)
        if key not in self._values:
            return value
        if among is None:
            return self._checked(key, default, isinstance(value, str) and value, "text")
        return self._checked(key, default, value in among, f"one of {', '.join(among)}")

    def whole(self, key: str, default: Any, low: int | None = None) -> Any:
        """Take a whole number, from `low` on."""
        value = self.take(key, default)
        right = isinstance(value, int) and not isinstance(value, bool) and (low is None or value >= low)
        return self._checked(key, default, right, "a whole number" + ("" if low is None else f" of {low} or more"))

    def number(self, key: str, default: Any, above: float, most: float) -> Any:
        """Take a number above a bound and up to another."""
        value = self.take(key, default)
        right = _is_number(value) and above < value <= most
        return self._checked(key, default, right, f"a number above {above:g} and up to {most:g}")

    def yes(self, key: str) -> bool:
        """Take true or false; false where it is absent."""
        value = self.take(key, False)
        return bool(self._checked(key, False, isinstance(value, bool), "true or false"))

    def several(self, key: str, default: Any, right: Any, allowed: str) -> Any:
        """Take one or many of a kind, each checked by `right`, as a tuple."""
        value = self.take(key, default)
        if key not in self._values:
            return value
        many = value if isinstance(value, list) else [value]
        for number, each in enumerate(many):
            if not right(each):
                place = (*self.place, key, number) if isinstance(value, list) else (*self.place, key)
                self._mistakes.note(place, f"{key} must be {allowed}, got {each!r}")
        if not many:
            self.wrong(key, f"{key} must be {allowed}, at least one, got none")
        return tuple(each for each in many if right(each))

    def numbers(self, key: str, default: Any) -> Any:
        """Take one or many numbers, as floats."""
        found = self.several(key, default, _is_number, "numbers")
        return found if found is default else tuple(float(each) for each in found)

    def tables(self, key: str) -> "list[Table]":
        """Return the tables of an array [[key]]."""
        value = self.take(key, [])
        if not isinstance(value, list):
            self.wrong(key, f"{key} must be tables, [[{key}]], got {value!r}")
            return []
        return [Table(each, (*self.place, key, number), self._mistakes) for number, each in enumerate(value)]

    def end(self) -> None:
        """Note the keys that are not known."""
        for key in self._values:
            if key not in self._known:
                closest = difflib.get_close_matches(key, self._known, n=1)
                hint = f"; did you mean {closest[0]}?" if closest else ""
                self.wrong(key, f"unknown key {key}, not one of {', '.join(self._known)}{hint}")

    def _checked(self, key: str, default: Any, right: Any, allowed: str) -> Any:
        if key not in self._values:
            return None if default is ... else default
        if right:
            return self._values[key]
        self.wrong(key, f"{key} must be {allowed}, got {self._values[key]!r}")
        return None if default is ... else default


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
