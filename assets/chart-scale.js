/* Fewer points and round axis ends: dashboard/figures/downsample.py on the page's data. Pure. */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const charts = (lab.charts = lab.charts || {});

  function bisect(values, x, after) {
    let low = 0;
    let high = values.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (values[mid] < x || (after && values[mid] === x)) low = mid + 1;
      else high = mid;
    }
    return low;
  }

  function windowOf(times, begin, end) {
    const low = bisect(times, begin, false);
    const high = bisect(times, end, true);
    return [Math.max(0, low - 1), Math.min(times.length, high + 1)];
  }

  /** Indices of at most `most` points: lowest and highest of each interval; a gap stays a gap. */
  function minMax(values, most) {
    const n = values.length;
    if (n <= most) return Array.from({ length: n }, (_, i) => i);
    const buckets = Math.floor(most / 2);
    const chosen = [];
    for (let b = 0; b < buckets; b++) {
      const low = Math.floor((b * n) / buckets);
      const high = Math.floor(((b + 1) * n) / buckets);
      let least = -1;
      let greatest = -1;
      for (let i = low; i < high; i++) {
        if (Number.isNaN(values[i])) continue;
        if (least < 0 || values[i] < values[least]) least = i;
        if (greatest < 0 || values[i] > values[greatest]) greatest = i;
      }
      if (least < 0) chosen.push(low);
      else if (least === greatest) chosen.push(least);
      else chosen.push(Math.min(least, greatest), Math.max(least, greatest));
    }
    return chosen;
  }

  const stride = (n, most) => Math.max(1, Math.ceil(n / most));

  /** Smallest of 1, 2, 5, 10, 20, 50, ... that is at least this. */
  function niceGroup(least) {
    for (let size = 1; ; size *= 10) {
      for (const factor of [1, 2, 5]) if (size * factor >= least) return size * factor;
    }
  }

  const threeDigits = (x) => String(Number(x.toPrecision(3)));

  const averaged = ({ interval }) =>
    (interval > 0 ? `means of ${threeDigits(interval)} s` : "");

  function ranks(n, even, tail) {
    if (n <= even + tail) return Array.from({ length: n }, (_, i) => i);
    const chosen = new Set();
    for (let i = 0; i < even; i++) chosen.add(Math.floor((i * (n - 1)) / (even - 1)));
    for (let i = n - tail; i < n; i++) chosen.add(i);
    return [...chosen].sort((a, b) => a - b);
  }

  function niceStep(span, most) {
    if (span <= 0) return 1;
    for (let exponent = -9; ; exponent++) {
      for (const factor of [1, 2, 5]) {
        const step = exponent >= 0 ? factor * 10 ** exponent : factor / 10 ** -exponent;
        if (span <= step * most) return step;
      }
    }
  }

  function niceRange(low, high, parts = 4) {
    const step = niceStep(high - low, parts);
    return [Math.floor(low / step) * step, Math.ceil(high / step) * step, step];
  }

  function highest(values) {
    let top = -Infinity;
    for (let i = 0; i < values.length; i++) if (values[i] > top) top = values[i];
    return top;
  }

  const thousands = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

  Object.assign(charts, {
    bisect, windowOf, minMax, stride, niceGroup, ranks, niceStep, niceRange, highest, averaged,
    thousands,
  });
})(typeof window === "object" ? window : globalThis);
