"""A small spiking network written for Inferno, which runs on cusynapse.inferno as well.

Noise drives 24 neurons through delayed synapses; they inhibit each other and learn: a weight grows
where its input arrived when the neuron fired. Halfway the network is saved and loaded into a new
one, which carries on. What it prints is the same with both libraries:

    python inferno_program.py --library cusynapse
    python inferno_program.py --library inferno
"""

import argparse
import hashlib
import importlib

import torch

MODULES = {"inferno": "inferno.neural", "cusynapse": "cusynapse.inferno"}
INPUTS, NEURONS, BATCH, DT = (5, 8), 24, 4, 1.0  # ms


class LeakyIntegrateAndFire(torch.nn.Module):
    """Voltages above rest that leak with 20 ms and go back to rest when they reach 10 mV."""

    def __init__(self):
        super().__init__()
        self.register_buffer("voltage", torch.zeros(BATCH, NEURONS))

    def forward(self, current):
        self.voltage = self.voltage * (1 - DT / 20) + current * DT
        spikes = self.voltage >= 10
        self.voltage = torch.where(spikes, torch.zeros(()), self.voltage)
        return spikes


class Network(torch.nn.Module):
    def __init__(self, library):
        super().__init__()
        self.feedforward = library.LinearDense(
            INPUTS, NEURONS, DT,
            synapse=library.SingleExponentialCurrent.partialconstructor(
                spike_charge=2.0, time_constant=4.0),
            bias=True, delay=12.0, batch_size=BATCH,
            bias_init=lambda bias: bias * 0.1,
            delay_init=lambda delay: torch.rand_like(delay) * 12)
        self.inhibition = library.LinearLateral(
            NEURONS, DT,
            synapse=library.DoubleExponentialCurrent.partialconstructor(
                spike_charge=4.0, tc_decay=8.0, tc_rise=2.0),
            delay=3.0, batch_size=BATCH,
            weight_init=lambda weight: -0.2 * weight,
            delay_init=lambda delay: torch.rand_like(delay) * 3)
        self.neurons = LeakyIntegrateAndFire()
        self.register_buffer("spikes", torch.zeros(BATCH, NEURONS, dtype=torch.bool))

    def forward(self, inputs):
        current = self.feedforward(inputs) + self.inhibition(self.spikes)
        self.spikes = self.neurons(current)
        return self.spikes

    def learn(self):
        arrived = self.feedforward.presyn_receptive(self.feedforward.synspike).float()
        fired = self.feedforward.postsyn_receptive(self.spikes).float()
        change = (arrived * fired).sum(-1).mean(0)
        weight = self.feedforward.weight
        self.feedforward.weight = (weight + 0.02 * change * (1 - weight)).clamp(0, 1)


def run(library, steps):
    torch.manual_seed(7)
    network = Network(library)
    inputs = torch.rand(steps, BATCH, *INPUTS) < 0.05
    counts, digest = torch.zeros(NEURONS), hashlib.sha256()
    for step in range(steps):
        if step == steps // 2:
            state = network.state_dict()
            network = Network(library)
            network.load_state_dict(state)
        spikes = network(inputs[step])
        network.learn()
        counts += spikes.sum(0)
        digest.update(spikes.numpy().tobytes())
    return counts, digest.hexdigest(), network.feedforward.weight.sum().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--library", dest="name", choices=sorted(MODULES), default="cusynapse")
    parser.add_argument("--steps", type=int, default=300)
    arguments = parser.parse_args()
    counts, digest, weights = run(importlib.import_module(MODULES[arguments.name]),
                                  arguments.steps)
    print(f"{int(counts.sum())} spikes, {int(counts.min())} to {int(counts.max())} a neuron")
    print(f"spikes {digest[:16]}")
    print(f"weights sum to {weights:.2f}")


if __name__ == "__main__":
    main()
