/* The controls and their stores: values are sent once they have settled, and show the link's.
 *
 * dash_clientside.lab.* are the clientside callbacks named in dashboard/callbacks.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const SETTLE_MS = 250; // what is typed or dragged settles before the link changes
  const CONTROL = "control";
  const $ = (id) => document.getElementById(id);
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));
  const dash = () => root.dash_clientside;
  const form = {
    target: null, // what the controls shall say, from the last navigate
    sent: null, // values of the last form that was sent
    ahead: null, // the same, until Dash has heard of the press that sent them
    seq: 0,
    timer: 0,
  };

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
    decorate(values);
    const nothing = dash().no_update;
    if (!form.target) return nothing;
    const { ahead } = form;
    form.ahead = null;
    if (ahead && Object.keys(values).every((p) => same(values[p], ahead[p]))) return nothing;
    clearTimeout(form.timer);
    form.timer = 0;
    const moved = movedFrom(form.target, values);
    if (!moved.length) return nothing;
    lab.inject.changing(moved, form.target);
    form.timer = setTimeout(sendValues, SETTLE_MS, values, edit);
    return nothing;
  }

  const movedFrom = (target, values) =>
    Object.keys(values).filter((p) => !same(values[p], target.values[p]));

  function sendValues(values, edit) {
    clearTimeout(form.timer);
    form.timer = 0;
    form.seq += 1;
    form.sent = values;
    const paired = page().classList.contains("is-paired");
    const data = { values, edit: paired ? edit : "a", seq: form.seq };
    lab.start.form(data);
    lab.inject.changed(data);
    // The press is painted first: Dash takes its time.
    setTimeout(() => dash().set_props("state-form", { data }));
  }

  /* A control that is pressed has its value at once: nothing to wait for, not even Dash. */
  function press(path, value) {
    if (!form.target) return;
    const values = { ...lastShown, [path]: value };
    const moved = movedFrom(form.target, values);
    lab.inject.changing(moved, form.target);
    decorate(values);
    form.ahead = values;
    sendValues(values, form.target.edit);
  }

  /* An answer to an older edit never undoes a newer one. */
  function apply(target, recordings) {
    const nothing = dash().no_update;
    if (!target || (target.seq !== null && target.seq < form.seq)) return nothing;
    const before = form.target;
    form.target = target;
    // One set_props wakes every component of the page: only for what differs.
    for (const [path, value] of Object.entries(target.values)) {
      if (same(shown(path), value)) continue;
      const unsent = form.timer && before && form.sent;
      if (unsent && shown(path) !== undefined && !same(shown(path), form.sent[path])) continue;
      dash().set_props({ room: CONTROL, path }, { value });
    }
    if ($("sidebar-edit")) pressed($("sidebar-edit"), target.edit);
    decorate(target.values);
    lab.inject.show(target);
    lab.share.hide(target.hidden);
    document.title = `${target.title} – Reclaim Lab`;
    lab.view.canonical(target);
    lab.recent.look(target);
    lab.setup(recordings);
    return nothing;
  }

  let lastShown = {};
  function shown(path) {
    return lastShown[path];
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
    if (id.room === CONTROL) press(id.path, next);
    setTimeout(() => dash().set_props(id, { value: next }));
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

  /** Values that come not from a control. */
  function send(data) {
    form.seq += 1;
    lab.start.form(data);
    dash().set_props("state-form", { data: { ...data, seq: form.seq } });
  }

  const page = () => document.querySelector(".lab");

  lab.form = { state: form, toggle, stepKeys, page };
  lab.page = Object.assign(lab.page || {}, { shown, send });
  root.dash_clientside = root.dash_clientside || {};
  root.dash_clientside.lab = Object.assign(root.dash_clientside.lab || {}, { collect, apply });
})(window);
