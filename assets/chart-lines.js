/* Lines, areas, steps, rates and flags of sampled columns (dashboard/figures/bind.py). Pure. */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const charts = (lab.charts = lab.charts || {});
  const BELOW_NOTE = "values below a logarithmic axis, 0 too, are drawn at its lower edge";

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
    const drawn = charts.newPanel(label);
    const stacked = {};
    let least = Infinity;
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
          high = charts.highest(stacked[i]);
        }
        least = Math.min(least, made.least);
        top = Math.max(top, high);
        binder.add(drawn, made.trace);
      }
    }
    if (top > 0 && binder.spec.scale === "log") decades(binder, drawn, least, top);
    else if (top > 0) {
      const [low, high, step] = charts.niceRange(0, top);
      drawn.range = [low, high];
      drawn.step = step;
    }
    return drawn;
  }

  /** A value that a logarithmic axis has no place for is not lost, but at its lower edge. */
  function decades(binder, drawn, least, top) {
    const [low, high, ticks] = charts.logValues(least, top);
    Object.assign(drawn, { floor: low, range: [low, high].map(Math.log10), ticks });
    const below = drawn.traces.some(({ y }) => y.some((value) => value < low));
    if (below && !binder.notes.includes(BELOW_NOTE)) binder.notes.push(BELOW_NOTE);
  }

  function drawLine(binder, line, i) {
    const run = binder.runs[i];
    const limits = binder.theme.limits;
    if (line.style === "level") {
      const level = described(run, line.column);
      if (level === null) return null;
      const edges = { least: level, top: level };
      return { ...edges, trace: lineTrace(binder, line, i, [0, run.duration_s], [level, level]) };
    }
    const values = run.columns[line.column];
    if (!values || !values.length) return null;
    let known = values;
    let top = charts.highest(values);
    if (top === -Infinity) top = 0;
    if (line.skip_zero && top <= 0) return null;
    const [low, high] = charts.windowOf(run.times, binder.view.begin, binder.view.end);
    let x = run.times.subarray(low, high);
    let y = values.subarray(low, high);
    if (line.style === "flag") {
      top = described(run, line.level) || 0;
      known = [top];
      [x, y] = flags(x, y, top);
    } else if (line.style === "rate") {
      [, known] = means(binder, run.times, values, limits.rates);
      top = Math.max(0, charts.highest(known));
      [x, y] = means(binder, x, y, limits.rates);
    } else if (line.style === "steps") {
      [x, y] = steps(x, y, limits.lines);
    } else if (line.style === "area") {
      const step = charts.stride(x.length, limits.lines);
      if (step > 1) [x, y] = [x, y].map((a) => a.filter((_, k) => k % step === 0));
    } else if (y.length > limits.lines) {
      const kept = charts.minMax(y, limits.lines);
      [x, y] = [x, y].map((a) => Float64Array.from(kept, (k) => a[k]));
    }
    return { least: leastOf(known), top, trace: lineTrace(binder, line, i, x, y) };
  }

  /** Of those above 0. */
  function leastOf(values) {
    let least = Infinity;
    for (let i = 0; i < values.length; i++) {
      if (values[i] > 0 && values[i] < least) least = values[i];
    }
    return least;
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
    const step = charts.niceGroup(charts.stride(whole, most));
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
    const step = charts.stride(x.length, most);
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

  (charts.DRAW = charts.DRAW || {}).lines = drawLines;
  Object.assign(charts, { lineTrace, makeTrace, asShape });
})(typeof window === "object" ? window : globalThis);
