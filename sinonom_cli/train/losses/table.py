"""List the losses of a network; their options, defaults, help and documentation come from this table.

A loss is a file in this folder and an entry in `LOSSES`. Its class is made with a `Choice`, the number of characters
and the length of an embedding. Called with (N, D) rows, (N,) labels and, if there is a memory, references, it returns a
`basic.Loss`. Importing this file does not load torch.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """Loss and its options, which are fields of `Config`."""

    loss: str = "triplet"
    mining: str = "batch-hard"
    margin: float | None = 0.2
    recall_at: tuple[int, ...] = ()
    simix: bool = False
    memory: int = 0


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Description of a loss: its class, its options and their defaults.

    Attributes
    ----------
    made_by : file and class in this folder.
    paper : source of the loss, and what differs here.
    mining : kinds of mining that it takes, the default first; why : reason why it takes no others.
    mild : mining with which a training of fresh weights begins if its own is a hard one; None: there is none.
    margin : default margin; None: it has none. unit : text that follows the default in the documentation.
    compares : whether it compares pictures with pictures, so that a memory of earlier ones helps; other losses compare
        with proxies or classes.
    rate : learning rate of its proxies, if it has some, as a multiple of the network's.
    collapsed : its value, in margins, while the network separates nothing under batch-hard mining; None: not known.
    reads_logits : whether it takes a classifier's logits instead of embeddings.
    """

    made_by: str
    paper: str
    mining: tuple[str, ...] = ("none",)
    why: str = "it looks at all pictures of a batch at once"
    mild: str | None = None
    margin: float | None = None
    unit: str = ""
    compares: bool = True
    rate: float = 1.0
    collapsed: float | None = None
    reads_logits: bool = False


_TUPLES = ("batch-hard", "semi-hard", "distance-weighted")
HARD = ("batch-hard", "distance-weighted")
"""Kinds of mining under which fresh weights may collapse to one point."""
_PROXIES = "it compares pictures with characters, not with pictures"

# Proxies begin with deviation 1 in ArcFace, with 1 over the root of half their number in proxy-anchor, and with length
# 1 in CosFace. The same step turns those of the last two much more; so ArcFace has five times the learning rate.
LOSSES: dict[str, Entry] = {
    "triplet": Entry(
        made_by="triplet.Triplet",
        paper="Schroff et al. 2015, Hermans et al. 2017",
        mining=("batch-hard", "batch-all", "semi-hard", "distance-weighted", "none"),
        mild="batch-all",
        margin=0.2,
        unit=", or `soft`",
        collapsed=1.0,
    ),
    "contrastive": Entry(
        made_by="contrastive.Contrastive",
        paper="Hadsell et al. 2006",
        mining=("none", "batch-all", *_TUPLES),
        mild="none",
        margin=1.0,
    ),
    "quadruplet": Entry(
        made_by="quadruplet.Quadruplet",
        paper="Chen et al. 2017, with plain distances",
        mining=_TUPLES,
        why="there are too many quadruplets in a batch to look at all of them",
        mild="semi-hard",
        margin=0.2,
        unit=" and half of it",
        collapsed=1.5,
    ),
    "recall@k": Entry(made_by="recall_at_k.RecallAtK", paper="Patel et al. 2021; `--recall-at 1,2,4,8,16`, `--simix`"),
    "multi-similarity": Entry(
        made_by="multi_similarity.MultiSimilarity",
        paper="Wang et al. 2019, base 0.5 as in the authors' code",
        why="it has its own mining",
    ),
    "supcon": Entry(made_by="supcon.SupCon", paper="Khosla et al. 2020, temperature 0.1"),
    "proxy-anchor": Entry(
        made_by="proxy_anchor.ProxyAnchor", paper="Kim et al. 2020", why=_PROXIES, margin=0.1, compares=False
    ),
    "arcface": Entry(
        made_by="arcface.ArcFace",
        paper="Deng et al. 2019; scale 64",
        why=_PROXIES,
        margin=0.5,
        unit=" radians",
        compares=False,
        rate=5.0,
    ),
    "subcenter-arcface": Entry(
        made_by="arcface.SubcenterArcFace",
        paper="Deng et al. 2020; scale 64, 3 sub-centres",
        why=_PROXIES,
        margin=0.5,
        unit=" radians",
        compares=False,
        rate=5.0,
    ),
    "cosface": Entry(
        made_by="cosface.CosFace",
        paper="Wang et al. 2018; scale 24; above 8,192 characters a random part of them each time (An et al. 2022)",
        why=_PROXIES,
        margin=0.2,
        compares=False,
    ),
    "cross-entropy": Entry(
        made_by="cross_entropy.CrossEntropy",
        paper="a classifier; `--head linear` or `ml-decoder`",
        why="it names characters, and compares no pictures",
        compares=False,
        reads_logits=True,
    ),
}


def documentation() -> str:
    """Return the table of losses for the documentation, in Markdown."""
    lines = ["| `--loss` | of | `--mining` | `--margin` | `--memory` |", "|---|---|---|---|---|"]
    for name, loss in LOSSES.items():
        mined = ", ".join(f"`{way}`" for way in loss.mining) if len(loss.mining) > 1 else ""
        margin = "" if loss.margin is None else f"{loss.margin}{loss.unit}"
        cells = [f"`{name}`", loss.paper, mined, margin, "yes" if loss.compares else ""]
        lines.append("".join(f"| {cell} " if cell else "| " for cell in cells) + "|")
    return "\n".join([*lines, "| `lda` | Fisher's discriminant, no network | | | |"])
