/* The page's charts come and go with their sections; playback moves a veil over drawn charts, and
 * buttons act on one chart or on all.
 *
 * Interface: reclaimLab.setTheme, setLink, theme, spec; event rl:ready on document.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const { board } = lab;
  const READOUT_MS = 120;

  const url = () => board.link || root.location.href;

  function preferredTheme() {
    const said = document.documentElement.dataset.theme;
    if (said === "dark" || said === "light") return said;
    return root.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  let seen = null;
  const sized = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const chart = [...board.charts.values()].find((c) => c.plot === target);
      if (!chart || chart.width === target.clientWidth) continue;
      chart.width = target.clientWidth;
      chart.needs(true);
    }
    lab.timeAxis.draw();
    board.schedule();
  });

  /** Sections come and go with Dash's rendering: take up new ones, forget those that are gone. */
  function findSections() {
    if (!board.ready) return;
    for (const [section, chart] of board.charts) {
      if (section.isConnected && chart.plot.isConnected) continue;
      board.charts.delete(section);
      seen.unobserve(section);
      sized.unobserve(chart.plot);
    }
    for (const section of document.querySelectorAll("[data-figure]")) {
      if (board.charts.has(section) || !board.specs[section.dataset.figure]) continue;
      const chart = new lab.Chart(section);
      board.charts.set(section, chart);
      seen.observe(section);
      sized.observe(chart.plot);
    }
    lab.clock.showBar();
    lab.runsSaid.show();
    lab.timeAxis.draw();
    board.schedule();
  }

  function onSeen(entries) {
    for (const { target, isIntersecting } of entries) {
      const chart = board.charts.get(target);
      if (!chart) continue;
      chart.visible = isIntersecting;
      if (isIntersecting) {
        chart.place();
        chart.readout.read();
      }
    }
    board.schedule();
  }

  async function onAction(button) {
    const chart = board.charts.get(button.closest("[data-figure]"));
    const { action } = button.dataset;
    if (!chart || !board.runs.some((run) => run.version)) return;
    if (action === "table") {
      chart.table.hidden = !chart.table.hidden;
      button.setAttribute("aria-expanded", String(!chart.table.hidden));
      if (!chart.table.hidden) chart.fillTable();
      return;
    }
    button.disabled = true;
    try {
      await lab.exports.run(action, chart.spec, board.runs, board.theme, {
        zoom: chart.zoom, at: chart.at, hidden: chart.off, url: chart.link(url()),
        height: chart.plot.clientHeight,
      });
    } catch (error) {
      board.trouble(`No ${action}: ${error.message}`);
    } finally {
      button.disabled = false;
    }
  }

  function listen() {
    let readAt = 0;
    let zoomed = "";
    lab.onClock((state) => {
      for (const chart of board.charts.values()) {
        chart.place();
        chart.follow(state);
      }
      board.schedule();
      if (board.theme) lab.timeAxis.place();
      if (!state.playing || performance.now() - readAt > READOUT_MS) {
        readAt = performance.now();
        for (const chart of board.charts.values()) chart.readout.read();
      }
      const zoom = (state.zoom || []).join();
      if (zoom !== zoomed) {
        zoomed = zoom;
        for (const chart of board.charts.values()) {
          if (chart.timed || chart.moment) chart.needs(true);
        }
        lab.timeAxis.draw();
        board.schedule();
      }
    });
    document.addEventListener("rl:selection", () => {
      for (const chart of board.charts.values()) chart.place();
    });
    document.addEventListener("click", (event) => {
      const target = event.target.closest && event.target.closest("button");
      if (target && target.dataset.issuer) switchIssuer(target.dataset.issuer);
      if (!target || !target.closest("[data-figure]")) return;
      if (target.dataset.action) onAction(target);
      else if (target.dataset.group) {
        board.charts.get(target.closest("[data-figure]")).readout.toggle(target.dataset.group);
      }
    });
    for (const name of ["pointerdown", "keydown", "wheel"]) {
      const noted = () => {
        board.lastInput = performance.now();
      };
      document.addEventListener(name, noted, { passive: true, capture: true });
    }
  }

  /** In every chart. */
  function switchIssuer(label) {
    if (!board.off.delete(label)) board.off.add(label);
    for (const button of document.querySelectorAll("button[data-issuer]")) {
      button.setAttribute("aria-pressed", String(!board.off.has(button.dataset.issuer)));
    }
    board.allNeed(true);
  }

  const plotlyLoaded = () => new Promise((resolve, reject) => {
    let tries = 0;
    const look = () => {
      if (root.Plotly) resolve();
      else if (++tries > 600) reject(new Error("plotly.js did not load"));
      else setTimeout(look, 50);
    };
    look();
  });

  async function start() {
    listen();
    try {
      await Promise.all([board.setTheme(board.themeName || preferredTheme()), plotlyLoaded()]);
    } catch (error) {
      board.trouble(error.message);
      return;
    }
    seen = new IntersectionObserver(onSeen, { rootMargin: "120px" });
    board.ready = true;
    findSections();
    let pending = 0;
    new MutationObserver((changes) => {
      const inside = "[data-figure-part], [data-player], .figure-tip";
      const ours = (node) => node.nodeType === 1 && node.closest(inside);
      if (changes.every(({ target }) => ours(target))) return;
      pending = pending || requestAnimationFrame(() => {
        pending = 0;
        findSections();
      });
    }).observe(document.body, { childList: true, subtree: true });
    lab.fire("rl:ready", {});
  }

  Object.assign(lab, {
    setTheme: board.setTheme,
    setLink: (link) => { board.link = link; },
    theme: () => board.theme,
    spec: (name) => board.specs[name],
  });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else setTimeout(start, 0);
})(window);
