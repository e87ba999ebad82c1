"""Define the classifier, a network that learns to name characters, and the form in which it is exported."""

from torch import Tensor, nn

from sinonom_cli.networks.directmap import Head
from sinonom_cli.networks.ml_decoder import MLDecoder


class Classifier(nn.Module):
    """Network that learns to name characters and embeds with the features that it classifies by.

    It maps (N, 1, S, S) float32 ink in [0, 1] to (N, D) float32 embeddings of any length; `both` adds (N, C) logits.

    Parameters
    ----------
    network : network from `backbones.build`; "ml-decoder" removes its head.
    classes : number of characters, C.
    head : "linear": the embedding is the network's before normalisation, and the logits are linear in it. "ml-decoder":
        the embedding is the mean of the feature map, one number for each channel, and `MLDecoder` computes the logits
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
        """Embed and classify a batch; return (N, D) embeddings and (N, C) logits."""
        if isinstance(self.classify, MLDecoder):
            tokens = self.network.tokens(pictures)
            return tokens.mean(dim=1), self.classify(tokens)
        embedding = self(pictures)
        return embedding, self.classify(embedding)


class Distributions(nn.Module):
    """Classifier in its exported form; it gives (N, D) embeddings and (N, C) probabilities whose rows sum to 1."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Embed and classify a batch."""
        embedding, logits = self.classifier.both(pictures)
        return embedding, logits.softmax(dim=1)
