/* Two far apart regions of the disk, each with half of the panel (dashboard/figures/bands.py).
 * Pure.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const charts = (lab.charts = lab.charts || {});
  const CUT = [0.47, 0.53]; // of the panel's height: the strip between the bands
  const LEAST_GAP = 0.25; // of the whole span; less is no reason to cut an axis
  const AROUND = 0.04;
  const PARTS = 5; // so that each has at least two ticks
  const ONE_BAND_NOTE = "one band: no gap is a quarter of the axis";

  /** {lower, upper, gap} cut at the widest gap; null where no gap is wide enough. */
  function bandsOf(values) {
    const ordered = Float64Array.from(values).sort();
    const last = ordered.length - 1;
    const span = ordered[last] - ordered[0];
    let cut = 0;
    for (let k = 1; k < last; k++) {
      if (ordered[k + 1] - ordered[k] > ordered[cut + 1] - ordered[cut]) cut = k;
    }
    const gap = ordered[cut + 1] - ordered[cut];
    if (!(span > 0) || gap < LEAST_GAP * span) return null;
    const edges = ([low, high]) => {
      const room = Math.max(AROUND * (high - low), span / 1000);
      return [low - room, high + room];
    };
    const lower = edges([ordered[0], ordered[cut]]);
    return { lower, upper: edges([ordered[cut + 1], ordered[last]]), gap };
  }

  /** Heights in the panel, 0 to 1. */
  function placeIn({ lower: [a, b], upper: [c, d] }) {
    return (value) => (value <= b ? ((value - a) / (b - a)) * CUT[0]
      : CUT[1] + ((value - c) / (d - c)) * (1 - CUT[1]));
  }

  function fixed(value, digits) {
    const [whole, part] = value.toFixed(digits).split(".");
    return charts.thousands(whole) + (part ? `.${part}` : "");
  }

  function ticksIn({ lower, upper }, place) {
    return [lower, upper].flatMap(([low, high]) => {
      const step = charts.niceStep(high - low, PARTS);
      const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
      const first = Math.ceil(low / step);
      const count = Math.floor(high / step) - first + 1;
      return Array.from({ length: count }, (_, k) => (first + k) * step)
        .map((value) => [place(value), fixed(value, digits)]);
    });
  }

  /** The panel of run i as two bands, where its offsets are; else a note why not. */
  function cut(binder, drawn, i) {
    const { view, theme } = binder;
    const run = binder.runs[i];
    const bands = bandsOf(run.events.io.offset);
    if (!bands) {
      binder.notes.push(binder.name(run, ONE_BAND_NOTE));
      return;
    }
    const place = placeIn(bands);
    Object.assign(drawn, { place, range: [0, 1], step: 1, ticks: ticksIn(bands, place) });
    drawn.boxes.push({
      x0: view.begin, x1: view.end, y0: CUT[0], y1: CUT[1], fillcolor: theme.grid,
      line: { width: 0 },
    });
    binder.notes.push(binder.name(run,
      `${fixed(bands.gap, 1)} GiB between the bands are left out`));
  }

  Object.assign(charts, { cut });
})(typeof window === "object" ? window : globalThis);
