/* A selected interval of simulated time: what is in it, for each run, in a strip of numbers.
 *
 * reclaimLab.selection.{set, clear, span, zoom, stats}; event rl:selection {t0, t1} on document.
 * `stats` is pure; tests compare it with numpy on the Result.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const REST_MS = 250;
  const PAGE_SECTORS = 8;
  const SECTORS_PER_KIB = 2;
  const STALLS = ["count", "total", "p50", "p99", "max"];

  // ---- numbers

  /** Nearest rank, as sim.observe.metrics: always one of the (sorted) lengths. */
  function percentile(sorted, percent) {
    if (!sorted.length) return 0;
    return sorted[Math.max(Math.ceil((percent * sorted.length) / 100), 1) - 1];
  }

  /** Of events that ended after t0 and not after t1, s; null = not recorded. */
  function stats(run, t0, t1) {
    return { io: requestStats(run, t0, t1), stalls: stallStats(run, t0, t1) };
  }

  const recorded = (run, family) => run.families[family] === "present";

  function requestStats(run, t0, t1) {
    if (!recorded(run, "io")) return null;
    const io = run.events.io || { t: [] };
    const found = { requests: 0, sectors: 0, seeks: 0, pages: {} };
    for (let k = 0; k < io.t.length; k++) {
      if (!(io.t[k] > t0 && io.t[k] <= t1)) continue;
      found.requests += 1;
      found.sectors += io.size[k];
      if (io.positioned[k] === 255) found.seeks = null;
      else if (found.seeks !== null && io.positioned[k] === 1) found.seeks += 1;
      if (io.write[k] === 1) {
        found.pages[io.issuer[k]] = (found.pages[io.issuer[k]] || 0) + io.size[k] / PAGE_SECTORS;
      }
    }
    found.kib_mean = found.requests ? found.sectors / SECTORS_PER_KIB / found.requests : null;
    return found;
  }

  function stallStats(run, t0, t1) {
    if (!recorded(run, "stalls")) return null;
    const stalls = run.events.stalls || { t: [] };
    const ms = [];
    for (let k = 0; k < stalls.t.length; k++) {
      if (stalls.t[k] > t0 && stalls.t[k] <= t1) ms.push(stalls.length[k] * 1e3);
    }
    ms.sort((a, b) => a - b);
    return {
      count: ms.length, total: ms.reduce((sum, x) => sum + x, 0), p50: percentile(ms, 50),
      p99: percentile(ms, 99), max: ms.length ? ms[ms.length - 1] : 0,
    };
  }

  // ---- the interval

  let span = null;

  function set(t0, t1) {
    const { duration, interval } = lab.clock.state;
    const inside = [t0, t1].map((t) => Math.min(Math.max(t, 0), duration)).sort((a, b) => a - b);
    if (!(inside[1] - inside[0] >= Math.min(interval, duration) / 10)) return;
    change({ t0: inside[0], t1: inside[1] });
  }

  const clear = () => span && change(null);

  function change(next) {
    span = next;
    show();
    lab.fire("rl:selection", next || { t0: null, t1: null });
  }

  function zoom() {
    if (span) lab.player.zoom(span.t0, span.t1);
  }

  /** The playhead's place: the first press is one end, the second the other. */
  let marked = null;
  function mark() {
    const { t } = lab.clock.state;
    if (marked === null || marked === t) marked = t;
    else {
      set(marked, t);
      marked = null;
    }
  }

  // ---- the strip

  const strip = () => document.querySelector("[data-selection]");

  function text(x, digits = 3) {
    if (x === null || x === undefined) return "–";
    if (Math.abs(x) >= 1000) return lab.charts.thousands(Math.round(x));
    return String(Number(x.toPrecision(digits)));
  }

  const digitsOf = (length) => (length < 1 ? 4 : length < 10 ? 3 : 2);

  function show() {
    const place = strip();
    if (!place) return;
    place.hidden = !span;
    if (!span) return;
    const { t0, t1 } = span;
    const seen = lab.clock.atEnd() ? t1 : Math.min(t1, Math.max(t0, lab.clock.state.t));
    const digits = digitsOf(t1 - t0);
    const part = seen < t1 ? `, counted up to the playhead at ${seen.toFixed(digits)} s` : "";
    place.querySelector("[data-selection-span]").textContent =
      `${t0.toFixed(digits)} to ${t1.toFixed(digits)} s (${text(t1 - t0)} s${part})`;
    const runs = lab.runs().filter((run) => run.version);
    place.querySelector("[data-selection-table]").replaceChildren(tableOf(runs, t0, seen));
  }

  function tableOf(runs, t0, t1) {
    const issuers = (lab.theme() || { issuers: [] }).issuers;
    const rows = runs.map((run) => ({ run, ...stats(run, t0, t1) }));
    const writers = issuers.filter((s) => rows.some((row) => row.io && row.io.pages[s.code]));
    const heads = [
      ...(runs.length > 1 ? [["Run", ""]] : []),
      ["Requests", ""], ["Mean", "KiB"], ["Seeks", ""], ["Stalls", ""], ["Stalled", "ms"],
      ["p50", "ms"], ["p99", "ms"], ["Longest", "ms"],
      ...writers.map((s) => [s.label, "pages"]),
    ];
    const table = document.createElement("table");
    table.className = "table selection-table";
    const top = table.createTHead().insertRow();
    for (const [name, unit] of heads) {
      const head = document.createElement("th");
      head.scope = "col";
      head.textContent = unit ? `${name}, ${unit}` : name;
      top.append(head);
    }
    const body = table.createTBody();
    for (const { run, io, stalls } of rows) {
      const row = body.insertRow();
      const cells = [
        ...(runs.length > 1 ? [run.label] : []),
        text(io && io.requests), text(io && io.kib_mean), text(io && io.seeks),
        ...STALLS.map((name) => text(stalls && stalls[name])),
        ...writers.map((s) => text(io && Math.round(io.pages[s.code] || 0))),
      ];
      for (const one of cells) row.insertCell().textContent = one;
    }
    return table;
  }

  let timer = 0;
  function soon() {
    if (!span || timer) return;
    timer = setTimeout(() => {
      timer = 0;
      show();
    }, REST_MS);
  }

  const ACTIONS = { zoom, clear };
  const KEYS = { z: zoom, m: mark, Escape: clear };
  const FIELDS = "input, select, textarea, [contenteditable], dialog[open]";

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-selection-do]");
    if (button) ACTIONS[button.dataset.selectionDo]();
  });
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = KEYS[event.key];
    if (!act || (event.target.closest && event.target.closest(FIELDS))) return;
    act();
  });
  document.addEventListener("rl:status", soon);
  document.addEventListener("rl:player", soon);

  lab.selection = { set, clear, zoom, mark, stats, span: () => span };
})(window);
