"""
A machine: which channel is to blame
====================================

Six sensors of a generated machine, one reading a minute. The detector is trained on
ten days without faults. In the next three days there are three faults, in which most
readings of the faulty channel stay in their usual range.
"""

# %%
# The load follows a cycle of two hours, with idle times. All channels depend on it: the
# current at once, the temperature slowly; flow and pressure belong together.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_deepod.timeseries import SeriesOutlierDetector, find_events

rng = np.random.RandomState(0)
n, n_train = 13 * 1440, 10 * 1440
minute = np.arange(n)
cycle = np.clip(np.sin(2 * np.pi * minute / 120) + 0.3, 0, None)
shifts = np.repeat(rng.uniform(0.6, 1.0, n // 240), 240)  # a product each four hours
load = cycle * shifts
temperature = np.convolve(load, 0.98 ** np.arange(300), mode="full")[:n] / 20
speed = np.where(load > 0, 1.0, 0.2) + 0.2 * load
pressure = 2 + load + 0.3 * np.sin(2 * np.pi * minute / 37)
readings = pd.DataFrame(
    {
        "current": 1.5 * load,
        "temperature": temperature,
        "speed": speed,
        "vibration": 0.2 * load * np.sin(2 * np.pi * minute / 5),
        "pressure": pressure,
        "flow": 0.8 * pressure,
    },
    index=pd.date_range("2026-03-02", periods=n, freq="min"),
)
readings += 0.03 * rng.randn(n, 6)

# %%
# The faults: the temperature sensor freezes for three hours; a bearing wears out, so
# vibrations are slower; and a leak takes a fifth of the flow.

faults = {
    "temperature": slice(n_train + 700, n_train + 880),
    "vibration": slice(n_train + 1900, n_train + 2020),
    "flow": slice(n_train + 3300, n_train + 3420),
}
column = readings.columns.get_loc
frozen, worn, leak = faults.values()
readings.iloc[frozen, column("temperature")] = temperature[frozen.start]
slow = 0.2 * load * np.sin(2 * np.pi * minute / 11) + 0.03 * rng.randn(n)
readings.iloc[worn, column("vibration")] = slow[worn]
readings.iloc[leak, column("flow")] *= 0.8
train, test = readings[:n_train], readings[n_train:]
inside = [
    test[name].loc[readings.index[fault]].between(train[name].min(), train[name].max())
    for name, fault in faults.items()
]
print("in the usual range:", ", ".join(f"{part.mean():.0%}" for part in inside))

# %%
# The events, and the channel that contributes most to each.

detector = SeriesOutlierDetector(random_state=0).fit(train)
events = find_events(detector, test, min_length=10)
worst = events.sort_values("severity", ascending=False).head(3).sort_values("start")
print(worst[["start", "end", "channel", "severity"]].to_string(index=False))
for name, fault in faults.items():
    start, end = readings.index[fault][[0, -1]]
    found = worst[(worst["start"] <= end) & (worst["end"] >= start)]
    print(f"fault of {name}: blamed {', '.join(found['channel']) or 'none'}")

# %%
# Each channel with its faults shaded, and the events of which it is to blame in red;
# below, what the channels contribute to the anomaly score. An event is longer than its
# fault: windows of up to 128 minutes hold a part of it.

contributions = np.asarray(detector.contributions(test))
figure, axes = plt.subplots(
    7,
    1,
    sharex=True,
    figsize=(9, 8),
    layout="constrained",
    height_ratios=[1, 1, 1, 1, 1, 1, 2],
)
for ax, name in zip(axes, test.columns, strict=False):
    ax.plot(test.index, test[name], color="0.4", linewidth=0.6)
    ax.set_ylabel(name, rotation=0, ha="right", va="center")
    ax.set_yticks([])
    if name in faults:
        ax.axvspan(*readings.index[faults[name]][[0, -1]], color="C3", alpha=0.2)
    for event in worst[worst["channel"] == name].itertuples():
        part = test.loc[event.start : event.end, name]
        ax.plot(part.index, part, color="C3", linewidth=0.8)
axes[-1].stackplot(test.index, contributions.T, labels=test.columns)
axes[-1].set_ylabel("contributions")
axes[-1].legend(ncols=6, fontsize=7, loc="upper left")
plt.show()
