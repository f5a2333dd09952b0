/* Charts from specs: the bindings of dashboard/figures/bind.py and compare.py on the page's data.
 *
 * A run here is what frames.js gathers: label, duration_s, times, columns {name: Float64Array},
 * events {io, stalls}, families, about. Pure, as all chart-*.js but chart-pointer.js and
 * chart-readout.js: no document, no clock; tests run them under node and compare every array with
 * Python's. Each kind of drawing adds itself to charts.DRAW.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const charts = (lab.charts = lab.charts || {});
  const DRAW = (charts.DRAW = charts.DRAW || {});
  const AXIS_PX = 30;
  const PANEL_PX_MIN = 62;
  const NO_MEMCG = "No container in this scenario.";

  // ---- how many panels, how high (compare.py)

  function panelCount(spec, limits, runs, memcgs) {
    const each = spec.each_memcg ? Math.min(limits.panels, Math.max(1, memcgs)) : 1;
    return Math.max(1, spec.panels.length) * each * (spec.compare === "panels" ? runs : 1);
  }

  function pageHeight(spec, limits, runs, memcgs) {
    const panels = panelCount(spec, limits, runs, memcgs);
    if (panels <= Math.max(1, spec.panels.length)) return spec.height;
    if (spec.compare === "panels") {
      return AXIS_PX + Math.floor(((spec.height - AXIS_PX) * runs * 4) / 5);
    }
    return Math.max(spec.height, AXIS_PX + PANEL_PX_MIN * panels);
  }

  // ---- bindings (bind.py)

  function missing(spec, run) {
    const why = run.families[spec.family] || "this run has no such record";
    if (why !== "present") return `Not recorded: ${why.replace(/^not recorded: /, "")}`;
    if (spec.of_memcgs && !run.memcgs.length) return NO_MEMCG;
    if (spec.family !== "series") {
      const events = run.events[spec.family];
      if (!(events && Object.values(events)[0].length)) return spec.nothing;
      const timed = spec.draw !== "heat" || !events.wait_us || events.wait_us.some((x) => x >= 0);
      return timed ? "" : "Not recorded: when requests were queued";
    }
    const names = spec.each_memcg ? run.memcgs : [""];
    const there = names.some((name) =>
      spec.panels.some((panel) =>
        panel.lines.some((line) => line.column.replace("{memcg}", name) in run.columns)));
    return there ? "" : "Not recorded: this run has no such counters";
  }

  class Binder {
    constructor(spec, runs, theme, view, hidden) {
      Object.assign(this, { spec, runs, theme, view, hidden: hidden || new Set() });
      this.many = runs.length > 1;
      this.overlaid = this.many && spec.compare === "overlay"; // dash says whose line it is
      this.legend = new Map();
      this.notes = [];
      this.interval = 0; // s that each point of a rate stands for
      this.x = { range: [0, 0], ticks: [] }; // of an axis of lengths, in ms or decades of them
    }

    enter(label, color, symbol, dash) {
      if (!this.legend.has(label)) this.legend.set(label, { label, color, symbol, dash });
    }

    name(run, text) {
      return this.many ? `${run.label}: ${text}` : text;
    }

    panelName(run, text) {
      return (this.many ? this.name(run, text) : text).replace(/[: ]+$/, "");
    }

    add(drawn, trace) {
      if (!this.hidden.has(trace.meta.group)) drawn.traces.push(trace);
    }
  }

  const newPanel = (label) => ({
    label, range: [0, 1], step: 1, rows: [], traces: [], empty: "", weight: 1, boxes: [],
    labels: [],
    ticks: [], // [value, text] of the vertical axis, instead of every `step`
    place: (value) => value, // in the units of the vertical axis
    floor: 0, // above 0 the axis is logarithmic, and what is less is drawn here
  });

  function bind(spec, runs, theme, view, hidden) {
    const binder = new Binder(spec, runs, theme, view, hidden);
    const lacks = runs.map((run) => missing(spec, run));
    if (lacks.every((why) => why)) return { panels: [], legend: [], notes: [], empty: lacks[0] };
    const all = runs.map((_, i) => i);
    const groups = spec.compare === "overlay" ? [all] : all.map((i) => [i]);
    const panels = [];
    if (binder.overlaid) {
      runs.forEach((run, i) => binder.enter(run.label, theme.ink, "run", theme.run_dashes[i]));
    }
    for (const group of groups) {
      const there = group.filter((i) => !lacks[i]);
      if (there.length) panels.push(...DRAW[spec.draw](binder, there));
      else {
        const panel = newPanel(binder.panelName(runs[group[0]], ""));
        panel.empty = lacks[group[0]];
        panels.push(panel);
      }
    }
    if (spec.compare === "overlay") {
      lacks.forEach((why, i) => why && binder.notes.push(binder.name(runs[i], why)));
    }
    const { notes, interval, x } = binder;
    return { panels, legend: [...binder.legend.values()], notes, empty: "", interval, x };
  }

  Object.assign(charts, { panelCount, pageHeight, missing, newPanel, bind });
})(typeof window === "object" ? window : globalThis);
