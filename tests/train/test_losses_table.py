"""One entry in one table defines a loss: options, checks and documentation follow from it."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from refused import refused

torch = pytest.importorskip("torch")

from sinonom_cli.errors import ExitCode  # noqa: E402
from sinonom_cli.train.losses.basic import LossValue  # noqa: E402
from sinonom_cli.train.losses.registry import Criterion  # noqa: E402
from sinonom_cli.train.losses.table import LOSSES, Choice, Entry, documentation  # noqa: E402
from sinonom_cli.train.options import complete  # noqa: E402


def test_the_documentation_has_the_table_of_losses_as_it_is() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "training.md").read_text(encoding="utf-8")
    assert documentation() in page and all(f"| `{loss}` |" in page for loss in LOSSES)


def test_a_loss_is_one_file_and_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pull(torch.nn.Module):
        def __init__(self, choice: Choice, classes: int, length: int) -> None:
            super().__init__()
            self.proxies = torch.nn.Parameter(torch.full((classes, length), choice.margin))

        def forward(self, rows: torch.Tensor, labels: torch.Tensor, references: object = None) -> LossValue:
            return LossValue((rows - self.proxies[labels]).square().sum(), 0.5, 1.0)

    monkeypatch.setitem(sys.modules, "sinonom_cli.train.losses.pull", SimpleNamespace(Pull=Pull))
    monkeypatch.setitem(
        LOSSES, "pull", Entry(made_by="pull.Pull", paper="nobody", margin=0.25, compares=False, rate=3.0)
    )
    chosen = complete("pull", {})
    assert (chosen["margin"], chosen["mining"]) == (0.25, "none")
    with refused(ExitCode.USAGE, "--memory"):
        complete("pull", {"memory": 4})
    criterion = Criterion(Choice("pull", chosen["mining"], chosen["margin"]), 3, 2)
    assert float(criterion(torch.zeros(2, 2), torch.tensor([0, 2])).value.detach()) == 4 * 0.25**2
    assert criterion.rate == 3.0 and criterion.proxies is not None and not criterion.reads_logits
