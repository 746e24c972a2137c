"""The optimiser of backbone and head: AdamW, or Muon for the hidden matrices and AdamW for the rest."""

from __future__ import annotations

from torch import Tensor, nn, optim

from magi.config import TrainConfig, Unusable
from magi.model import Magi

_BETAS = (0.9, 0.95)


class Optimiser:
    """One or two optimisers whose learning rates rise and fall together.

    Muon (Jordan et al., 2024, "Muon: An optimizer for hidden layers in neural networks") turns the
    momentum of a matrix into an orthogonal step, so that every direction of it learns alike.
    """

    def __init__(self, model: Magi, settings: TrainConfig):
        hidden = hidden_matrices(model) if settings.optimiser == "muon" else []
        groups = decay_groups(model, settings.weight_decay, hidden)
        self.parts: list[optim.Optimizer] = [optim.AdamW(groups, settings.learning_rate, _BETAS)]
        if hidden:
            self.parts.append(optim.Muon(hidden, settings.muon_learning_rate, weight_decay=0.0))
        self.rates = [part.param_groups[0]["lr"] for part in self.parts]

    def step(self, factor: float) -> None:
        """One step at `factor` times the learning rates."""
        for part, rate in zip(self.parts, self.rates, strict=True):
            for group in part.param_groups:
                group["lr"] = rate * factor
            part.step()

    def zero_grad(self) -> None:
        for part in self.parts:
            part.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict]:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, saved: list[dict]) -> None:
        """Raises Unusable for the state of another optimiser."""
        if not isinstance(saved, list) or len(saved) != len(self.parts):
            raise Unusable(
                "training.optimiser: the checkpoint was trained with another optimiser; remove model.pt"
                " from the run's folder, or set the optimiser back"
            )
        for part, state in zip(self.parts, saved, strict=True):
            part.load_state_dict(state)


def hidden_matrices(model: Magi) -> list[Tensor]:
    """Weights of all linear layers but those that meet latents or times."""
    head = model.head
    outer = (model.backbone.enter, head.enter, head.leave, head.time[0])
    return [weight for weight in _linear_weights(model) if all(weight is not one.weight for one in outer)]


def decay_groups(model: Magi, weight_decay: float, without: list[Tensor]) -> list[dict]:
    """All parameters but `without`: matrices decay; biases, norms and embeddings do not."""
    taken = {id(weight) for weight in without}
    matrices = {id(weight) for weight in _linear_weights(model)}
    rest = [value for value in model.parameters() if id(value) not in taken]
    return [
        {"params": [value for value in rest if id(value) in matrices], "weight_decay": weight_decay},
        {"params": [value for value in rest if id(value) not in matrices], "weight_decay": 0.0},
    ]


def _linear_weights(model: Magi) -> list[Tensor]:
    return [module.weight for module in model.modules() if isinstance(module, nn.Linear)]
