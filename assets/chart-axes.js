/* Axes that can be logarithmic: their ends and ticks (dashboard/figures/scale.py). Pure. */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const charts = (lab.charts = lab.charts || {});
  const DECADES = 4; // at most on a panel of 100 px; what is less is drawn at the lower edge
  const PARTS = 5;
  const FACTORS = [1, 2, 5];
  const LOWEST = -9; // 1e-9: no column has so small a value
  const LENGTHS = [
    [0.01, "10 µs"], [0.1, "0.1 ms"], [1, "1 ms"], [10, "10 ms"], [100, "100 ms"], [1000, "1 s"],
    [10000, "10 s"], [100000, "100 s"],
  ];

  /** 1, 2, 5, 10, 20, 50, ...; 1 for k = 0. */
  function nice(k) {
    const exponent = Math.floor(k / 3);
    const factor = FACTORS[k - 3 * exponent];
    return exponent >= 0 ? factor * 10 ** exponent : factor / 10 ** -exponent;
  }

  const numberText = (value) =>
    (value >= 1 ? charts.thousands(value) : value.toFixed(9).replace(/0+$/, ""));

  /** [low, high, ticks]: ends at 1, 2 or 5 times a power of ten around values above 0. */
  function logValues(least, top) {
    let last = 3 * LOWEST;
    while (nice(last) < top) last += 1;
    let first = last - 1;
    while (nice(first) > least && first > last - 3 * DECADES) first -= 1;
    const inside = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    const decades = inside.filter((k) => k % 3 === 0);
    const ticks = (decades.length > 1 ? decades : inside).map(nice);
    return [nice(first), nice(last), ticks.map((value) => [value, numberText(value)])];
  }

  const logLengths = ([low, high]) => LENGTHS.filter(([ms]) => ms >= low && ms <= high);

  /** [top, ticks] in ms of an axis that begins at 0. */
  function linearLengths(longest) {
    const [, end, step] = charts.niceRange(0, longest, PARTS);
    const top = Math.max(end, step);
    const count = Math.floor(top / step + 0.5) + 1;
    return [top, Array.from({ length: count }, (_, k) => [k * step, lengthText(k * step)])];
  }

  function lengthText(ms) {
    const short = (x) => String(Number(x.toPrecision(6)));
    if (ms >= 1000) return `${short(ms / 1000)} s`;
    return ms >= 0.1 || ms === 0 ? `${short(ms)} ms` : `${short(ms * 1000)} µs`;
  }

  Object.assign(charts, { logValues, logLengths, linearLengths });
})(typeof window === "object" ? window : globalThis);
