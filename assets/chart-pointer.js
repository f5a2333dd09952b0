/* The pointer over a chart: cursor, click to seek or to choose an event, drag to select a span. */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const { board } = lab;

  /** The read-out of a chart whose axis is a length. */
  function lengths(chart) {
    const { over } = chart;
    const read = (ms) => {
      chart.lengthMs = ms;
      chart.readout.read();
      chart.flag.hidden = ms === null;
    };
    over.addEventListener("pointermove", (event) => {
      if (!chart.bound || chart.bound.empty) return;
      const [low, high] = chart.bound.x.range;
      const box = over.getBoundingClientRect();
      const x = event.clientX - box.left;
      const at = low + (x / box.width) * (high - low);
      const ms = chart.spec.scale === "log" ? 10 ** at : Math.max(0, at);
      lab.moveLine(chart.cross, true, x);
      read(ms);
      chart.flag.textContent = `≤ ${ms < 1000 ? lab.format(ms) : lab.format(ms / 1000)} `
        + `${ms < 1000 ? "ms" : "s"}`;
      const left = x > box.width - 90 ? x - chart.flag.offsetWidth - 4 : x + 4;
      chart.flag.style.transform = `translateX(${left.toFixed(1)}px)`;
    });
    over.addEventListener("pointerleave", () => {
      lab.moveLine(chart.cross, false, 0);
      read(null);
    });
  }

  const DRAG_PX = 4;
  const NEAR_PX = 9;

  function times(chart) {
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
        lab.moveLine(chart.brush, true, Math.max(0, left));
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
      lab.moveLine(chart.brush, false, 0);
      if (Math.abs(to - begin) > DRAG_PX) lab.selection.set(time(begin), time(to));
      else if (!select(chart, event)) lab.player.seek(time(to));
    });
    const leave = () => {
      from = null;
      lab.moveLine(chart.brush, false, 0);
      setCursor(null);
      tip(chart, null);
    };
    over.addEventListener("pointercancel", leave);
    over.addEventListener("pointerleave", () => from === null && leave());
    over.addEventListener("dblclick", () => lab.player.resetZoom());
  }

  let cursorFrame = 0;
  function setCursor(t) {
    board.cursor = t;
    cursorFrame = cursorFrame || requestAnimationFrame(() => {
      cursorFrame = 0;
      for (const chart of board.charts.values()) {
        chart.place();
        chart.readout.read();
      }
      lab.timeAxis.place();
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
    const run = board.runs[count > 1 ? index : 0];
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
      const dy = (panel.place(io.offset[k]) - y) / perPxY;
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
    lab.fire("rl:select", {
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
      tipBox = lab.element("div", "figure-tip", style);
      document.body.append(tipBox);
    }
    tipBox.textContent = describe(found, eventOf(found));
    Object.assign(tipBox.style, { left: "0", top: "0" });
    tipBox.hidden = false;
    const right = event.clientX + 14 + tipBox.offsetWidth > root.innerWidth;
    const left = right ? event.clientX - 14 - tipBox.offsetWidth : event.clientX + 14;
    tipBox.style.transform = `translate(${Math.max(0, left)}px, ${event.clientY + 14}px)`;
  }

  const ms = (us) => `${lab.format(us / 1000)} ms`;

  function describe({ family, run }, e) {
    const who = board.runs.length > 1 ? `${run.label}, ` : "";
    const task = run.taskName(e.task);
    if (family === "io") {
      const style = board.theme.issuers.find((s) => s.code === e.issuer);
      const way = e.write === 1 ? "write" : "read";
      const waited = e.wait_us >= 0 ? `\nqueued to done ${ms(e.wait_us)}` : "";
      return `${who}${way} of ${lab.format(e.size / 2)} KiB at ${e.offset.toFixed(3)} GiB\n`
        + `${style ? style.label : "unknown"}${e.task >= 0 ? ` (${task})` : ""}, `
        + `done ${e.t.toFixed(6)} s${waited}`;
    }
    const kinds = board.specs.stall_timeline.panels[0].lines;
    const kind = kinds.find((line) => Number(line.column) === e.kind);
    const parts = [["congestion_wait", e.congestion_us], ["writepage", e.writepage_us],
      ["page writeback", e.page_wait_us], ["paused", e.pause_us]]
      .filter(([, us]) => us > 0).map(([name, us]) => `${name} ${ms(us)}`);
    const scanned = e.scanned > 0 ? `\nscanned ${e.scanned}, reclaimed ${e.reclaimed} pages` : "";
    return `${who}${task}: ${kind ? kind.label : "stall"} ${ms(e.length * 1e6)}\n`
      + `from ${e.begin.toFixed(6)} s${parts.length ? `\n${parts.join(", ")}` : ""}${scanned}`;
  }

  lab.pointer = { times, lengths };
})(window);
