/* The legend of a chart on the page, and what is read at the cursor, else at the playhead. */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const { board } = lab;

  /** One chart's legend with the values at the cursor, else at the playhead. */
  class Readout {
    constructor(chart) {
      this.chart = chart;
      this.key = "";
      this.values = new Map();
    }

    show(bound) {
      const common = document.querySelector("[data-legend]") !== null;
      const entries = bound.legend.filter((entry) => !(common && this.elsewhere(entry)));
      const key = entries.map((e) => Object.values(e).join()).join(";")
        + board.themeName + common + [...this.chart.hidden].join() + bound.interval;
      if (key === this.key) return;
      const focused = this.chart.legend.contains(document.activeElement)
        ? document.activeElement.dataset.group : null;
      this.key = key;
      this.values = new Map();
      const averaged = lab.element("span", "legend-item");
      averaged.textContent = lab.charts.averaged(bound);
      this.chart.legend.replaceChildren(...entries.map((entry) => this.item(entry, common)),
        ...(averaged.textContent ? [averaged] : []));
      if (focused) {
        const again = [...this.chart.legend.children].find((b) => b.dataset.group === focused);
        if (again) again.focus();
      }
    }

    /** In the page's legend, and without a value to be read here. */
    elsewhere(entry) {
      const valued = this.chart.spec.draw === "lines" || this.chart.spec.draw === "cdf";
      return entry.symbol === "run" || (isIssuer(entry.label) && !valued);
    }

    /** An issuer that the page's legend names has but its value here. */
    item(entry, common) {
      const named = common && isIssuer(entry.label);
      const fixed = named || entry.symbol === "run" || entry.symbol === "open";
      const item = lab.element(fixed ? "span" : "button", "legend-item");
      const value = lab.element("span", "legend-value");
      const label = lab.element("span", named ? "offscreen" : "");
      label.textContent = entry.label;
      item.append(swatch(entry), label, value);
      if (named) {
        item.title = entry.label;
        item.classList.add("is-named");
        this.values.set(entry.label, value);
      }
      if (fixed) return item;
      item.type = "button";
      item.dataset.group = entry.label;
      item.setAttribute("aria-pressed", String(!this.chart.hidden.has(entry.label)));
      item.title = `Show or hide ${entry.label}`;
      this.values.set(entry.label, value);
      return item;
    }

    toggle(group) {
      if (!this.chart.hidden.delete(group)) this.chart.hidden.add(group);
      this.chart.needs(true);
      board.schedule();
    }

    /** Values at the cursor, else at the playhead; nothing of what the veil hides. */
    read() {
      if (!this.chart.visible || !this.chart.bound) return;
      if (this.chart.spec.draw === "cdf") this.write(this.shares());
      if (this.chart.spec.draw !== "lines") return;
      const { state } = lab.clock;
      const t = board.cursor === null ? state.t : board.cursor;
      const veiled = !lab.clock.atEnd() && t > state.t + 1e-9;
      this.write(veiled ? new Map() : this.texts(t));
    }

    write(texts) {
      for (const [group, output] of this.values) {
        const text = texts.get(group) || "";
        if (output.textContent !== text) output.textContent = text;
      }
    }

    /** Each kind's share of stalls no longer than the cursor's length; "A | B" of runs. */
    shares() {
      const found = new Map();
      const { lengthMs, bound: { panels } } = this.chart;
      if (lengthMs === undefined || lengthMs === null || !panels.length) return found;
      for (const { x, y, meta } of panels[0].traces) {
        const after = lab.charts.bisect(x, lengthMs, true);
        const share = after > 0 ? y[after - 1] : 0;
        if (!found.has(meta.group)) found.set(meta.group, Array(board.runs.length).fill("–"));
        found.get(meta.group)[meta.run] = `${(100 * share).toFixed(share > 0.99 ? 2 : 1)} %`;
      }
      return new Map([...found].map(([group, runs]) => [group, runs.join(" | ")]));
    }

    /** Each legend entry's values at t: "A | B" of runs in one panel, " / " between panels. */
    texts(t) {
      const several = this.chart.spec.compare === "overlay" ? board.runs.length : 1;
      const found = new Map();
      this.chart.bound.panels.forEach((panel, index) => {
        for (const trace of panel.traces) {
          const { meta } = trace;
          if (meta.style === "flag") continue;
          if (!found.has(meta.group)) found.set(meta.group, new Map());
          const panels = found.get(meta.group);
          if (!panels.has(index)) panels.set(index, Array(several).fill("–"));
          const text = meta.style === "rate"
            ? format(nearest(trace, t)) : valueAt(board.runs[meta.run], meta.column, meta.style, t);
          panels.get(index)[several > 1 ? meta.run : 0] = text;
        }
      });
      const between = this.chart.spec.compare === "overlay" ? " / " : " | ";
      return new Map([...found].map(([group, panels]) =>
        [group, [...panels.values()].map((runs) => runs.join(" | ")).join(between)]));
    }
  }

  const isIssuer = (label) => board.theme.issuers.some((style) => style.label === label);

  function valueAt(run, column, style, t) {
    if (style === "level") return format(pathOf(run.about, column));
    const values = run.columns[column];
    if (!values || !run.times.length) return "–";
    const k = Math.min(lab.charts.bisect(run.times, t - 1e-9, false), run.times.length - 1);
    return format(values[k]);
  }

  /** Of a drawn line: what is read is what is seen. */
  function nearest({ x, y }, t) {
    if (!x.length) return NaN;
    const after = Math.min(lab.charts.bisect(x, t, false), x.length - 1);
    return y[after > 0 && t - x[after - 1] < x[after] - t ? after - 1 : after];
  }

  const pathOf = (about, path) => path.split(".").reduce((at, name) => at && at[name], about);

  function format(x) {
    if (x === undefined || x === null || Number.isNaN(x)) return "–";
    const size = Math.abs(x);
    if (size >= 1000) return lab.charts.thousands(Math.round(x));
    return size >= 100 || Number.isInteger(x) ? x.toFixed(0) : x.toFixed(size >= 1 ? 1 : 2);
  }

  const SVG = "http://www.w3.org/2000/svg";
  const STROKES = { solid: "", dash: "5 3", dashdot: "6 2.5 1.5 2.5", dot: "1.5 2.5" };

  function swatch(entry) {
    const svg = document.createElementNS(SVG, "svg");
    const line = entry.symbol === "line" || entry.symbol === "run";
    svg.setAttribute("width", line ? 20 : 10);
    svg.setAttribute("height", 10);
    svg.setAttribute("aria-hidden", "true");
    const shape = document.createElementNS(SVG, line ? "line" : "rect");
    const set = line
      ? { x1: 0, x2: 20, y1: 5, y2: 5, stroke: entry.color, "stroke-width": 2,
        "stroke-dasharray": STROKES[entry.dash] || "" }
      : entry.symbol === "open"
        ? { x: 2, y: 2, width: 6, height: 6, fill: "none", stroke: entry.color }
        : { x: 1, y: 1, width: 8, height: 8, fill: entry.color };
    for (const [name, value] of Object.entries(set)) shape.setAttribute(name, value);
    svg.append(shape);
    return svg;
  }

  Object.assign(lab, { Readout, format });
})(window);
