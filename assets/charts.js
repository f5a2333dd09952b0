/* Charts from specs: the bindings of dashboard/figures/bind.py and fill.py on the page's data.
 *
 * A run here is what frames.js gathers: label, duration_s, times, columns {name: Float64Array},
 * events {io, stalls}, families, about. Pure: no document, no clock; tests run it under node
 * and compare every array with Python's.
 */
(function (root) {
  "use strict";

  const MARK_PX = 3.2;
  const PANEL_GAP = 16;
  const THIN_NOTE = "thin: stalls shorter than a pixel";
  const AXIS_PX = 30;
  const PANEL_PX_MIN = 62;
  const CAPTION_LINE = 13;
  const CAPTION_TOP = 26;
  const LOG_TICKS = [
    [0.01, "10 µs"], [0.1, "0.1 ms"], [1, "1 ms"], [10, "10 ms"], [100, "100 ms"], [1000, "1 s"],
    [10000, "10 s"], [100000, "100 s"],
  ];

  // ---- fewer points (downsample.py)

  /** First index of sorted values that is >= x, or > x when after. */
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

  const thousands = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

  function missing(spec, run) {
    const why = run.families[spec.family] || "this run has no such record";
    if (why !== "present") return `Not recorded: ${why.replace(/^not recorded: /, "")}`;
    if (spec.family !== "series") {
      const events = run.events[spec.family];
      if (!(events && events.t.length)) return spec.nothing;
      const timed = spec.draw !== "heat" || !events.wait_us || events.wait_us.some((x) => x >= 0);
      return timed ? "" : "Not recorded: when requests were queued";
    }
    if (spec.each_memcg && !run.memcgs.length) return spec.nothing;
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

  const newPanel = (label) => ({ label, range: [0, 1], step: 1, rows: [], traces: [], empty: "" });

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
    const { notes, interval } = binder;
    return { panels, legend: [...binder.legend.values()], notes, empty: "", interval };
  }

  // ---- lines

  function drawLines(binder, group) {
    const { spec, runs } = binder;
    const most = binder.theme.limits.panels;
    let panels = spec.panels.map((panel) => [panel, ""]);
    if (spec.each_memcg) {
      const names = [...new Set(group.flatMap((i) => runs[i].memcgs))];
      panels = names.slice(0, most).flatMap((name) => spec.panels.map((panel) => [panel, name]));
      if (names.length > most) {
        binder.notes.push(`the first ${most} of ${names.length} containers`);
      }
    }
    return panels.map(([panel, memcg]) => linePanel(binder, panel, memcg, group));
  }

  function linePanel(binder, panel, memcg, group) {
    let label = panel.label.replace("{memcg}", memcg);
    if (binder.spec.compare === "panels") label = binder.panelName(binder.runs[group[0]], label);
    const drawn = newPanel(label);
    const stacked = {};
    let top = 0;
    let lines = 0;
    for (const line of panel.lines) {
      if (line.otherwise && lines) continue;
      for (const i of group) {
        const own = { ...line, column: line.column.replace("{memcg}", memcg) };
        const made = drawLine(binder, own, i);
        if (!made) continue;
        if (line.style !== "level") lines += 1;
        let high = made.top;
        if (line.style === "area" && high > 0) {
          const values = binder.runs[i].columns[own.column];
          const below = stacked[i] || new Float64Array(values.length);
          stacked[i] = below.map((y, k) => y + (values[k] || 0));
          high = highest(stacked[i]);
        }
        top = Math.max(top, high);
        binder.add(drawn, made.trace);
      }
    }
    if (top > 0) {
      const [low, high, step] = niceRange(0, top);
      drawn.range = [low, high];
      drawn.step = step;
    }
    return drawn;
  }

  function drawLine(binder, line, i) {
    const run = binder.runs[i];
    const limits = binder.theme.limits;
    if (line.style === "level") {
      const level = described(run, line.column);
      if (level === null) return null;
      return { top: level, trace: lineTrace(binder, line, i, [0, run.duration_s], [level, level]) };
    }
    const values = run.columns[line.column];
    if (!values || !values.length) return null;
    let top = highest(values);
    if (top === -Infinity) top = 0;
    if (line.skip_zero && top <= 0) return null;
    const [low, high] = windowOf(run.times, binder.view.begin, binder.view.end);
    let x = run.times.subarray(low, high);
    let y = values.subarray(low, high);
    if (line.style === "flag") {
      top = described(run, line.level) || 0;
      [x, y] = flags(x, y, top);
    } else if (line.style === "rate") {
      top = Math.max(0, highest(means(binder, run.times, values, limits.rates)[1]));
      [x, y] = means(binder, x, y, limits.rates);
    } else if (line.style === "steps") {
      [x, y] = steps(x, y, limits.lines);
    } else if (line.style === "area") {
      const step = stride(x.length, limits.lines);
      if (step > 1) [x, y] = [x, y].map((a) => a.filter((_, k) => k % step === 0));
    } else if (y.length > limits.lines) {
      const kept = minMax(y, limits.lines);
      [x, y] = [x, y].map((a) => Float64Array.from(kept, (k) => a[k]));
    }
    return { top, trace: lineTrace(binder, line, i, x, y) };
  }

  /** A number of the run's description, by a path like disk.congestion_on; null = not said. */
  function described(run, path) {
    let at = run.about;
    for (const name of path.split(".")) at = at && typeof at === "object" ? at[name] : null;
    return typeof at === "number" && at > 0 ? at : null;
  }

  function lineTrace(binder, line, i, x, y) {
    const { theme } = binder;
    const color = theme.colors[line.color];
    const own = ["level", "area", "flag"].includes(line.style);
    const dash = !own && binder.overlaid ? theme.run_dashes[i] : line.dash;
    const trace = makeTrace(line.label, i, x, y, { color, width: line.width, dash });
    Object.assign(trace.meta, {
      line: line.style !== "level", column: line.column, style: line.style,
    });
    if (binder.overlaid) trace.opacity = theme.run_opacity[i];
    if (line.style === "area") {
      trace.stackgroup = `run${i}`;
      trace.fillcolor = color;
      trace.line = { color, width: 0, dash: "solid" };
    }
    binder.enter(line.label, color, line.style === "area" ? "area" : "line",
      binder.overlaid && !own ? "solid" : dash);
    return trace;
  }

  function makeTrace(label, run, x, y, line) {
    return {
      type: "scatter", mode: "lines", name: label, meta: { run, group: label, line: false },
      x, y, line: { ...line, simplify: false }, hoverinfo: "skip", showlegend: false,
    };
  }

  /** Means of so many neighbours that few points are left, each at its interval's middle. */
  function means(binder, x, y, most) {
    if (x.length < 2) return [x, y];
    // From the span in sight, so that it stays as samples arrive.
    const whole = Math.floor((binder.view.end - binder.view.begin) / (x[1] - x[0]) + 0.5);
    const step = niceGroup(stride(whole, most));
    if (step === 1) return [x, y];
    const n = Math.floor(x.length / step);
    if (n > 1) binder.interval = Math.max(binder.interval, x[step] - x[0]);
    const xs = new Float64Array(n);
    const ys = new Float64Array(n);
    for (let g = 0; g < n; g++) {
      let sum = 0;
      for (let k = g * step; k < (g + 1) * step; k++) sum += y[k];
      xs[g] = (x[g * step] + x[(g + 1) * step - 1]) / 2;
      ys[g] = sum / step;
    }
    return [xs, ys];
  }

  /** Drawn by the layout as one path: an element for each mark would take half a second. */
  function asShape(trace) {
    trace.meta.shape = true;
    return trace;
  }

  /** Where the interval of sample k begins: at the sample before. */
  function beginOf(x, k) {
    if (k > 0) return x[k - 1];
    return Math.max(0, x.length > 1 ? 2 * x[0] - x[1] : 0);
  }

  function steps(x, y, most) {
    const step = stride(x.length, most);
    const xs = [];
    const ys = [];
    for (let k = 0; k < x.length; k += step) {
      xs.push(beginOf(x, k), x[k]);
      ys.push(y[k], y[k]);
    }
    return [xs, ys];
  }

  function flags(x, y, level) {
    const xs = [];
    const ys = [];
    for (let k = 0; k < x.length; k++) {
      if (!(y[k] > 0)) continue;
      if (k > 0 && y[k - 1] > 0) {
        xs[xs.length - 2] = x[k];
        continue;
      }
      xs.push(beginOf(x, k), x[k], NaN);
      ys.push(level, level, NaN);
    }
    return [xs, ys];
  }

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
    const drawn = newPanel(binder.many ? run.label : "");
    const [low, high, tick] = niceRange(lowest, top);
    drawn.step = tick;
    drawn.range = [low, high > low ? high : low + tick];
    const draw = inside.length > theme.limits.marks ? root.reclaimLab.density.requests : drawMarks;
    draw(binder, drawn, i, inside);
    return drawn;
  }

  function drawMarks(binder, drawn, i, kept) {
    const { view, theme } = binder;
    const { io } = binder.runs[i].events;
    const [low, high] = drawn.range;
    const panels = panelCount(binder.spec, theme.limits, binder.runs.length, 1);
    const dx = ((MARK_PX / 2) * (view.end - view.begin)) / view.width;
    const dy = ((MARK_PX / 2) * (high - low)) / (view.height / panels);
    const names = new Set();
    for (const write of [0, 1]) {
      for (const style of theme.issuers) {
        const mine = kept.filter((k) =>
          io.issuer[k] === style.code && (io.write[k] === 1) === (write === 1));
        if (!mine.length) continue;
        const color = theme.colors[style.name];
        const [x, y] = squares(mine.map((k) => io.t[k]), mine.map((k) => io.offset[k]), dx,
          write ? 0 : dy);
        const line = { color, width: write ? MARK_PX : 0.9, dash: "solid" };
        binder.add(drawn, asShape(makeTrace(style.label, i, x, y, line)));
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
    const drawn = newPanel(binder.many ? run.label : "");
    drawn.rows = tasks.map((task) => run.taskName(task));
    drawn.tasks = tasks;
    drawn.range = [tasks.length - 0.5, -0.5];
    const pixel = (view.end - view.begin) / view.width;
    const panels = panelCount(binder.spec, theme.limits, binder.runs.length, 1);
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
        binder.add(drawn, asShape(makeTrace(kind.label, i, x, y, line)));
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
    const drawn = newPanel("");
    drawn.range = [0, 1.02];
    drawn.step = 0.25;
    const low = binder.spec.x_range[0];
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
        const at = ranks(sorted.length, even, tail);
        const x = [low, ...at.map((k) => Math.max(sorted[k] * 1e3, low))];
        const y = [0, ...at.map((k) => (k + 1) / sorted.length)];
        const trace = lineTrace(binder, { ...kind, style: "line", width: 1.6 }, i, x, y);
        trace.line.shape = "hv";
        binder.add(drawn, trace);
      }
    }
    return [drawn];
  }

  const DRAW = { lines: drawLines, offsets: drawOffsets, timeline: drawTimeline, cdf: drawCdf };

  // ---- layout (fill.py)

  const escapeText = (text) =>
    String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  const short = (name) => (name.length <= 9 ? name : `${name.slice(0, 8)}…`);

  function axis(theme) {
    return {
      gridcolor: theme.grid, gridwidth: 1, linecolor: theme.axis, zeroline: false, ticks: "",
      fixedrange: true, automargin: false, tickfont: { size: 10, color: theme.muted },
    };
  }

  function xAxis(spec, theme, view, panels) {
    const made = { ...axis(theme), anchor: `y${panels > 1 ? panels : ""}`, showline: true };
    if (spec.x === "log_ms") {
      return {
        ...made, type: "log", range: spec.x_range.map(Math.log10),
        tickvals: LOG_TICKS.map(([value]) => value), ticktext: LOG_TICKS.map(([, text]) => text),
      };
    }
    return {
      ...made, range: [view.begin, view.end], nticks: Math.max(3, Math.floor(view.width / 80)),
      ticksuffix: " s", showticksuffix: "last",
    };
  }

  function yAxis(spec, panel, theme, domain) {
    const made = { ...axis(theme), domain, range: panel.range, anchor: "x" };
    if (panel.rows.length) {
      return {
        ...made, showgrid: false, tickvals: panel.rows.map((_, k) => k),
        ticktext: panel.rows.map((name) => escapeText(short(name))),
      };
    }
    if (spec.draw === "heat" && !panel.empty) {
      const [low, high] = spec.y_range;
      const ticks = LOG_TICKS.filter(([ms]) => ms >= low && ms <= high);
      return { ...made, tickvals: ticks.map(([ms]) => Math.log10(ms)),
        ticktext: ticks.map(([, text]) => text) };
    }
    if (panel.empty) return { ...made, showgrid: false, showticklabels: false };
    return { ...made, tick0: panel.range[0], dtick: panel.step, tickformat: spec.tick_format };
  }

  /** All marks of one colour as one path, in the units of the axes. */
  function shapeOf(trace, yref) {
    const { x, y, line: { color, width, dash } } = trace;
    let path = "";
    let begun = false;
    for (let k = 0; k < x.length; k++) {
      const there = x[k] === x[k];
      if (there) path += `${begun ? "L" : "M"}${x[k].toFixed(6)},${y[k].toFixed(5)}`;
      begun = there;
    }
    return {
      type: "path", path, xref: "x", yref, line: { color, width, dash },
      fillcolor: "rgba(0,0,0,0)", layer: "above",
    };
  }

  function message(text, y, theme) {
    return {
      text: wrap(text, 90).map(escapeText).join("<br>"), xref: "paper", yref: "paper", x: 0.5, y,
      xanchor: "center", yanchor: "middle", showarrow: false,
      font: { size: 13, color: theme.muted },
    };
  }

  function panelLabel(text, y, theme) {
    return {
      text: `<b>${escapeText(text)}</b>`, xref: "paper", yref: "paper", x: 0, y, xanchor: "left",
      yanchor: "top", xshift: 4, yshift: -1, showarrow: false,
      font: { size: 10.5, color: theme.ink }, bgcolor: theme.background, opacity: 0.85,
      borderpad: 1,
    };
  }

  function layoutOf(spec, bound, theme, view, innerHeight) {
    const layout = {
      paper_bgcolor: theme.background, plot_bgcolor: theme.background,
      font: { family: theme.font, size: theme.font_size, color: theme.ink },
      hovermode: false, dragmode: false, annotations: [], images: [], shapes: [],
    };
    if (bound.empty) {
      layout.xaxis = { visible: false, range: [0, 1], fixedrange: true };
      layout.yaxis = { visible: false, range: [0, 1], fixedrange: true };
      layout.annotations.push(message(bound.empty, 0.5, theme));
      return layout;
    }
    const n = bound.panels.length;
    const gap = PANEL_GAP / Math.max(1, innerHeight);
    const share = (1 - gap * (n - 1)) / n;
    layout.xaxis = xAxis(spec, theme, view, n);
    bound.panels.forEach((panel, i) => {
      const high = 1 - i * (share + gap);
      const low = i === n - 1 ? 0 : high - share;
      layout[`yaxis${i ? i + 1 : ""}`] = yAxis(spec, panel, theme, [low, high]);
      layout.shapes.push(...panel.traces.filter((trace) => trace.meta.shape)
        .map((trace) => shapeOf(trace, `y${i ? i + 1 : ""}`)));
      if (panel.picture) {
        layout.images.push({
          ...panel.picture, xref: "x", yref: `y${i ? i + 1 : ""}`, xanchor: "left",
          yanchor: "top", sizing: "stretch", layer: "above",
        });
      }
      if (panel.label) layout.annotations.push(panelLabel(panel.label, high, theme));
      if (panel.empty) layout.annotations.push(message(panel.empty, (low + high) / 2, theme));
    });
    return layout;
  }

  function tracesOf(bound) {
    return bound.panels.flatMap((panel, i) => {
      const at = { xaxis: "x", yaxis: `y${i ? i + 1 : ""}` };
      const lines = panel.traces.filter((trace) => !trace.meta.shape);
      if (!lines.length) {
        const nothing = { type: "scatter", x: [], y: [], meta: {}, showlegend: false };
        return [{ ...nothing, hoverinfo: "skip", ...at }];
      }
      return lines.map((trace) => {
        const made = { ...trace, ...at };
        if (trace.stackgroup) made.stackgroup = `${trace.stackgroup}.${i}`;
        return made;
      });
    });
  }

  function legendTrace(entry) {
    const trace = {
      type: "scatter", name: escapeText(entry.label), x: [null], y: [null], showlegend: true,
      hoverinfo: "skip",
    };
    if (entry.symbol === "line" || entry.symbol === "run") {
      const line = { color: entry.color, width: 1.6, dash: entry.dash };
      return { ...trace, mode: "lines", line };
    }
    const symbol = entry.symbol === "open" ? "square-open" : "square";
    const size = entry.symbol === "area" ? 9 : 6;
    return { ...trace, mode: "markers", marker: { color: entry.color, symbol, size } };
  }

  function wrap(text, most) {
    const lines = [""];
    for (let word of text.split(/\s+/).filter(Boolean)) {
      while (word.length > most) {
        const last = lines[lines.length - 1];
        const room = most - last.length - (last ? 1 : 0);
        if (room < 12) {
          lines.push("");
          continue;
        }
        lines[lines.length - 1] += (last ? " " : "") + word.slice(0, room);
        word = word.slice(room);
        lines.push("");
      }
      if (lines[lines.length - 1].length + 1 + word.length > most && lines[lines.length - 1]) {
        lines.push("");
      }
      lines[lines.length - 1] += (lines[lines.length - 1] ? " " : "") + word;
    }
    return lines.filter(Boolean);
  }

  function captionOf(runs, url) {
    const parts = runs.map((run) => {
      const { about } = run;
      const words = [String(about.title || about.source || "run")];
      if (about.digest) words.push(`scenario ${about.digest}`);
      if (about.seed !== undefined) words.push(`seed ${about.seed}`);
      if (about.model_version) words.push(`model ${about.model_version}`);
      return runs.length > 1 ? `${run.label}: ${words.join(", ")}` : words.join(", ");
    });
    return [...parts, ...(url ? [url] : [])].join(". ");
  }

  const wholeView = (runs, zoom) => ({
    begin: zoom ? zoom[0] : 0,
    end: zoom ? zoom[1] : Math.max(...runs.map((run) => run.duration_s)),
  });

  /** For the page: no title, no legend (the page has its own), tick labels only where asked. */
  function pageFigure(spec, runs, theme, options) {
    const { width, height, zoom, hidden, tickLabels } = options;
    const margin = {
      l: theme.margin_left, r: theme.margin_right, t: 6, pad: 0,
      b: tickLabels || spec.x !== "time" ? 22 : 6,
    };
    const inner = height - margin.t - margin.b;
    const view = {
      ...wholeView(runs, zoom), width: Math.max(50, width - margin.l - margin.r), height: inner,
    };
    const bound = bind(spec, runs, theme, view, hidden);
    const layout = layoutOf(spec, bound, theme, view, inner);
    Object.assign(layout, { width, height, margin, showlegend: false });
    if (spec.x === "time" && !bound.empty) {
      layout.shapes.push(...root.reclaimLab.marks.lines(runs, theme, view));
    }
    layout.paper_bgcolor = layout.plot_bgcolor = "rgba(0,0,0,0)";
    if (!tickLabels && spec.x === "time") layout.xaxis.showticklabels = false;
    return { bound, data: tracesOf(bound), layout };
  }

  /** For an image: the figure that dashboard.figures.fill makes. */
  function exportFigure(spec, runs, theme, options) {
    const { width, height, zoom, hidden, url } = options;
    const caption = options.caption === undefined ? captionOf(runs, url) : options.caption;
    const view = {
      ...wholeView(runs, zoom), width: width - theme.margin_left - theme.margin_right,
      height: height - 90,
    };
    const bound = bind(spec, runs, theme, view, hidden);
    const most = Math.max(20, Math.floor((width - 24) / 6));
    const notes = [...bound.notes, averaged(bound)].filter(Boolean);
    const lines = wrap([...notes, caption].join(". "), most);
    const entries = bound.empty
      ? [] : bound.legend.filter((entry) => !hidden || !hidden.has(entry.label));
    const used = entries.reduce((sum, entry) => sum + 44 + 6 * entry.label.length, 0);
    const top = 34 + 19 * Math.ceil(used / Math.max(1, view.width));
    const bottom = CAPTION_TOP + 8 + CAPTION_LINE * lines.length;
    const layout = layoutOf(spec, bound, theme, view, height - top - bottom);
    Object.assign(layout, {
      width, height,
      margin: { l: theme.margin_left, r: theme.margin_right, t: top, b: bottom, pad: 0 },
      title: {
        text: `<b>${escapeText(spec.title)}</b>`, x: 0, xref: "container", xanchor: "left", y: 1,
        yref: "container", yanchor: "top", pad: { l: 12, t: 10 },
        font: { size: 14, color: theme.ink },
      },
      legend: {
        orientation: "h", traceorder: "normal", x: 0, xanchor: "left", y: 1, yanchor: "bottom",
        font: { size: 10, color: theme.ink }, itemclick: false, itemdoubleclick: false,
        bgcolor: "rgba(0,0,0,0)",
      },
    });
    if (spec.x === "time" && !bound.empty) {
      const { marks } = root.reclaimLab;
      layout.shapes.push(...marks.lines(runs, theme, view));
      layout.annotations.push(...marks.words(runs, theme, view, escapeText));
    }
    layout.annotations.push({
      text: lines.map(escapeText).join("<br>"), xref: "paper", yref: "paper", x: 0, y: 0,
      xanchor: "left", yanchor: "top", xshift: 12 - theme.margin_left, yshift: -CAPTION_TOP,
      align: "left", showarrow: false, font: { size: 9.5, color: theme.muted },
    });
    return { data: [...tracesOf(bound), ...entries.map(legendTrace)], layout };
  }

  const charts = {
    bind, pageFigure, exportFigure, pageHeight, panelCount, captionOf, missing, bisect, minMax,
    ranks, niceRange, thousands, wrap, averaged, PANEL_GAP, DRAW, newPanel, intoLegend,
  };
  root.reclaimLab = root.reclaimLab || {};
  root.reclaimLab.charts = charts;
  if (typeof module === "object" && module.exports) module.exports = charts;
})(typeof window === "object" ? window : globalThis);
