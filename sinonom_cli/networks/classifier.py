"""The classifier: a network that learns to name characters, and what is exported of it."""

from torch import Tensor, nn

from sinonom_cli.networks.directmap import Head
from sinonom_cli.networks.ml_decoder import MLDecoder


class Classifier(nn.Module):
    """A network that learns to name characters, and embeds by what it learns from.

    Maps (N, 1, S, S) float32 ink in [0, 1] to (N, D) float32, of any length; `both` gives (N, C) logits beside.

    Parameters
    ----------
    network : of `backbones.build`; what it embeds with is made the classifier's own.
    classes : C.
    head : "linear": the embedding is the network's, before it is scaled, and logits are linear in it. "ml-decoder": the
        embedding is the mean of the feature map, as long as the network has channels, and `MLDecoder` makes the logits
        from the map.
    """

    def __init__(self, network: nn.Module, classes: int, head: str) -> None:
        super().__init__()
        self.network = network
        if head == "ml-decoder":
            self.classify: nn.Module = MLDecoder(network.channels, classes)
            network.head = nn.Identity()
        else:
            self.classify = Head(network.head.out_features, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed a batch."""
        if isinstance(self.classify, MLDecoder):
            return self.network.tokens(pictures).mean(dim=1)
        return self.network.head(self.network.features(pictures))

    def both(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Embed and classify a batch: (N, D) and (N, C) logits."""
        if isinstance(self.classify, MLDecoder):
            tokens = self.network.tokens(pictures)
            return tokens.mean(dim=1), self.classify(tokens)
        embedding = self(pictures)
        return embedding, self.classify(embedding)


class Distributions(nn.Module):
    """A classifier as it is exported: embedding and distribution over its classes, (N, D) and (N, C), rows sum to 1."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Embed and classify a batch."""
        embedding, logits = self.classifier.both(pictures)
        return embedding, logits.softmax(dim=1)
