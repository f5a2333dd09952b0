/* Where A and the other runs part: the first record that differs, with a way to it. */
(function (root) {
  "use strict";

  const lab = root.reclaimLab;
  const AROUND_S = 0.5;

  const place = () => document.querySelector(".parting");

  function make(name, words, attributes) {
    const made = document.createElement(name);
    made.textContent = words;
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    return made;
  }

  async function ask() {
    const [a, ...others] = lab.runs();
    if (!others.length) {
      return place().replaceChildren(make("p", "Press Overlay first: it loads B."));
    }
    place().replaceChildren(make("p", "Comparing record by record…", { class: "quiet" }));
    const made = await Promise.all(others.map((other) => parting(a, other)));
    const same = [a, ...others].every((run, i) => lab.runs()[i] === run);
    return place().replaceChildren(...(same ? made.flat() : []));
  }

  /** What is said of one of them. */
  async function parting(a, other) {
    const name = other.label;
    const say = (words) => [make("p", words)];
    const answer = await fetch(`/api/divergence/${a.key}/${other.key}?other=${name}`,
      { headers: { "X-Viewer": lab.viewer } });
    const told = await answer.json();
    if (answer.status === 202) return say("This comes when both runs are done: ask again.");
    if (!answer.ok) return say(told.error || `The server answered ${answer.status}.`);
    if (!told.family) return say(`Nowhere: every recorded event of A and ${name} is the same.`);
    return shown(told, name);
  }

  function shown(told, name) {
    const t = told.t_ns / 1e9;
    const go = make("button", `Show ${t.toFixed(3)} s in the charts`,
      { class: "button", type: "button" });
    go.addEventListener("click", () => {
      document.getElementById("tab-charts").click();
      lab.player.zoom(t - AROUND_S, t + AROUND_S);
      lab.player.seek(t);
      document.getElementById("tab-charts").scrollIntoView();
    });
    const more = document.createElement("details");
    more.append(make("summary", "What each does next"));
    for (const [letter, lines] of [["A", told.a], [name, told.b]]) {
      const list = make("ol", "", { "aria-label": `Run ${letter}` });
      list.append(...lines.map((line) => make("li", `${letter}: ${line}`)));
      more.append(list);
    }
    return [make("p", told.sentence), go, more];
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest && event.target.closest("[data-parting]")) ask();
  });
  document.addEventListener("rl:status", ({ detail }) => {
    if (detail.state !== "DONE" && place()) place().replaceChildren();
  });
})(window);
