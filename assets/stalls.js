/* The table of stalls, in drsnoop's columns and with what each was spent on: sorted by keyboard,
 * a press zooms the charts to the stall. Made only while its tab is open.
 */
(function (root) {
  "use strict";

  const lab = root.reclaimLab;
  const ROWS = 100;
  const REST_MS = 400;
  const AROUND = 0.5; // of the stall's length, shown before and after it
  const AROUND_SAMPLES = 2; // at least

  const us = (value) => (value > 0 ? value / 1000 : value === undefined || value < 0 ? NaN : 0);

  /** name, what a row's value is, whether it is a number, what it means. */
  const COLUMNS = [
    ["TIME(s)", (row) => row.begin, true, "Beginning of the stall, simulated time"],
    ["COMM", (row) => row.comm, false, "Task"],
    ["PID", (row) => row.pid, true, "Process id in the run's trace"],
    ["LAT(ms)", (row) => row.ms, true, "From entering to leaving"],
    ["PAGES", (row) => row.pages, true, "Pages that this call freed"],
    ["KIND", (row) => row.kind, false, "What the task stood still in"],
    ["congestion_wait", (row) => row.congestion, true, "ms asleep in congestion_wait"],
    ["writepage", (row) => row.writepage, true, "ms in ->writepage, mostly asleep for a request"],
    ["page wait", (row) => row.page, true, "ms waiting for a page under writeback"],
    ["pause", (row) => row.pause, true, "ms paused by balance_dirty_pages"],
    ["rest", (row) => row.rest, true, "ms in none of these: scanning, waiting for the CPU"],
  ];
  const state = { by: 3, down: true, shown: ROWS, timer: 0, key: "" };

  const place = () => document.getElementById("stalls-list");
  const open = () => place() && place().offsetParent !== null;

  function rowsOf(run) {
    const stalls = run.events.stalls;
    if (!stalls || run.families.stalls !== "present") return [];
    const kinds = kindNames();
    const span = lab.selection.span();
    const rows = [];
    for (let k = 0; k < stalls.t.length; k++) {
      if (span && !(stalls.t[k] > span.t0 && stalls.t[k] <= span.t1)) continue;
      rows.push(rowOf(run, stalls, k, kinds));
    }
    return rows;
  }

  function rowOf(run, stalls, k, kinds) {
    const task = (run.about.tasks || [])[stalls.task[k]] || {};
    const ms = stalls.length[k] * 1e3;
    const [congestion, writepage, page, pause] = ["congestion_us", "writepage_us", "page_wait_us",
      "pause_us"].map((name) => us(stalls[name] && stalls[name][k]));
    const told = [congestion, writepage, page, pause].filter((x) => !Number.isNaN(x));
    const known = told.reduce((sum, x) => sum + x, 0);
    return {
      run, k, begin: stalls.begin[k], end: stalls.t[k], ms, comm: run.taskName(stalls.task[k]),
      pid: task.pid > 0 ? task.pid : NaN, kind: kinds[stalls.kind[k]] || "unknown",
      pages: stalls.reclaimed && stalls.reclaimed[k] >= 0 ? stalls.reclaimed[k] : NaN,
      congestion, writepage, page, pause, rest: told.length ? Math.max(0, ms - known) : NaN,
    };
  }

  function kindNames() {
    const spec = lab.spec("stall_timeline");
    return spec ? Object.fromEntries(spec.panels[0].lines.map((l) => [l.column, l.label])) : {};
  }

  function sorted(rows) {
    const value = COLUMNS[state.by][1];
    const sign = state.down ? -1 : 1;
    const order = (a, b) => {
      const [x, y] = [value(a), value(b)];
      if (typeof x === "string") return sign * x.localeCompare(y);
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
      return sign * (x - y);
    };
    return rows.sort((a, b) => order(a, b) || a.begin - b.begin);
  }

  const text = (x, digits) => {
    if (typeof x === "string") return x;
    return Number.isNaN(x) ? "–" : digits === undefined ? String(x) : x.toFixed(digits);
  };
  const DIGITS = [6, undefined, undefined, 3, undefined, undefined, 3, 3, 3, 3, 3];

  function headRow(paired) {
    const row = document.createElement("tr");
    if (paired) row.append(lab.make("th", "RUN", { scope: "col" }));
    COLUMNS.forEach(([name, , number, meaning], i) => {
      const here = i === state.by;
      const direction = here ? (state.down ? "descending" : "ascending") : "none";
      const head = lab.make("th", "", { scope: "col", "aria-sort": direction,
        class: number ? "num" : "" });
      const sign = here ? (state.down ? " ▾" : " ▴") : "";
      head.append(lab.make("button", name + sign, { class: "sort", type: "button", title: meaning,
        "data-sort": i }));
      row.append(head);
    });
    return row;
  }

  function bodyRow(row, paired) {
    const made = document.createElement("tr");
    if (paired) made.append(lab.make("td", row.run.label));
    COLUMNS.forEach(([name, value, number], i) => {
      const cell = lab.make("td", "", number ? { class: "num" } : {});
      const words = text(value(row), DIGITS[i]);
      if (i === 0) {
        const label = `${words} s: show this stall of ${row.comm} in the charts`;
        const go = lab.make("button", words,
          { class: "sort", type: "button", "aria-label": label });
        go.addEventListener("click", () => show(row));
        cell.append(go);
      } else cell.textContent = words;
      made.append(cell);
    });
    return made;
  }

  /** In the charts: selected, with as much again around it. */
  function show({ begin, end, run, k }) {
    const least = AROUND_SAMPLES * lab.clock.state.interval;
    const around = Math.max(least, (end - begin) * AROUND);
    document.getElementById("tab-charts").click();
    lab.player.zoom(begin - around, end + around);
    lab.selection.set(begin, end);
    lab.fire("rl:select", { kind: "stalls", run: run.label, key: run.key, index: k, t_s: end });
    const chart = document.querySelector("[data-figure=stall_timeline]");
    if (chart) chart.scrollIntoView({ block: "center" });
  }

  function draw() {
    const box = place();
    if (!open()) return;
    const runs = lab.runs().filter((run) => run.version);
    const paired = lab.runs().length > 1;
    const rows = sorted(runs.flatMap(rowsOf));
    const focused = box.contains(document.activeElement) && document.activeElement.dataset.sort;
    const table = lab.make("table", "", { class: "table stall-table" });
    const [head, body] = [table.createTHead(), table.createTBody()];
    head.append(headRow(paired));
    body.append(...rows.slice(0, state.shown).map((row) => bodyRow(row, paired)));
    const scroll = lab.make("div", "", { class: "scroll-x", tabindex: 0, role: "region",
      "aria-label": "Stalls" });
    scroll.append(table);
    const parts = [lab.make("p", summary(runs, rows), { class: "quiet", role: "status" }), scroll];
    if (rows.length > state.shown) {
      const more = lab.make("button", `${ROWS} more`, { class: "button", type: "button" });
      more.addEventListener("click", () => {
        state.shown += ROWS;
        draw();
      });
      parts.push(more);
    }
    box.replaceChildren(...(rows.length ? parts : parts.slice(0, 1)));
    if (focused) box.querySelector(`[data-sort="${focused}"]`).focus();
  }

  function summary(runs, rows) {
    if (!runs.length) return "No run yet.";
    const why = runs.map((run) => run.families.stalls)
      .find((said) => said && said !== "present");
    if (!rows.length) return why ? `Not recorded: ${why}` : "No task stalled.";
    const span = lab.selection.span();
    const inside = span
      ? ` that ended in the selected ${span.t0.toFixed(3)} to ${span.t1.toFixed(3)} s` : "";
    const all = lab.charts.thousands(rows.length);
    const thinned = runs.some((run) => (run.totals.stalls || 0) > run.events.stalls.t.length);
    return `${all} stalls${inside}; ${Math.min(rows.length, state.shown)} shown.`
      + (thinned ? " Only every few of them reached the page; the download has all." : "");
  }

  function soon() {
    if (state.timer) return;
    state.timer = setTimeout(() => {
      state.timer = 0;
      draw();
    }, REST_MS);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-sort]");
    if (button && place() && place().contains(button)) {
      const by = Number(button.dataset.sort);
      state.down = by === state.by ? !state.down : COLUMNS[by][2];
      Object.assign(state, { by, shown: ROWS });
      draw();
    }
    if (event.target.closest && event.target.closest("#tab-stalls")) draw();
  });
  for (const name of ["rl:status", "rl:selection", "rl:tab"]) document.addEventListener(name, soon);
})(window);
