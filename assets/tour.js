/* The tour: a few sentences, each beside the thing it speaks of. Steps come from the layout. */
(function () {
  "use strict";

  const GAP = 10;
  let at = -1;
  const box = () => document.getElementById("shell-tour");
  const steps = () => Array.from(box().querySelectorAll("[data-step]"));
  const target = () => document.getElementById(steps()[at].dataset.step);

  function go(next) {
    const list = steps();
    if (next < 0) return;
    leave();
    if (next >= list.length) {
      end();
      return;
    }
    at = next;
    list.forEach((step, i) => { step.hidden = i !== at; });
    box().querySelector("[data-tour-count]").textContent = `${at + 1} of ${list.length}`;
    box().querySelector("[data-tour=back]").disabled = at === 0;
    box().querySelector("[data-tour=next]").textContent = at === list.length - 1 ? "Done" : "Next";
    const shown = target();
    if (shown && shown.offsetParent !== null) {
      shown.classList.add("is-toured");
      shown.scrollIntoView({ block: "center" });
    }
    place(shown);
  }

  function leave() {
    for (const shown of document.querySelectorAll(".is-toured")) {
      shown.classList.remove("is-toured");
    }
  }

  /** Below the thing, or above it, or in the corner when it is not there (a closed sidebar). */
  function place(shown) {
    const tour = box();
    const own = tour.getBoundingClientRect();
    const there = shown && shown.offsetParent !== null ? shown.getBoundingClientRect() : null;
    const most = { x: innerWidth - own.width - GAP, y: innerHeight - own.height - GAP };
    let [x, y] = [most.x, most.y];
    if (there) {
      x = there.left;
      const [below, above] = [there.bottom + GAP, there.top - own.height - GAP];
      y = below <= most.y ? below : Math.max(GAP, above);
    }
    tour.style.left = `${Math.max(GAP, Math.min(x, most.x))}px`;
    tour.style.top = `${Math.max(GAP, Math.min(y, most.y))}px`;
  }

  function start() {
    const charts = document.getElementById("tab-charts");
    if (charts) charts.click();
    const sheet = document.querySelector("dialog[open]:not(.tour)");
    if (sheet) sheet.close();
    if (!box().open) box().show();
    go(0);
    box().querySelector("[data-tour=next]").focus();
  }

  function end() {
    leave();
    at = -1;
    if (box().open) box().close();
    const begin = document.querySelector("[data-tour=start]");
    if (begin) begin.focus();
  }

  const ACTIONS = { start, back: () => go(at - 1), next: () => go(at + 1), end };

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-tour]");
    if (button) ACTIONS[button.dataset.tour]();
  });
  document.addEventListener("keydown", (event) => {
    if (at < 0 || event.key !== "Escape") return;
    event.stopPropagation();
    end();
  }, true);
  addEventListener("resize", () => at >= 0 && place(target()));
})();
