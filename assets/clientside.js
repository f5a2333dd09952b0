/* The page's own behaviour: keys, clicks, sidebar, upload; set up once. */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const $ = (id) => document.getElementById(id);
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));
  const dash = () => root.dash_clientside;
  let ready = false;

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
    const { classList } = document.documentElement;
    const closed = open === undefined ? !classList.contains("side-closed") : !open;
    classList.toggle("side-closed", closed);
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
    if (box && lab.form.page().classList.contains("is-paired")) box.click();
  }

  function onKey(event) {
    const { classList } = event.target;
    if (classList && classList.contains("view-tab")) lab.view.tabKeys(event);
    lab.form.stepKeys(event);
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
    else if (/^[1-8]$/.test(event.key)) lab.view.openTab(tabs[Number(event.key) - 1], true);
    else return;
    event.preventDefault();
  }

  function onClick(event) {
    const on = (selector) => event.target.closest(selector);
    const button = on("button");
    if (button) {
      if (button.closest(".toggles")) lab.form.toggle(button);
      else if (button.dataset.tab) lab.view.openTab(button.dataset.tab, false);
      else if (button.dataset.goto) goto(button.dataset.goto);
      else if (button.dataset.cancel) lab.runLine.cancel(button.dataset.cancel);
      else if (button.dataset.add) lab.lists.addItem(button.dataset.add);
      else if (button.dataset.remove) {
        lab.lists.removeItem(button.dataset.remove, Number(button.dataset.row));
      }
      else if (button.dataset.close) $(button.dataset.close).close();
      else byId(button.id);
    }
    const link = on('a[href^="/?"], a[href="/"]');
    const plainClick = !(event.ctrlKey || event.metaKey || event.shiftKey || event.button);
    if (link && plainClick && !link.hasAttribute("download") && ready) {
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
    if (id === "shell-sidebar-toggle") toggleSidebar();
    else if (id === "shell-keys-toggle") $("shell-keys").showModal();
    else if (id === "share-copy") copyLink();
    else if (id === "run-retry") lab.runLine.again();
  }

  /* A series.csv is a recording too: a trace to be replayed has these columns. */
  function roomOf(file) {
    if (/\.fio$/i.test(file.name)) return Promise.resolve("jobfiles");
    if (!/\.csv$/i.test(file.name)) return Promise.resolve("recordings");
    return file.slice(0, 200).text().then((text) => {
      const columns = text.split(/\r?\n/)[0].toLowerCase().split(",").map((name) => name.trim());
      return columns.includes("op") && columns.includes("offset") ? "traces" : "recordings";
    });
  }

  function upload(file) {
    const note = $("recorded-upload-note");
    note.textContent = `Sending ${file.name}…`;
    roomOf(file).then((room) => fetch(`/api/${room}`, { method: "POST", body: file,
      headers: { "X-File-Name": encodeURIComponent(file.name) } }))
      .then((answer) => answer.json().then((body) => ({ ok: answer.ok, body })))
      .then(({ ok, body }) => {
        note.textContent = ok ? `${file.name} is open.` : `${file.name}: ${body.error}`;
        if (!ok) return;
        lab.view.openTab("charts", false);
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
      const image = lab.make("img", "");
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
    if (ready) return;
    ready = true;
    lab.listRecordings(recordings);
    makeInputs();
    lab.sweep.restore();
    $("sidebar-presets").addEventListener("toggle", (event) => event.target.open && showThumbs());
    if ($("recorded-upload")) dropZone($("recorded-upload"));
    lab.view.restore();
  }

  if (matchMedia("(max-width: 900px)").matches) toggleSidebar(false);
  document.addEventListener("click", onClick);
  document.addEventListener("change", onChange);
  document.addEventListener("keydown", onKey, true);
  lab.setup = setup;
})(window);
