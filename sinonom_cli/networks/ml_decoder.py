"""Define ML-Decoder, a classification head that attends to the feature map instead of averaging it.

Ridnik, Sharir, Ben-Cohen, Ben-Baruch, Noy 2021, "ML-Decoder: scalable and versatile classification head".
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class MLDecoder(nn.Module):
    """Classification head whose queries attend to a feature map.

    Each of G queries, fixed from the start, stands for a group of classes. The queries attend to the map in one layer
    of cross-attention and a feed-forward layer (the paper's equation 3; a transformer's decoder without
    self-attention). A matrix for each group then computes its classes' logits (equation 4): L_i = (W_k q_k)_j with
    k = i div g, j = i mod g.

    The head maps (N, T, F) float32 tokens to (N, C) float32 logits.

    Parameters
    ----------
    features : length of a token, F.
    classes : number of classes, C.
    groups : number of groups, G; it is smaller if there are fewer classes. The paper has 100.
    dimensions : length of a query. The paper has 768; characters and small networks need less.
    heads : number of attention heads.
    dropout : dropout rate, as in the paper's code.
    """

    def __init__(
        self,
        features: int,
        classes: int,
        groups: int = 100,
        dimensions: int = 256,
        heads: int = 8,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.classes, self.heads = classes, heads
        in_group = math.ceil(classes / groups)
        self.groups = math.ceil(classes / in_group)
        # The queries are fixed: the paper found that learning them adds nothing, since the layers after them learn.
        self.register_buffer("queries", torch.randn(self.groups, dimensions))
        self.embed = nn.Linear(features, dimensions)
        self.before = nn.LayerNorm(dimensions)
        self.query, self.key, self.value, self.out = (nn.Linear(dimensions, dimensions) for _ in range(4))
        self.between = nn.LayerNorm(dimensions)
        self.widen, self.narrow = nn.Linear(dimensions, 4 * dimensions), nn.Linear(4 * dimensions, dimensions)
        self.after = nn.LayerNorm(dimensions)
        self.dropout = nn.Dropout(dropout)
        self.weight = nn.Parameter(torch.empty(self.groups, dimensions, in_group))
        self.bias = nn.Parameter(torch.zeros(classes))
        for matrix in self.weight:
            nn.init.xavier_normal_(matrix)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the logits of a batch."""
        memory = functional.relu(self.embed(tokens))
        asked = self.before(self.queries).expand(tokens.shape[0], -1, -1)
        asked = self.between(asked + self.dropout(self._attended(asked, memory)))
        asked = self.after(asked + self.dropout(self.narrow(self.dropout(functional.relu(self.widen(asked))))))
        with torch.autocast(tokens.device.type, enabled=False):  # logits stay float32, as in `Head`
            logits = torch.einsum("ngd,gdc->ngc", asked.float(), self.weight)
        return logits.flatten(1)[:, : self.classes] + self.bias

    def _attended(self, asked: Tensor, memory: Tensor) -> Tensor:
        """Return the multi-head attention, (N, G, D), of (N, G, D) queries to (N, T, D) tokens."""
        split = [
            layer(states).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for layer, states in ((self.query, asked), (self.key, memory), (self.value, memory))
        ]
        attended = functional.scaled_dot_product_attention(*split)
        return self.out(attended.transpose(1, 2).flatten(2))
