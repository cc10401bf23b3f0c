"""Recurrent networks for sequences, several members at once."""

from abc import abstractmethod
from numbers import Integral

import torch
from torch import nn

from sklearn_deepod._nn import BatchedLinear
from sklearn_deepod.networks._base import BaseNetwork
from sklearn_deepod.utils._sklearn_compat import Interval


class _Recurrent(BaseNetwork):
    """What LSTM and GRU share.

    Parameters
    ----------
    hidden_size : int, default=32
        Units of each layer's state.
    n_layers : int, default=1
        Number of layers; each reads the states of the previous one.
    shape : tuple of int or None, default=None
        (time, channels) of rows that are given flat; None if `X` has this shape
        already.
    """

    _n_axes = 2
    _axes = "(time, channels)"
    _parameter_constraints: dict = {
        "hidden_size": [Interval(Integral, 1, None, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "shape": ["array-like", None],
    }

    def __init__(self, *, hidden_size=32, n_layers=1, shape=None):
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.shape = shape

    @abstractmethod
    def _cell(self, n_members, n_inputs, generator, bias=True):
        """One layer's cell."""

    def _layers(self, n_members, n_inputs, generator, bias=True):
        sizes = (n_inputs, *[self.hidden_size] * self.n_layers)
        return [self._cell(n_members, n, generator, bias) for n in sizes[:-1]]

    def encoder(self, n_members, input_shape, n_outputs, *, generator, bias=True):
        layers = self._layers(n_members, input_shape[1], generator, bias)
        last = BatchedLinear(n_members, self.hidden_size, n_outputs, generator, bias)
        return RecurrentEncoder(layers, last)

    def decoder(self, n_members, n_inputs, output_shape, *, generator):
        n_steps, n_channels = output_shape
        layers = self._layers(n_members, n_inputs, generator)
        last = BatchedLinear(n_members, self.hidden_size, n_channels, generator)
        return RecurrentDecoder(layers, last, n_steps)


class LSTM(_Recurrent):
    """Long short-term memory, for sequences.

    The encoder reads the sequence from the first step to the last, and a dense layer
    maps the last state to the code. The decoder reads the code at every step.

    Read more in the :ref:`User Guide <networks>`.

    Parameters
    ----------
    {parameters}

    See Also
    --------
    GRU : With fewer parameters.
    TCN : Convolutions, which train faster on long sequences.

    References
    ----------
    .. [1] S. Hochreiter, J. Schmidhuber (1997). Long short-term memory. Neural
       Computation 9(8), 1735-1780.
    .. [2] P. Malhotra et al. (2016). LSTM-based encoder-decoder for multi-sensor
       anomaly detection. ICML workshop on anomaly detection.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_deepod import AutoEncoder
    >>> from sklearn_deepod.networks import LSTM
    >>> X = np.sin(np.arange(40)[:, None, None] + np.arange(16)[None, :, None])
    >>> detector = AutoEncoder(
    ...     network=LSTM(hidden_size=8), latent_size=4, max_steps=20, random_state=0
    ... )
    >>> detector.fit(X).score_samples(X).shape
    (40,)
    """

    def _cell(self, n_members, n_inputs, generator, bias=True):
        return LSTMCell(n_members, n_inputs, self.hidden_size, generator, bias)


class GRU(_Recurrent):
    """Gated recurrent units, for sequences.

    Encoder and decoder read sequences as those of `LSTM` do, which has a memory cell in
    addition to the state, and more parameters.

    Read more in the :ref:`User Guide <networks>`.

    Parameters
    ----------
    {parameters}

    References
    ----------
    .. [1] K. Cho et al. (2014). Learning phrase representations using RNN
       encoder-decoder for statistical machine translation. EMNLP.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_deepod import DeepSVDD
    >>> from sklearn_deepod.networks import GRU
    >>> X = np.random.RandomState(0).normal(size=(40, 48))  # 16 steps, 3 channels
    >>> network = GRU(hidden_size=8, shape=(16, 3))
    >>> detector = DeepSVDD(network=network, max_steps=20, random_state=0).fit(X)
    >>> detector.predict(X).shape
    (40,)
    """

    def _cell(self, n_members, n_inputs, generator, bias=True):
        return GRUCell(n_members, n_inputs, self.hidden_size, generator, bias)


class _Cell(nn.Module):
    """A recurrent layer for each member: what LSTMCell and GRUCell share.

    Parameters
    ----------
    n_members, n_inputs, n_units : int
        Members, inputs and units of each.
    generator : torch.Generator
        Source of the initial weights.
    bias : bool, default=True
        Whether gates have bias terms.
    """

    #: Gates of a unit, and whether the product with the state has bias terms too.
    _n_gates: int
    _biased_states: bool

    def __init__(self, n_members, n_inputs, n_units, generator, bias=True):
        super().__init__()
        self.n_units = n_units
        n_gates = self._n_gates * n_units
        biased = bias and self._biased_states
        self.inputs = BatchedLinear(n_members, n_inputs, n_gates, generator, bias)
        self.states = BatchedLinear(n_members, n_units, n_gates, generator, biased)

    def forward(self, X):
        """States (n_members, n, time, n_units) of (n_members, n, time, n_inputs)."""
        n_members, n_rows, n_steps = X.shape[:3]
        # One product computes the part of the inputs in the gates of all steps.
        gates = self.inputs.forward(X.flatten(1, 2)).unflatten(1, (n_rows, n_steps))
        h = c = X.new_zeros(n_members, n_rows, self.n_units)
        states = []
        for gate in gates.unbind(2):
            h, c = self._step(gate, h, c)
            states.append(h)
        return torch.stack(states, dim=2)


class LSTMCell(_Cell):
    """A layer of long short-term memory for each member."""

    _n_gates = 4
    _biased_states = False

    def _step(self, gate, h, c):
        i, f, g, o = torch.baddbmm(gate, h, self.states.weight).chunk(4, dim=2)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class GRUCell(_Cell):
    """A layer of gated recurrent units for each member."""

    _n_gates = 3
    _biased_states = True

    def _step(self, gate, h, c):
        r, z, n = gate.chunk(3, dim=2)
        past_r, past_z, past_n = self.states.forward(h).chunk(3, dim=2)
        z = torch.sigmoid(z + past_z)
        new = torch.tanh(n + torch.sigmoid(r + past_r) * past_n)
        return new + z * (h - new), c


class _RecurrentStack(nn.Module):
    """Recurrent layers and a dense one: what encoder and decoder share.

    Parameters
    ----------
    layers : list of torch.nn.Module
        The recurrent layers.
    last : torch.nn.Module
        The dense layer.
    """

    def __init__(self, layers, last):
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.last = last

    def _states(self, X):
        """States of the last recurrent layer, (n_members, n, time, n_units)."""
        for layer in self.layers:
            X = layer(X)
        return X


class RecurrentEncoder(_RecurrentStack):
    """The dense layer reads the last state."""

    def forward(self, X, generator=None):
        """Map (n_members, n, time, channels) to (n_members, n, n_outputs)."""
        return self.last(self._states(X)[:, :, -1])


class RecurrentDecoder(_RecurrentStack):
    """The recurrent layers read the code at each step, the dense one each state.

    Parameters
    ----------
    layers, last
        See `_RecurrentStack`.
    n_steps : int
        Length of the sequences.
    """

    def __init__(self, layers, last, n_steps):
        super().__init__(layers, last)
        self.n_steps = n_steps

    def forward(self, code, generator=None):
        """Map (n_members, n, n_inputs) to (n_members, n, time, channels)."""
        states = self._states(code.unsqueeze(2).expand(-1, -1, self.n_steps, -1))
        return self.last(states.flatten(1, 2)).unflatten(1, states.shape[1:3])
