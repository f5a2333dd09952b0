/* One chart on the page: its parts, its drawing, and the veil and lines that playback moves over it
 * without a redraw.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const { board } = lab;
  const PLOTLY = { staticPlot: true, displayModeBar: false, showSendToCloud: false };
  const NOTHING_PX = 40; // of a chart that this scenario cannot fill
  const FOLLOW_MS = 100;
  const TOP = 6; // px above the panels, as in charts.pageFigure

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
      this.across = 1;
      this.readout = new lab.Readout(this);
      this.bound = null;
      this.build();
    }

    /** As the registry has it, its switch as the visitor has set it. */
    get spec() {
      const spec = board.specs[this.name];
      const scale = board.scales.get(this.name);
      return scale ? { ...spec, scale } : spec;
    }

    /** Of one moment: drawn again as the playhead moves. */
    get moment() {
      return this.spec.moment;
    }

    /** What is zoomed into, of charts that it has a meaning for. */
    get zoom() {
      return this.timed || this.moment ? lab.clock.state.zoom : null;
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
      return new Set([...this.hidden, ...board.off]);
    }

    part(name, tag, className) {
      let found = this.section.querySelector(`[data-figure-part="${name}"]`);
      if (!found) {
        found = lab.element(tag, className);
        found.dataset.figurePart = name;
        if (name === "table") found.hidden = true;
        this.section.append(found);
      }
      return found;
    }

    /** Canvas, veil and lines: everything that moves is moved by transforms. */
    build() {
      const { margin_left: left, margin_right: right } = board.theme;
      this.plot.replaceChildren();
      this.plot.style.position = "relative";
      this.canvas = lab.element("div", "figure-canvas", { position: "absolute", inset: "0" });
      this.canvas.setAttribute("role", "img");
      this.canvas.setAttribute("aria-label", this.spec.title);
      this.over = lab.element("div", "figure-over", {
        position: "absolute", left: `${left}px`, right: `${right}px`, top: `${TOP}px`,
        bottom: `${TOP}px`, overflow: "hidden", touchAction: "pan-y", cursor: "crosshair",
      });
      const line = { position: "absolute", top: "0", bottom: "0", left: "0", width: "1px",
        pointerEvents: "none", display: "none", willChange: "transform" };
      this.veil = lab.element("div", "figure-veil", { ...line, width: "100%" });
      this.head = lab.element("div", "figure-playhead", line);
      this.cross = lab.element("div", "figure-cursor", line);
      this.brush = lab.element("div", "figure-brush", line);
      this.chosen = lab.element("div", "figure-chosen", line);
      this.flag = lab.element("span", "axis-flag figure-flag", { position: "absolute", top: "0" });
      this.flag.hidden = true;
      this.empty = lab.element("p", "figure-empty");
      this.empty.hidden = true;
      this.over.append(this.veil, this.chosen, this.brush, this.cross, this.head, this.flag);
      this.plot.append(this.canvas, this.over, this.empty);
      this.over.hidden = !this.pointed;
      this.paint();
      (this.timed ? lab.pointer.times : lab.pointer.lengths)(this);
    }

    paint() {
      const { theme } = board;
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
      if (this.urgent || !board.running()) return 0;
      return Math.max(0, this.drawnAt + board.DRAW_MS - performance.now());
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
      this.drawnAt = performance.now();
      // What is there is drawn: A need not wait for a B that is still in the queue.
      const first = board.runs.findIndex((run) => run.version === 0);
      const runs = first < 0 ? board.runs : board.runs.slice(0, first);
      if (!runs.length) {
        this.say(board.loads ? lab.runsSaid.waiting() : "No run");
        return;
      }
      const memcgs = Math.max(...runs.map((run) => run.memcgs.length));
      const none = (spec.of_memcgs && memcgs === 0)
        || runs.every((run) => run.ended && lab.charts.missing(spec, run));
      const width = this.plot.clientWidth;
      if (width < 50) return;
      const height = none ? NOTHING_PX : this.height(runs, memcgs, width);
      if (this.plot.style.height !== `${height}px`) this.plot.style.height = `${height}px`;
      const tickLabels = !document.querySelector('[data-player="axis"]');
      this.at = lab.clock.state.t;
      const figure = lab.charts.pageFigure(spec, runs, board.theme,
        { width, height, zoom: this.zoom, at: this.at, hidden: this.off, tickLabels });
      this.bound = figure.bound;
      this.over.style.bottom = `${figure.layout.margin.b}px`;
      // Kept: reading it while the playhead moves would lay the page out at every frame.
      this.across = width - board.theme.margin_left - board.theme.margin_right;
      delete this.section.dataset.stale;
      const unfinished = board.running() && figure.bound.empty === spec.nothing;
      this.say(unfinished ? "Nothing yet" : figure.bound.empty);
      this.readout.show(figure.bound);
      const notes = figure.bound.notes.join(". ");
      if (this.note.textContent !== notes) this.note.textContent = notes;
      const said = this.moment && !figure.bound.empty ? lab.charts.spoken(figure.bound) : "";
      this.canvas.setAttribute("aria-label", `${spec.title}. ${said || spec.question}`);
      if (this.moment && !figure.bound.empty) lab.drawMoment(this.canvas, figure, board.theme);
      else if (!figure.bound.empty) {
        // react() draws an axis that a second panel brings before it has a length: begin anew.
        const axes = Object.keys(figure.layout).filter((key) => key.includes("axis")).join();
        const { react, newPlot } = root.Plotly;
        await (axes === this.axes ? react : newPlot)(
          this.canvas, figure.data, figure.layout, PLOTLY);
        this.axes = axes;
      }
      if (!this.table.hidden) this.fillTable();
      this.section.dataset.drawn = board.running() ? "part" : "whole";
      this.place();
      this.readout.read();
    }

    height(runs, memcgs, width) {
      const { spec, off } = this;
      if (spec.draw === "lists") return lab.charts.listsHeight(spec, runs, board.theme, width);
      if (spec.draw === "matrix") return lab.charts.matrixHeight(spec, runs, board.theme, off);
      return lab.charts.pageHeight(spec, board.theme.limits, runs.length, memcgs);
    }

    /** The playhead has moved: drawn again, while it plays no oftener than can be read. */
    follow({ t, playing }) {
      if (!this.moment || !this.bound || t === this.at) return;
      if (playing && performance.now() - this.drawnAt < FOLLOW_MS) return;
      this.needs(true);
    }

    /** The page's link, for a chart of one moment with the moment. */
    link(url) {
      const [page, view] = url.split("#");
      if (!this.moment) return url;
      const keys = new URLSearchParams(view);
      keys.set("at", Math.round(this.at * 1000));
      return `${page}#${keys}`;
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
      moveLine(this.veil, !hide, x);
      moveLine(this.head, !hide && inside >= 0 && inside <= this.across, x);
      const cursor = board.cursor === null ? -1 : (board.cursor - begin) / perPx;
      moveLine(this.cross, cursor >= 0 && cursor <= this.across, cursor);
      this.placeChosen(begin, perPx);
    }

    placeChosen(begin, perPx) {
      const span = lab.selection.span();
      const edges = span ? [span.t0, span.t1].map((t) => (t - begin) / perPx) : [-2, -1];
      const [left, right] = edges.map((x) => Math.max(0, Math.min(x, this.across)));
      moveLine(this.chosen, span !== null && right > left, left);
      this.chosen.style.width = `${Math.max(0, right - left).toFixed(1)}px`;
    }

    fillTable() {
      const table = lab.exports.tableOf(this.spec, board.runs, board.theme, this.zoom);
      table.className = "table";
      this.table.replaceChildren(table);
      this.table.tabIndex = 0;
      this.table.setAttribute("role", "region");
      this.table.setAttribute("aria-label", `${this.spec.title}, data`);
    }
  }

  function moveLine(line, visible, x) {
    const display = visible ? "block" : "none";
    if (line.style.display !== display) line.style.display = display;
    if (visible) line.style.transform = `translateX(${x.toFixed(1)}px)`;
  }

  Object.assign(lab, { Chart, moveLine });
})(window);
