/* The scenarios that a visitor has looked at, newest first. This browser keeps them and sends them
 * nowhere; where it keeps nothing, the open page still remembers its own.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const KEY = "reclaim-lab-recent";
  const MOST = 20;
  const LOOKED_MS = 1500; // what is only passed through, key by key, has not been looked at
  const LINK = /^\?[\w.~&=%-]{1,2000}$/; // of our own making, whoever else writes into the storage
  const CLOSED = "This browser keeps nothing: they are gone with this page.";
  const state = { own: [], closed: false, link: "", timer: 0 };
  const place = () => document.getElementById("compare-recent");
  const embedded = () => document.documentElement.classList.contains("embed");

  const valid = (one) => Boolean(one) && typeof one.name === "string"
    && typeof one.changes === "string" && typeof one.link === "string" && LINK.test(one.link);

  /* Private mode, a full disk, a policy: the page works without. */
  function tried(act) {
    try {
      return act();
    } catch (error) {
      state.closed = true;
      console.info(`not kept: recent scenarios (${error.name})`);
      return null;
    }
  }

  function parsed(text) {
    try {
      const found = JSON.parse(text);
      return Array.isArray(found) ? found.filter(valid).slice(0, MOST) : [];
    } catch (error) {
      console.info(`recent scenarios cannot be read (${error.name})`);
      return [];
    }
  }

  /** Read each time: other windows write, too. */
  function list() {
    const text = state.closed ? null : tried(() => localStorage.getItem(KEY));
    return state.closed ? state.own : parsed(text || "[]");
  }

  function keep(entries) {
    state.own = entries;
    if (!state.closed) tried(() => localStorage.setItem(KEY, JSON.stringify(entries)));
    show();
  }

  /** The link has changed: it counts once it has stayed for a while. */
  function look({ link, name, changes }) {
    clearTimeout(state.timer);
    state.link = link;
    const entry = { link, name, changes };
    if (!embedded() && valid(entry)) state.timer = setTimeout(add, LOOKED_MS, entry);
    show();
  }

  function add(entry) {
    keep([entry, ...list().filter((one) => one.link !== entry.link)].slice(0, MOST));
  }

  function clear() {
    state.own = [];
    if (!state.closed) tried(() => localStorage.removeItem(KEY));
    show();
    place().querySelector("summary").focus();
  }

  const others = () => list().filter((one) => one.link !== state.link);

  function show() {
    const box = place();
    if (!box || !box.open) return;
    const entries = list();
    box.querySelector("[data-recent]").replaceChildren(...entries.map(row));
    box.querySelector("[data-recent-clear]").hidden = !entries.length;
    box.querySelector("[data-recent-said]").textContent = state.closed ? CLOSED
      : entries.length ? "Kept by this browser, sent nowhere." : "None yet.";
  }

  function row({ link, name, changes }) {
    const made = lab.make("a", "", { href: `/${link}` });
    if (link === state.link) made.setAttribute("aria-current", "page");
    made.append(lab.make("span", name, { class: "recent-name" }),
      lab.make("span", changes, { class: "recent-changes" }));
    const item = lab.make("li");
    item.append(made);
    return item;
  }

  document.addEventListener("toggle", (event) => event.target === place() && show(), true);
  document.addEventListener("click", (event) => {
    const box = event.target.closest && event.target.closest("#compare-recent");
    if (!box) return;
    if (event.target.closest("[data-recent-clear]")) clear();
    const plain = !(event.ctrlKey || event.metaKey || event.shiftKey);
    if (!event.target.closest("a") || !plain) return;
    box.open = false;
    box.querySelector("summary").focus();
  });
  root.addEventListener("storage", (event) => event.key === KEY && show());

  lab.recent = { look, others };
})(window);
