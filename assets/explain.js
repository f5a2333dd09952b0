/* One stall explained: a panel beside the charts, in the link as #why=RUN.task.us. */
(function (root) {
  "use strict";

  const lab = root.reclaimLab;
  const AROUND = 0.5;
  const panel = () => document.getElementById("charts-explain");
  let asked = 0;
  let opener = null;

  function make(name, text, attributes) {
    const made = document.createElement(name);
    made.textContent = text || "";
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    return made;
  }

  async function open(run, task, us, focus) {
    const mine = ++asked;
    lab.page.setFragment("why", `${run.label}.${task}.${us}`);
    const response = await fetch(`/api/explain/${run.key}?task=${task}&t_us=${us}`);
    const told = await response.json();
    if (mine !== asked) return;
    const title = make("h2", response.ok ? told.title : "This stall cannot be explained",
      { tabindex: -1 });
    const shut = make("button", "Close", { class: "button small", type: "button" });
    shut.addEventListener("click", close);
    panel().replaceChildren(shut, title, ...(response.ok ? body(told) : [make("p", told.error)]));
    panel().hidden = false;
    if (focus) title.focus();
  }

  function body(told) {
    const list = make("ol", "", { class: "explain-steps" });
    for (const { begin_ms: begin, length_ms: length, text } of told.steps) {
      const item = make("li");
      const took = length > 0 ? `, ${length.toFixed(3)} ms` : "";
      item.append(make("span", `+${begin.toFixed(3)} ms${took}`, { class: "explain-time" }),
        make("span", text));
      list.append(item);
    }
    const parts = [make("p", told.context), list];
    if (!told.steps.length) parts[1] = make("p", "No record falls within it.", { class: "quiet" });
    if (told.left_out) parts.push(make("p", `${told.left_out} more steps.`, { class: "quiet" }));
    parts.push(make("p", told.outcome, { class: "explain-outcome" }));
    parts.push(...told.missing.map((text) => make("p", `Not recorded: ${text}`,
      { class: "quiet" })));
    for (const { text, link } of told.flips) {
      const go = make("a", text, { href: link, class: "button" });
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
