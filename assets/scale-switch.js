/* A linear axis or another, a switch in the tools of a chart: logarithmic where values span
 * decades, two bands where requests go to far apart places of the disk. What differs from a
 * chart's own choice stands in the link: #log=seeks.throughput&lin=stall_cdf&bands=io_offset
 */
(function (root) {
  "use strict";

  const lab = root.reclaimLab;
  const { board } = lab;
  const KEYS = { log: "log", lin: "linear", bands: "bands" };
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const nameOf = (button) => button.closest("[data-figure]").dataset.figure;

  /** What the link says; names of charts without a switch say nothing. */
  function restore() {
    const view = new URLSearchParams(location.hash.slice(1));
    const said = new Map();
    for (const [key, scale] of Object.entries(KEYS)) {
      for (const name of (view.get(key) || "").split(".")) said.set(name, scale);
    }
    board.scales.clear();
    for (const button of all("button[data-scale]")) {
      const scale = said.get(nameOf(button));
      if (scale === button.dataset.other) board.scales.set(nameOf(button), scale);
      show(button);
    }
    if (board.scales.size) draw(board.scales);
  }

  const scaleOf = (button) => board.scales.get(nameOf(button)) || button.dataset.scale;

  const show = (button) =>
    button.setAttribute("aria-pressed", String(scaleOf(button) !== "linear"));

  function draw(names) {
    for (const chart of board.charts.values()) if (names.has(chart.name)) chart.needs(true);
    board.schedule();
  }

  /** What has been switched, as keys of a link: [["log", "seeks.throughput"], ...] */
  const keys = () => Object.entries(KEYS).map(([key, scale]) =>
    [key, [...board.scales].filter(([, set]) => set === scale).map(([of]) => of).sort().join(".")])
    .filter(([, names]) => names);

  function press(button) {
    const name = nameOf(button);
    if (!board.scales.delete(name)) board.scales.set(name, button.dataset.other);
    show(button);
    for (const [key, scale] of Object.entries(KEYS)) {
      const names = [...board.scales].filter(([, set]) => set === scale).map(([of]) => of);
      lab.page.setFragment(key, names.sort().join("."));
    }
    draw(new Set([name]));
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("button[data-scale]");
    if (button) press(button);
  });

  lab.scaleSwitch = { restore, keys };
})(window);
