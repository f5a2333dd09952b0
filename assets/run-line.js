/* The run: asked for, shown with its progress, cancelled, tried again; and the card of one that
 * cannot be shown.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const SETTLE_MS = 250;
  const SETTLE_TRIES = 40;
  const RESUBMIT_MAX = 3;
  const LETTERS = "ABCD";
  const $ = (id) => document.getElementById(id);
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));
  const dash = () => root.dash_clientside;
  const state = {
    runs: [], // of the last load
    status: {}, // run letter -> last status
    started: 0,
  };

  function again() {
    const { target } = lab.form.state;
    lab.start.again(target ? target.link : location.search);
  }

  /** The server did not say what it runs. */
  function unanswered(error) {
    showCard({ title: "The server did not answer", text: error.message, facts: [], retry: true });
  }

  function load(run, overlay) {
    const keys = (runs) => runs.map((r) => r.key || "").join();
    if (keys(run.runs) !== keys(state.runs)) {
      state.status = {};
      state.started = performance.now();
    }
    state.runs = run.runs;
    showCount(run.runs.length);
    const refused = run.runs.find((r) => r.refused);
    runLines();
    showCard(refused ? refusalCard(refused) : null);
    const withB = overlay === "on";
    const loaded = run.runs.filter((r) => r.key).slice(0, withB || run.runs.length < 2 ? 4 : 1);
    const charts = loaded.map((r) => ({
      key: r.key, label: r.label, title: r.title, digest: r.digest, seed: r.seed,
      url: location.origin + "/" + (r.search || location.search),
    }));
    lab.load(charts, { rec: run.rec, autoplay: false });
    followUnloaded(run.runs.slice(loaded.length));
  }

  /* What belongs to runs that are not there is hidden; buttons name the run they add or drop. */
  function showCount(count) {
    const page = lab.form.page();
    page.classList.toggle("is-paired", count > 1);
    page.dataset.runs = count;
    $("compare-fork-more").textContent = `Add ${LETTERS[count] || ""}`;
    $("compare-drop").textContent = `Drop ${LETTERS[Math.max(1, count - 1)]}`;
  }

  /* B without overlay is computed, too: its numbers are in the table. */
  function followUnloaded(runs) {
    runs.forEach((r) => {
      if (!r.key) return;
      const ask = () => {
        if (!state.runs.includes(r)) return;
        fetch(`/api/status/${r.key}`, { headers: { "X-Viewer": lab.viewer } })
          .then((answer) => (answer.ok ? answer.json() : null))
          .then((status) => {
            if (!status) return;
            onStatus({ ...status, run: letterOf(r) });
            if (!ended(status.state)) setTimeout(ask, 500);
          });
      };
      ask();
    });
  }

  const letterOf = (run) => LETTERS[state.runs.indexOf(run)] || "A";
  const runOf = (letter) => state.runs[LETTERS.indexOf(letter)];
  const ended = (name) => ["DONE", "FAILED", "CANCELLED"].includes(name);

  function runLines() {
    for (const line of all("[data-run-line]")) {
      const run = runOf(line.dataset.runLine);
      line.hidden = !run;
      if (!run) continue;
      const seed = run.seed === undefined ? "" : ` · seed ${run.seed}`;
      const digest = run.digest ? ` · ${run.digest}` : "";
      line.querySelector("[data-run-name]").textContent = `${run.label}${seed}${digest}`;
      progress(line.dataset.runLine, state.status[line.dataset.runLine] || {});
    }
  }

  function progress(letter, status) {
    const line = document.querySelector(`[data-run-line="${letter}"]`);
    if (!line) return;
    const bar = line.querySelector(".run-bar");
    bar.classList.toggle("is-complete", ended(status.state));
    bar.firstElementChild.style.width = `${Math.round((status.fraction || 0) * 100)}%`;
    const cancel = line.querySelector("[data-cancel]");
    cancel.hidden = !(status.state === "RUNNING" || status.state === "QUEUED");
    const clock = line.querySelector("[data-run-clock]");
    clock.textContent = clockText(status);
  }

  function clockText(status) {
    if (status.state === "RUNNING" || status.state === "QUEUED") {
      return `${((performance.now() - state.started) / 1000).toFixed(1)} s`;
    }
    if (status.state === "DONE" && status.wall_s > 0 && status.simulated_s > 0) {
      const run = runOf(status.run) || {};
      if (run.seed === undefined) return `${Number(status.simulated_s.toFixed(1))} s recorded`;
      const wall = status.wall_s < 10 ? status.wall_s.toFixed(2) : status.wall_s.toFixed(0);
      return `${Number(status.simulated_s.toFixed(1))} s simulated in ${wall} s`;
    }
    return "";
  }

  function onStatus(status) {
    const before = state.status[status.run] || {};
    const fresh = before.state !== status.state;
    state.status[status.run] = { ...before, ...status };
    progress(status.run, state.status[status.run]);
    if (!fresh) return;
    announce(status);
    if (status.state === "FAILED" || status.state === "CANCELLED") {
      showCard(endCard(status));
    }
    if (status.state === "DONE") settle(status.run, SETTLE_TRIES);
  }

  function announce(status) {
    const live = $("shell-live");
    const name = state.runs.length > 1 ? `Run ${status.run}` : "Run";
    const words = { RUNNING: "started", DONE: "done", FAILED: "failed", CANCELLED: "cancelled",
      QUEUED: "queued" };
    if (live) live.textContent = `${name} ${words[status.state] || status.state}.`;
  }

  /* The last frame may be here before the Result is in the cache: wait until it is. */
  function settle(letter, tries) {
    const run = runOf(letter);
    if (!run || !run.key) return;
    fetch(`/api/status/${run.key}`, { headers: { "X-Viewer": lab.viewer } })
      .then((answer) => (answer.ok ? answer.json() : null))
      .then((more) => {
        if (!more || runOf(letter) !== run) return;
        if (more.state !== "DONE") {
          if (tries > 0) setTimeout(settle, SETTLE_MS, letter, tries - 1);
          return;
        }
        const { wall_s, simulated_s } = more;
        Object.assign(state.status[letter], { wall_s, simulated_s, complete: true });
        progress(letter, state.status[letter]);
        finishedWhenAll();
      });
  }

  function finishedWhenAll() {
    const letters = state.runs.map((_run, i) => LETTERS[i]);
    if (!letters.every((letter) => (state.status[letter] || {}).complete)) return;
    const keys = state.runs.map((run) => run.key);
    const labels = state.runs.map((run, i) => (state.runs.length > 1 ? run.label : "Value"));
    dash().set_props("state-finished", { data: { keys, labels } });
    document.dispatchEvent(new CustomEvent("rl:finished"));
  }

  // ---- the card of a run that cannot be shown

  function refusalCard(run) {
    const titles = { BUSY: "The server is busy", LIMIT: "This is past a limit of this server",
      MISSING: "This file is not here" };
    return {
      title: titles[run.refused], text: run.message, calm: run.refused !== "LIMIT",
      facts: run.hint ? [["What helps", run.hint]] : [], retry: run.refused === "BUSY",
    };
  }

  function endCard(status) {
    const run = runOf(status.run) || {};
    const which = state.runs.length > 1 ? `Run ${status.run}` : "The run";
    const facts = [["Scenario", run.search || ""], ["Digest", run.digest || ""],
      ["Seed", String(run.seed ?? "")]];
    if (status.state === "CANCELLED") {
      return { title: `${which} was cancelled`, text: "What had been computed stays on the page.",
        calm: true, facts, retry: true };
    }
    return { title: `${which} failed`, text: status.message || "No reason was given.", facts,
      retry: true };
  }

  function showCard(card) {
    const place = $("run-card");
    if (!place) return;
    place.hidden = !card;
    if (!card) return;
    place.classList.toggle("is-calm", Boolean(card.calm));
    place.querySelector(".card-title").textContent = card.title;
    place.querySelector(".card-text").textContent = card.text;
    const facts = place.querySelector(".card-facts");
    facts.replaceChildren();
    for (const [name, value] of card.facts.filter((fact) => fact[1])) {
      facts.append(lab.make("dt", name), lab.make("dd", value));
    }
    $("run-retry").hidden = !card.retry;
  }

  function cancel(letter) {
    const run = runOf(letter);
    if (!run || !run.key) return;
    fetch(`/api/cancel/${run.key}`, { method: "POST", headers: { "X-Viewer": lab.viewer } })
      .then((answer) => (answer.ok ? answer.json() : null))
      .then((status) => status && onStatus({ ...status, run: letter }));
  }

  function onError(detail) {
    if (!detail.lost) return;
    if (lab.start.tries() < RESUBMIT_MAX) again();
    else showCard({ title: "The run is gone from the server", text: detail.message || "",
      facts: [], retry: true });
  }

  document.addEventListener("rl:status", (event) => onStatus(event.detail));
  document.addEventListener("rl:error", (event) => onError(event.detail));

  lab.runLine = { again, cancel, load, unanswered };
})(window);
