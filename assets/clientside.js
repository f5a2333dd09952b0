/* The page's own behaviour: controls ↔ stores, run line, tabs, theme, keys, upload.
 *
 * Charts, playback and their keys are playback.js's. Nothing here simulates or computes a metric.
 * dash_clientside.lab.* are the clientside callbacks named in dashboard/callbacks.
 */
(function () {
  "use strict";

  const SETTLE_MS = 250; // what is typed or dragged settles before the link changes
  const SETTLE_TRIES = 40;
  const ROWS_MS = 60;
  const RESUBMIT_MAX = 3;
  const CONTROL = "control";
  const state = {
    target: null, // what the controls shall say, from the last navigate
    sent: null, // values of the last form that was sent
    seq: 0,
    timer: 0,
    attempt: 0,
    runs: [], // of the last load
    status: {}, // run letter -> last status
    started: 0,
    ready: false,
  };
  const $ = (id) => document.getElementById(id);
  const all = (selector, root) => Array.from((root || document).querySelectorAll(selector));
  const dash = () => window.dash_clientside;
  const lab = () => document.querySelector(".lab");

  // ---- theme: before anything is drawn

  function wantedTheme() {
    const kept = store("theme");
    if (kept === "dark" || kept === "light") return kept;
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  function store(name, value) {
    try {
      if (value === undefined) return localStorage.getItem(`reclaim-lab-${name}`);
      localStorage.setItem(`reclaim-lab-${name}`, value);
    } catch (error) {
      console.info(`not kept: ${name} (${error.name})`); // storage is closed: private mode
    }
    return null;
  }

  function setTheme(name, keep) {
    document.documentElement.dataset.theme = name;
    if (keep) store("theme", name);
    if (window.reclaimLab && window.reclaimLab.setTheme) window.reclaimLab.setTheme(name);
  }

  setTheme(wantedTheme(), false);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    if (!store("theme")) setTheme(wantedTheme(), false);
  });

  // ---- the form: values of all controls, sent once they have settled

  const plain = (value) => String(value ?? "");
  const same = (a, b) => plain(a) === plain(b);

  function shownValues() {
    const values = {};
    const lists = dash().callback_context.inputs_list;
    const items = Array.isArray(lists[0]) ? lists[0] : lists;
    for (const item of items) values[item.id.path] = plain(item.value);
    return values;
  }

  function collect(_values, edit) {
    const values = shownValues();
    const touched = Object.keys(values).filter((p) => !same(values[p], shown(p)));
    decorate(values);
    const nothing = dash().no_update;
    if (!state.target) return nothing;
    clearTimeout(state.timer);
    state.timer = 0;
    const moved = Object.keys(values).filter((p) => !same(values[p], state.target.values[p]));
    if (!moved.length) return nothing;
    window.reclaimLab.inject.changing(moved, state.target);
    state.timer = setTimeout(() => {
      state.timer = 0;
      state.seq += 1;
      state.sent = values;
      const paired = lab().classList.contains("is-paired");
      const data = { values, edit: paired ? edit : "a", seq: state.seq };
      dash().set_props("state-form", { data });
      window.reclaimLab.inject.changed(data);
    }, touched.every(isPressed) ? 0 : SETTLE_MS);
    return nothing;
  }

  /* A control that is pressed has its value at once. */
  const isPressed = (path) => document.querySelector(`.row[data-path="${path}"] .toggles`) !== null;

  /* An answer to an older edit never undoes a newer one. */
  function apply(target, recordings) {
    const nothing = dash().no_update;
    if (!target || (target.seq !== null && target.seq < state.seq)) return nothing;
    const before = state.target;
    state.target = target;
    // One set_props wakes every component of the page: only for what differs.
    for (const [path, value] of Object.entries(target.values)) {
      if (same(shown(path), value)) continue;
      const unsent = state.timer && before && state.sent;
      if (unsent && shown(path) !== undefined && !same(shown(path), state.sent[path])) continue;
      dash().set_props({ room: CONTROL, path }, { value });
    }
    if ($("sidebar-edit")) pressed($("sidebar-edit"), target.edit);
    decorate(target.values);
    window.reclaimLab.inject.show(target);
    canonical(target);
    document.title = `${target.title} – Reclaim Lab`;
    setup(recordings);
    return nothing;
  }

  let lastShown = {};
  function shown(path) {
    return lastShown[path];
  }

  /* A link that was not canonical is rewritten in place: Back must not lead to it again. */
  function canonical(target) {
    if (target.seq === null && target.link && location.search !== target.link) {
      rewrite(target.link + location.hash);
    } else tellLink();
  }

  /* Changes the address bar without a new entry; dcc.Location has to hear of it. */
  function rewrite(link) {
    history.replaceState(history.state, "", link);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    tellLink();
  }

  function tellLink() {
    if (window.reclaimLab && window.reclaimLab.setLink) window.reclaimLab.setLink(location.href);
  }

  /* Marks what differs from the default, counts it for each group, shows shares in percent. */
  function decorate(values) {
    lastShown = values;
    for (const row of all(".row[data-path]")) {
      const text = plain(values[row.dataset.path]);
      const usual = row.dataset.default;
      const changed = text !== usual && !(usual === "" && (text === "0" || text === ""));
      row.classList.toggle("is-changed", changed);
    }
    for (const fold of all(".fold")) {
      const count = all(".row.is-changed", fold).length;
      const place = fold.querySelector(".count");
      if (place) place.textContent = count ? `${count} changed` : "";
    }
    for (const group of all(".row .toggles")) {
      pressed(group, plain(values[group.closest(".row").dataset.path]));
    }
    shares(values);
  }

  function pressed(group, value) {
    const chosen = group.dataset.many === "true" ? value.split(".") : [value];
    for (const button of all(".toggle", group)) {
      button.setAttribute("aria-pressed", String(chosen.includes(button.dataset.value)));
    }
  }

  /* A button of a group: one of many, or one alone; what it excludes goes off. */
  function toggle(button) {
    const group = button.closest(".toggles");
    const value = button.dataset.value;
    const id = group.id.startsWith("{") ? JSON.parse(group.id) : group.id;
    let next = value;
    if (group.dataset.many === "true") {
      const on = all('.toggle[aria-pressed="true"]', group).map((b) => b.dataset.value);
      const gone = button.dataset.excludes.split(".");
      const kept = on.filter((v) => v !== value && !gone.includes(v));
      next = (on.includes(value) ? on.filter((v) => v !== value) : [...kept, value]);
      next = next.sort().join(".");
    }
    pressed(group, next);
    dash().set_props(id, { value: next });
  }

  function shares(values) {
    const rows = all(".row-share");
    const share = (row) => Number(values[row.dataset.path]) || 0;
    const total = rows.reduce((sum, row) => sum + share(row), 0);
    const off = !Number(values["mix.rate_kib_per_s"]);
    for (const row of rows) {
      row.classList.toggle("is-off", off);
      const percent = total ? Math.round((share(row) / total) * 100) : 0;
      row.querySelector(".share-percent").textContent = `${percent} %`;
    }
  }

  /* Up and down in a number: one step of its control, with Shift ten. */
  function stepKeys(event) {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    const row = event.target.closest(".row[data-step]");
    const step = row ? Number(row.dataset.step) : 0;
    const now = Number(event.target.value);
    if (!by || !step || event.target.tagName !== "INPUT" || !Number.isInteger(now)) return;
    event.preventDefault();
    const value = String(Math.max(0, now + by * step * (event.shiftKey ? 10 : 1)));
    dash().set_props({ room: CONTROL, path: row.dataset.path }, { value });
  }

  // ---- the lists: rows and buttons write the text control, the link's own grammar

  const NEW_ITEM = {
    memcgs: (n) => `g${n}.64`,
    workloads: () => "seqw.root",
    interventions: () => `${Math.min(window.reclaimLab.inject.atMs(), lastMs())}.stall.disk.2000`,
  };

  /* Rows were drawn or changed. Drawing comes with a target: wait for it before comparing. */
  function rows() {
    const list = dash().callback_context.inputs_list[0] || [];
    if (list.length) setTimeout(() => rowsSettled(list), ROWS_MS);
    return dash().no_update;
  }

  function rowsSettled(list) {
    if (!state.target) return;
    const of = list[0].id.room.replace("cell-", "");
    const items = [];
    for (const cell of list) {
      const item = (items[cell.id.row] = items[cell.id.row] || {});
      item[cell.id.field] = String(cell.value ?? "").trim();
    }
    if (of === "interventions") items.forEach(mendChange);
    const text = items.map((item) => itemText(of, item)).join("~");
    if (text !== state.target.rows[of]) setList(of, text);
  }

  /* Another kind of change needs somebody of its own, and a value to begin with. */
  function mendChange(item, row) {
    const before = ((state.target.rows.interventions || "").split("~")[row] || "").split(".");
    const known = state.target.timeline[item.what] || {};
    if (!(item.whose in known)) item.whose = Object.keys(known)[0] || item.whose;
    if (item.what === before[1] && item.whose === before[2]) return;
    const { now, lo, hi } = known[item.whose] || { now: 0, lo: 0, hi: 1 };
    const switched = item.what === "patch" || item.what === "answer";
    item.value = String(switched ? 1 - now : Math.min(Math.max(now, lo), hi));
  }

  const lastMs = () => Math.max(0, Number(shown("duration_ms")) - 1);

  /* As rows_text of the server has it: the target says which letter stands before which field. */
  function itemText(of, item) {
    return state.target.cells[of].map(([letter, field]) => letter + item[field]).join(".");
  }

  function itemsOf(of) {
    const text = shown(of) || "";
    const repeated = /\.x\d/.test(text) && state.target && state.target.rows[of];
    return (repeated || text).split("~").filter(Boolean);
  }

  function setList(of, text) {
    dash().set_props({ room: CONTROL, path: of }, { value: text });
  }

  function addItem(of) {
    const items = itemsOf(of);
    const names = new Set(items.map((item) => item.split(".")[0]));
    let number = items.length + 1;
    while (names.has(`g${number}`)) number += 1;
    setList(of, [...items, NEW_ITEM[of](number)].join("~"));
  }

  function removeItem(of, row) {
    setList(of, itemsOf(of).filter((_item, i) => i !== row).join("~"));
  }

  // ---- the run

  function request(search) {
    state.attempt = 0;
    return { search: search || "", viewer: viewer(), attempt: 0 };
  }

  function viewer() {
    if (window.reclaimLab && window.reclaimLab.viewer) return window.reclaimLab.viewer;
    return "";
  }

  function again() {
    state.attempt += 1;
    const search = state.target ? state.target.link : location.search;
    const data = { search, viewer: viewer(), attempt: state.attempt };
    dash().set_props("state-request", { data });
  }

  function load(run, overlay) {
    const nothing = dash().no_update;
    if (!run) return nothing;
    const keys = (runs) => runs.map((r) => r.key || "").join();
    if (keys(run.runs) !== keys(state.runs)) {
      state.status = {};
      state.started = performance.now();
      dash().set_props("state-finished", { data: { keys: [] } });
    }
    state.runs = run.runs;
    lab().classList.toggle("is-paired", run.runs.length > 1);
    const refused = run.runs.find((r) => r.refused);
    runLines();
    showCard(refused ? refusalCard(refused) : null);
    const withB = overlay === "on";
    const loaded = run.runs.filter((r) => r.key).slice(0, withB || run.runs.length < 2 ? 4 : 1);
    if (window.reclaimLab) {
      const charts = loaded.map((r) => ({
        key: r.key, label: r.label, title: r.title, digest: r.digest, seed: r.seed,
        url: location.origin + "/" + (r.search || location.search),
      }));
      window.reclaimLab.load(charts, { rec: run.rec, autoplay: false });
    }
    followUnloaded(run.runs.slice(loaded.length));
    return nothing;
  }

  /* B without overlay is computed, too: its numbers are in the table. */
  function followUnloaded(runs) {
    runs.forEach((r) => {
      if (!r.key) return;
      const ask = () => {
        if (!state.runs.includes(r)) return;
        fetch(`/api/status/${r.key}`, { headers: { "X-Viewer": viewer() } })
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

  const letterOf = (run) => "AB"[state.runs.indexOf(run)] || "A";
  const runOf = (letter) => state.runs["AB".indexOf(letter)];
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
    fetch(`/api/status/${run.key}`, { headers: { "X-Viewer": viewer() } })
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
    const letters = state.runs.map((_run, i) => "AB"[i]);
    if (!letters.every((letter) => (state.status[letter] || {}).complete)) return;
    const keys = state.runs.map((run) => run.key);
    const labels = state.runs.map((run, i) => (state.runs.length > 1 ? run.label : "Value"));
    dash().set_props("state-finished", { data: { keys, labels } });
    document.dispatchEvent(new CustomEvent("rl:finished"));
  }

  // ---- tables: made here, since each Dash component slows down the whole page

  function cell(name, text, attributes) {
    const made = element(name, text);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    return made;
  }

  function tableOf(heads, bodyRows, className) {
    const made = cell("table", "", { class: className });
    const head = document.createElement("tr");
    head.append(...heads.map((text) => cell("th", text, { scope: "col" })));
    const [top, body] = [document.createElement("thead"), document.createElement("tbody")];
    top.append(head);
    body.append(...bodyRows);
    made.append(top, body);
    return made;
  }

  function table(data) {
    const nothing = dash().no_update;
    const place = $("compare-numbers");
    if (!data) {
      place.replaceChildren(
        cell("p", "The table of numbers comes when the run is done.", { class: "empty" }));
      return nothing;
    }
    const made = data.tables.map((one) => {
      const scroll = cell("div", "", { class: "scroll-x", tabindex: 0, role: "region",
        "aria-label": one.heads[0] });
      scroll.append(tableOf(one.heads, one.rows.map(numbersRow), "table numbers-table"));
      return scroll;
    });
    if (data.note) made.push(cell("p", data.note, { class: "quiet" }));
    place.replaceChildren(copyButtons(data), ...made);
    if (data.verdict) {
      place.prepend(cell("p", data.verdict, { class: "verdict", id: "compare-verdict" }));
    }
    return nothing;
  }

  function copyButtons(data) {
    const row = cell("p", "", { class: "copy-row" });
    const said = cell("span", "", { class: "copied", role: "status" });
    for (const [label, text] of [["Copy as Markdown", data.markdown],
      ["Copy as plain text (mail)", data.plain]]) {
      const button = cell("button", label, { class: "button", type: "button" });
      button.addEventListener("click", () => copyText(`${text}\n${location.href}\n`, said));
      row.append(button);
    }
    row.append(said);
    return row;
  }

  /* Without a clipboard (plain http) the text is shown, ready to be taken. */
  function copyText(text, said) {
    const byHand = () => {
      const field = cell("textarea", text, { class: "copy-text", rows: 12,
        "aria-label": "Text to copy", readonly: "" });
      said.parentElement.after(field);
      field.select();
      said.textContent = "press Ctrl+C";
    };
    if (!navigator.clipboard) return byHand();
    navigator.clipboard.writeText(text).then(() => { said.textContent = "copied"; }, byHand);
  }

  function numbersRow(row) {
    const made = document.createElement("tr");
    const cells = row.cells.map((text) => cell("td", text, { class: "num" }));
    if (row.mark) {
      const sign = row.mark === "better" ? "▲" : "▼";
      const mark = cell("span", `${sign} ${row.mark}`, { class: `mark mark-${row.mark}` });
      cells[cells.length - 1].append(" ", mark);
    }
    const title = cell("th", row.title, { scope: "row", title: row.formula });
    made.append(title, ...cells, cell("td", row.unit, { class: "unit" }));
    return made;
  }

  function listRecordings(recordings) {
    if (!recordings || !recordings.length) return;
    const heads = ["Recording", "Kernel", "Variant", "Open"];
    const body = recordings.map((one) => {
      const made = document.createElement("tr");
      const name = cell("th", one.title, { scope: "row" });
      name.append(cell("code", one.name));
      const links = cell("td", "", { class: "links" });
      links.append(cell("a", "open", { href: one.open, "aria-label": `open ${one.name}` }));
      if (one.beside) {
        const label = `${one.name} beside the simulation`;
        links.append(
          cell("a", "beside the simulation", { href: one.beside, "aria-label": label }));
      }
      made.append(name, cell("td", one.kernel), cell("td", one.variant), links);
      return made;
    });
    $("recorded-list").replaceChildren(tableOf(heads, body, "table"));
  }

  // ---- the card of a run that cannot be shown

  function refusalCard(run) {
    const titles = { BUSY: "The server is busy", LIMIT: "This is past a limit of this server",
      MISSING: "This recording is not here" };
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
      facts.append(element("dt", name), element("dd", value));
    }
    $("run-retry").hidden = !card.retry;
  }

  function element(name, text) {
    const made = document.createElement(name);
    made.textContent = text;
    return made;
  }

  function cancel(letter) {
    const run = runOf(letter);
    if (!run || !run.key) return;
    fetch(`/api/cancel/${run.key}`, { method: "POST", headers: { "X-Viewer": viewer() } })
      .then((answer) => (answer.ok ? answer.json() : null))
      .then((status) => status && onStatus({ ...status, run: letter }));
  }

  function onError(detail) {
    if (!detail.lost) return;
    if (state.attempt < RESUBMIT_MAX) again();
    else showCard({ title: "The run is gone from the server", text: detail.message || "",
      facts: [], retry: true });
  }

  // ---- view: tabs and zoom in the fragment; they never start a run

  function fragment() {
    return new URLSearchParams(location.hash.slice(1));
  }

  function setFragment(name, value) {
    const view = fragment();
    if (value) view.set(name, value);
    else view.delete(name);
    const text = view.toString();
    const hash = text ? `#${text}` : "";
    if (hash !== location.hash) rewrite(location.pathname + location.search + hash);
  }

  function openTab(name, focus) {
    const chosen = all(".view-tab").find((tab) => tab.dataset.tab === name);
    if (!chosen) return;
    for (const tab of all(".view-tab")) {
      const open = tab === chosen;
      tab.setAttribute("aria-selected", String(open));
      tab.tabIndex = open ? 0 : -1;
      $(tab.getAttribute("aria-controls")).hidden = !open;
    }
    if (focus) chosen.focus();
    setFragment("tab", name === "charts" ? "" : name);
    window.dispatchEvent(new Event("resize"));
    document.dispatchEvent(new CustomEvent("rl:tab", { detail: { tab: name } }));
  }

  function tabKeys(event) {
    const tabs = all(".view-tab");
    const at = tabs.indexOf(event.target);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    openTab(tabs[(to + tabs.length) % tabs.length].dataset.tab, true);
  }

  function restoreView() {
    openTab(fragment().get("tab") || "charts", false);
    document.addEventListener("rl:player", restoreTimes);
  }

  /* Zoom and selection wait for the run: only it says how long it is. */
  function restoreTimes({ detail }) {
    if (!(detail.duration > 0)) return;
    document.removeEventListener("rl:player", restoreTimes);
    const view = fragment();
    const [zoom, chosen] = [spanOf(view.get("t")), spanOf((view.get("sel") || "").slice(2))];
    if (zoom) window.reclaimLab.player.zoom(...zoom);
    if (chosen) window.reclaimLab.selection.set(...chosen);
  }

  /* "10500-12250" in ms as [10.5, 12.25] s. */
  function spanOf(text) {
    const found = /^(\d{1,9})-(\d{1,9})$/.exec(text || "");
    const span = found ? [Number(found[1]) / 1000, Number(found[2]) / 1000] : [0, 0];
    return span[1] > span[0] ? span : null;
  }

  function keepSpan(name, detail, before) {
    const whole = detail.t0 === null || detail.t0 === undefined;
    const ms = (t) => Math.round(t * 1000);
    setFragment(name, whole ? "" : `${before}${ms(detail.t0)}-${ms(detail.t1)}`);
  }

  // ---- copy, sidebar, keys, upload

  function copyLink() {
    const done = (text) => {
      $("share-copied").textContent = text;
      setTimeout(() => { $("share-copied").textContent = ""; }, 2500);
    };
    const byHand = () => {
      const range = document.createRange();
      range.selectNodeContents($("share-link"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      done("press Ctrl+C");
    };
    if (!navigator.clipboard) return byHand();
    navigator.clipboard.writeText(location.href).then(() => done("copied"), byHand);
  }

  function toggleSidebar(open) {
    const root = document.documentElement;
    const closed = open === undefined ? !root.classList.contains("side-closed") : !open;
    root.classList.toggle("side-closed", closed);
    const button = $("shell-sidebar-toggle");
    if (button) button.setAttribute("aria-expanded", String(!closed));
    window.dispatchEvent(new Event("resize"));
  }

  function goto(path) {
    toggleSidebar(true);
    const row = document.querySelector(`.row[data-path="${path}"]`);
    if (!row) return;
    const fold = row.closest("details");
    if (fold) fold.open = true;
    const field = row.querySelector("input");
    if (field) field.focus();
    row.scrollIntoView({ block: "center" });
  }

  function toggleOverlay() {
    const box = document.querySelector("#compare-overlay button");
    if (box && lab().classList.contains("is-paired")) box.click();
  }

  function onKey(event) {
    if (event.target.classList && event.target.classList.contains("view-tab")) tabKeys(event);
    stepKeys(event);
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, [contenteditable], dialog[open]")) return;
    const tabs = all(".view-tab").map((tab) => tab.dataset.tab);
    const act = {
      "?": () => $("shell-keys").showModal(),
      t: () => $("shell-theme").click(),
      s: () => toggleSidebar(),
      c: copyLink,
      o: toggleOverlay,
    }[event.key];
    if (act) act();
    else if (/^[1-7]$/.test(event.key)) openTab(tabs[Number(event.key) - 1], true);
    else return;
    event.preventDefault();
  }

  function onClick(event) {
    const on = (selector) => event.target.closest(selector);
    const button = on("button");
    if (button) {
      if (button.classList.contains("toggle")) toggle(button);
      else if (button.dataset.tab) openTab(button.dataset.tab, false);
      else if (button.dataset.goto) goto(button.dataset.goto);
      else if (button.dataset.cancel) cancel(button.dataset.cancel);
      else if (button.dataset.add) addItem(button.dataset.add);
      else if (button.dataset.remove) removeItem(button.dataset.remove, Number(button.dataset.row));
      else if (button.dataset.close) $(button.dataset.close).close();
      else byId(button.id);
    }
    const link = on('a[href^="/?"], a[href="/"]');
    const plainClick = !(event.ctrlKey || event.metaKey || event.shiftKey || event.button);
    if (link && plainClick && !link.hasAttribute("download") && state.ready) {
      event.preventDefault();
      const search = link.getAttribute("href").slice(1) || "?v=1&seed=1";
      dash().set_props("state-url", { search });
    }
    const presets = $("sidebar-presets");
    if (presets && presets.open && (on(".preset-list a") || !on("#sidebar-presets"))) {
      presets.open = false;
    }
  }

  /* A choice of a list's row: the <data> around the <select> carries it. */
  function onChange(event) {
    const place = event.target.closest("select.select") && event.target.closest("data[id]");
    if (place) dash().set_props(JSON.parse(place.id), { value: event.target.value });
  }

  function byId(id) {
    const root = document.documentElement;
    if (id === "shell-sidebar-toggle") toggleSidebar();
    else if (id === "shell-theme") setTheme(root.dataset.theme === "dark" ? "light" : "dark", true);
    else if (id === "shell-keys-toggle") $("shell-keys").showModal();
    else if (id === "share-copy") copyLink();
    else if (id === "run-retry") again();
  }

  function upload(file) {
    const note = $("recorded-upload-note");
    note.textContent = `Sending ${file.name}…`;
    fetch("/api/recordings", { method: "POST", body: file,
      headers: { "X-File-Name": encodeURIComponent(file.name) } })
      .then((answer) => answer.json().then((body) => ({ ok: answer.ok, body })))
      .then(({ ok, body }) => {
        note.textContent = ok ? `${file.name} is open.` : `${file.name}: ${body.error}`;
        if (!ok) return;
        openTab("charts", false);
        dash().set_props("state-url", { search: body.link.replace(/^\//, "") });
      })
      .catch(() => { note.textContent = `${file.name}: the upload was cut off.`; });
  }

  function dropZone(zone) {
    zone.addEventListener("dragover", (event) => {
      event.preventDefault();
      zone.classList.add("is-over");
    });
    zone.addEventListener("dragleave", () => zone.classList.remove("is-over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("is-over");
      if (event.dataTransfer.files.length) upload(event.dataTransfer.files[0]);
    });
  }

  /* Asked for at each opening: what has been run since has a picture by now. */
  function showThumbs() {
    for (const place of all("[data-thumb]")) {
      const image = element("img", "");
      Object.assign(image, { src: place.dataset.thumb, alt: "", width: 132, height: 36 });
      place.replaceChildren(image);
    }
  }

  /* Inputs that Dash has no component for. */
  function makeInputs() {
    for (const place of all("[data-input]")) {
      if (place.firstChild) continue;
      const input = document.createElement("input");
      input.type = place.dataset.input;
      input.setAttribute("aria-label", place.dataset.inputLabel);
      if (place.dataset.inputPlayer) input.dataset.player = place.dataset.inputPlayer;
      if (input.type === "range") Object.assign(input, { min: 0, max: 1000, value: 0 });
      if (input.type === "file") {
        input.addEventListener("change", () => input.files.length && upload(input.files[0]));
      }
      place.append(input);
    }
  }

  /* Once, when the first page has been drawn. */
  function setup(recordings) {
    if (state.ready) return;
    state.ready = true;
    listRecordings(recordings);
    makeInputs();
    $("sidebar-presets").addEventListener("toggle", (event) => event.target.open && showThumbs());
    if ($("recorded-upload")) dropZone($("recorded-upload"));
    restoreView();
  }

  if (matchMedia("(max-width: 900px)").matches) toggleSidebar(false);
  document.addEventListener("click", onClick);
  document.addEventListener("change", onChange);
  document.addEventListener("keydown", onKey, true);
  document.addEventListener("rl:status", (event) => onStatus(event.detail));
  document.addEventListener("rl:error", (event) => onError(event.detail));
  document.addEventListener("rl:zoom", (event) => keepSpan("t", event.detail, ""));
  document.addEventListener("rl:selection", (event) => keepSpan("sel", event.detail, "t."));
  document.addEventListener("rl:ready", () => setTheme(document.documentElement.dataset.theme));

  (window.reclaimLab = window.reclaimLab || {}).page = {
    items: itemsOf, setList, shown, lastMs, setFragment,
    send(data) {
      state.seq += 1;
      dash().set_props("state-form", { data: { ...data, seq: state.seq } });
    },
  };
  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    lab: { collect, apply, rows, request, load, table },
  });
})();
