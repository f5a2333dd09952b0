/* The time axis that all charts share, with the time under the cursor or the playhead. */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const { board } = lab;
  const drawn = new WeakMap();

  function draw() {
    if (!board.theme) return;
    for (const axis of document.querySelectorAll('[data-player="axis"]')) {
      const { duration, zoom } = lab.clock.state;
      const [begin, end] = zoom || [0, duration];
      const { margin_left: left, margin_right: right, muted, font } = board.theme;
      const width = axis.clientWidth - left - right;
      const key = [begin, end, width, board.themeName].join();
      if (drawn.get(axis)?.key === key || width < 50) continue;
      drawn.set(axis, { key, width });
      axis.replaceChildren();
      if (!(end > begin)) continue;
      const parts = Math.max(2, Math.floor(width / 80));
      const step = lab.charts.niceRange(0, end - begin, parts)[2];
      const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
      for (let t = Math.ceil(begin / step - 1e-9) * step; t <= end + step * 1e-6; t += step) {
        const x = left + ((t - begin) / (end - begin)) * width;
        const tick = lab.element("span", "axis-tick", {
          position: "absolute", left: `${x.toFixed(1)}px`, top: "3px",
          transform: "translateX(-50%)", font: `10px ${font}`, color: muted,
        });
        tick.textContent = `${t.toFixed(digits)}${t + step > end + step * 1e-6 ? " s" : ""}`;
        axis.append(tick);
      }
      const flag = lab.element("span", "axis-flag", {
        position: "absolute", top: "1px", left: `${left}px`, display: "none", padding: "1px 4px",
        borderRadius: "3px", font: `10px ${font}`, background: board.theme.ink,
        color: board.theme.background,
      });
      axis.append(flag);
    }
    place();
  }

  function place() {
    const { duration, zoom, t } = lab.clock.state;
    const [begin, end] = zoom || [0, duration];
    for (const axis of document.querySelectorAll('[data-player="axis"]')) {
      const flag = axis.querySelector(".axis-flag");
      if (!flag) continue;
      const at = board.cursor === null ? t : board.cursor;
      const { width } = drawn.get(axis);
      const x = ((at - begin) / (end - begin)) * width;
      const visible = (board.cursor !== null || !lab.clock.atEnd()) && x >= 0 && x <= width;
      flag.style.display = visible ? "block" : "none";
      if (!visible) continue;
      flag.textContent = `${at.toFixed(end - begin < 2 ? 4 : 2)} s`;
      flag.style.transform = `translateX(calc(${x.toFixed(1)}px - 50%))`;
    }
  }

  lab.timeAxis = { draw, place };
})(window);
