"""Options of commands that read pages or blocks: how a picture or a scan lies."""

from enum import StrEnum


class Mirror(StrEnum):
    """Whether pictures or scans are mirror images of what is read."""

    auto = "auto"
    yes = "yes"
    no = "no"

    @property
    def known(self) -> bool | None:
        """Return whether they are mirrored; None: to be found."""
        return None if self is Mirror.auto else self is Mirror.yes


class Turn(StrEnum):
    """Degrees by which pictures or scans must be turned clockwise to stand upright."""

    auto = "auto"
    none = "0"
    quarter = "90"
    half = "180"
    three_quarters = "270"

    @property
    def known(self) -> int | None:
        """Return the degrees; None: to be found."""
        return None if self is Turn.auto else int(self.value)
