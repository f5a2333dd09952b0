/* The page's charts: runs are followed as they are computed, each chart is drawn at most twice a
 * second, one per task, only while in sight; playback moves a veil over drawn charts (no redraw).
 *
 * Interface: reclaimLab.load, clear, setTheme, setLink, player, viewer; events rl:* on document.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const DRAW_MS = 500;
  const INPUT_REST_MS = 120;
  const READOUT_MS = 120;
  const PLOTLY = { staticPlot: true, displayModeBar: false, showSendToCloud: false };
  const UNTIL_LOADED = "Waiting for the first samples";
  const NOTHING_PX = 40; // of a chart that this scenario cannot fill
  const TOP = 6; // px above the panels, as in charts.pageFigure

  const fire = (name, detail) => lab.fire(name, detail);

  const page = {
    runs: [], charts: new Map(), specs: {}, theme: null, themeName: "", link: "",
    off: new Set(), // issuers that the page's legend has switched off
    signature: "", abort: null, loads: 0, cursor: null, lastInput: 0, drawing: false, ready: false,
  };
  const viewer = Array.from(crypto.getRandomValues(new Uint8Array(8)),
    (byte) => byte.toString(16).padStart(2, "0")).join("");

  const now = () => performance.now();
  const url = () => page.link || root.location.href;
  const running = () => page.runs.some((run) => !run.ended);

  const trouble = (message) => fire("rl:error", { key: "", run: "", message, lost: false });

  // ---- one chart

  function element(name, className, style) {
    const made = document.createElement(name);
    if (className) made.className = className;
    Object.assign(made.style, style || {});
    return made;
  }

  class Chart {
    constructor(section) {
      this.section = section;
      this.name = section.dataset.figure;
      this.plot = this.part("plot", "div", "figure-plot");
      this.legend = this.part("legend", "div", "figure-legend");
      this.note = this.part("note", "p", "figure-note");
      this.table = this.part("table", "div", "figure-table");
      this.hidden = new Set();
      this.visible = false;
      this.dirty = true;
      this.urgent = false;
      this.drawnAt = -Infinity;
      this.legendKey = "";
      this.across = 1;
      this.values = new Map();
      this.bound = null;
      this.build();
    }

    get spec() {
      return page.specs[this.name];
    }

    get timed() {
      return this.spec.x === "time";
    }

    /** Whether it has an overlay that follows the pointer. */
    get pointed() {
      return this.timed || this.spec.draw === "cdf";
    }

    /** What its own legend and the page's have switched off. */
    get off() {
      return new Set([...this.hidden, ...page.off]);
    }

    part(name, tag, className) {
      let found = this.section.querySelector(`[data-figure-part="${name}"]`);
      if (!found) {
        found = element(tag, className);
        found.dataset.figurePart = name;
        if (name === "table") found.hidden = true;
        this.section.append(found);
      }
      return found;
    }

    /** Canvas, veil and lines: everything that moves is moved by transforms. */
    build() {
      const { margin_left: left, margin_right: right } = page.theme;
      this.plot.replaceChildren();
      this.plot.style.position = "relative";
      this.canvas = element("div", "figure-canvas", { position: "absolute", inset: "0" });
      this.canvas.setAttribute("role", "img");
      this.canvas.setAttribute("aria-label", this.spec.title);
      this.over = element("div", "figure-over", {
        position: "absolute", left: `${left}px`, right: `${right}px`, top: `${TOP}px`,
        bottom: `${TOP}px`, overflow: "hidden", touchAction: "pan-y", cursor: "crosshair",
      });
      const line = { position: "absolute", top: "0", bottom: "0", left: "0", width: "1px",
        pointerEvents: "none", display: "none", willChange: "transform" };
      this.veil = element("div", "figure-veil", { ...line, width: "100%" });
      this.head = element("div", "figure-playhead", line);
      this.cross = element("div", "figure-cursor", line);
      this.brush = element("div", "figure-brush", line);
      this.chosen = element("div", "figure-chosen", line);
      this.flag = element("span", "axis-flag figure-flag", { position: "absolute", top: "0" });
      this.flag.hidden = true;
      this.empty = element("p", "figure-empty");
      this.empty.hidden = true;
      this.over.append(this.veil, this.chosen, this.brush, this.cross, this.head, this.flag);
      this.plot.append(this.canvas, this.over, this.empty);
      this.over.hidden = !this.pointed;
      this.paint();
      (this.timed ? pointer : lengthPointer)(this);
    }

    paint() {
      const { theme } = page;
      this.veil.style.background = theme.veil;
      this.head.style.background = theme.ink;
      this.cross.style.background = theme.muted;
      this.brush.style.background = `color-mix(in srgb, ${theme.ink} 18%, transparent)`;
      this.chosen.style.background = `color-mix(in srgb, ${theme.ink} 10%, transparent)`;
      this.chosen.style.borderInline = `1px solid ${theme.muted}`;
      Object.assign(this.flag.style, { background: theme.ink, color: theme.background });
    }

    needs(urgent) {
      this.dirty = true;
      this.urgent = this.urgent || Boolean(urgent);
    }

    /** When it may be drawn, ms from now; Infinity = not at all. */
    due() {
      if (!this.dirty || !this.visible) return Infinity;
      return this.urgent || !running() ? 0 : Math.max(0, this.drawnAt + DRAW_MS - now());
    }

    say(text) {
      this.empty.hidden = !text;
      this.empty.textContent = text;
      this.canvas.style.visibility = text ? "hidden" : "";
      this.over.hidden = Boolean(text) || !this.pointed;
    }

    async draw() {
      const { spec } = this;
      this.dirty = this.urgent = false;
      this.drawnAt = now();
      const runs = page.runs;
      if (!runs.length || runs.some((run) => run.version === 0)) {
        this.say(page.loads ? waiting() : "No run");
        return;
      }
      const memcgs = Math.max(...runs.map((run) => run.memcgs.length));
      const none = (spec.each_memcg && memcgs === 0)
        || runs.every((run) => run.ended && lab.charts.missing(spec, run));
      const height = none
        ? NOTHING_PX : lab.charts.pageHeight(spec, page.theme.limits, runs.length, memcgs);
      if (this.plot.style.height !== `${height}px`) this.plot.style.height = `${height}px`;
      const width = this.plot.clientWidth;
      if (width < 50) return;
      const tickLabels = !document.querySelector('[data-player="axis"]');
      const zoom = this.timed ? lab.clock.state.zoom : null;
      const figure = lab.charts.pageFigure(spec, runs, page.theme,
        { width, height, zoom, hidden: this.off, tickLabels });
      this.bound = figure.bound;
      this.over.style.bottom = `${figure.layout.margin.b}px`;
      // Kept: reading it while the playhead moves would lay the page out at every frame.
      this.across = width - page.theme.margin_left - page.theme.margin_right;
      delete this.section.dataset.stale;
      const unfinished = running() && figure.bound.empty === spec.nothing;
      this.say(unfinished ? "Nothing yet" : figure.bound.empty);
      this.showLegend(figure.bound);
      const notes = figure.bound.notes.join(". ");
      if (this.note.textContent !== notes) this.note.textContent = notes;
      this.canvas.setAttribute("aria-label", `${spec.title}. ${spec.question}`);
      if (!figure.bound.empty) {
        // react() draws an axis that a second panel brings before it has a length: begin anew.
        const axes = Object.keys(figure.layout).filter((key) => key.includes("axis")).join();
        const { react, newPlot } = root.Plotly;
        await (axes === this.axes ? react : newPlot)(
          this.canvas, figure.data, figure.layout, PLOTLY);
        this.axes = axes;
      }
      if (!this.table.hidden) this.fillTable();
      this.section.dataset.drawn = running() ? "part" : "whole";
      this.place();
      this.read();
    }

    // -- overlay

    /** Seconds of the left edge and per px. */
    scale() {
      const [begin, end] = lab.clock.state.zoom || [0, lab.clock.state.duration || 1];
      return { begin, end, perPx: (end - begin) / Math.max(1, this.across) };
    }

    place() {
      if (!this.timed || !this.visible || this.over.hidden) return;
      const { begin, perPx } = this.scale();
      const t = lab.clock.state.t;
      const hide = lab.clock.atEnd();
      const x = Math.max(0, Math.min((t - begin) / perPx, this.across));
      const inside = (t - begin) / perPx;
      show(this.veil, !hide, x);
      show(this.head, !hide && inside >= 0 && inside <= this.across, x);
      const cursor = page.cursor === null ? -1 : (page.cursor - begin) / perPx;
      show(this.cross, cursor >= 0 && cursor <= this.across, cursor);
      this.placeChosen(begin, perPx);
    }

    placeChosen(begin, perPx) {
      const span = lab.selection.span();
      const edges = span ? [span.t0, span.t1].map((t) => (t - begin) / perPx) : [-2, -1];
      const [left, right] = edges.map((x) => Math.max(0, Math.min(x, this.across)));
      show(this.chosen, span !== null && right > left, left);
      this.chosen.style.width = `${Math.max(0, right - left).toFixed(1)}px`;
    }

    // -- legend and read-out

    showLegend(bound) {
      const common = document.querySelector("[data-legend]") !== null;
      const entries = bound.legend.filter((entry) => !(common && this.elsewhere(entry)));
      const key = entries.map((e) => Object.values(e).join()).join(";")
        + page.themeName + common + [...this.hidden].join() + bound.interval;
      if (key === this.legendKey) return;
      const focused = this.legend.contains(document.activeElement)
        ? document.activeElement.dataset.group : null;
      this.legendKey = key;
      this.values = new Map();
      const averaged = element("span", "legend-item");
      averaged.textContent = lab.charts.averaged(bound);
      this.legend.replaceChildren(...entries.map((entry) => this.legendItem(entry, common)),
        ...(averaged.textContent ? [averaged] : []));
      if (focused) {
        const again = [...this.legend.children].find((b) => b.dataset.group === focused);
        if (again) again.focus();
      }
    }

    /** In the page's legend, and without a value to be read here. */
    elsewhere(entry) {
      const valued = this.spec.kind === "series" || this.spec.draw === "cdf";
      return entry.symbol === "run" || (isIssuer(entry.label) && !valued);
    }

    /** An issuer that the page's legend names has but its value here. */
    legendItem(entry, common) {
      const named = common && isIssuer(entry.label);
      const fixed = named || entry.symbol === "run" || entry.symbol === "open";
      const item = element(fixed ? "span" : "button", "legend-item");
      const value = element("span", "legend-value");
      const label = element("span", named ? "offscreen" : "");
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
      item.setAttribute("aria-pressed", String(!this.hidden.has(entry.label)));
      item.title = `Show or hide ${entry.label}`;
      this.values.set(entry.label, value);
      return item;
    }

    toggle(group) {
      if (!this.hidden.delete(group)) this.hidden.add(group);
      this.needs(true);
      schedule();
    }

    /** Values at the cursor, else at the playhead; nothing of what the veil hides. */
    read() {
      if (!this.visible || !this.bound) return;
      if (this.spec.draw === "cdf") this.write(this.shares());
      if (this.spec.kind !== "series") return;
      const { state } = lab.clock;
      const t = page.cursor === null ? state.t : page.cursor;
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
      const { panels } = this.bound;
      if (this.lengthMs === undefined || this.lengthMs === null || !panels.length) return found;
      for (const { x, y, meta } of panels[0].traces) {
        const after = lab.charts.bisect(x, this.lengthMs, true);
        const share = after > 0 ? y[after - 1] : 0;
        if (!found.has(meta.group)) found.set(meta.group, Array(page.runs.length).fill("–"));
        found.get(meta.group)[meta.run] = `${(100 * share).toFixed(share > 0.99 ? 2 : 1)} %`;
      }
      return new Map([...found].map(([group, runs]) => [group, runs.join(" | ")]));
    }

    /** Each legend entry's values at t: "A | B" of runs in one panel, " / " between panels. */
    texts(t) {
      const several = this.spec.compare === "overlay" ? page.runs.length : 1;
      const found = new Map();
      this.bound.panels.forEach((panel, index) => {
        for (const trace of panel.traces) {
          const { meta } = trace;
          if (meta.style === "flag") continue;
          if (!found.has(meta.group)) found.set(meta.group, new Map());
          const panels = found.get(meta.group);
          if (!panels.has(index)) panels.set(index, Array(several).fill("–"));
          const text = meta.style === "rate"
            ? format(nearest(trace, t)) : valueAt(page.runs[meta.run], meta.column, meta.style, t);
          panels.get(index)[several > 1 ? meta.run : 0] = text;
        }
      });
      const between = this.spec.compare === "overlay" ? " / " : " | ";
      return new Map([...found].map(([group, panels]) =>
        [group, [...panels.values()].map((runs) => runs.join(" | ")).join(between)]));
    }

    fillTable() {
      const zoom = this.timed ? lab.clock.state.zoom : null;
      const table = lab.exports.tableOf(this.spec, page.runs, page.theme, zoom);
      table.className = "table";
      this.table.replaceChildren(table);
      this.table.tabIndex = 0;
      this.table.setAttribute("role", "region");
      this.table.setAttribute("aria-label", `${this.spec.title}, data`);
    }
  }

  const isIssuer = (label) => page.theme.issuers.some((style) => style.label === label);

  /** The read-out of a chart whose axis is a length. */
  function lengthPointer(chart) {
    const { over } = chart;
    const at = (ms) => {
      chart.lengthMs = ms;
      chart.read();
      chart.flag.hidden = ms === null;
    };
    over.addEventListener("pointermove", (event) => {
      const [low, high] = chart.spec.x_range.map(Math.log10);
      const box = over.getBoundingClientRect();
      const x = event.clientX - box.left;
      const ms = 10 ** (low + (x / box.width) * (high - low));
      show(chart.cross, true, x);
      at(ms);
      chart.flag.textContent = `≤ ${ms < 1000 ? format(ms) : format(ms / 1000)} `
        + `${ms < 1000 ? "ms" : "s"}`;
      const left = x > box.width - 90 ? x - chart.flag.offsetWidth - 4 : x + 4;
      chart.flag.style.transform = `translateX(${left.toFixed(1)}px)`;
    });
    over.addEventListener("pointerleave", () => {
      show(chart.cross, false, 0);
      at(null);
    });
  }

  function show(line, visible, x) {
    const display = visible ? "block" : "none";
    if (line.style.display !== display) line.style.display = display;
    if (visible) line.style.transform = `translateX(${x.toFixed(1)}px)`;
  }

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

  // ---- pointer: cursor, click to seek or choose an event, drag to select an interval

  const DRAG_PX = 4;
  const NEAR_PX = 9;

  function pointer(chart) {
    const { over } = chart;
    let from = null;
    const x = (event) => event.clientX - over.getBoundingClientRect().left;
    const time = (px) => {
      const { begin, perPx } = chart.scale();
      return begin + Math.max(0, Math.min(px, chart.across)) * perPx;
    };
    over.addEventListener("pointermove", (event) => {
      setCursor(time(x(event)));
      if (from !== null && Math.abs(x(event) - from) > DRAG_PX) {
        const [left, right] = [from, x(event)].sort((a, b) => a - b);
        show(chart.brush, true, Math.max(0, left));
        chart.brush.style.width = `${right - Math.max(0, left)}px`;
        return;
      }
      tip(chart, event);
    });
    over.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      from = x(event);
      over.setPointerCapture(event.pointerId);
    });
    over.addEventListener("pointerup", (event) => {
      if (from === null) return;
      const [begin, to] = [from, x(event)];
      from = null;
      show(chart.brush, false, 0);
      if (Math.abs(to - begin) > DRAG_PX) lab.selection.set(time(begin), time(to));
      else if (!select(chart, event)) lab.player.seek(time(to));
    });
    const leave = () => {
      from = null;
      show(chart.brush, false, 0);
      setCursor(null);
      tip(chart, null);
    };
    over.addEventListener("pointercancel", leave);
    over.addEventListener("pointerleave", () => from === null && leave());
    over.addEventListener("dblclick", () => lab.player.resetZoom());
  }

  let cursorFrame = 0;
  function setCursor(t) {
    page.cursor = t;
    cursorFrame = cursorFrame || requestAnimationFrame(() => {
      cursorFrame = 0;
      for (const chart of page.charts.values()) {
        chart.place();
        chart.read();
      }
      placeAxis();
    });
  }

  /** The event under the pointer: {family, run, k} or null. Veiled ones cannot be seen. */
  function eventAt(chart, event) {
    const { spec, bound, over } = chart;
    if (!bound || !bound.panels.length || !(spec.draw in NEAREST)) return null;
    const box = over.getBoundingClientRect();
    const { begin, perPx } = chart.scale();
    const t = begin + (event.clientX - box.left) * perPx;
    const limit = lab.clock.atEnd() ? Infinity : lab.clock.state.t;
    const count = bound.panels.length;
    const gap = lab.charts.PANEL_GAP;
    const each = (box.height - gap * (count - 1)) / count;
    const index = Math.min(count - 1, Math.floor((event.clientY - box.top) / (each + gap)));
    const panel = bound.panels[index];
    const run = page.runs[count > 1 ? index : 0];
    const fromTop = (event.clientY - box.top - index * (each + gap)) / each;
    if (t > limit || panel.empty || !run.events[spec.family]) return null;
    const k = NEAREST[spec.draw](run.events[spec.family], panel, fromTop, t, perPx, limit, each);
    return k < 0 ? null : { family: spec.family, run, k };
  }

  function nearestStall(stalls, panel, fromTop, t, perPx, limit) {
    const count = panel.rows.length;
    const row = Math.min(count - 1, Math.max(0, Math.floor(fromTop * count)));
    let best = -1;
    let least = NEAR_PX * perPx;
    for (let k = 0; k < stalls.t.length; k++) {
      if (stalls.task[k] !== panel.tasks[row] || stalls.begin[k] > limit) continue;
      const away = Math.max(0, stalls.begin[k] - t, t - stalls.t[k]);
      if (away < least || (away === least && best < 0)) [best, least] = [k, away];
    }
    return best;
  }

  function nearestRequest(io, panel, fromTop, t, perPx, limit, height) {
    const [low, high] = panel.range;
    const y = high - fromTop * (high - low);
    const perPxY = (high - low) / height;
    let best = -1;
    let least = NEAR_PX ** 2;
    for (let k = 0; k < io.t.length; k++) {
      const dx = (io.t[k] - t) / perPx;
      if (dx > NEAR_PX || dx < -NEAR_PX || io.t[k] > limit) continue;
      const dy = (io.offset[k] - y) / perPxY;
      if (dx * dx + dy * dy < least) [best, least] = [k, dx * dx + dy * dy];
    }
    return best;
  }

  const NEAREST = { timeline: nearestStall, offsets: nearestRequest };

  function eventOf({ family, run, k }) {
    const all = run.events[family];
    return Object.fromEntries(Object.entries(all).map(([name, values]) => [name, values[k]]));
  }

  function select(chart, event) {
    const found = eventAt(chart, event);
    if (!found) return false;
    fire("rl:select", {
      kind: found.family, run: found.run.label, key: found.run.key, index: found.k,
      t_s: found.run.events[found.family].t[found.k], event: eventOf(found),
    });
    return true;
  }

  let tipBox = null;
  function tip(chart, event) {
    const found = event && event.pointerType !== "touch" ? eventAt(chart, event) : null;
    chart.over.style.cursor = found ? "pointer" : "crosshair";
    if (!found) {
      if (tipBox) tipBox.hidden = true;
      return;
    }
    if (!tipBox) {
      const style = { position: "fixed", pointerEvents: "none", zIndex: 50 };
      tipBox = element("div", "figure-tip", style);
      document.body.append(tipBox);
    }
    tipBox.textContent = describe(found, eventOf(found));
    Object.assign(tipBox.style, { left: "0", top: "0" });
    tipBox.hidden = false;
    const right = event.clientX + 14 + tipBox.offsetWidth > root.innerWidth;
    const left = right ? event.clientX - 14 - tipBox.offsetWidth : event.clientX + 14;
    tipBox.style.transform = `translate(${Math.max(0, left)}px, ${event.clientY + 14}px)`;
  }

  const ms = (us) => `${format(us / 1000)} ms`;

  function describe({ family, run }, e) {
    const who = page.runs.length > 1 ? `${run.label}, ` : "";
    const task = run.taskName(e.task);
    if (family === "io") {
      const style = page.theme.issuers.find((s) => s.code === e.issuer);
      const way = e.write === 1 ? "write" : "read";
      const waited = e.wait_us >= 0 ? `\nqueued to done ${ms(e.wait_us)}` : "";
      return `${who}${way} of ${format(e.size / 2)} KiB at ${e.offset.toFixed(3)} GiB\n`
        + `${style ? style.label : "unknown"}${e.task >= 0 ? ` (${task})` : ""}, `
        + `done ${e.t.toFixed(6)} s${waited}`;
    }
    const kinds = page.specs.stall_timeline.panels[0].lines;
    const kind = kinds.find((line) => Number(line.column) === e.kind);
    const parts = [["congestion_wait", e.congestion_us], ["writepage", e.writepage_us],
      ["page writeback", e.page_wait_us], ["paused", e.pause_us]]
      .filter(([, us]) => us > 0).map(([name, us]) => `${name} ${ms(us)}`);
    const scanned = e.scanned > 0 ? `\nscanned ${e.scanned}, reclaimed ${e.reclaimed} pages` : "";
    return `${who}${task}: ${kind ? kind.label : "stall"} ${ms(e.length * 1e6)}\n`
      + `from ${e.begin.toFixed(6)} s${parts.length ? `\n${parts.join(", ")}` : ""}${scanned}`;
  }

  // ---- drawing: one chart per task, then yield

  function schedule() {
    if (page.drawing || !page.ready) return;
    page.drawing = true;
    drawNext();
  }

  async function drawNext() {
    const rest = page.lastInput + INPUT_REST_MS - now();
    let next = null;
    let soonest = Infinity;
    for (const chart of page.charts.values()) {
      const due = chart.due();
      if (due < soonest) [next, soonest] = [chart, due];
    }
    if (!next) {
      page.drawing = false;
      return;
    }
    const delay = Math.max(soonest, next.urgent ? 0 : rest);
    if (delay > 0) {
      setTimeout(drawNext, Math.min(delay, DRAW_MS));
      return;
    }
    try {
      await next.draw();
    } catch (error) {
      next.say("This chart could not be drawn");
      trouble(`${next.name}: ${error.message}`);
      console.error(error);
    }
    setTimeout(drawNext, 0);
  }

  function allNeed(urgent) {
    for (const chart of page.charts.values()) chart.needs(urgent);
    schedule();
  }

  // ---- the shared time axis

  const axisDrawn = new WeakMap();

  function drawAxis() {
    if (!page.theme) return;
    for (const axis of document.querySelectorAll('[data-player="axis"]')) {
      const { duration, zoom } = lab.clock.state;
      const [begin, end] = zoom || [0, duration];
      const { margin_left: left, margin_right: right, muted, font } = page.theme;
      const width = axis.clientWidth - left - right;
      const key = [begin, end, width, page.themeName].join();
      if (axisDrawn.get(axis)?.key === key || width < 50) continue;
      axisDrawn.set(axis, { key, width });
      axis.replaceChildren();
      if (!(end > begin)) continue;
      const parts = Math.max(2, Math.floor(width / 80));
      const step = lab.charts.niceRange(0, end - begin, parts)[2];
      const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
      for (let t = Math.ceil(begin / step - 1e-9) * step; t <= end + step * 1e-6; t += step) {
        const x = left + ((t - begin) / (end - begin)) * width;
        const tick = element("span", "axis-tick", {
          position: "absolute", left: `${x.toFixed(1)}px`, top: "3px",
          transform: "translateX(-50%)", font: `10px ${font}`, color: muted,
        });
        tick.textContent = `${t.toFixed(digits)}${t + step > end + step * 1e-6 ? " s" : ""}`;
        axis.append(tick);
      }
      const flag = element("span", "axis-flag", {
        position: "absolute", top: "1px", left: `${left}px`, display: "none", padding: "1px 4px",
        borderRadius: "3px", font: `10px ${font}`, background: page.theme.ink,
        color: page.theme.background,
      });
      axis.append(flag);
    }
    placeAxis();
  }

  function placeAxis() {
    const { duration, zoom, t } = lab.clock.state;
    const [begin, end] = zoom || [0, duration];
    for (const axis of document.querySelectorAll('[data-player="axis"]')) {
      const flag = axis.querySelector(".axis-flag");
      if (!flag) continue;
      const at = page.cursor === null ? t : page.cursor;
      const { width } = axisDrawn.get(axis);
      const x = ((at - begin) / (end - begin)) * width;
      const visible = (page.cursor !== null || !lab.clock.atEnd()) && x >= 0 && x <= width;
      flag.style.display = visible ? "block" : "none";
      if (!visible) continue;
      flag.textContent = `${at.toFixed(end - begin < 2 ? 4 : 2)} s`;
      flag.style.transform = `translateX(calc(${x.toFixed(1)}px - 50%))`;
    }
  }

  // ---- what the page says about runs

  function waiting() {
    const run = page.runs.find((r) => r.version === 0) || page.runs[0];
    if (run && run.state === "FAILED") return `The run failed: ${run.message}`;
    if (run && run.state === "CANCELLED") return "The run was cancelled";
    if (run && run.state === "QUEUED") {
      return run.position ? `In the queue, ${run.position} ahead` : "In the queue";
    }
    return UNTIL_LOADED;
  }

  function stateText(run) {
    switch (run.state) {
      case "QUEUED": return run.position ? `queued, ${run.position} ahead` : "queued";
      case "RUNNING": {
        const percent = Math.round(run.fraction * 100);
        return `running ${percent} %, ${run.simulated_s.toFixed(1)} s simulated`;
      }
      case "DONE": return "done";
      case "FAILED": return `failed: ${run.message}`;
      case "CANCELLED": return "cancelled";
      default: return "loading";
    }
  }

  /** A time carries its unit, seconds from 1000 ms on; the label has every other unit. */
  function withUnit(value, unit) {
    if (unit !== "ms") return format(value);
    return value >= 1000 ? `${Number((value / 1000).toPrecision(3))} s` : `${format(value)} ms`;
  }

  const of = (item) => item.dataset.run || "A";

  function showRuns() {
    for (const item of document.querySelectorAll("[data-run-state]")) {
      const run = page.runs.find((r) => r.label === of(item));
      const text = run ? stateText(run) : "";
      if (item.textContent !== text) item.textContent = text;
      item.dataset.state = run ? run.state : "EMPTY";
    }
    for (const item of document.querySelectorAll("[data-headline]")) {
      const run = page.runs.find((r) => r.label === of(item));
      const value = run && run.headline[item.dataset.headline];
      const known = value !== undefined && value !== null;
      const text = known ? withUnit(value, item.dataset.unit) : "–";
      if (item.textContent !== text) item.textContent = text;
      item.title = run && run.version && !known ? "not recorded" : "";
      item.classList.toggle("is-updating", Boolean(run && !run.ended));
    }
  }

  // ---- loading

  function told(run, news, mine) {
    if (mine !== page.loads) return;
    const before = `${run.state},${run.position},${run.message}`;
    Object.assign(run, { state: news.state, position: news.position || 0,
      message: news.message || "" });
    if (["DONE", "FAILED", "CANCELLED"].includes(run.state)) run.ended = true;
    const same = before === `${run.state},${run.position},${run.message}`;
    if (same && run.seen === run.version) return;
    const detail = { key: run.key, run: run.label };
    fire("rl:status", { ...detail, state: run.state, position: run.position,
      fraction: run.fraction, simulated_s: run.simulated_s, message: run.message });
    if (run.seen !== run.version) {
      run.seen = run.version;
      fire("rl:headline", { ...detail, headline: run.headline, done: run.done });
      const there = page.runs.filter((r) => r.version);
      const available = Math.min(...page.runs.map((r) => (r.version ? r.simulated_s : 0)));
      const times = run.times;
      lab.clock.extend(Math.max(...there.map((r) => r.duration_s)), available,
        times.length > 1 ? times[1] - times[0] : 0);
    }
    if (run.state === "FAILED") {
      fire("rl:error", { ...detail, message: run.message, lost: Boolean(news.lost) });
    }
    showRuns();
    drawAxis();
    allNeed(false);
  }

  function load(list, options = {}) {
    const wanted = (list || []).filter((item) => item && item.key).slice(0, 4);
    const signature = JSON.stringify(wanted.map((item) => item.key));
    if (signature === page.signature) return false;
    page.signature = signature;
    page.loads += 1;
    const mine = page.loads;
    if (page.abort) page.abort.abort();
    page.abort = new AbortController();
    const { signal } = page.abort;
    page.runs = wanted.map((item, i) => {
      const label = /^[A-D]$/.test(item.label || "") ? undefined : item.label;
      const about = { title: item.title || label, digest: item.digest, seed: item.seed };
      const run = new lab.frames.RunBuffer(item.key, "ABCD"[i], about);
      const fresh = { state: "LOADING", position: 0, message: "", ended: false, seen: 0 };
      return Object.assign(run, fresh);
    });
    lab.clock.reset();
    for (const chart of page.charts.values()) {
      chart.bound = null;
      chart.section.dataset.stale = "true";
      delete chart.section.dataset.drawn;
    }
    for (const run of page.runs) {
      lab.frames.follow(run, { viewer, signal, tell: (news) => told(run, news, mine) })
        .then(() => mine === page.loads && options.autoplay && run.done && autoplay());
    }
    showRuns();
    drawAxis();
    allNeed(false);
    return true;
  }

  function autoplay() {
    if (!running() && !root.matchMedia("(prefers-reduced-motion: reduce)").matches) {
      lab.player.play();
    }
  }

  // ---- theme, sections, start

  async function specsOf(theme) {
    const response = await fetch(`/api/figures?theme=${theme}`);
    if (!response.ok) throw new Error(`figures: the server answered ${response.status}`);
    return response.json();
  }

  const cachedSpecs = new Map();
  async function setTheme(name) {
    const theme = name === "dark" ? "dark" : "light";
    if (theme === page.themeName && page.theme) return;
    page.themeName = theme;
    if (!cachedSpecs.has(theme)) cachedSpecs.set(theme, specsOf(theme));
    const specs = await cachedSpecs.get(theme);
    if (page.themeName !== theme) return;
    page.theme = specs.theme;
    page.specs = Object.fromEntries(specs.figures.map((spec) => [spec.name, spec]));
    for (const chart of page.charts.values()) chart.paint();
    if (!page.ready) return;
    drawAxis();
    allNeed(true);
  }

  function preferredTheme() {
    const said = document.documentElement.dataset.theme;
    if (said === "dark" || said === "light") return said;
    return root.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  let seen = null;
  const sized = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const chart = [...page.charts.values()].find((c) => c.plot === target);
      if (!chart || chart.width === target.clientWidth) continue;
      chart.width = target.clientWidth;
      chart.needs(true);
    }
    drawAxis();
    schedule();
  });

  /** Sections come and go with Dash's rendering: take up new ones, forget those that are gone. */
  function findSections() {
    if (!page.ready) return;
    for (const [section, chart] of page.charts) {
      if (section.isConnected && chart.plot.isConnected) continue;
      page.charts.delete(section);
      seen.unobserve(section);
      sized.unobserve(chart.plot);
    }
    for (const section of document.querySelectorAll("[data-figure]")) {
      if (page.charts.has(section) || !page.specs[section.dataset.figure]) continue;
      const chart = new Chart(section);
      page.charts.set(section, chart);
      seen.observe(section);
      sized.observe(chart.plot);
    }
    lab.clock.showBar();
    showRuns();
    drawAxis();
    schedule();
  }

  function onSeen(entries) {
    for (const { target, isIntersecting } of entries) {
      const chart = page.charts.get(target);
      if (!chart) continue;
      chart.visible = isIntersecting;
      if (isIntersecting) {
        chart.place();
        chart.read();
      }
    }
    schedule();
  }

  async function onAction(button) {
    const chart = page.charts.get(button.closest("[data-figure]"));
    const { action } = button.dataset;
    if (!chart || !page.runs.some((run) => run.version)) return;
    if (action === "table") {
      chart.table.hidden = !chart.table.hidden;
      button.setAttribute("aria-expanded", String(!chart.table.hidden));
      if (!chart.table.hidden) chart.fillTable();
      return;
    }
    button.disabled = true;
    try {
      await lab.exports.run(action, chart.spec, page.runs, page.theme, {
        zoom: chart.timed ? lab.clock.state.zoom : null, hidden: chart.off, url: url(),
        height: chart.plot.clientHeight,
      });
    } catch (error) {
      trouble(`No ${action}: ${error.message}`);
    } finally {
      button.disabled = false;
    }
  }

  function listen() {
    let readAt = 0;
    let zoomed = "";
    lab.onClock((state) => {
      for (const chart of page.charts.values()) chart.place();
      if (page.theme) placeAxis();
      if (!state.playing || now() - readAt > READOUT_MS) {
        readAt = now();
        for (const chart of page.charts.values()) chart.read();
      }
      const zoom = (state.zoom || []).join();
      if (zoom !== zoomed) {
        zoomed = zoom;
        for (const chart of page.charts.values()) if (chart.timed) chart.needs(true);
        drawAxis();
        schedule();
      }
    });
    document.addEventListener("rl:selection", () => {
      for (const chart of page.charts.values()) chart.place();
    });
    document.addEventListener("click", (event) => {
      const target = event.target.closest && event.target.closest("button");
      if (target && target.dataset.issuer) switchIssuer(target.dataset.issuer);
      if (!target || !target.closest("[data-figure]")) return;
      if (target.dataset.action) onAction(target);
      else if (target.dataset.group) {
        page.charts.get(target.closest("[data-figure]")).toggle(target.dataset.group);
      }
    });
    for (const name of ["pointerdown", "keydown", "wheel"]) {
      const noted = () => {
        page.lastInput = now();
      };
      document.addEventListener(name, noted, { passive: true, capture: true });
    }
  }

  /** In every chart. */
  function switchIssuer(label) {
    if (!page.off.delete(label)) page.off.add(label);
    for (const button of document.querySelectorAll("button[data-issuer]")) {
      button.setAttribute("aria-pressed", String(!page.off.has(button.dataset.issuer)));
    }
    allNeed(true);
  }

  const plotlyLoaded = () => new Promise((resolve, reject) => {
    let tries = 0;
    const look = () => {
      if (root.Plotly) resolve();
      else if (++tries > 600) reject(new Error("plotly.js did not load"));
      else setTimeout(look, 50);
    };
    look();
  });

  async function start() {
    listen();
    try {
      await Promise.all([setTheme(page.themeName || preferredTheme()), plotlyLoaded()]);
    } catch (error) {
      trouble(error.message);
      return;
    }
    seen = new IntersectionObserver(onSeen, { rootMargin: "120px" });
    page.ready = true;
    findSections();
    let pending = 0;
    new MutationObserver((changes) => {
      const inside = "[data-figure-part], [data-player], .figure-tip";
      const ours = (node) => node.nodeType === 1 && node.closest(inside);
      if (changes.every(({ target }) => ours(target))) return;
      pending = pending || requestAnimationFrame(() => {
        pending = 0;
        findSections();
      });
    }).observe(document.body, { childList: true, subtree: true });
    fire("rl:ready", {});
  }

  Object.assign(lab, {
    viewer, load, setTheme,
    clear: () => load([]),
    setLink: (link) => { page.link = link; },
    runs: () => page.runs,
    theme: () => page.theme,
    spec: (name) => page.specs[name],
  });
  const clientside = (root.dash_clientside = root.dash_clientside || {});
  clientside.reclaim = Object.assign(clientside.reclaim || {}, {
    load(runs, theme) {
      if (theme) setTheme(theme);
      load(runs || []);
      return clientside.no_update;
    },
  });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else setTimeout(start, 0);
})(window);
