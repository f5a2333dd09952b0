/* Runs are followed as they are computed, and the page says how far they are.
 *
 * reclaimLab.load, clear, runs, viewer; events rl:status, rl:headline, rl:error on document.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const { board } = lab;
  const UNTIL_LOADED = "Waiting for the first samples";
  const viewer = Array.from(crypto.getRandomValues(new Uint8Array(8)),
    (byte) => byte.toString(16).padStart(2, "0")).join("");

  // ---- what the page says about runs

  function waiting() {
    const run = board.runs.find((r) => r.version === 0) || board.runs[0];
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
    if (unit !== "ms") return lab.format(value);
    return value >= 1000 ? `${Number((value / 1000).toPrecision(3))} s` : `${lab.format(value)} ms`;
  }

  const of = (item) => item.dataset.run || "A";

  function showRuns() {
    for (const item of document.querySelectorAll("[data-run-state]")) {
      const run = board.runs.find((r) => r.label === of(item));
      const text = run ? stateText(run) : "";
      if (item.textContent !== text) item.textContent = text;
      item.dataset.state = run ? run.state : "EMPTY";
    }
    for (const item of document.querySelectorAll("[data-headline]")) {
      const run = board.runs.find((r) => r.label === of(item));
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
    if (mine !== board.loads) return;
    const before = `${run.state},${run.position},${run.message}`;
    Object.assign(run, { state: news.state, position: news.position || 0,
      message: news.message || "" });
    if (["DONE", "FAILED", "CANCELLED"].includes(run.state)) run.ended = true;
    const same = before === `${run.state},${run.position},${run.message}`;
    if (same && run.seen === run.version) return;
    const detail = { key: run.key, run: run.label };
    lab.fire("rl:status", { ...detail, state: run.state, position: run.position,
      fraction: run.fraction, simulated_s: run.simulated_s, message: run.message });
    if (run.seen !== run.version) {
      run.seen = run.version;
      lab.fire("rl:headline", { ...detail, headline: run.headline, done: run.done });
      const there = board.runs.filter((r) => r.version);
      const available = Math.min(...board.runs.map((r) => (r.version ? r.simulated_s : 0)));
      const times = run.times;
      lab.clock.extend(Math.max(...there.map((r) => r.duration_s)), available,
        times.length > 1 ? times[1] - times[0] : 0);
    }
    if (run.state === "FAILED") {
      lab.fire("rl:error", { ...detail, message: run.message, lost: Boolean(news.lost) });
    }
    showRuns();
    lab.timeAxis.draw();
    board.allNeed(false);
  }

  function load(list, options = {}) {
    const wanted = (list || []).filter((item) => item && item.key).slice(0, 4);
    const signature = JSON.stringify(wanted.map((item) => item.key));
    const broken = board.runs.some((run) => ["FAILED", "CANCELLED"].includes(run.state));
    if (signature === board.signature && !broken) return false;
    board.signature = signature;
    board.loads += 1;
    const mine = board.loads;
    if (board.abort) board.abort.abort();
    board.abort = new AbortController();
    const { signal } = board.abort;
    board.runs = wanted.map((item, i) => {
      const label = /^[A-D]$/.test(item.label || "") ? undefined : item.label;
      const about = { title: item.title || label, digest: item.digest, seed: item.seed };
      const run = new lab.frames.RunBuffer(item.key, "ABCD"[i], about);
      const fresh = { state: "LOADING", position: 0, message: "", ended: false, seen: 0 };
      return Object.assign(run, fresh);
    });
    lab.clock.reset();
    for (const chart of board.charts.values()) {
      chart.bound = null;
      chart.section.dataset.stale = "true";
      delete chart.section.dataset.drawn;
    }
    for (const run of board.runs) {
      lab.frames.follow(run, { viewer: lab.viewer, signal, tell: (news) => told(run, news, mine) })
        .then(() => mine === board.loads && options.autoplay && run.done && autoplay());
    }
    showRuns();
    lab.timeAxis.draw();
    board.allNeed(false);
    return true;
  }

  function autoplay() {
    if (!board.running() && !root.matchMedia("(prefers-reduced-motion: reduce)").matches) {
      lab.player.play();
    }
  }

  lab.runsSaid = { show: showRuns, waiting };
  Object.assign(lab, { viewer, load, clear: () => load([]), runs: () => board.runs });
})(window);
