/* Changes at the playhead: the inject buttons, and "from here" after a control was changed while
 * the playhead stood inside the run. Both end as interventions in the link.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const STALL_MS = 2000;
  const $ = (id) => document.getElementById(id);
  const offer = () => $("transport-here");
  const state = { target: null, base: null, atMs: 0, sent: null };

  const live = (path) => state.target.live.some((one) =>
    one === path || (one.endsWith("*") && path.startsWith(one.slice(0, -1))));

  /** Of the playhead; at the end of a run there is no after: its middle. */
  function atMs() {
    const { t, duration } = lab.clock.state;
    const at = lab.clock.atEnd() ? duration / 2 : t;
    return Math.floor(at * 1000);
  }

  // ---- from here

  /** A control moved away from what the link says: remember what it was, and when. */
  function changing(moved, target) {
    if (state.base || lab.clock.atEnd() || !moved.every(live)) return;
    state.base = target.values;
    state.atMs = atMs();
  }

  /** The form was sent: from the start, as always; offer the other. */
  function changed(data) {
    const { base } = state;
    state.base = null;
    hide();
    if (!base) return;
    state.sent = { ...data, base, at_ms: state.atMs };
    const at = (state.atMs / 1000).toFixed(2);
    offer().querySelector("[data-here-said]").textContent =
      `Changed from the start of the run; the playhead stood at ${at} s.`;
    offer().hidden = false;
  }

  function hide() {
    state.sent = null;
    if (offer()) offer().hidden = true;
  }

  function take() {
    const { sent } = state;
    if (!sent) return;
    hide();
    lab.clock.resume(sent.at_ms / 1000);
    lab.page.send(sent);
  }

  // ---- inject

  /** The value in force at a time: the last change before it, else the start's. */
  function inForce(what, whose, at) {
    const before = lab.page.items("interventions").map((item) => item.split("."))
      .filter(([t, kind, name]) => Number(t) <= at && kind === what && name === whose);
    const last = before[before.length - 1];
    return last ? Number(last[3]) : state.target.timeline[what][whose].now;
  }

  function inject(what, whose) {
    const at = Math.min(atMs(), lab.page.lastMs());
    const { lo } = state.target.timeline[what][whose];
    const value = what === "stall"
      ? STALL_MS : Math.max(lo, Math.floor(inForce(what, whose, at) / 2));
    const items = [...lab.page.items("interventions"), `${at}.${what}.${whose}.${value}`];
    items.sort((a, b) => parseInt(a, 10) - parseInt(b, 10));
    lab.clock.resume(at / 1000);
    lab.page.setList("interventions", items.join("~"));
  }

  /** The limit is that of the first container; the others are in the list of changes. */
  function show(target) {
    state.target = target;
    const group = document.querySelector(".inject");
    if (!group) return;
    const limit = group.querySelector("[data-inject=limit]");
    const names = Object.keys(target.timeline.limit);
    limit.hidden = !names.length;
    limit.dataset.whose = names[0] || "";
    limit.textContent = `Halve limit of ${names[0]}`;
    limit.title = `memory.limit_in_bytes of ${names[0]} to half, from the playhead on`;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("button");
    if (!button) return;
    if (button.dataset.inject === "stall") inject("stall", "disk");
    else if (button.dataset.inject === "limit") inject("limit", button.dataset.whose);
    else if (button.dataset.here === "take") take();
    else if (button.dataset.here === "keep") hide();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input, select, textarea, dialog[open]")) return;
    if (event.key === "h" && state.sent) take();
  });

  lab.inject = { atMs, changing, changed, show };
})(window);
