/* Runs are asked for: the link's as soon as this is read, a control's the moment it changes, before
 * Dash has heard of either. What comes back is shown once the page has been drawn.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const state = {
    tries: 0, // of the last question
    asked: 0, // number of the last question: answers to older ones are late
    answered: Promise.resolve(),
    links: [], // of the last question: as it was asked, as it was answered
    answer: null,
    overlay: null, // "on" or "off" once the page has been drawn
  };

  function ask(body, tries = 0) {
    const mine = ++state.asked;
    state.tries = tries;
    state.links = [body.search];
    state.answered = fetch("/api/start", {
      method: "POST", body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", "X-Viewer": lab.viewer },
    })
      .then((answer) => answer.json().then((told) => ({ ok: answer.ok, told })))
      .then(({ ok, told }) => {
        if (!ok) throw new Error(told.error);
        if (mine !== state.asked) return;
        state.links = [told.search];
        if (!body.form) state.links.push(body.search);
        state.answer = told;
        show();
      })
      .catch((error) => mine === state.asked && lab.runLine.unanswered(error));
  }

  function show() {
    if (state.answer && state.overlay !== null) lab.runLine.load(state.answer, state.overlay);
  }

  /** What a link names, unless that is what was asked for last. */
  function link(search) {
    const wanted = search || "";
    state.answered.then(() => state.links.includes(wanted) || ask({ search: wanted }));
  }

  /** What the controls say. */
  const form = (data) => ask({ search: location.search, form: data });

  const again = (search) => ask({ search }, state.tries + 1);

  const callbacks = {
    follow(search) {
      link(search);
      return root.dash_clientside.no_update;
    },
    show(overlay) {
      state.overlay = overlay || "off";
      show();
      return root.dash_clientside.no_update;
    },
  };

  lab.start = { link, form, again, tries: () => state.tries };
  root.dash_clientside = root.dash_clientside || {};
  root.dash_clientside.lab = Object.assign(root.dash_clientside.lab || {}, callbacks);
  ask({ search: location.search });
})(window);
