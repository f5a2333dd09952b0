/* One stall explained: a panel beside the charts, in the link as #why=RUN.task.us. */
(function (root) {
  "use strict";

  const lab = root.reclaimLab;
  const AROUND = 0.5;
  const panel = () => document.getElementById("charts-explain");
  let asked = 0;
  let opener = null;

  async function open(run, task, us, focus) {
    const mine = ++asked;
    lab.page.setFragment("why", `${run.label}.${task}.${us}`);
    const response = await fetch(`/api/explain/${run.key}?task=${task}&t_us=${us}`);
    const told = await response.json();
    if (mine !== asked) return;
    const title = lab.make("h2", response.ok ? told.title : "This stall cannot be explained",
      { tabindex: -1 });
    const shut = lab.make("button", "Close", { class: "button small", type: "button" });
    shut.addEventListener("click", close);
    const parts = response.ok ? body(told) : [lab.make("p", told.error)];
    panel().replaceChildren(shut, title, ...parts);
    panel().hidden = false;
    if (focus) title.focus();
  }

  function body(told) {
    const list = lab.make("ol", "", { class: "explain-steps" });
    for (const { begin_ms: begin, length_ms: length, text } of told.steps) {
      const item = lab.make("li");
      const took = length > 0 ? `, ${length.toFixed(3)} ms` : "";
      item.append(lab.make("span", `+${begin.toFixed(3)} ms${took}`, { class: "explain-time" }),
        lab.make("span", text));
      list.append(item);
    }
    const parts = [lab.make("p", told.context), list];
    const quiet = (text) => lab.make("p", text, { class: "quiet" });
    if (!told.steps.length) parts[1] = quiet("No record falls within it.");
    if (told.left_out) parts.push(quiet(`${told.left_out} more steps.`));
    parts.push(lab.make("p", told.outcome, { class: "explain-outcome" }));
    parts.push(...told.missing.map((text) => quiet(`Not recorded: ${text}`)));
    for (const { text, link } of told.flips) {
      const go = lab.make("a", text, { href: link, class: "button" });
      parts.push(go);
    }
    return parts;
  }

  function close() {
    asked += 1;
    lab.page.setFragment("why", "");
    panel().hidden = true;
    if (opener && opener.isConnected) opener.focus();
  }

  document.addEventListener("rl:select", ({ detail }) => {
    const run = lab.runs().find((one) => one.key === detail.key);
    if (detail.kind !== "stalls" || !run || !run.ended) return;
    const stalls = run.events.stalls;
    opener = document.activeElement;
    const k = detail.index;
    if (!lab.clock.state.zoom) {
      const around = Math.max(2 * lab.clock.state.interval, stalls.length[k] * AROUND);
      lab.player.zoom(stalls.begin[k] - around, stalls.t[k] + around);
    }
    open(run, stalls.task[k], Math.round(stalls.t[k] * 1e6), true);
  });

  /** A link that has one opened: as soon as its run is there. */
  document.addEventListener("rl:finished", () => {
    const text = new URLSearchParams(root.location.hash.slice(1)).get("why") || "";
    const found = /^([A-D])\.(\d{1,7})\.(\d{1,16})$/.exec(text);
    const run = found && lab.runs().find((one) => one.label === found[1]);
    if (run && panel().hidden) open(run, Number(found[2]), Number(found[3]), false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && panel() && panel().contains(event.target)) close();
  });
})(window);
