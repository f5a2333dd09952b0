/* Requests on the disk, stalls of each task, shares of lengths (marks.py, waits.py). Pure. */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const charts = (lab.charts = lab.charts || {});
  const MARK_PX = 3.2;
  const AFTER = 1.02;
  const THIN_NOTE = "thin: stalls shorter than a pixel";

  // ---- requests on the disk

  function drawOffsets(binder, group) {
    return group.map((i) => offsetPanel(binder, i));
  }

  function offsetPanel(binder, i) {
    const run = binder.runs[i];
    const { view, theme } = binder;
    const io = run.events.io;
    const inside = [];
    let lowest = Infinity;
    let top = -Infinity;
    for (let k = 0; k < io.t.length; k++) {
      if (io.offset[k] < lowest) lowest = io.offset[k];
      if (io.offset[k] > top) top = io.offset[k];
      if (io.t[k] >= view.begin && io.t[k] <= view.end) inside.push(k);
    }
    const drawn = charts.newPanel(binder.many ? run.label : "");
    const [low, high, tick] = charts.niceRange(lowest, top);
    drawn.step = tick;
    drawn.range = [low, high > low ? high : low + tick];
    if (binder.spec.scale === "bands") charts.cut(binder, drawn, i);
    const draw = inside.length > theme.limits.marks ? root.reclaimLab.density.requests : drawMarks;
    draw(binder, drawn, i, inside);
    return drawn;
  }

  function drawMarks(binder, drawn, i, kept) {
    const { view, theme } = binder;
    const { io } = binder.runs[i].events;
    const [low, high] = drawn.range;
    const panels = charts.panelCount(binder.spec, theme.limits, binder.runs.length, 1);
    const dx = ((MARK_PX / 2) * (view.end - view.begin)) / view.width;
    const dy = ((MARK_PX / 2) * (high - low)) / (view.height / panels);
    const names = new Set();
    for (const write of [0, 1]) {
      for (const style of theme.issuers) {
        const mine = kept.filter((k) =>
          io.issuer[k] === style.code && (io.write[k] === 1) === (write === 1));
        if (!mine.length) continue;
        const color = theme.colors[style.name];
        const heights = mine.map((k) => drawn.place(io.offset[k]));
        const [x, y] = squares(mine.map((k) => io.t[k]), heights, dx, write ? 0 : dy);
        const line = { color, width: write ? MARK_PX : 0.9, dash: "solid" };
        binder.add(drawn, charts.asShape(charts.makeTrace(style.label, i, x, y, line)));
        names.add(style.label);
      }
    }
    intoLegend(binder, names);
    if (kept.some((k) => io.write[k] !== 1)) {
      binder.enter("open: read", theme.colors.muted, "open", "solid");
    }
  }

  function intoLegend(binder, labels) {
    for (const style of binder.theme.issuers) {
      if (labels.has(style.label)) {
        binder.enter(style.label, binder.theme.colors[style.name], "mark", "solid");
      }
    }
  }

  /** One path around all marks: a thick dash each, or the outline of a square when dy > 0. */
  function squares(x, y, dx, dy) {
    const xs = [];
    const ys = [];
    for (let k = 0; k < x.length; k++) {
      const [l, r] = [x[k] - dx, x[k] + dx];
      if (dy <= 0) {
        xs.push(l, r, NaN);
        ys.push(y[k], y[k], NaN);
      } else {
        xs.push(l, r, r, l, l, NaN);
        ys.push(y[k] - dy, y[k] - dy, y[k] + dy, y[k] + dy, y[k] - dy, NaN);
      }
    }
    return [xs, ys];
  }

  // ---- stalls

  function drawTimeline(binder, group) {
    return group.map((i) => timelinePanel(binder, i));
  }

  function timelinePanel(binder, i) {
    const run = binder.runs[i];
    const { view, theme } = binder;
    const stalls = run.events.stalls;
    const { tasks, total } = mostStalled(stalls, theme.limits.rows);
    if (total > tasks.length) {
      const text = `${tasks.length} of ${total} stalled tasks, those stalled longest`;
      binder.notes.push(binder.name(run, text));
    }
    const drawn = charts.newPanel(binder.many ? run.label : "");
    drawn.rows = tasks.map((task) => run.taskName(task));
    drawn.tasks = tasks;
    drawn.range = [tasks.length - 0.5, -0.5];
    const pixel = (view.end - view.begin) / view.width;
    const panels = charts.panelCount(binder.spec, theme.limits, binder.runs.length, 1);
    const rowPx = view.height / panels / tasks.length;
    const width = Math.min(12, Math.max(2, Math.round(rowPx * 6.2) / 10));
    const byKey = new Map();
    for (let k = 0; k < stalls.t.length; k++) {
      if (stalls.t[k] < view.begin || stalls.begin[k] > view.end) continue;
      const key = stalls.task[k] * 8 + stalls.kind[k];
      if (!byKey.has(key)) byKey.set(key, []);
      byKey.get(key).push(k);
    }
    for (const kind of binder.spec.panels[0].lines) {
      const found = { thin: [], whole: [] };
      tasks.forEach((task, row) => {
        const mine = byKey.get(task * 8 + Number(kind.column)) || [];
        for (const [begin, end, thin] of bars(stalls, mine, pixel)) {
          found[thin ? "thin" : "whole"].push([begin, end, row]);
        }
      });
      const color = theme.colors[kind.color];
      for (const [which, thick] of [["thin", Math.max(1, width / 4)], ["whole", width]]) {
        if (!found[which].length) continue;
        const x = found[which].flatMap(([begin, end]) => [begin, end, NaN]);
        const y = found[which].flatMap(([, , row]) => [row, row, NaN]);
        const line = { color, width: thick, dash: "solid" };
        binder.add(drawn, charts.asShape(charts.makeTrace(kind.label, i, x, y, line)));
        binder.enter(kind.label, color, "area", "solid");
      }
      if (found.thin.length && !binder.notes.includes(THIN_NOTE)) binder.notes.push(THIN_NOTE);
    }
    return drawn;
  }

  function mostStalled(stalls, most) {
    const spent = new Map();
    for (let k = 0; k < stalls.t.length; k++) {
      spent.set(stalls.task[k], (spent.get(stalls.task[k]) || 0) + stalls.length[k]);
    }
    const order = [...spent].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    const tasks = order.slice(0, most).map(([task]) => task).sort((a, b) => a - b);
    return { tasks, total: spent.size };
  }

  /** [begin, end, thin] of bars: many stalls shorter than a pixel do not look like a long one. */
  function bars(stalls, which, pixel) {
    const long = [];
    const short = []; // begin, end, time stalled
    for (const k of which) {
      const begin = stalls.begin[k];
      const spent = stalls.t[k] - begin;
      const list = spent >= pixel ? long : short;
      const end = Math.max(stalls.t[k], begin + pixel);
      const last = list[list.length - 1];
      if (last && begin <= last[1]) {
        last[0] = Math.min(last[0], begin);
        last[1] = Math.max(last[1], end);
        last[2] += spent;
      } else {
        list.push([begin, end, spent]);
      }
    }
    return [
      ...long.map(([begin, end]) => [begin, end, false]),
      ...short.map(([begin, end, spent]) => [begin, end, spent < (end - begin) / 2]),
    ];
  }

  function drawCdf(binder, group) {
    const drawn = charts.newPanel("");
    drawn.range = [0, 1.02];
    drawn.step = 0.25;
    const low = lengthAxis(binder);
    const { cdf_even: even, cdf_tail: tail } = binder.theme.limits;
    for (const kind of binder.spec.panels[0].lines) {
      for (const i of group) {
        const stalls = binder.runs[i].events.stalls;
        const lengths = [];
        for (let k = 0; k < stalls.t.length; k++) {
          if (stalls.kind[k] === Number(kind.column)) lengths.push(stalls.length[k]);
        }
        if (!lengths.length) continue;
        const sorted = Float64Array.from(lengths).sort();
        const at = charts.ranks(sorted.length, even, tail);
        const x = [low, ...at.map((k) => Math.max(sorted[k] * 1e3, low))];
        const y = [0, ...at.map((k) => (k + 1) / sorted.length)];
        const trace = charts.lineTrace(binder, { ...kind, style: "line", width: 1.6 }, i, x, y);
        trace.line.shape = "hv";
        binder.add(drawn, trace);
      }
    }
    return [drawn];
  }

  /** Ends and ticks of the axis below all panels; its least length in ms. */
  function lengthAxis({ spec, runs, x }) {
    if (spec.scale === "log") {
      x.range = spec.lengths.map(Math.log10);
      x.ticks = charts.logLengths(spec.lengths);
      return spec.lengths[0];
    }
    const longest = Math.max(0, ...runs.filter((run) => run.events.stalls)
      .map((run) => charts.highest(run.events.stalls.length)));
    const [top, ticks] = charts.linearLengths(longest * 1e3);
    Object.assign(x, { range: [0, top * AFTER], ticks }); // or the last label would not fit
    return 0;
  }

  charts.DRAW = Object.assign(charts.DRAW || {}, {
    offsets: drawOffsets, timeline: drawTimeline, cdf: drawCdf,
  });
  Object.assign(charts, { intoLegend });
})(typeof window === "object" ? window : globalThis);
